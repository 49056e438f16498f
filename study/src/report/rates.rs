//! Pass rates of the statements that a round tried: how many were never proved, always, and how often in between.

use std::collections::HashSet;

use anyhow::Result;
use serde::Serialize;
use stp_datasets::{Ledger, Phase, Tally};

/// Bins between never and always.
const BINS: usize = 10;

/// Pass rates of one round.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Rates {
    round: u32,
    /// Of the given statements.
    given: Spread,
    /// Of conjectures and of goals of failed proofs.
    written: Spread,
}

/// Statements by pass rate.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// With no proof among the samples.
    never: usize,
    /// Proved by some samples, by tenths of the pass rate.
    between: [usize; BINS],
    /// Proved by all samples.
    always: usize,
}

impl Spread {
    /// Of the tallies of statements; one that was not judged does not count.
    fn add(&mut self, tally: Tally) {
        match tally {
            Tally { judged: 0, .. } => {}
            Tally { proved: 0, .. } => self.never += 1,
            Tally { proved, judged } if proved >= judged => self.always += 1,
            Tally { proved, judged } => {
                self.between[proved as usize * BINS / judged as usize] += 1;
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.never + self.always + self.between.iter().sum::<usize>() == 0
    }
}

/// Those of the rounds up to `last` that tried something.
pub(super) fn rates(ledger: &Ledger, last: u32, given: &HashSet<String>) -> Result<Vec<Rates>> {
    let mut all = Vec::new();
    for round in 0..=last {
        let mut rates = Rates { round, given: Spread::default(), written: Spread::default() };
        for ((_, name), tally) in ledger.tallies_of(Phase::Train, round..=round)? {
            let spread = if given.contains(&name) { &mut rates.given } else { &mut rates.written };
            spread.add(tally);
        }
        if !rates.given.is_empty() || !rates.written.is_empty() {
            all.push(rates);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_and_always_stand_apart() {
        let mut spread = Spread::default();
        for (proved, judged) in [(0, 0), (0, 4), (4, 4), (1, 1), (1, 100), (1, 4), (1, 2), (99, 100)] {
            spread.add(Tally { proved, judged });
        }
        assert_eq!((spread.never, spread.always), (1, 2));
        assert_eq!(spread.between, [1, 0, 1, 0, 0, 1, 0, 0, 0, 1]);
        assert!(Spread::default().is_empty());
    }
}
