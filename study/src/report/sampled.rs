//! What the page of a report says of the sampled proofs, gathered one after the other: no more than the correct ones of
//! one round are in memory at a time, and a few attempts at each statement.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use anyhow::Result;
use regex::Regex;
use serde::Serialize;
use stp_datasets::{Attempt, Ledger, Phase};

use super::failures::{CountedFailures, Failures};
use super::kept::KeptAttempts;
use super::slow::{Slow, WatchedTimes};

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

/// What the judged proofs of one phase of a round took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Amount {
    pub(super) tokens: f64,
    pub(super) proofs: f64,
    /// Time that Lean spent on them.
    pub(super) lean_seconds: f64,
}

/// What all sampled proofs of a run come to.
#[derive(Debug)]
pub(super) struct SampledProofs {
    /// For each round: what the correct proofs are like.
    pub(super) shapes: Vec<ProofShape>,
    /// What took Lean longest.
    pub(super) slow: Slow,
    /// Why proofs failed.
    pub(super) failures: Failures,
    /// How much was sampled.
    pub(super) amounts: HashMap<(u32, Phase), Amount>,
    /// What is shown of each statement.
    pub(super) kept: KeptAttempts,
}

impl SampledProofs {
    /// Reads the rounds up to `last`, with the signatures of all statements, and keeps attempts as `kept` wants them.
    pub(super) fn read(
        ledger: &Ledger,
        last: u32,
        signatures: &HashMap<String, String>,
        kept: KeptAttempts,
    ) -> Result<Self> {
        let mut reading = Reading {
            signatures,
            kept,
            amounts: HashMap::new(),
            failures: CountedFailures::default(),
            times: WatchedTimes::default(),
        };
        let mut shapes = Vec::new();
        for round in 0..=last {
            let mut proofs = BTreeSet::new();
            for phase in Phase::ALL {
                ledger.each_attempt(round, phase, |attempt| reading.note(attempt, &mut proofs))?;
            }
            if !proofs.is_empty() {
                shapes.push(shape(round, &proofs));
            }
        }
        Ok(Self {
            shapes,
            slow: reading.times.finish(),
            failures: reading.failures.finish(),
            amounts: reading.amounts,
            kept: reading.kept,
        })
    }
}

/// All that is counted while attempts go by.
struct Reading<'a> {
    signatures: &'a HashMap<String, String>,
    amounts: HashMap<(u32, Phase), Amount>,
    failures: CountedFailures,
    times: WatchedTimes,
    kept: KeptAttempts,
}

impl Reading<'_> {
    /// Counts one more; a correct one on training statements goes to `proofs` of its round.
    fn note(&mut self, attempt: Attempt, proofs: &mut BTreeSet<(String, String)>) {
        let is_sampled = matches!(attempt.phase, Phase::Train | Phase::Valid);
        let amount = self.amounts.entry((attempt.round, attempt.phase)).or_default();
        amount.tokens += f64::from(attempt.tokens);
        amount.proofs += 1.0;
        let mut kind = None;
        if let Some(verdict) = &attempt.verdict {
            amount.lean_seconds += f64::from(verdict.elapsed_ms) / 1000.0;
            let signature = self.signatures.get(&attempt.statement).map(String::as_str).unwrap_or_default();
            if is_sampled {
                kind = self.failures.note(&attempt, verdict, signature);
                self.times.note(&attempt, verdict, kind, signature);
            }
        }
        self.kept.note(&attempt, kind);
        if attempt.phase == Phase::Train && attempt.is_proved() {
            proofs.insert((attempt.statement, attempt.proof));
        }
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
    fn attempts_are_counted_by_round_and_phase() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let attempt = |sample: u32, phase, status| Attempt {
            round: 1,
            phase,
            statement: format!("s{}", sample % 3),
            sample,
            proof: format!("by\n  omega -- {sample}"),
            tokens: 2,
            logprob: 0.0,
            verdict: Some(Verdict {
                elapsed_ms: 500,
                ..Verdict::new(status, "2:2: error: omega could not prove the goal:")
            }),
        };
        let mut attempts: Vec<_> = (0..30).map(|it| attempt(it, Phase::Train, Status::Proved)).collect();
        attempts.extend((0..6).map(|it| attempt(it, Phase::Valid, Status::Failed)));
        attempts.push(attempt(1, Phase::Search, Status::Proved));
        ledger.record_attempts(&attempts).unwrap();
        let kept = KeptAttempts::of_names(["s1"].into_iter());
        let mut sampled = SampledProofs::read(&ledger, 1, &HashMap::new(), kept).unwrap();
        let amount = sampled.amounts[&(1, Phase::Train)];
        assert_eq!((amount.proofs, amount.tokens, amount.lean_seconds), (30.0, 60.0, 15.0));
        assert!(sampled.amounts.contains_key(&(1, Phase::Search)));
        assert_eq!((sampled.shapes.len(), sampled.shapes[0].proofs), (1, 30));
        let failures = serde_json::to_value(&sampled.failures).unwrap();
        assert_eq!((&failures["judged"][0], &failures["kinds"][0]["total"]), (&36.into(), &6.into()));
        assert_eq!(failures["tactics"][0]["tactic"], "omega");
        assert_eq!(sampled.kept.take("s1").len(), 4, "two proofs and the two distinct failures");
    }
}
