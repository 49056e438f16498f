//! What the loop read before each query had its own rounds and statements: whole tables, several times a round.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use stp_datasets::{Ledger, Phase};

use super::made::ROUNDS;
use super::memory::Meter;

pub fn read(path: &Path) -> Result<()> {
    let ledger = Ledger::open_read_only(&path.join("ledger.sqlite"))?;
    let mut meter = Meter::new()?;
    meter.part("all verdicts, by statement and proof", || {
        let mut known = HashMap::new();
        for round in 0..=ROUNDS {
            for phase in [Phase::Corpus, Phase::Train, Phase::Valid] {
                ledger.each_attempt(round, phase, |attempt| {
                    known.insert((attempt.statement, attempt.proof), attempt.verdict);
                })?;
            }
        }
        Ok(known.len())
    })?;
    meter.part("all conjectures", || {
        let mut all = Vec::new();
        for round in 1..=ROUNDS {
            all.extend(ledger.conjectures_of(round)?);
        }
        Ok(all.len())
    })?;
    meter.part("all correct proofs", || Ok(ledger.proofs_of(Phase::Train, 0..=ROUNDS)?.len()))?;
    meter.part("all pass rates", || Ok(ledger.tallies_of(Phase::Train, 0..=ROUNDS)?.len()))?;
    meter.print("whole tables");
    Ok(())
}
