//! A run: its state and the order of its steps.
//!
//! The ledger knows which steps are finished. A step computes everything from the ledger, the corpus and
//! earlier checkpoints, so a run that was killed goes on by doing the first unfinished step again.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use serde_json::json;
use stp_datasets::{Corpus, Ledger, Split, Statement};
use stp_verifier::Pool;

use crate::cancel::Cancel;
use crate::config::RunConfig;
use crate::display::Display;
use crate::error::Interrupted;
use crate::folder::RunFolder;
use crate::language::Language;
use crate::plan::{self, Step};
use crate::report::Report;
use crate::{conjecturing, learning, proving, setup};

/// Everything that the steps share.
pub struct Run {
    /// The settings.
    pub config: RunConfig,
    /// The run folder, locked.
    pub folder: RunFolder,
    /// The run's memory.
    pub ledger: Arc<Ledger>,
    /// The corpus, all splits.
    pub corpus: Corpus,
    /// The given training statements of this run.
    pub train: Vec<Statement>,
    /// The validation statements of this run.
    pub valid: Vec<Statement>,
    /// The judge's processes.
    pub pool: Pool,
    /// What the user sees.
    pub display: Display,
    /// Whether the user wants to stop.
    pub cancel: Cancel,
    /// The model between steps.
    pub language: Language,
}

impl Run {
    /// The statements of a split that a run with these settings uses.
    pub fn choose(corpus: &Corpus, config: &RunConfig) -> (Vec<Statement>, Vec<Statement>) {
        let of_split = |split, count| plan::spread(&corpus.statements(split), count);
        (of_split(Split::Train, config.max_train), of_split(Split::Valid, config.max_valid))
    }

    /// Does all steps that are not finished yet, and returns the report.
    ///
    /// # Errors
    /// The first step's error; what is finished stays so.
    pub async fn play(&mut self) -> Result<Report> {
        self.ledger.record_statements(&self.train)?;
        self.ledger.record_statements(&self.valid)?;
        let version = env!("CARGO_PKG_VERSION");
        self.ledger.record_event("started", &json!({ "version": version, "process": std::process::id() }))?;
        let played = self.play_steps(|_| true).await;
        let (kind, detail) = match &played {
            Ok(()) => ("finished", json!({})),
            Err(error) => ("stopped", json!({ "reason": error.to_string() })),
        };
        self.ledger.record_event(kind, &detail)?;
        played?;
        let report = self.report()?;
        self.folder.write_report("report.md", &report.table(true))?;
        self.folder.write_report("report.json", &serde_json::to_string_pretty(&report)?)?;
        Ok(report)
    }

    /// Does setup, stage 1 and its validation alone, for runs that begin with them.
    ///
    /// # Errors
    /// As [`Self::play`].
    pub async fn play_stage1(&mut self) -> Result<()> {
        self.ledger.record_statements(&self.train)?;
        self.ledger.record_statements(&self.valid)?;
        self.ledger.record_event("started", &json!({ "version": env!("CARGO_PKG_VERSION") }))?;
        self.play_steps(|step| matches!(step, Step::Setup | Step::Stage1Train | Step::Stage1Valid)).await
    }

    /// Whether a run with these settings has nothing left to do.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn is_finished(ledger: &Ledger, config: &RunConfig) -> Result<bool> {
        let done: HashSet<_> = ledger.steps()?.into_iter().map(|step| step.name).collect();
        Ok(plan::steps(config.rounds, config.method).into_iter().all(|step| done.contains(&step.name())))
    }

    async fn play_steps(&mut self, wanted: fn(Step) -> bool) -> Result<()> {
        let steps = plan::steps(self.config.rounds, self.config.method);
        for step in steps.into_iter().filter(|step| wanted(*step)) {
            if self.ledger.step(&step.name())?.is_some() {
                continue;
            }
            self.cancel.check()?;
            let started = Instant::now();
            let detail = self.do_step(step).await?;
            self.ledger.finish_step(&stp_datasets::Step {
                name: step.name(),
                seconds: started.elapsed().as_secs_f64(),
                detail,
            })?;
            self.note(step)?;
        }
        Ok(())
    }

    /// Writes the report's new line to the metrics, where the step completes one.
    fn note(&self, step: Step) -> Result<()> {
        let completes = matches!(step, Step::Stage1Valid | Step::Valid(_) | Step::FinalValid);
        if let (true, Some(metrics)) = (completes, self.display.metrics()) {
            let report = self.report()?;
            report.rows.last().inspect(|row| metrics.row(step.round(self.config.rounds), row));
        }
        Ok(())
    }

    async fn do_step(&mut self, step: Step) -> Result<serde_json::Value> {
        let rounds = self.config.rounds;
        let round = step.round(rounds);
        match step {
            Step::Setup => Ok(serde_json::to_value(setup::set_up(self).await?)?),
            Step::Stage1Train => learning::stage1(self).await,
            Step::Conjecture(_) => conjecturing::conjecture(self, round).await,
            Step::Prove(_) => proving::prove(self, round).await,
            Step::Train(_) => learning::round(self, round).await,
            Step::FinalTrain => learning::retrain(self, round).await,
            Step::Stage1Valid | Step::Valid(_) | Step::FinalValid => proving::validate(self, step).await,
        }
    }

    /// The checkpoint that samples after `round`; 0 is stage 1.
    pub fn model_after(&self, round: u32) -> String {
        checkpoint_of(if self.config.method.trains() { round } else { 0 }, self.config.rounds)
    }

    /// The names of the given training statements.
    pub fn given(&self) -> HashSet<String> {
        self.train.iter().map(|statement| statement.id.clone()).collect()
    }

    /// The report as far as the run has come.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn report(&self) -> Result<Report> {
        Report::read(
            &self.ledger,
            self.config.rounds,
            &self.given(),
            self.valid.len(),
            self.config.proving.valid_samples,
        )
    }

    /// Waits for `work`, or ends with [`Interrupted`] when the user wants to stop.
    ///
    /// # Errors
    /// [`Interrupted`].
    pub async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        tokio::select! {
            () = self.cancel.cancelled() => Err(Interrupted),
            value = work => Ok(value),
        }
    }
}

/// The name of the checkpoint that the model of a step is kept under.
pub fn checkpoint_of(round: u32, rounds: u32) -> String {
    match round {
        0 => "stage1".to_owned(),
        _ if round <= rounds => format!("round-{round}"),
        _ => "final".to_owned(),
    }
}
