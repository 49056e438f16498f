//! What a run's folder holds of what is asked for: all of it, a part, or something else.

use std::path::Path;

use anyhow::Result;
use stp_datasets::{Corpus, Ledger};
use stp_selfplay::config::{RunConfig, differences};
use stp_selfplay::context::corpus::keep;
use stp_selfplay::context::folder::run_config;
use stp_selfplay::error::UsageError;
use stp_selfplay::run::{Finished, Run};

/// The ledger in a run's folder.
pub(super) const LEDGER: &str = "ledger.sqlite";

/// What is in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The run, to its end.
    Finished,
    /// A part of the run, or nothing.
    Unfinished,
    /// A run with other settings or another corpus: what differs.
    Other(Vec<String>),
}

/// What is in the folder of a run with these settings.
///
/// # Errors
/// If its settings or its ledger cannot be read.
pub(super) fn state(folder: &Path, config: &RunConfig, corpus: &Corpus) -> Result<State> {
    // Without settings nothing has been played in it.
    if !folder.join("config.toml").exists() {
        return Ok(State::Unfinished);
    }
    let differs = differences(&run_config(folder)?.0, config);
    if !differs.is_empty() {
        return Ok(State::Other(differs));
    }
    if let Some(differs) = corpus_differs(&folder.join(LEDGER), config, corpus)? {
        return Ok(State::Other(vec![differs]));
    }
    Ok(match Run::is_finished(folder, config)? {
        Finished::Yes => State::Finished,
        Finished::No => State::Unfinished,
        Finished::OtherSettings(differs) => State::Other(differs),
    })
}

/// In what a corpus is not the one that the run began with.
fn corpus_differs(ledger: &Path, config: &RunConfig, corpus: &Corpus) -> Result<Option<String>> {
    if !ledger.exists() {
        return Ok(None);
    }
    match keep(&Ledger::open(ledger)?, corpus, config) {
        Ok(()) => Ok(None),
        Err(error) if error.is::<UsageError>() => Ok(Some("the corpus".to_owned())),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use stp_datasets::Step;
    use stp_selfplay::plan;

    /// A folder with all steps of a run of so many rounds, and its settings and corpus.
    fn played(folder: &Path, rounds: u32) -> (PathBuf, RunConfig, Corpus) {
        let config = RunConfig { rounds, ..RunConfig::load("smoke", None).unwrap() };
        let (run, corpus) = (folder.join("run"), Corpus::core().unwrap());
        std::fs::create_dir(&run).unwrap();
        std::fs::write(run.join("config.toml"), toml::to_string(&config).unwrap()).unwrap();
        let ledger = Ledger::open(&run.join(LEDGER)).unwrap();
        keep(&ledger, &corpus, &config).unwrap();
        for step in plan::steps(rounds, config.method) {
            let step = Step { name: step.name(), seconds: 1.0, detail: serde_json::json!({}) };
            ledger.finish_step(&step).unwrap();
        }
        (run, config, corpus)
    }

    #[test]
    fn a_run_is_finished_only_with_its_own_settings() {
        let folder = tempfile::tempdir().unwrap();
        let (run, config, corpus) = played(folder.path(), 2);
        assert_eq!(state(&run, &config, &corpus).unwrap(), State::Finished);
        let fewer = RunConfig { rounds: 1, ..config.clone() };
        assert_eq!(state(&run, &fewer, &corpus).unwrap(), State::Other(vec!["rounds: 2 -> 1".to_owned()]));
        let mut edited = corpus.clone();
        edited.entries[3].proofs.push("by other".to_owned());
        assert_eq!(state(&run, &config, &edited).unwrap(), State::Other(vec!["the corpus".to_owned()]));
    }

    #[test]
    fn what_has_not_begun_is_unfinished() {
        let folder = tempfile::tempdir().unwrap();
        let config = RunConfig::load("smoke", None).unwrap();
        let nothing = state(&folder.path().join("none"), &config, &Corpus::default()).unwrap();
        assert_eq!(nothing, State::Unfinished);
        // A copied stage 1 without settings: the copy was interrupted.
        Ledger::open(&folder.path().join(LEDGER)).unwrap();
        assert_eq!(state(folder.path(), &config, &Corpus::default()).unwrap(), State::Unfinished);
    }
}
