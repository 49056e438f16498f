//! Playing the matrix: each run to its end, with the stage 1 that it shares with others done once, then the evaluations.
//!
//! Nothing is remembered but what is in the folders, so an experiment that was stopped goes on where it was. What was
//! made with other settings is renamed, told, and done again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use stp_datasets::{Corpus, Ledger};
use stp_model::Device;
use stp_selfplay::config::RunConfig;
use stp_selfplay::context::fork::Source;
use stp_selfplay::context::statements::load_corpus;
use stp_selfplay::context::{Cancel, CpuMeter, RunFolder, pool_config};
use stp_selfplay::events::Events;
use stp_selfplay::run::{Run, RunParts};
use stp_verifier::{Pool, PoolConfig, Toolchain, VerdictCache};

use super::automation::{self, Automation, Tried};
use super::cells::{Cell, shares_stage1};
use super::file;
use super::matrix::Experiment;
use super::measure::FinishedRun;
use super::recorded::Recorded;
use super::results::Results;
use super::stage1::copy_stage1;
use super::state::{LEDGER, State, open_folder, state};
use super::told::StudyEvent;
use crate::evaluation::{Evaluation, Resources};
use crate::files::set_aside;
use crate::report::{self, RecordedRun};

/// Makes the listener of the run in a folder, which is locked and has its settings by then.
pub type EventsOf = Box<dyn Fn(&Path) -> Result<Events> + Send + Sync>;
/// Who is told what the experiment does.
pub type Told = Box<dyn Fn(&StudyEvent<'_>) + Send + Sync>;

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
    /// Where fetched models are kept; what the environment says, if it is not given.
    pub home: Option<PathBuf>,
    /// Who is told what happens in evaluations, and while tactics are tried.
    pub events: Events,
    /// Who is told what happens in a run.
    pub events_of: EventsOf,
    /// Who is told what the experiment does.
    pub tell: Told,
    /// Whether the user wants to stop.
    pub cancel: Cancel,
    /// Tells how much CPU time was used.
    pub cpu: CpuMeter,
}

impl Player {
    /// Tries the tactics, plays every run that is not in `results`, measures its last model, and writes the results to the
    /// folder `output` after each.
    ///
    /// # Errors
    /// A run's or an evaluation's error; what is finished stays so, and the same call goes on from there.
    pub async fn play(&self, experiment: &Experiment, results: &mut Results, output: &Path) -> Result<()> {
        // They are about what is done again now.
        results.notes.clear();
        if let Some(wanted) = &experiment.file.automation {
            results.automation = self.automation(experiment, wanted, &mut results.notes).await?;
        }
        for cell in &experiment.cells {
            if !results.has(&cell.arm, cell.seed) {
                results.runs.push(self.play_cell(experiment, cell).await?);
                // What is known so far, for those who look in meanwhile.
                experiment.write(results, output)?;
            }
        }
        results.runs.sort_by_key(|run| experiment.place(&run.arm, run.seed));
        Ok(())
    }

    /// Plays one run to its end and measures its last model.
    async fn play_cell(&self, experiment: &Experiment, cell: &Cell) -> Result<FinishedRun> {
        let corpus = load_corpus(&cell.config.corpus)?;
        let path = cell.path(&experiment.runs);
        let from = cell.from.as_ref();
        for (folder, differs) in experiment.in_the_way(cell, &corpus)? {
            self.set_aside(&folder, &differs)?;
        }
        if experiment.state_of(cell, &corpus)? != State::Finished {
            (self.tell)(&StudyEvent::ArmStarted { arm: &cell.arm, seed: cell.seed });
            let folder = match from {
                None => open_folder(&path, &cell.config)?,
                Some(from) => Source::of(experiment.runs.join(&from.run), Some(from.round))
                    .with_context(|| {
                        format!("the arm `{}` goes on from a run, not from its numbers", cell.arm)
                    })?
                    .open_fork(&path, &cell.config, &self.events)?,
            };
            if shares_stage1(cell, &experiment.cells) {
                self.begin_with_stage1(experiment, cell, &corpus).await?;
            }
            self.run(folder, &cell.config, &corpus, false).await?;
            report::write(&RecordedRun::open(&path)?)?;
        }
        for evaluation in experiment.evaluations(cell, &corpus)? {
            if evaluation.earlier()?.is_none() {
                self.evaluate(&evaluation, &cell.folder, &corpus).await?;
            }
        }
        match experiment.recorded_run(cell, &corpus)? {
            Recorded::Finished(run) => Ok(*run),
            Recorded::Unfinished => anyhow::bail!("a run that was finished is not"),
            Recorded::Other(note) => anyhow::bail!("{note}"),
        }
    }

    /// Renames a run's folder, in which something else was played.
    fn set_aside(&self, folder: &Path, differs: &[String]) -> Result<()> {
        let locked = RunFolder::open_beside(folder)?;
        let kept = set_aside(folder)?;
        drop(locked);
        let run = folder.file_name().unwrap_or_default().to_string_lossy();
        (self.tell)(&StudyEvent::PlayedAgain { run: &run, kept: &kept, differs });
        Ok(())
    }

    /// Gives the run a copy of its stage 1, which is done first if need be.
    async fn begin_with_stage1(&self, experiment: &Experiment, cell: &Cell, corpus: &Corpus) -> Result<()> {
        let (own, shared) = (cell.path(&experiment.runs), experiment.runs.join(&cell.stage1.folder));
        if own.join(LEDGER).exists() {
            return Ok(());
        }
        if let State::Other(differs) = state(&shared, &cell.stage1.config, None, corpus)? {
            self.set_aside(&shared, &differs)?;
        }
        let ledger = shared.join(LEDGER);
        let done = ledger.exists() && Ledger::open(&ledger)?.step("stage1/valid")?.is_some();
        if !done {
            (self.tell)(&StudyEvent::SharedStage1 { seed: cell.seed });
            let folder = open_folder(&shared, &cell.stage1.config)?;
            self.run(folder, &cell.stage1.config, corpus, true).await?;
        }
        copy_stage1(&shared, &own)
    }

    async fn run(
        &self,
        folder: RunFolder,
        config: &RunConfig,
        corpus: &Corpus,
        stage1_only: bool,
    ) -> Result<()> {
        let events = (self.events_of)(folder.path())?;
        let pool = self.pool(config);
        let (device, judge) = (self.device.clone(), self.lean.version());
        let parts = RunParts::new(&folder, device, pool.clone(), judge, events, self.cancel.clone())
            .with_home(self.home.clone())
            .with_cpu(self.cpu.clone());
        let played = match Run::open(folder, config.clone(), corpus.clone(), parts) {
            Ok(run) if stage1_only => run.play_stage1().await,
            Ok(run) => run.play().await,
            Err(error) => Err(error),
        };
        pool.shutdown().await;
        played
    }

    async fn evaluate(&self, evaluation: &Evaluation, run: &str, corpus: &Corpus) -> Result<()> {
        if let Some(kept) = evaluation.make_room()? {
            let name = format!("{run}: {} on {}", evaluation.subject.name(), evaluation.set.name);
            let differs = ["its settings or its statements".to_owned()];
            (self.tell)(&StudyEvent::PlayedAgain { run: &name, kept: &kept, differs: &differs });
        }
        let pool = self.pool(&evaluation.config);
        let resources = Resources {
            verifier: pool.clone(),
            device: self.device.clone(),
            events: self.events.clone(),
            cancel: self.cancel.clone(),
        };
        let result = evaluation.play(corpus, resources).await;
        pool.shutdown().await;
        result.map(drop)
    }

    /// Lean's own tactics on the file's sets.
    async fn automation(
        &self,
        experiment: &Experiment,
        wanted: &file::Automation,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Tried>> {
        let config = experiment.base()?;
        let corpus = load_corpus(&config.corpus)?;
        let sets = experiment.tactic_sets(wanted, &corpus, notes)?;
        let runs = &experiment.runs;
        fs::create_dir_all(runs).with_context(|| format!("cannot make {}", runs.display()))?;
        let (path, lean) = (experiment.tactics_file(), self.lean.identity());
        let settings = automation::settings_of(&corpus, &config);
        if let Some((kept, differs)) = automation::make_room(&path, &settings, &lean)? {
            let run = "what tactics prove";
            (self.tell)(&StudyEvent::PlayedAgain { run, kept: &kept, differs: &differs });
        }
        // Without the cache: an answer of an earlier run says nothing of the time that it takes.
        let config = PoolConfig { cache: None, ..pool_config(&config, self.workers, &self.lean) };
        let pool = Pool::start(&self.lean, config);
        let (events, cancel) = (&self.events, &self.cancel);
        let automation = Automation { pool: &pool, events, cancel, settings: &settings, lean: &lean };
        let tried = automation.play(&path, &sets, &wanted.tactics).await;
        pool.shutdown().await;
        tried
    }

    fn pool(&self, config: &RunConfig) -> Pool {
        let config =
            PoolConfig { cache: self.cache.clone(), ..pool_config(config, self.workers, &self.lean) };
        Pool::start(&self.lean, config)
    }
}
