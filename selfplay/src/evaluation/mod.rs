//! Measuring a checkpoint on statements that nothing is learned from.
//!
//! An evaluation has a ledger of its own, in `evals/` of the run's folder: the run's ledger, and with it every training
//! set, stays as it is, and an evaluation that was stopped goes on.

mod outcome;
mod sets;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use stp_datasets::{Corpus, CorpusEntry, Ledger, Phase, Statement, Tally};
use stp_model::Device;
use stp_verifier::Pool;
use stp_verifier::hint::hint;
use tokio::task::JoinSet;

pub use outcome::{HARD, Outcome, Part, PassAt};
pub use sets::StatementSet;

use crate::cancel::Cancel;
use crate::config::RunConfig;
use crate::display::Display;
use crate::error::UsageError;
use crate::folder::{RunFolder, run_name};
use crate::language::Language;
use crate::proving;
use crate::run::Run;
use crate::seeds::seed_for;

/// The file with the outcome in the evaluation's folder.
const OUTCOME: &str = "outcome.json";

/// What is measured, and how.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The run's folder.
    pub run: PathBuf,
    /// The run's settings.
    pub config: RunConfig,
    /// Name of the checkpoint.
    pub checkpoint: String,
    /// The statements.
    pub set: StatementSet,
    /// Samples of each.
    pub samples: u32,
    /// The k of pass@k, each at most `samples`.
    pub ks: Vec<u32>,
}

/// What it is measured with.
#[derive(Clone, Debug)]
pub struct Means {
    /// The judge's processes.
    pub pool: Pool,
    /// What the user sees.
    pub display: Display,
    /// Whether the user wants to stop.
    pub cancel: Cancel,
    /// Where the model runs.
    pub device: Device,
}

impl Evaluation {
    /// Where its ledger and outcome are.
    pub fn folder(&self) -> PathBuf {
        self.run.join("evals").join(format!("{}-{}", self.set.name, self.checkpoint))
    }

    /// The outcome, if it was evaluated before with these samples and k.
    pub fn earlier(&self) -> Option<Outcome> {
        let text = std::fs::read_to_string(self.folder().join(OUTCOME)).ok()?;
        let outcome: Outcome = serde_json::from_str(&text).ok()?;
        let same = outcome.samples == self.samples
            && outcome.all.pass.iter().map(|pass| pass.k).eq(self.ks.iter().copied());
        same.then_some(outcome)
    }

    /// Samples and judges what is missing, and writes the outcome to the evaluation's folder.
    ///
    /// # Errors
    /// If the model, Lean or the ledger fails, or the user interrupts; the same call goes on from there.
    pub async fn play(&self, corpus: &Corpus, means: Means) -> Result<Outcome> {
        self.validate()?;
        let folder = RunFolder::open_beside(&self.run, &self.folder())?;
        let ledger = Arc::new(Ledger::open(&folder.ledger())?);
        let statements: Vec<_> = self.set.entries.iter().map(|entry| entry.statement.clone()).collect();
        ledger.record_statements(&statements)?;
        let refusals = not_elaborated(&means, &self.set.entries).await?;
        self.something_elaborates(&refusals)?;
        let not_elaborated: HashSet<String> = refusals.into_keys().collect();
        let mut config = self.config.clone();
        // Other random numbers than those that the run's own validation used.
        config.seed = seed_for(config.seed, &["evaluation"]);
        let valid = statements.into_iter().filter(|it| !not_elaborated.contains(&it.id)).collect();
        let mut run = Run {
            config,
            folder,
            ledger: ledger.clone(),
            corpus: Corpus::default(),
            train: Vec::new(),
            valid,
            pool: means.pool,
            display: means.display,
            cancel: means.cancel,
            language: Language::new(means.device),
        };
        let title = format!("{}: {}", self.checkpoint, self.set.name);
        let detail = proving::evaluate(&mut run, &self.checkpoint, self.samples, &title).await?;
        ledger.record_event("sampled", &detail)?;
        let outcome = self.outcome(corpus, &ledger, not_elaborated)?;
        run.folder.write_report(OUTCOME, &serde_json::to_string_pretty(&outcome)?)?;
        run.folder
            .write_report("outcome.md", &format!("{}\n\n{}\n", outcome.table(true), outcome.notes()))?;
        Ok(outcome)
    }

    /// Checks what was asked for.
    ///
    /// # Errors
    /// [`UsageError`] if a k cannot be estimated from the samples.
    pub fn validate(&self) -> Result<()> {
        let rule = if self.samples == 0 || self.ks.is_empty() {
            "An evaluation needs at least one sample and one k."
        } else if self.ks.iter().any(|&k| k == 0 || k > self.samples) {
            "Each k of -k must be at least 1 and at most --samples."
        } else {
            return Ok(());
        };
        Err(UsageError(rule.to_owned()).into())
    }

    /// Checks that there is something to measure.
    fn something_elaborates(&self, refusals: &HashMap<String, Vec<String>>) -> Result<()> {
        let Some(first) = self.set.entries.first().filter(|_| refusals.len() == self.set.entries.len())
        else {
            return Ok(());
        };
        let Statement { id, header, signature, .. } = &first.statement;
        let messages = refusals.get(id).map_or(&[][..], Vec::as_slice);
        let said = messages.first().map_or("nothing", String::as_str);
        let advice = hint(&format!("{header}\n{signature}"), messages).unwrap_or_else(|| {
            "Are they written for this Lean? `stp toolchain status` says which it is.".to_owned()
        });
        let text = format!(
            "None of the {} statements of `{}` elaborates in this Lean, so there is nothing to measure. Of `{id}` it says: \
             {said}. {advice}",
            refusals.len(),
            self.set.name
        );
        Err(UsageError(text).into())
    }

    fn outcome(&self, corpus: &Corpus, ledger: &Ledger, not_elaborated: HashSet<String>) -> Result<Outcome> {
        let mut attempts = ledger.attempts(0, Phase::Valid)?;
        // An earlier call may have asked for more samples.
        attempts.retain(|attempt| attempt.sample < self.samples);
        let mut tallies: HashMap<String, Tally> = HashMap::new();
        for attempt in &attempts {
            let tally = tallies.entry(attempt.statement.clone()).or_default();
            let verdict = attempt.verdict.as_ref().context("an attempt of the evaluation has no verdict")?;
            tally.judged += 1;
            tally.proved += u32::from(verdict.is_proved());
        }
        let entries = &self.set.entries;
        let (all, parts) = outcome::parts(entries, self.set.measured, &tallies, self.samples, &self.ks);
        let proved = |entry: &&CorpusEntry| tallies.get(&entry.statement.id).is_some_and(|it| it.proved > 0);
        let ids = |it: &CorpusEntry| it.statement.id.clone();
        let sampling: f64 =
            ledger.events()?.iter().filter_map(|event| event.detail["sampling_seconds"].as_f64()).sum();
        let lean: u64 =
            attempts.iter().filter_map(|it| Some(u64::from(it.verdict.as_ref()?.elapsed_ms))).sum();
        Ok(Outcome {
            run: run_name(&self.run),
            checkpoint: self.checkpoint.clone(),
            set: self.set.name.clone(),
            samples: self.samples,
            not_elaborated: entries.iter().map(ids).filter(|id| not_elaborated.contains(id)).collect(),
            in_training: self.set.in_training(corpus),
            all,
            parts,
            proved: entries.iter().filter(proved).map(ids).collect(),
            tokens: attempts.iter().map(|attempt| u64::from(attempt.tokens)).sum(),
            sampling_seconds: sampling,
            lean_seconds: lean as f64 / 1e3,
        })
    }
}

/// The newest checkpoint of a run: that of the final re-training, of its last round, or of stage 1.
///
/// # Errors
/// [`UsageError`] if there is none.
pub fn last_checkpoint(run: &Path, rounds: u32) -> Result<String> {
    let names = (0..=rounds + 1).rev().map(|round| crate::run::checkpoint_of(round, rounds));
    let mut there = names.filter(|name| run.join("checkpoints").join(name).join("config.json").is_file());
    there.next().ok_or_else(|| {
        UsageError(format!("{} has no checkpoint yet; let `stp train` finish stage 1.", run.display())).into()
    })
}

/// The statements that Lean does not take, by their names, with its messages.
async fn not_elaborated(means: &Means, entries: &[CorpusEntry]) -> Result<HashMap<String, Vec<String>>> {
    let mut checks = JoinSet::new();
    for entry in entries {
        let (pool, statement) = (means.pool.clone(), entry.statement.clone());
        checks.spawn(async move {
            let report = pool.statement(&statement.header, &statement.signature).await;
            (statement.id, report)
        });
    }
    let mut failed = HashMap::new();
    loop {
        let done = tokio::select! {
            () = means.cancel.cancelled() => return Err(crate::error::Interrupted.into()),
            done = checks.join_next() => done,
        };
        let Some(done) = done else { return Ok(failed) };
        let (id, report) = done?;
        let report = report?;
        if !report.ok {
            failed.insert(id, report.messages);
        }
    }
}
