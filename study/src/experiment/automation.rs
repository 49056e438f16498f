//! Lean's own automation as a prover: each tactic alone, and the portfolio of all.
//!
//! A pair of set and tactic is one step of a small ledger: done whole, with the CPU time that it took, or done again.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use stp_datasets::{CorpusEntry, Ledger, Step};
use stp_verifier::{Candidate, Pool};
use tokio::task::JoinSet;

use crate::cancel::Cancel;
use crate::display::Display;
use crate::evaluation::StatementSet;

/// Candidates that are judged before anything is measured: the first use of a tactic costs more than the later ones.
const WARM_UP: usize = 20;

/// What a tactic did on a set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The set.
    pub set: String,
    /// The tactic.
    pub tactic: String,
    /// Statements of the set.
    pub statements: usize,
    /// Ids of those that `by TACTIC` proves.
    pub proved: Vec<String>,
    /// CPU time that Lean took for all of them, in seconds; busy time of its processes where Lean does not tell.
    pub lean_seconds: f64,
    /// Wall time, in seconds.
    pub seconds: f64,
    /// Checks that ran out of wall-clock time: on a busy machine they may say more of it than of the tactic.
    #[serde(default)]
    pub timeouts: Option<u64>,
}

/// What tries them.
pub struct Automation<'a> {
    /// The judge's processes; without a cache, or nothing would be measured.
    pub pool: &'a Pool,
    /// What the user sees.
    pub display: &'a Display,
    /// Whether the user wants to stop.
    pub cancel: &'a Cancel,
}

impl Automation<'_> {
    /// Tries every tactic on every statement of the sets; what the ledger at `path` has is not tried again.
    ///
    /// # Errors
    /// If Lean or the ledger fails, or the user interrupts.
    pub async fn play(&self, path: &Path, sets: &[StatementSet], tactics: &[String]) -> Result<Vec<Tried>> {
        let ledger = Ledger::open(path)?;
        let mut all = Vec::new();
        for set in sets {
            for tactic in tactics {
                let name = format!("automation/{}/{tactic}", set.name);
                let tried = match ledger.step(&name)? {
                    Some(step) => serde_json::from_value(step.detail)
                        .context("a record of an automation ledger is damaged; remove that ledger")?,
                    None => {
                        let tried = self.try_all(set, tactic).await?;
                        let detail = serde_json::to_value(&tried)?;
                        ledger.finish_step(&Step { name, seconds: tried.seconds, detail })?;
                        tried
                    }
                };
                all.push(tried);
            }
        }
        Ok(all)
    }

    async fn try_all(&self, set: &StatementSet, tactic: &str) -> Result<Tried> {
        let warm = &set.entries[..WARM_UP.min(set.entries.len())];
        let quiet = self.display.phase(&format!("{}: by {tactic}: warm-up", set.name), warm.len() as u64);
        self.judge(warm, tactic, &quiet).await?;
        drop(quiet);
        let progress = self.display.phase(&format!("{}: by {tactic}", set.name), set.entries.len() as u64);
        let (before, began) = (self.pool.stats(), Instant::now());
        let proved = self.judge(&set.entries, tactic, &progress).await?;
        let (after, seconds) = (self.pool.stats(), began.elapsed().as_secs_f64());
        let lean = after.lean_ms - before.lean_ms;
        let milliseconds = if lean > 0 { lean } else { after.busy_ms - before.busy_ms };
        progress.finish(&format!("{} of {} proved", proved.len(), set.entries.len()));
        Ok(Tried {
            set: set.name.clone(),
            tactic: tactic.to_owned(),
            statements: set.entries.len(),
            proved,
            lean_seconds: milliseconds as f64 / 1e3,
            seconds,
            timeouts: Some(after.timeouts - before.timeouts),
        })
    }

    /// Names of the statements that the tactic proves, in the set's order.
    async fn judge(
        &self,
        entries: &[CorpusEntry],
        tactic: &str,
        progress: &crate::display::PhaseProgress,
    ) -> Result<Vec<String>> {
        let mut checks = JoinSet::new();
        for (index, entry) in entries.iter().enumerate() {
            let statement = &entry.statement;
            let candidate = Candidate::new(&*statement.header, &*statement.signature, format!("by {tactic}"));
            let pool = self.pool.clone();
            checks.spawn(async move { (index, pool.check(candidate).await) });
        }
        let mut proved = Vec::new();
        loop {
            let done = tokio::select! {
                () = self.cancel.cancelled() => return Err(crate::error::Interrupted.into()),
                done = checks.join_next() => done,
            };
            let Some(done) = done else { break };
            let (index, verdict) = done?;
            let is_proved = verdict?.is_proved();
            progress.judged(is_proved);
            if is_proved {
                proved.push(index);
            }
        }
        proved.sort_unstable();
        Ok(proved.into_iter().map(|index| entries[index].statement.id.clone()).collect())
    }
}

/// What the ledger at `path` has, in the order in which it was tried; nothing if it is not there.
///
/// # Errors
/// If it is damaged.
pub fn tried(path: &Path) -> Result<Vec<Tried>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let steps = Ledger::open(path)?.steps()?;
    let of_step = |step: Step| {
        serde_json::from_value(step.detail)
            .with_context(|| format!("{} is damaged; remove it.", path.display()))
    };
    steps.into_iter().filter(|step| step.name.starts_with("automation/")).map(of_step).collect()
}

/// Statements that any of the tactics proves, each tried by itself.
pub fn union<'a>(tried: impl IntoIterator<Item = &'a Tried>) -> std::collections::BTreeSet<&'a str> {
    tried.into_iter().flat_map(|it| it.proved.iter().map(String::as_str)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_union_counts_each_statement_once() {
        let tried = |proved: &[&str]| Tried {
            set: "s".to_owned(),
            tactic: "t".to_owned(),
            statements: 3,
            proved: proved.iter().map(|id| (*id).to_owned()).collect(),
            lean_seconds: 0.0,
            seconds: 0.0,
            timeouts: None,
        };
        assert_eq!(union(&[tried(&["a", "b"]), tried(&["b"]), tried(&[])]).len(), 2);
    }
}
