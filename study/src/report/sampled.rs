//! What the page of a report says of the sampled proofs, gathered one after the other: no more than the correct ones of
//! one round are in memory at a time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use anyhow::Result;
use regex::Regex;
use serde::Serialize;
use stp_datasets::{Attempt, Ledger, Phase};

/// Slow proofs that are shown.
const SLOWEST: usize = 20;
/// Slow proofs that are kept in mind before the quicker ones of them are dropped.
const CANDIDATES: usize = 50 * SLOWEST;
/// Tactics whose use is counted, by the words that begin them.
const TACTICS: [&str; 16] = [
    "simp",
    "omega",
    "rw",
    "exact",
    "induction",
    "cases",
    "rcases",
    "apply",
    "intro",
    "rfl",
    "decide",
    "grind",
    "simp_all",
    "have",
    "constructor",
    "calc",
];

static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z_][A-Za-z_0-9']*").ok());

/// The distinct correct proofs that a round found.
#[derive(Debug, Serialize)]
pub struct ProofShape {
    round: u32,
    proofs: usize,
    /// Distinct proofs for each proved statement.
    per_statement: f64,
    /// Median length in characters.
    length: usize,
    /// Share of the proofs that use a tactic.
    tactics: BTreeMap<&'static str, f64>,
}

/// A proof that took long.
#[derive(Debug, Serialize)]
pub struct Slow {
    statement: String,
    round: u32,
    status: String,
    elapsed_ms: u32,
    proof: String,
}

/// Sampled tokens and proofs of one phase of a round.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Amount {
    pub(super) tokens: f64,
    pub(super) proofs: f64,
}

/// What all sampled proofs of a run come to.
#[derive(Debug, Default)]
pub(super) struct SampledProofs {
    /// For each round: what the correct proofs are like.
    pub(super) shapes: Vec<ProofShape>,
    /// The proofs that took Lean longest.
    pub(super) slowest: Vec<Slow>,
    /// How much was sampled.
    pub(super) amounts: HashMap<(u32, Phase), Amount>,
}

impl SampledProofs {
    /// Reads the rounds up to `last`.
    pub(super) fn read(ledger: &Ledger, last: u32) -> Result<Self> {
        let mut sampled = Self::default();
        for round in 0..=last {
            let mut proofs = BTreeSet::new();
            for phase in [Phase::Train, Phase::Valid] {
                ledger.each_attempt(round, phase, |attempt| sampled.note(attempt, &mut proofs))?;
            }
            if !proofs.is_empty() {
                sampled.shapes.push(shape(round, &proofs));
            }
        }
        sampled.forget_quick_ones();
        Ok(sampled)
    }

    /// Counts one more; a correct one on training statements goes to `proofs` of its round.
    fn note(&mut self, attempt: Attempt, proofs: &mut BTreeSet<(String, String)>) {
        let amount = self.amounts.entry((attempt.round, attempt.phase)).or_default();
        amount.tokens += f64::from(attempt.tokens);
        amount.proofs += 1.0;
        let Some(verdict) = attempt.verdict else { return };
        if attempt.phase == Phase::Train && verdict.is_proved() {
            proofs.insert((attempt.statement.clone(), attempt.proof.clone()));
        }
        self.slowest.push(Slow {
            statement: attempt.statement,
            round: attempt.round,
            status: verdict.status.as_str().to_owned(),
            elapsed_ms: verdict.elapsed_ms,
            proof: attempt.proof,
        });
        if self.slowest.len() >= CANDIDATES {
            self.forget_quick_ones();
        }
    }

    /// Of equally slow proofs of a statement, the first ones stay.
    fn forget_quick_ones(&mut self) {
        self.slowest.sort_by_cached_key(|slow| (Reverse(slow.elapsed_ms), slow.statement.clone()));
        self.slowest.truncate(SLOWEST);
    }
}

fn shape(round: u32, proofs: &BTreeSet<(String, String)>) -> ProofShape {
    let statements: BTreeSet<_> = proofs.iter().map(|(statement, _)| statement).collect();
    let mut lengths: Vec<_> = proofs.iter().map(|(_, proof)| proof.chars().count()).collect();
    lengths.sort_unstable();
    let mut tactics: BTreeMap<&'static str, f64> = BTreeMap::new();
    for (_, proof) in proofs {
        for tactic in used(proof) {
            *tactics.entry(tactic).or_default() += 1.0 / proofs.len() as f64;
        }
    }
    ProofShape {
        round,
        proofs: proofs.len(),
        per_statement: proofs.len() as f64 / statements.len().max(1) as f64,
        length: lengths.get(lengths.len() / 2).copied().unwrap_or_default(),
        tactics,
    }
}

fn used(proof: &str) -> BTreeSet<&'static str> {
    let words = WORD.iter().flat_map(|word| word.find_iter(proof));
    words.filter_map(|word| TACTICS.into_iter().find(|tactic| *tactic == word.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::{Status, Verdict};

    #[test]
    fn tactics_are_found_as_words() {
        assert_eq!(
            used("by\n  simp_all [rw_lemma]; omega").into_iter().collect::<Vec<_>>(),
            ["omega", "simp_all"]
        );
    }

    #[test]
    fn the_slowest_of_very_many_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let many = u32::try_from(CANDIDATES).unwrap() + 10;
        let attempt = |sample: u32| Attempt {
            round: 1,
            phase: Phase::Train,
            statement: format!("s{}", sample % 3),
            sample,
            proof: format!("by x{sample}"),
            tokens: 2,
            logprob: 0.0,
            verdict: Some(Verdict {
                // The slow ones are spread over them all.
                elapsed_ms: if sample.is_multiple_of(50) { 5000 + sample } else { sample % 7 },
                ..Verdict::new(Status::Proved, "")
            }),
        };
        ledger.record_attempts(&(0..many).map(attempt).collect::<Vec<_>>()).unwrap();
        let sampled = SampledProofs::read(&ledger, 1).unwrap();
        let mut slow: Vec<u32> =
            (0..many).filter(|sample| sample % 50 == 0).map(|sample| 5000 + sample).collect();
        slow.reverse();
        slow.truncate(SLOWEST);
        assert_eq!(sampled.slowest.iter().map(|it| it.elapsed_ms).collect::<Vec<_>>(), slow);
        let amount = sampled.amounts[&(1, Phase::Train)];
        assert_eq!((amount.proofs, amount.tokens), (f64::from(many), f64::from(2 * many)));
        assert_eq!((sampled.shapes.len(), sampled.shapes[0].proofs), (1, CANDIDATES + 10));
    }
}
