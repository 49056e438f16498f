//! A run seen from outside, by its folder alone, while it goes on or after.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use stp_datasets::Ledger;

use super::{Report, RunPage};
use crate::config::{RunConfig, load_corpus};
use crate::folder::{run_config, run_name};
use crate::run::Run;

/// A run folder, opened for reading.
#[derive(Debug)]
pub struct RecordedRun {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    config: RunConfig,
    given: HashSet<String>,
    valid_total: usize,
    pub(crate) ledger: Ledger,
}

impl RecordedRun {
    /// Opens the folder of a run that goes on, has ended or was interrupted.
    ///
    /// # Errors
    /// If it is no run folder, or its corpus or ledger cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let (config, _) = run_config(path)?;
        let (train, valid) = Run::choose(&load_corpus(&config.corpus)?, &config);
        Ok(Self {
            name: run_name(path),
            given: train.into_iter().map(|statement| statement.id).collect(),
            valid_total: valid.len(),
            ledger: open_ledger(&path.join("ledger.sqlite"))?,
            path: path.to_owned(),
            config,
        })
    }

    /// Its table, as far as it has come.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn report(&self) -> Result<Report> {
        let config = &self.config;
        let samples = config.proving.valid_samples;
        Report::read(&self.ledger, config.rounds, &self.given, self.valid_total, samples)
    }

    /// What the page shows of it.
    ///
    /// # Errors
    /// As [`Self::report`].
    pub fn gather(&self) -> Result<RunPage> {
        let (method, seed) = (self.config.method.as_str(), self.config.seed);
        RunPage::gather(self.name.clone(), method, seed, self.report()?, &self.ledger)
    }
}

/// A ledger of an older version is migrated first, which only a writer can do.
fn open_ledger(path: &Path) -> Result<Ledger> {
    match Ledger::open_read_only(path) {
        Err(stp_datasets::LedgerError::Older(_)) => {
            drop(Ledger::open(path)?);
            Ok(Ledger::open_read_only(path)?)
        }
        other => Ok(other?),
    }
}

/// What the page shows of some runs, as JSON.
///
/// # Errors
/// If a ledger cannot be read.
pub fn gathered(runs: &[RecordedRun]) -> Result<String> {
    let pages = runs.iter().map(RecordedRun::gather).collect::<Result<Vec<_>>>()?;
    Ok(serde_json::to_string(&pages)?)
}
