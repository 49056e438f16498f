//! Measuring a checkpoint on statements that nothing is learned from.
//!
//! An evaluation has a ledger of its own, in `evals/` of the run's folder: the run's ledger, and with it every training
//! set, stays as it is, and an evaluation that was stopped goes on. One of other settings or other statements is kept
//! beside it and never shown.

mod found;
mod result;
mod sampled;
mod sets;
mod subject;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde::Serialize;
use stp_datasets::{Corpus, CorpusEntry, Ledger, Statement, Tally};
use stp_model::Device;
use stp_selfplay::config::{Prompts, RunConfig};
use stp_selfplay::context::{Cancel, Context, CpuMeter, RunFolder, Spending, Statements};
use stp_selfplay::error::UsageError;
use stp_selfplay::events::{Events, Work};
use stp_selfplay::random::seed_for;
use stp_selfplay::steps::validate::held_out;
use stp_verifier::hint::hint;
use stp_verifier::{Pool, VerifierError, ask_each};

pub(crate) use result::not_elaborated_note;
pub use result::{EvaluationResult, HARD, Part, PassAt};
pub use sets::StatementSet;
pub use subject::{Subject, checkpoint, last_checkpoint, require_model};

use self::found::{Found, sampling_seconds};
use self::sampled::sampled;
use crate::files::set_aside;

/// The file with the result in the evaluation's folder.
const RESULT: &str = "outcome.json";
/// The ledger in the evaluation's folder.
const LEDGER: &str = "ledger.sqlite";
/// Under which key its ledger keeps what it was made with.
const SETTINGS: &str = "settings";
/// Statements that each Lean process is asked about ahead of its answers.
const AHEAD: usize = 8;

/// What is measured, and how.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The model.
    pub subject: Subject,
    /// The run's settings, or such as a run would have.
    pub config: RunConfig,
    /// The statements.
    pub set: StatementSet,
    /// Samples of each.
    pub samples: u32,
    /// The k of pass@k, each at most `samples`.
    pub ks: Vec<u32>,
}

/// What it is measured with.
#[derive(Clone, Debug)]
pub struct Resources {
    /// The judge.
    pub verifier: Pool,
    /// Where the model runs.
    pub device: Device,
    /// Who is told what happens.
    pub events: Events,
    /// Whether the user wants to stop.
    pub cancel: Cancel,
}

impl Evaluation {
    /// Where its ledger and result are.
    pub fn folder(&self) -> PathBuf {
        self.subject.folder(&self.set.name)
    }

    /// The result, if it was evaluated before with these settings, statements, samples and k.
    ///
    /// # Errors
    /// If there is a result that cannot be read.
    pub fn earlier(&self) -> Result<Option<EvaluationResult>> {
        Ok(self.kept()?.filter(|result| self.is_answered_by(result)))
    }

    /// Whether a result was made with these settings, statements, samples and k.
    pub(crate) fn is_answered_by(&self, result: &EvaluationResult) -> bool {
        result.settings == self.settings()
            && result.samples == self.samples
            && result.all.pass.iter().map(|pass| pass.k).eq(self.ks.iter().copied())
    }

    /// Whether there is a result that was made with other settings or statements, or with what nobody knows any more.
    ///
    /// # Errors
    /// If there is a result that cannot be read.
    pub fn is_stale(&self) -> Result<bool> {
        Ok(self.kept()?.is_some_and(|result| result.settings != self.settings()))
    }

    /// Whatever result is in its folder.
    fn kept(&self) -> Result<Option<EvaluationResult>> {
        let path = self.folder().join(RESULT);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        serde_json::from_str(&text).map(Some).with_context(|| {
            format!(
                "{} is damaged. Remove it and measure again: the samples in the ledger beside it are kept.",
                path.display()
            )
        })
    }

    /// The samples of each statement, and whether no single tactic closes it. Nothing without a ledger.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn tallies(&self) -> Result<BTreeMap<String, (bool, Tally)>> {
        let path = self.folder().join(LEDGER);
        if !path.exists() {
            return Ok(BTreeMap::new());
        }
        let found = Found::read(&Ledger::open_to_read(&path)?, self.samples)?;
        let none = Tally { proved: 0, judged: self.samples };
        let of = |entry: &CorpusEntry| {
            let id = entry.statement.id.clone();
            let tally = found.tallies.get(&id).copied().unwrap_or(none);
            (id, (entry.is_hard(), tally))
        };
        Ok(self.set.entries.iter().map(of).collect())
    }

    /// A hash of all that decides what a sample is and how it is judged.
    pub(crate) fn settings(&self) -> String {
        let RunConfig { sampling, verifier, seed, prompts, .. } = &self.config;
        let mut text = serde_json::json!([sampled(sampling), verifier, seed, self.set.hash]);
        if let Some(parts) = text.as_array_mut() {
            parts.extend(self.subject.hash().map(|model| serde_json::json!(model)));
            // Results from before there were 16 bits and layouts still count.
            parts.extend(self.subject.is_halved().then(|| serde_json::json!("f16")));
            parts.extend((*prompts != Prompts::default()).then(|| serde_json::json!(prompts)));
        }
        stp_datasets::sha256(text.to_string())
    }

    /// Samples and judges what is missing, and writes the result to the evaluation's folder.
    ///
    /// # Errors
    /// If the model, Lean or the ledger fails, or the user interrupts; the same call goes on from there.
    pub async fn play(&self, corpus: &Corpus, resources: Resources) -> Result<EvaluationResult> {
        self.validate()?;
        let (context, not_elaborated) = self.begin(resources).await?;
        let statements: Vec<_> = self.set.entries.iter().map(|entry| entry.statement.clone()).collect();
        context.ledger.record_statements(&statements)?;
        let model = self.subject.name();
        let work = Work::Evaluate { checkpoint: model.to_owned(), set: self.set.name.clone() };
        let sampled = held_out(&context, model, 0, self.samples, work).await?;
        context.ledger.record_event("sampled", &serde_json::to_value(sampled)?)?;
        let result = self.result(corpus, &context.ledger, &not_elaborated)?;
        write_result(&context, &result, &result.table(true), &result.notes())?;
        Ok(result)
    }

    /// Opens its folder, with nothing of other settings or statements in it, for the statements that this Lean elaborates; the
    /// names of the others are returned.
    ///
    /// # Errors
    /// If the folder is in use, Lean fails, or no statement elaborates.
    pub(crate) async fn begin(&self, resources: Resources) -> Result<(Context, HashSet<String>)> {
        let folder = self.open_folder()?;
        let ledger = Arc::new(Ledger::open(&folder.ledger())?);
        ledger.remember(SETTINGS, &self.settings())?;
        let refusals = not_elaborated(&resources, &self.set.entries).await?;
        self.something_elaborates(&refusals)?;
        let refused: HashSet<String> = refusals.into_keys().collect();
        let good = self.set.entries.iter().filter(|entry| !refused.contains(&entry.statement.id));
        let good = good.map(|entry| entry.statement.clone()).collect();
        Ok((self.context(folder, ledger, good, resources)?, refused))
    }

    /// Makes room for this evaluation: what its folder has of other settings or statements is renamed. The new name is
    /// returned, if there was something. A ledger with neither settings nor samples is one that never began.
    ///
    /// # Errors
    /// If another process is working in the folder, its ledger is damaged, or it cannot be renamed.
    pub fn make_room(&self) -> Result<Option<String>> {
        if !self.folder().join(LEDGER).exists() {
            return Ok(None);
        }
        let _locked = RunFolder::open_beside(&self.folder())?;
        self.set_others_aside()
    }

    /// Its folder, locked, with nothing of other settings or statements in it.
    fn open_folder(&self) -> Result<RunFolder> {
        let folder = RunFolder::open_beside(&self.folder())?;
        if self.set_others_aside()?.is_none() {
            return Ok(folder);
        }
        // The lock went with what was renamed.
        RunFolder::open_beside(&self.folder())
    }

    /// [`Self::make_room`] for whoever has the lock.
    fn set_others_aside(&self) -> Result<Option<String>> {
        let path = self.folder();
        if !path.join(LEDGER).exists() {
            return Ok(None);
        }
        let ledger = Ledger::open(&path.join(LEDGER))?;
        let own = match ledger.recall(SETTINGS)? {
            Some(settings) => settings == self.settings(),
            None => ledger.stats()?.attempts.is_empty(),
        };
        drop(ledger);
        if own { Ok(None) } else { set_aside(&path).map(Some) }
    }

    /// What a run's validation would have, with the set's statements in place of those of the run.
    fn context(
        &self,
        folder: RunFolder,
        ledger: Arc<Ledger>,
        valid: Vec<Statement>,
        resources: Resources,
    ) -> Result<Context> {
        let Resources { verifier, device, events, cancel } = resources;
        let mut config = self.config.clone();
        // Other random numbers than those that the run's own validation used.
        config.seed = seed_for(config.seed, &["evaluation"]);
        let checkpoints = self.subject.checkpoints(device).telling(&events).configured(&config)?;
        Ok(Context {
            config,
            folder,
            ledger,
            statements: Statements::only_held_out(valid),
            verifier,
            checkpoints,
            events,
            cancel,
            spending: Spending::new(CpuMeter::none()),
        })
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

    fn result(
        &self,
        corpus: &Corpus,
        ledger: &Ledger,
        not_elaborated: &HashSet<String>,
    ) -> Result<EvaluationResult> {
        let found = Found::read(ledger, self.samples)?;
        let entries = &self.set.entries;
        let (all, parts) = result::parts(entries, self.set.measured, &found.tallies, self.samples, &self.ks);
        let is_proved = |id: &String| found.tallies.get(id).is_some_and(|it| it.proved > 0);
        let ids = || entries.iter().map(|entry| entry.statement.id.clone());
        Ok(EvaluationResult {
            run: self.subject.run(),
            checkpoint: self.subject.name().to_owned(),
            set: self.set.name.clone(),
            samples: self.samples,
            not_elaborated: ids().filter(|id| not_elaborated.contains(id)).collect(),
            in_training: self.set.in_training(corpus),
            all,
            parts,
            proved: ids().filter(is_proved).collect(),
            tokens: found.tokens,
            sampling_seconds: sampling_seconds(ledger)?,
            lean_seconds: found.lean_ms as f64 / 1e3,
            settings: self.settings(),
        })
    }
}

/// Writes a result to the folder of its evaluation, for programs and for people.
pub(crate) fn write_result(
    context: &Context,
    result: &impl Serialize,
    table: &str,
    notes: &str,
) -> Result<()> {
    context.folder.write_report(RESULT, &serde_json::to_string_pretty(result)?)?;
    context.folder.write_report("outcome.md", &format!("{table}\n\n{notes}\n"))
}

/// The statements that Lean does not take, by their names, with its messages.
async fn not_elaborated(
    resources: &Resources,
    entries: &[CorpusEntry],
) -> Result<HashMap<String, Vec<String>>> {
    let ask = |pool: Pool, entry: &CorpusEntry| {
        let Statement { id, header, signature, .. } = entry.statement.clone();
        async move {
            let report = pool.statement(&header, &signature).await?;
            Ok::<_, VerifierError>((id, report))
        }
    };
    let asking = ask_each(&resources.verifier, AHEAD, entries, ask, |_| {});
    let reports = resources.cancel.unless(asking).await??;
    let refused = reports.into_iter().filter(|(_, report)| !report.ok);
    Ok(refused.map(|(id, report)| (id, report.messages)).collect())
}

#[cfg(test)]
mod tests;
