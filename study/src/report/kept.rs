//! The few attempts at each statement that a page shows, out of all that there are.

use std::collections::HashMap;

use serde::Serialize;
use stp_datasets::{Attempt, Phase};

use super::failure::FailureKind;
use super::shown::cut;

/// Attempts at a statement that are kept.
const EACH: usize = 5;
/// Of these: proofs that hold.
const PROOFS: usize = 2;
/// Characters of a proof and of a message.
const LONGEST: usize = 600;

/// An attempt that is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeptAttempt {
    round: u32,
    /// `seed` if it came with the corpus, `train`, `valid` or `search`.
    phase: &'static str,
    /// Whether it holds; none while nobody has judged it.
    proved: Option<bool>,
    /// What was wrong with it.
    kind: &'static str,
    pub(super) proof: String,
    message: String,
    /// How often the same was judged the same.
    times: usize,
    elapsed_ms: u32,
}

impl KeptAttempt {
    /// The length of its texts.
    pub(super) fn length(&self) -> usize {
        self.proof.len() + self.message.len()
    }
}

/// Chooses them as attempts go by.
#[derive(Debug, Default)]
pub(super) struct KeptAttempts {
    of: HashMap<String, Vec<KeptAttempt>>,
}

impl KeptAttempts {
    /// Watches statements of these names.
    pub(super) fn of_names<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self { of: names.map(|name| (name.to_owned(), Vec::new())).collect() }
    }

    /// One more attempt; `kind` says what was wrong with it.
    pub(super) fn note(&mut self, attempt: &Attempt, kind: Option<FailureKind>) {
        let Some(kept) = self.of.get_mut(&attempt.statement) else { return };
        let proved = attempt.verdict.as_ref().map(|verdict| verdict.is_proved());
        let proof = cut(&attempt.proof, LONGEST);
        let same = kept.iter_mut().find(|it| it.proof == proof && it.proved == proved);
        if let Some(same) = same {
            same.times += 1;
            return;
        }
        let message = attempt.verdict.as_ref().and_then(|verdict| verdict.messages.first());
        kept.push(KeptAttempt {
            round: attempt.round,
            phase: attempt.phase.as_str(),
            proved,
            kind: kind.map_or("", FailureKind::label),
            message: message.filter(|_| proved != Some(true)).map_or(String::new(), |it| cut(it, LONGEST)),
            times: 1,
            elapsed_ms: attempt.verdict.as_ref().map_or(0, |verdict| verdict.elapsed_ms),
            proof,
        });
        if let Some(superfluous) = superfluous(kept) {
            kept.remove(superfluous);
        }
    }

    /// What was kept of a statement: proofs that hold first, the shortest first, then the last failures.
    pub(super) fn take(&mut self, name: &str) -> Vec<KeptAttempt> {
        let mut kept = self.of.remove(name).unwrap_or_default();
        kept.sort_by_key(|it| match it.proved {
            Some(true) => (false, it.proof.len()),
            _ => (true, usize::MAX - it.round as usize),
        });
        kept
    }
}

/// The longest of too many proofs that hold, or else the first failure of too many attempts.
fn superfluous(kept: &[KeptAttempt]) -> Option<usize> {
    let proofs = || kept.iter().enumerate().filter(|(_, it)| it.proved == Some(true));
    if proofs().count() > PROOFS {
        // A proof that came with the corpus goes first: the model's say more of the run.
        let longest = |(_, it): &(usize, &KeptAttempt)| (it.phase == Phase::Corpus.as_str(), it.proof.len());
        return proofs().max_by_key(longest).map(|(at, _)| at);
    }
    if kept.len() > EACH { kept.iter().position(|it| it.proved != Some(true)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::{Status, Verdict};

    fn attempt(round: u32, proof: &str, status: Status) -> Attempt {
        Attempt {
            round,
            phase: Phase::Train,
            statement: "s".to_owned(),
            sample: 0,
            proof: proof.to_owned(),
            tokens: 1,
            logprob: 0.0,
            verdict: Some(Verdict::new(status, "2:2: error: no")),
        }
    }

    #[test]
    fn short_proofs_and_the_last_failures_stay() {
        let mut kept = KeptAttempts::of_names(["s"].into_iter());
        for round in 1..=9 {
            kept.note(&attempt(round, &format!("by wrong{round}"), Status::Failed), Some(FailureKind::Other));
        }
        for proof in ["by looooong", "by short", "by longer", "by short"] {
            kept.note(&attempt(3, proof, Status::Proved), None);
        }
        let other = Attempt { statement: "other".to_owned(), ..attempt(1, "by x", Status::Proved) };
        kept.note(&other, None);
        let shown = kept.take("s");
        let texts: Vec<_> = shown.iter().map(|it| (it.proof.as_str(), it.times)).collect();
        let expected =
            [("by short", 2), ("by longer", 1), ("by wrong9", 1), ("by wrong8", 1), ("by wrong7", 1)];
        assert_eq!(texts, expected);
        assert!(shown[0].message.is_empty() && shown[2].message.contains("error"));
        assert!(kept.take("other").is_empty());
    }
}
