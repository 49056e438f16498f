//! Playing the matrix: each run to its end, with the stage 1 that it shares with others done once, then the evaluations.
//!
//! Nothing is remembered but what is in the folders, so an experiment that was stopped goes on where it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::json;
use stp_datasets::{Corpus, Ledger};
use stp_model::Device;
use stp_verifier::{Pool, PoolConfig, Toolchain, VerdictCache};

use super::automation::{Automation, Tried};
use super::cells::{Cell, shares_stage1};
use super::file::{self, ExperimentFile, seen_from};
use super::measure::{Finished, points};
use crate::cancel::Cancel;
use crate::config::{RunConfig, load_corpus};
use crate::display::Display;
use crate::evaluation::{Evaluation, Means, StatementSet, last_checkpoint};
use crate::folder::RunFolder;
use crate::language::Language;
use crate::run::Run;
use crate::start::{metrics, pool_config};

const LEDGER: &str = "ledger.sqlite";
/// What tactics did, in the folder of the runs.
pub const AUTOMATION: &str = "automation.sqlite";

/// What an experiment is played with.
pub struct Player {
    /// The Lean that judges.
    pub lean: Toolchain,
    /// Verdicts that all runs share.
    pub cache: Option<Arc<VerdictCache>>,
    /// Lean processes, if not as the settings say.
    pub workers: Option<usize>,
    /// Where models run.
    pub device: Device,
    /// What the user sees.
    pub display: Display,
    /// Whether the user wants to stop.
    pub cancel: Cancel,
    /// The folder of all runs.
    pub runs: PathBuf,
}

impl Player {
    /// Plays one run of the matrix to its end and measures its last model.
    ///
    /// # Errors
    /// The run's or an evaluation's error; what is finished stays so.
    pub async fn play(
        &self,
        cell: &Cell,
        cells: &[Cell],
        file: &ExperimentFile,
        path: &Path,
    ) -> Result<Finished> {
        let corpus = load_corpus(&cell.config.corpus)?;
        let folder = cell.path(&self.runs);
        if !finished(&folder, &cell.config)? {
            self.display.line(&format!("--- {} · seed {}", cell.arm, cell.seed));
            if shares_stage1(cell, cells) {
                self.begin_with_stage1(cell, &corpus).await?;
            }
            self.run(&folder, &cell.config, &corpus, false).await?;
        }
        for evaluation in evaluations(cell, &corpus, &self.runs, file, path)? {
            if evaluation.earlier().is_none() {
                self.evaluate(&evaluation, &corpus).await?;
            }
        }
        recorded(cell, &corpus, &self.runs, file, path)?.context("a run that was finished is not")
    }

    /// Gives the run a copy of its stage 1, which is done first if need be.
    async fn begin_with_stage1(&self, cell: &Cell, corpus: &Corpus) -> Result<()> {
        let (own, shared) = (cell.path(&self.runs), self.runs.join(&cell.stage1.folder));
        if own.join(LEDGER).exists() {
            return Ok(());
        }
        let ledger = shared.join(LEDGER);
        let done = ledger.exists() && Ledger::open(&ledger)?.step("stage1/valid")?.is_some();
        if !done {
            self.display.line(&format!("stage 1 for all arms with seed {}", cell.seed));
            self.run(&shared, &cell.stage1.config, corpus, true).await?;
        }
        copy_stage1(&shared, &own)
    }

    async fn run(&self, path: &Path, config: &RunConfig, corpus: &Corpus, stage1_only: bool) -> Result<()> {
        let folder = RunFolder::open(path, config)?;
        let ledger = Arc::new(Ledger::open(&folder.ledger())?);
        ledger.remember("toolchain", self.lean.version())?;
        let (train, valid) = Run::choose(corpus, config);
        let display = self.display.clone().with_metrics(Arc::new(metrics(&folder, &ledger)?));
        let mut run = Run {
            config: config.clone(),
            folder,
            ledger,
            corpus: corpus.clone(),
            train,
            valid,
            pool: self.pool(config),
            display,
            cancel: self.cancel.clone(),
            language: Language::new(self.device.clone()),
        };
        let played = match stage1_only {
            true => run.play_stage1().await,
            false => run.play().await.map(drop),
        };
        run.pool.shutdown().await;
        played
    }

    async fn evaluate(&self, evaluation: &Evaluation, corpus: &Corpus) -> Result<()> {
        let pool = self.pool(&evaluation.config);
        let means = Means {
            pool: pool.clone(),
            display: self.display.clone(),
            cancel: self.cancel.clone(),
            device: self.device.clone(),
        };
        let outcome = evaluation.play(corpus, means).await;
        pool.shutdown().await;
        outcome.map(drop)
    }

    /// Lean's own tactics on the file's sets.
    ///
    /// # Errors
    /// If Lean or the ledger fails, or the user interrupts.
    pub async fn automation(
        &self,
        wanted: &file::Automation,
        config: &RunConfig,
        path: &Path,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Tried>> {
        let corpus = load_corpus(&config.corpus)?;
        let mut sets = Vec::new();
        for name in &wanted.sets {
            let seen = seen_from(path, name);
            if matches!(name.as_str(), "train" | "valid" | "test") || Path::new(&seen).exists() {
                sets.push(StatementSet::load(&seen, &corpus, wanted.max)?);
            } else {
                notes.push(format!("The set `{name}` was not there and is left out."));
            }
        }
        fs::create_dir_all(&self.runs).with_context(|| format!("cannot make {}", self.runs.display()))?;
        // Without the cache: an answer of an earlier run says nothing of the time that it takes.
        let config = PoolConfig { cache: None, ..pool_config(config, self.workers, &self.lean) };
        let pool = Pool::start(&self.lean, config);
        let automation = Automation { pool: &pool, display: &self.display, cancel: &self.cancel };
        let tried = automation.play(&self.runs.join(AUTOMATION), &sets, &wanted.tactics).await;
        pool.shutdown().await;
        tried
    }

    fn pool(&self, config: &RunConfig) -> Pool {
        let config =
            PoolConfig { cache: self.cache.clone(), ..pool_config(config, self.workers, &self.lean) };
        Pool::start(&self.lean, config)
    }
}

/// The numbers of a run, if it and its evaluations are finished.
///
/// # Errors
/// If its ledger cannot be read.
pub fn recorded(
    cell: &Cell,
    corpus: &Corpus,
    runs: &Path,
    file: &ExperimentFile,
    path: &Path,
) -> Result<Option<Finished>> {
    let folder = cell.path(runs);
    if !finished(&folder, &cell.config)? {
        return Ok(None);
    }
    let evaluations = evaluations(cell, corpus, runs, file, path)?;
    let outcomes: Option<Vec<_>> = evaluations.iter().map(Evaluation::earlier).collect();
    let Some(outcomes) = outcomes else { return Ok(None) };
    let ledger = Ledger::open_read_only(&folder.join(LEDGER))?;
    let (points, seconds) = points(&ledger, &cell.config, corpus)?;
    Ok(Some(Finished { arm: cell.arm.clone(), seed: cell.seed, points, outcomes, seconds }))
}

fn finished(folder: &Path, config: &RunConfig) -> Result<bool> {
    let ledger = folder.join(LEDGER);
    Ok(ledger.exists() && Run::is_finished(&Ledger::open(&ledger)?, config)?)
}

/// The evaluations of a finished run's last model.
fn evaluations(
    cell: &Cell,
    corpus: &Corpus,
    runs: &Path,
    file: &ExperimentFile,
    path: &Path,
) -> Result<Vec<Evaluation>> {
    let run = cell.path(runs);
    let evaluation = |wanted: &file::Evaluate| {
        Ok(Evaluation {
            checkpoint: last_checkpoint(&run, cell.config.rounds)?,
            set: StatementSet::load(&seen_from(path, &wanted.set), corpus, wanted.max)?,
            samples: wanted.samples,
            ks: wanted.k.clone(),
            config: cell.config.clone(),
            run: run.clone(),
        })
    };
    file.evaluate.iter().map(evaluation).collect()
}

/// Copies checkpoint and ledger of a stage 1 to a run that has neither; the ledger, by which a run is known to have
/// begun, comes last and whole.
fn copy_stage1(shared: &Path, own: &Path) -> Result<()> {
    let failed = || format!("cannot copy the stage 1 of {} to {}", shared.display(), own.display());
    let (from, to) = (shared.join("checkpoints/stage1"), own.join("checkpoints/stage1"));
    let draft = own.join("checkpoints/stage1.part");
    for left in [&draft, &to] {
        if left.exists() {
            fs::remove_dir_all(left).with_context(failed)?;
        }
    }
    fs::create_dir_all(&draft).with_context(failed)?;
    for item in fs::read_dir(&from).with_context(failed)? {
        let item = item.with_context(failed)?;
        fs::copy(item.path(), draft.join(item.file_name())).with_context(failed)?;
    }
    fs::rename(&draft, &to).with_context(failed)?;
    let part = own.join("ledger.part");
    if part.exists() {
        fs::remove_file(&part).with_context(failed)?;
    }
    let ledger = Ledger::open(&shared.join(LEDGER))?;
    ledger.copy_to(&part)?;
    let copy = Ledger::open(&part)?;
    copy.record_event(
        "stage 1 copied",
        &json!({ "from": shared.file_name().map(|name| name.to_string_lossy()) }),
    )?;
    drop(copy);
    fs::rename(&part, own.join(LEDGER)).with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::Step;

    #[test]
    fn a_copied_stage_1_is_whole_and_its_owner_goes_on_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (shared, own) = (folder.path().join("shared"), folder.path().join("own"));
        fs::create_dir_all(shared.join("checkpoints/stage1")).unwrap();
        fs::write(shared.join("checkpoints/stage1/config.json"), "{}").unwrap();
        let step = |name: &str| Step { name: name.to_owned(), seconds: 1.0, detail: json!({}) };
        let ledger = Ledger::open(&shared.join(LEDGER)).unwrap();
        ledger.finish_step(&step("stage1/valid")).unwrap();
        // What an earlier copy that was killed may have left.
        fs::create_dir_all(own.join("checkpoints/stage1.part")).unwrap();
        fs::write(own.join("ledger.part"), "half").unwrap();
        copy_stage1(&shared, &own).unwrap();
        let copy = Ledger::open(&own.join(LEDGER)).unwrap();
        copy.finish_step(&step("round-1/prove")).unwrap();
        assert_eq!((copy.steps().unwrap().len(), ledger.steps().unwrap().len()), (2, 1));
        assert_eq!(fs::read_to_string(own.join("checkpoints/stage1/config.json")).unwrap(), "{}");
        assert!(!own.join("ledger.part").exists() && !own.join("checkpoints/stage1.part").exists());
    }
}
