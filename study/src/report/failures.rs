//! The failures of a run: how many of each kind and of each tactic in each round, with examples.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use stp_datasets::{Attempt, Verdict};

use super::failure::{FailureKind, classify, failed_tactic};
use super::shown::cut;

/// Examples that are shown of each kind.
const EXAMPLES: usize = 4;
/// Tactics that are shown.
const TACTICS: usize = 12;
/// Characters of an example's proof and of its message.
const LONGEST: usize = 400;

/// All failures of sampled proofs.
#[derive(Debug, Default, Serialize)]
pub struct Failures {
    /// The rounds with sampled proofs, in order.
    rounds: Vec<u32>,
    /// Judged proofs of each of these rounds.
    judged: Vec<usize>,
    /// Failures by kind, the most frequent first.
    kinds: Vec<FailuresOfKind>,
    /// Failures by tactic, as far as one can be told; the most frequent first.
    tactics: Vec<FailuresOfTactic>,
    /// Failures whose tactic is known.
    with_tactic: usize,
}

/// Failures of one kind.
#[derive(Debug, Serialize)]
pub struct FailuresOfKind {
    kind: FailureKind,
    label: &'static str,
    total: usize,
    /// As many as there are rounds.
    rounds: Vec<usize>,
    examples: Vec<FailureExample>,
}

/// Failures at one tactic.
#[derive(Debug, Serialize)]
pub struct FailuresOfTactic {
    tactic: String,
    total: usize,
    rounds: Vec<usize>,
    /// The kind that is most frequent.
    mostly: &'static str,
}

/// A proof that failed.
#[derive(Clone, Debug, Serialize)]
pub struct FailureExample {
    statement: String,
    round: u32,
    proof: String,
    message: String,
}

/// Counts failures one after the other.
#[derive(Debug, Default)]
pub(super) struct CountedFailures {
    judged: BTreeMap<u32, usize>,
    kinds: HashMap<FailureKind, (BTreeMap<u32, usize>, Vec<FailureExample>)>,
    tactics: HashMap<String, OfTactic>,
}

/// How often a tactic was the first to fail: by round, and by kind.
type OfTactic = (BTreeMap<u32, usize>, BTreeMap<FailureKind, usize>);

impl CountedFailures {
    /// Counts a judged proof of a statement with that signature; of a failure the kind is returned.
    pub(super) fn note(
        &mut self,
        attempt: &Attempt,
        verdict: &Verdict,
        signature: &str,
    ) -> Option<FailureKind> {
        *self.judged.entry(attempt.round).or_default() += 1;
        if verdict.is_proved() {
            return None;
        }
        let kind = classify(verdict.status, &verdict.messages);
        let (rounds, examples) = self.kinds.entry(kind).or_default();
        *rounds.entry(attempt.round).or_default() += 1;
        keep_example(examples, attempt, verdict);
        if let Some(tactic) = failed_tactic(signature, &attempt.proof, &verdict.messages) {
            let (rounds, kinds) = self.tactics.entry(tactic).or_default();
            *rounds.entry(attempt.round).or_default() += 1;
            *kinds.entry(kind).or_default() += 1;
        }
        Some(kind)
    }

    /// What the page shows.
    pub(super) fn finish(self) -> Failures {
        let rounds: Vec<u32> = self.judged.keys().copied().collect();
        let by_round = |counts: &BTreeMap<u32, usize>| -> Vec<usize> {
            rounds.iter().map(|round| counts.get(round).copied().unwrap_or_default()).collect()
        };
        let mut kinds: Vec<_> = self
            .kinds
            .into_iter()
            .map(|(kind, (counts, examples))| FailuresOfKind {
                kind,
                label: kind.label(),
                total: counts.values().sum(),
                rounds: by_round(&counts),
                examples,
            })
            .collect();
        kinds.sort_by_key(|it| (std::cmp::Reverse(it.total), it.kind));
        let mut tactics: Vec<_> = self
            .tactics
            .into_iter()
            .map(|(tactic, (counts, kinds))| FailuresOfTactic {
                tactic,
                total: counts.values().sum(),
                rounds: by_round(&counts),
                mostly: kinds.iter().max_by_key(|(_, count)| **count).map_or("", |(kind, _)| kind.label()),
            })
            .collect();
        tactics.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.tactic.cmp(&b.tactic)));
        let with_tactic = tactics.iter().map(|it| it.total).sum();
        tactics.truncate(TACTICS);
        Failures { judged: self.judged.values().copied().collect(), rounds, kinds, tactics, with_tactic }
    }
}

/// Later rounds push out earlier ones; of a statement there is one.
fn keep_example(examples: &mut Vec<FailureExample>, attempt: &Attempt, verdict: &Verdict) {
    if examples.iter().any(|it| it.statement == attempt.statement) {
        return;
    }
    if examples.len() == EXAMPLES {
        if examples[0].round >= attempt.round {
            return;
        }
        examples.remove(0);
    }
    let message = verdict.messages.first().map(String::as_str).unwrap_or_default();
    examples.push(FailureExample {
        statement: attempt.statement.clone(),
        round: attempt.round,
        proof: cut(&attempt.proof, LONGEST),
        message: cut(message, LONGEST),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::{Phase, Status};

    fn note(counted: &mut CountedFailures, round: u32, statement: &str, status: Status, message: &str) {
        let verdict = Verdict::new(status, message);
        let attempt = Attempt {
            round,
            phase: Phase::Train,
            statement: statement.to_owned(),
            sample: 0,
            proof: "by\n  omega".to_owned(),
            tokens: 1,
            logprob: 0.0,
            verdict: None,
        };
        counted.note(&attempt, &verdict, ": p");
    }

    #[test]
    fn failures_are_counted_by_round_kind_and_tactic() {
        let mut counted = CountedFailures::default();
        let omega = "2:2: error: omega could not prove the goal:";
        for round in 1..=3 {
            note(&mut counted, round, "proved", Status::Proved, "");
            for number in 0..round {
                note(&mut counted, round, &format!("s{number}"), Status::Failed, omega);
            }
        }
        note(&mut counted, 3, "t", Status::Timeout, "no answer");
        let failures = counted.finish();
        assert_eq!((&failures.rounds[..], &failures.judged[..]), (&[1, 2, 3][..], &[2, 3, 5][..]));
        let kinds: Vec<_> = failures.kinds.iter().map(|it| (it.kind, it.total, &it.rounds[..])).collect();
        assert_eq!(
            kinds,
            [(FailureKind::Automation, 6, &[1, 2, 3][..]), (FailureKind::Timeout, 1, &[0, 0, 1][..])]
        );
        let tactic = &failures.tactics[0];
        assert_eq!((tactic.tactic.as_str(), tactic.total, tactic.mostly), ("omega", 6, "automation gave up"));
        assert_eq!((failures.tactics.len(), failures.with_tactic), (1, 6));
        let statements: Vec<_> = failures.kinds[0].examples.iter().map(|it| it.statement.as_str()).collect();
        assert_eq!(statements, ["s0", "s1", "s2"], "one example of a statement");
    }

    #[test]
    fn examples_are_few_and_of_the_last_rounds() {
        let mut counted = CountedFailures::default();
        for round in 1..=9 {
            note(&mut counted, round, &format!("s{round}"), Status::Failed, "2:2: error: unsolved goals");
        }
        let failures = counted.finish();
        let rounds: Vec<_> = failures.kinds[0].examples.iter().map(|it| it.round).collect();
        assert_eq!(rounds, [6, 7, 8, 9]);
    }
}
