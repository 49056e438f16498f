//! What a run's folder holds of what is asked for: all of it, a part, or something else.

use std::path::Path;

use anyhow::{Context, Result};
use stp_datasets::{Corpus, Ledger};
use stp_selfplay::config::{RunConfig, differences};
use stp_selfplay::context::RunFolder;
use stp_selfplay::context::folder::run_config;
use stp_selfplay::context::fork::{ForkedFrom, forked_from};
use stp_selfplay::run::{Finished, Run};

/// The ledger in a run's folder.
pub(super) const LEDGER: &str = "ledger.sqlite";

/// What differs where a run went on from another run than it is to.
pub(super) const GOES_ON_FROM: &str = "the run that it goes on from";

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

/// What is in the folder of a run with these settings, which goes on from that other run if there is one. Nothing is written
/// but a ledger's newer schema, and the library that a model is pretrained on is not looked at.
///
/// # Errors
/// If its settings or its ledger cannot be read.
pub(super) fn state(
    folder: &Path,
    config: &RunConfig,
    from: Option<&ForkedFrom>,
    corpus: &Corpus,
) -> Result<State> {
    let ledger = folder.join(LEDGER);
    // Without settings or a ledger nothing has been played in it.
    if !folder.join("config.toml").exists() || !ledger.exists() {
        return Ok(State::Unfinished);
    }
    let differs = differences(&run_config(folder)?.0, config);
    if !differs.is_empty() {
        return Ok(State::Other(differs));
    }
    let ledger = Ledger::open(&ledger)?;
    if ledger.corpus_differs(corpus)?.is_some() {
        return Ok(State::Other(vec!["the corpus".to_owned()]));
    }
    if forked_from(&ledger)?.as_ref() != from {
        return Ok(State::Other(vec![GOES_ON_FROM.to_owned()]));
    }
    Ok(match Run::is_finished(folder, config)? {
        Finished::Yes => State::Finished,
        Finished::No => State::Unfinished,
        Finished::OtherSettings(differs) => State::Other(differs),
    })
}

/// Locks the folder of a run that is to be played. Settings without a ledger are those of a run that never began: these
/// take their place.
///
/// # Errors
/// As [`RunFolder::open`].
pub(super) fn open_folder(path: &Path, config: &RunConfig) -> Result<RunFolder> {
    let folder = RunFolder::open_beside(path)?;
    if folder.ledger().exists() {
        drop(folder);
        return RunFolder::open(path, config);
    }
    let text = toml::to_string(config).context("the settings could not be written as TOML")?;
    folder.write_report("config.toml", &text)?;
    Ok(folder)
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
        ledger.keep_corpus(&corpus).unwrap();
        for step in plan::steps(&config) {
            let step = Step { name: step.name(), seconds: 1.0, detail: serde_json::json!({}) };
            ledger.finish_step(&step).unwrap();
        }
        (run, config, corpus)
    }

    #[test]
    fn a_run_is_finished_only_with_its_own_settings() {
        let folder = tempfile::tempdir().unwrap();
        let (run, config, corpus) = played(folder.path(), 2);
        assert_eq!(state(&run, &config, None, &corpus).unwrap(), State::Finished);
        let fewer = RunConfig { rounds: 1, ..config.clone() };
        assert_eq!(
            state(&run, &fewer, None, &corpus).unwrap(),
            State::Other(vec!["rounds: 2 -> 1".to_owned()])
        );
        let other = ForkedFrom { run: "other".to_owned(), round: 1 };
        let there = state(&run, &config, Some(&other), &corpus).unwrap();
        assert_eq!(there, State::Other(vec![GOES_ON_FROM.to_owned()]));
        let mut edited = corpus.clone();
        edited.entries[3].proofs.push("by other".to_owned());
        assert_eq!(state(&run, &config, None, &edited).unwrap(), State::Other(vec!["the corpus".to_owned()]));
    }

    #[test]
    fn what_has_not_begun_is_unfinished() {
        let folder = tempfile::tempdir().unwrap();
        let config = RunConfig::load("smoke", None).unwrap();
        let nothing = state(&folder.path().join("none"), &config, None, &Corpus::default()).unwrap();
        assert_eq!(nothing, State::Unfinished);
        // A copied stage 1 without settings: the copy was interrupted.
        Ledger::open(&folder.path().join(LEDGER)).unwrap();
        assert_eq!(state(folder.path(), &config, None, &Corpus::default()).unwrap(), State::Unfinished);
    }

    #[test]
    fn settings_without_a_ledger_are_no_run_and_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let config = RunConfig::load("smoke", None).unwrap();
        let other = RunConfig { seed: 5, ..config.clone() };
        std::fs::create_dir(&run).unwrap();
        std::fs::write(run.join("config.toml"), toml::to_string(&other).unwrap()).unwrap();
        assert_eq!(state(&run, &config, None, &Corpus::default()).unwrap(), State::Unfinished);
        let opened = open_folder(&run, &config).unwrap();
        assert_eq!(run_config(&run).unwrap().0.seed, config.seed);
        assert!(open_folder(&run, &config).is_err(), "it is locked");
        Ledger::open(&opened.ledger()).unwrap();
        drop(opened);
        assert!(open_folder(&run, &other).is_err(), "it has begun");
        assert!(open_folder(&run, &config).is_ok());
    }

    #[test]
    fn a_look_keeps_no_corpus_and_reads_no_library() {
        let folder = tempfile::tempdir().unwrap();
        let (run, corpus) = (folder.path().join("run"), Corpus::core().unwrap());
        let mut config = RunConfig::load("smoke", None).unwrap();
        config.pretraining.corpus = folder.path().join("gone.jsonl").to_string_lossy().into_owned();
        drop(RunFolder::open(&run, &config).unwrap());
        // As one from before corpora were kept.
        let ledger = Ledger::open(&run.join(LEDGER)).unwrap();
        assert_eq!(state(&run, &config, None, &corpus).unwrap(), State::Unfinished);
        assert_eq!(ledger.stats().unwrap().rows["corpus"], 0);
    }
}
