//! What the ledger of an evaluation has.

use std::collections::HashMap;

use anyhow::{Context, Result};
use stp_datasets::{Ledger, Phase, Tally};
use stp_selfplay::records::Sampled;

/// What the judged samples of an evaluation come to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Correct and judged samples of each statement.
    pub(super) tallies: HashMap<String, Tally>,
    /// Sampled tokens.
    pub(super) tokens: u64,
    /// Time that Lean took.
    pub(super) lean_ms: u64,
}

impl Found {
    /// Of the first `samples` of each statement: an earlier call may have asked for more.
    pub(super) fn read(ledger: &Ledger, samples: u32) -> Result<Self> {
        let (mut found, mut unjudged) = (Self::default(), 0usize);
        ledger.each_attempt(0, Phase::Valid, |attempt| {
            if attempt.sample >= samples {
                return;
            }
            let Some(verdict) = &attempt.verdict else {
                unjudged += 1;
                return;
            };
            let (proved, elapsed) = (verdict.is_proved(), verdict.elapsed_ms);
            found.tokens += u64::from(attempt.tokens);
            found.lean_ms += u64::from(elapsed);
            let tally = found.tallies.entry(attempt.statement).or_default();
            tally.judged += 1;
            tally.proved += u32::from(proved);
        })?;
        anyhow::ensure!(unjudged == 0, "an attempt of the evaluation has no verdict");
        Ok(found)
    }
}

/// Time that sampling took in all calls.
pub(super) fn sampling_seconds(ledger: &Ledger) -> Result<f64> {
    let sampled = ledger.events()?.into_iter().filter(|event| event.kind == "sampled");
    let seconds = sampled.map(|event| -> Result<f64> {
        let sampled: Sampled = serde_json::from_value(event.detail).context(
            "an event `sampled` of the evaluation's ledger is damaged. Remove the evaluation's folder in `evals/` and \
             try again.",
        )?;
        Ok(sampled.sampling_seconds)
    });
    seconds.sum()
}
