//! A run: the order of its steps, each done once.
//!
//! The ledger knows which steps are finished. A step computes everything from the ledger, the corpus and
//! earlier checkpoints, so a run that was killed goes on by doing the first unfinished step again.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};
use stp_datasets::{Corpus, Ledger};
use stp_model::Device;
use stp_verifier::Pool;

use crate::config::{RunConfig, differences};
use crate::context::folder::run_config;
use crate::context::longer::set_final_aside;
use crate::context::{Cancel, Checkpoints, Context, CpuMeter, RunFolder, Spending, Statements, corpus};
use crate::events::{Event, Events, Recorded};
use crate::plan::{self, Step};
use crate::steps::{conjecture, prove, search, setup, train, validate};

/// What a run gets from outside.
#[derive(Debug)]
pub struct RunParts {
    /// The judge.
    pub verifier: Pool,
    /// What judges, for those who read the ledger: a version of Lean.
    pub judge: String,
    /// The run's models, and the device on which they run.
    pub checkpoints: Checkpoints,
    /// Who is told what happens.
    pub events: Events,
    /// Whether the user wants to stop.
    pub cancel: Cancel,
    /// Tells how much CPU time was used.
    pub cpu: CpuMeter,
}

impl RunParts {
    /// Parts of a run in that folder whose models run on `device`.
    pub fn new(
        folder: &RunFolder,
        device: Device,
        verifier: Pool,
        judge: &str,
        events: Events,
        cancel: Cancel,
    ) -> Self {
        let checkpoints = Checkpoints::new(folder.path(), device);
        let judge = judge.to_owned();
        Self { verifier, judge, checkpoints, events, cancel, cpu: CpuMeter::none() }
    }

    /// The same, with a folder in which fetched models are kept in place of the environment's.
    #[must_use]
    pub fn with_home(self, home: Option<PathBuf>) -> Self {
        Self { checkpoints: self.checkpoints.with_home(home), ..self }
    }

    /// The same, with CPU time in the steps' records.
    #[must_use]
    pub fn with_cpu(self, cpu: CpuMeter) -> Self {
        Self { cpu, ..self }
    }
}

/// A run whose folder, ledger and corpus fit together.
#[derive(Debug)]
pub struct Run {
    context: Context,
}

/// Whether a run is finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// With these settings.
    Yes,
    /// Steps are missing, or there is no run.
    No,
    /// There is a run with other settings: `key: its value -> the value asked for` of each that differs.
    OtherSettings(Vec<String>),
}

impl Run {
    /// Opens the ledger in a locked folder, keeps the corpus or compares it with the one that the run began with, and
    /// records the statements.
    ///
    /// # Errors
    /// If the ledger cannot be opened, or the corpus is another one: [`crate::error::UsageError`].
    pub fn open(folder: RunFolder, config: RunConfig, corpus: Corpus, parts: RunParts) -> Result<Self> {
        config.require_followers()?;
        let ledger = Arc::new(Ledger::open(&folder.ledger())?);
        corpus::keep(&ledger, &corpus, &config)?;
        ledger.remember("toolchain", &parts.judge)?;
        // Done already when the folder was opened, unless that process was killed.
        set_final_aside(folder.path(), &ledger, config.rounds)?;
        let statements = Statements::of(corpus, &config);
        ledger.record_statements(&statements.train)?;
        ledger.record_statements(&statements.valid)?;
        parts.events.emit(&Event::RunOpened {
            folder: folder.path(),
            train: statements.train.len(),
            valid: statements.valid.len(),
            method: config.method,
            seed: config.seed,
        });
        let RunParts { verifier, checkpoints, events, cancel, cpu, .. } = parts;
        let checkpoints = checkpoints.telling(&events).configured(&config)?;
        let spending = Spending::new(cpu);
        let context =
            Context { config, folder, ledger, statements, verifier, checkpoints, events, cancel, spending };
        Ok(Self { context })
    }

    /// What its steps share.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Does all steps that are not finished yet.
    ///
    /// # Errors
    /// The first step's error; what is finished stays so.
    pub async fn play(&self) -> Result<()> {
        self.play_all(|_| true).await
    }

    /// Does setup, stage 1 and its validation alone, for runs that begin with them.
    ///
    /// # Errors
    /// As [`Self::play`].
    pub async fn play_stage1(&self) -> Result<()> {
        self.play_all(|step| matches!(step, Step::Setup | Step::Stage1Train | Step::Stage1Valid)).await
    }

    async fn play_all(&self, wanted: fn(Step) -> bool) -> Result<()> {
        let ledger = &self.context.ledger;
        let version = env!("CARGO_PKG_VERSION");
        ledger.record_event("started", &json!({ "version": version, "process": std::process::id() }))?;
        let played = self.play_steps(wanted).await;
        let (kind, detail) = match &played {
            Ok(()) => ("finished", json!({})),
            Err(error) => ("stopped", json!({ "reason": error.to_string() })),
        };
        ledger.record_event(kind, &detail)?;
        played
    }

    /// Whether the run in a folder is finished, and whether its settings are these.
    ///
    /// # Errors
    /// If its settings or its ledger cannot be read.
    pub fn is_finished(path: &Path, config: &RunConfig) -> Result<Finished> {
        let ledger = path.join("ledger.sqlite");
        if !ledger.exists() {
            return Ok(Finished::No);
        }
        let (kept, _) = run_config(path)?;
        let differs = differences(&kept, config);
        if !differs.is_empty() {
            return Ok(Finished::OtherSettings(differs));
        }
        let done: HashSet<_> = Ledger::open(&ledger)?.steps()?.into_iter().map(|step| step.name).collect();
        let all = plan::steps(config).into_iter().all(|step| done.contains(&step.name()));
        Ok(if all { Finished::Yes } else { Finished::No })
    }

    async fn play_steps(&self, wanted: fn(Step) -> bool) -> Result<()> {
        let Context { config, ledger, events, cancel, spending, .. } = &self.context;
        let steps = plan::steps(config);
        for step in steps.into_iter().filter(|step| wanted(*step)) {
            if ledger.step(&step.name())?.is_some() {
                continue;
            }
            cancel.check()?;
            events.emit(&Event::StepStarted(step));
            let started = Instant::now();
            spending.begin(&step.name());
            let detail = match self.play_step(step).await {
                Ok(detail) => spending.finish(ledger)?.within(detail),
                Err(error) => {
                    spending.keep(ledger)?;
                    return Err(error);
                }
            };
            let seconds = started.elapsed().as_secs_f64();
            ledger.finish_step(&stp_datasets::Step { name: step.name(), seconds, detail })?;
            events.recorded(Recorded::Step);
            events.emit(&Event::StepFinished { step, seconds });
        }
        Ok(())
    }

    /// Does a step and returns its record.
    async fn play_step(&self, step: Step) -> Result<Value> {
        let context = &self.context;
        let round = step.round(context.config.rounds);
        let record = match step {
            Step::Setup => serde_json::to_value(setup::set_up(context).await?),
            Step::Stage1Train => serde_json::to_value(train::stage1(context).await?),
            Step::Conjecture(_) => serde_json::to_value(conjecture::conjecture(context, round).await?),
            Step::Prove(_) => serde_json::to_value(prove::prove(context, round).await?),
            Step::Search(_) => serde_json::to_value(search::search(context, round).await?),
            Step::Train(_) => serde_json::to_value(train::round(context, round).await?),
            Step::FinalTrain => serde_json::to_value(train::retrain(context, round).await?),
            Step::Stage1Valid | Step::Valid(_) | Step::FinalValid => {
                serde_json::to_value(validate::validate(context, step).await?)
            }
        };
        Ok(record?)
    }
}

#[cfg(test)]
mod tests;
