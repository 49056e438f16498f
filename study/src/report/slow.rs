//! The candidates that took Lean long, as far as that says something of them and not of the machine.
//!
//! The first use of a process is slow whatever it is asked, and a busy machine makes anything slow now and then. So a proof
//! that was judged several times in a round counts with its quickest time, what Lean refused before it ran anything does not
//! count at all, and what is left must take several times as long as the median. Timeouts are listed apart.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::Serialize;
use stp_datasets::{Attempt, Verdict};

use super::failure::FailureKind;
use super::shown::cut;

/// Slow candidates that are shown, and timeouts.
const SLOWEST: usize = 20;
/// Slow ones that are kept in mind before the quicker ones of them are dropped.
const CANDIDATES: usize = 50 * SLOWEST;
/// So many times the median is slow.
const SLOW: f64 = 4.0;
/// Characters of a proof and of a signature.
const LONGEST: usize = 600;

/// What took long.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Slow {
    /// Milliseconds that half of the judged proofs do not need.
    median_ms: u32,
    /// So many times the median is slow.
    from_times: f64,
    /// The slowest, the slowest first.
    slowest: Vec<SlowCandidate>,
    /// Those that ran into the limit.
    timeouts: Vec<SlowCandidate>,
    /// How many did so in all.
    timeout_count: usize,
}

/// A candidate that took long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlowCandidate {
    statement: String,
    signature: String,
    round: u32,
    /// `proved`, or what was wrong.
    what: &'static str,
    elapsed_ms: u32,
    /// How often it was judged in that round.
    times: usize,
    proof: String,
}

/// Watches the time of judged proofs, which come by round, phase and statement.
#[derive(Debug, Default)]
pub(super) struct WatchedTimes {
    elapsed: Vec<u32>,
    /// What is being looked at: round, statement, and its different proofs.
    current: (u32, String),
    proofs: HashMap<String, SlowCandidate>,
    slowest: Vec<SlowCandidate>,
    timeouts: Vec<SlowCandidate>,
    timeout_count: usize,
}

impl WatchedTimes {
    /// One more; `kind` says what was wrong with it.
    pub(super) fn note(
        &mut self,
        attempt: &Attempt,
        verdict: &Verdict,
        kind: Option<FailureKind>,
        signature: &str,
    ) {
        let of = SlowCandidate {
            statement: attempt.statement.clone(),
            signature: cut(signature, LONGEST),
            round: attempt.round,
            what: kind.map_or("proved", FailureKind::label),
            elapsed_ms: verdict.elapsed_ms,
            times: 1,
            proof: cut(&attempt.proof, LONGEST),
        };
        if kind == Some(FailureKind::Timeout) {
            self.timeout_count += 1;
            let known = |it: &SlowCandidate| it.statement == of.statement && it.proof == of.proof;
            if self.timeouts.len() < SLOWEST && !self.timeouts.iter().any(known) {
                self.timeouts.push(of);
            }
            return;
        }
        // An answer of the cache took Lean nothing.
        if verdict.elapsed_ms == 0 || kind.is_some_and(FailureKind::is_early) {
            return;
        }
        self.elapsed.push(verdict.elapsed_ms);
        if (self.current.0, self.current.1.as_str()) != (attempt.round, attempt.statement.as_str()) {
            self.finish_statement();
            self.current = (attempt.round, attempt.statement.clone());
        }
        match self.proofs.get_mut(&attempt.proof) {
            Some(known) => {
                known.elapsed_ms = known.elapsed_ms.min(verdict.elapsed_ms);
                known.times += 1;
            }
            None => drop(self.proofs.insert(attempt.proof.clone(), of)),
        }
    }

    fn finish_statement(&mut self) {
        self.slowest.extend(self.proofs.drain().map(|(_, candidate)| candidate));
        if self.slowest.len() >= CANDIDATES {
            self.forget_quick_ones();
        }
    }

    fn forget_quick_ones(&mut self) {
        let order = |it: &SlowCandidate| (Reverse(it.elapsed_ms), it.statement.clone(), it.proof.clone());
        self.slowest.sort_by_cached_key(order);
        self.slowest.truncate(SLOWEST);
    }

    /// What the page shows.
    pub(super) fn finish(mut self) -> Slow {
        self.finish_statement();
        self.forget_quick_ones();
        self.elapsed.sort_unstable();
        let median_ms = self.elapsed.get(self.elapsed.len() / 2).copied().unwrap_or_default();
        self.slowest.retain(|it| f64::from(it.elapsed_ms) >= SLOW * f64::from(median_ms.max(1)));
        Slow {
            median_ms,
            from_times: SLOW,
            slowest: self.slowest,
            timeouts: self.timeouts,
            timeout_count: self.timeout_count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::{Phase, Status};

    fn note(
        watched: &mut WatchedTimes,
        statement: &str,
        proof: &str,
        elapsed_ms: u32,
        kind: Option<FailureKind>,
    ) {
        let attempt = Attempt {
            round: 1,
            phase: Phase::Train,
            statement: statement.to_owned(),
            sample: 0,
            proof: proof.to_owned(),
            tokens: 1,
            logprob: 0.0,
            verdict: None,
        };
        let verdict = Verdict { elapsed_ms, ..Verdict::new(Status::Proved, "") };
        watched.note(&attempt, &verdict, kind, ": p");
    }

    #[test]
    fn the_slowest_of_very_many_are_found() {
        let mut watched = WatchedTimes::default();
        let many = u32::try_from(CANDIDATES).unwrap() + 10;
        for sample in 0..many {
            let elapsed = if sample.is_multiple_of(50) { 5000 + sample } else { 10 + sample % 7 };
            note(&mut watched, &format!("s{sample}"), "by simp", elapsed, None);
        }
        let slow = watched.finish();
        let mut expected: Vec<u32> = (0..many).step_by(50).map(|sample| 5000 + sample).collect();
        expected.reverse();
        expected.truncate(SLOWEST);
        assert_eq!(slow.slowest.iter().map(|it| it.elapsed_ms).collect::<Vec<_>>(), expected);
        assert_eq!(slow.median_ms, 13);
    }

    #[test]
    fn noise_is_left_out_and_timeouts_stand_apart() {
        let mut watched = WatchedTimes::default();
        for number in 0..9 {
            note(&mut watched, &format!("quick{number}"), "by rfl", 10, None);
        }
        note(&mut watched, "s", "by simp", 3000, None);
        note(&mut watched, "s", "by simp", 12, None);
        for number in 0..20 {
            note(&mut watched, &format!("cached{number}"), "by rfl", 0, None);
        }
        note(&mut watched, "s", "by omega", 900, Some(FailureKind::Automation));
        note(&mut watched, "t", "by )", 4000, Some(FailureKind::Syntax));
        note(&mut watched, "u", "by decide", 10_000, Some(FailureKind::Timeout));
        note(&mut watched, "u", "by decide", 10_000, Some(FailureKind::Timeout));
        let slow = watched.finish();
        let shown: Vec<_> = slow.slowest.iter().map(|it| (it.proof.as_str(), it.what)).collect();
        assert_eq!(shown, [("by omega", "automation gave up")], "a slow first time is noise");
        assert_eq!(slow.median_ms, 10, "answers of the cache do not count");
        assert_eq!((slow.timeouts.len(), slow.timeout_count), (1, 2));
    }
}
