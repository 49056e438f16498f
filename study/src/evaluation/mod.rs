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

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use stp_datasets::{Corpus, CorpusEntry, Ledger, Statement};
use stp_model::Device;
use stp_selfplay::config::{Prompts, RunConfig};
use stp_selfplay::context::{Cancel, Context, RunFolder, Statements};
use stp_selfplay::error::UsageError;
use stp_selfplay::events::{Events, Work};
use stp_selfplay::random::seed_for;
use stp_selfplay::steps::validate::held_out;
use stp_verifier::hint::hint;
use stp_verifier::{Pool, VerifierError, ask_each};

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
        let Some(result) = self.kept()? else { return Ok(None) };
        let same = result.settings == self.settings()
            && result.samples == self.samples
            && result.all.pass.iter().map(|pass| pass.k).eq(self.ks.iter().copied());
        Ok(same.then_some(result))
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

    /// A hash of all that decides what a sample is and how it is judged.
    fn settings(&self) -> String {
        let RunConfig { sampling, verifier, seed, prompts, .. } = &self.config;
        let mut text = serde_json::json!([sampled(sampling), verifier, seed, self.set.hash]);
        if let Some(parts) = text.as_array_mut() {
            parts.extend(self.subject.hash().map(|model| serde_json::json!(model)));
            // Results from before there were layouts still count.
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
        self.make_room()?;
        let folder = RunFolder::open_beside(&self.folder())?;
        let ledger = Arc::new(Ledger::open(&folder.ledger())?);
        ledger.remember(SETTINGS, &self.settings())?;
        let statements: Vec<_> = self.set.entries.iter().map(|entry| entry.statement.clone()).collect();
        ledger.record_statements(&statements)?;
        let refusals = not_elaborated(&resources, &self.set.entries).await?;
        self.something_elaborates(&refusals)?;
        let not_elaborated: HashSet<String> = refusals.into_keys().collect();
        let valid = statements.into_iter().filter(|it| !not_elaborated.contains(&it.id)).collect();
        let context = self.context(folder, ledger, valid, resources)?;
        let model = self.subject.name();
        let work = Work::Evaluate { checkpoint: model.to_owned(), set: self.set.name.clone() };
        let sampled = held_out(&context, model, 0, self.samples, work).await?;
        context.ledger.record_event("sampled", &serde_json::to_value(sampled)?)?;
        let result = self.result(corpus, &context.ledger, &not_elaborated)?;
        context.folder.write_report(RESULT, &serde_json::to_string_pretty(&result)?)?;
        let text = format!("{}\n\n{}\n", result.table(true), result.notes());
        context.folder.write_report("outcome.md", &text)?;
        Ok(result)
    }

    /// Makes room for this evaluation: what its folder has of other settings or statements is renamed. The new name is
    /// returned, if there was something. A ledger with neither settings nor samples is one that never began.
    ///
    /// # Errors
    /// If another process is working in the folder, its ledger is damaged, or it cannot be renamed.
    pub fn make_room(&self) -> Result<Option<String>> {
        let path = self.folder();
        if !path.join(LEDGER).exists() {
            return Ok(None);
        }
        let _locked = RunFolder::open_beside(&path)?;
        let ledger = Ledger::open(&path.join(LEDGER))?;
        let good = match ledger.recall(SETTINGS)? {
            Some(settings) => settings == self.settings(),
            None => ledger.stats()?.attempts.is_empty(),
        };
        if good {
            return Ok(None);
        }
        drop(ledger);
        set_aside(&path).map(Some)
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
mod tests {
    use std::path::Path;

    use super::*;
    use stp_datasets::{Attempt, Phase, Status, Verdict};
    use stp_verifier::{Script, StatementReport};

    fn evaluation(run: &Path) -> Evaluation {
        let corpus = Corpus::core().unwrap();
        Evaluation {
            subject: Subject::of_run(run, "final"),
            config: RunConfig::load("smoke", None).unwrap(),
            set: StatementSet::load("test", &corpus, 3).unwrap(),
            samples: 2,
            ks: vec![1, 2],
        }
    }

    fn keep(evaluation: &Evaluation, settings: &str) {
        let folder = evaluation.folder();
        std::fs::create_dir_all(&folder).unwrap();
        let ledger = Ledger::open(&folder.join(LEDGER)).unwrap();
        let mut result = evaluation.result(&Corpus::default(), &ledger, &HashSet::new()).unwrap();
        result.settings = settings.to_owned();
        std::fs::write(folder.join(RESULT), serde_json::to_string(&result).unwrap()).unwrap();
    }

    #[test]
    fn a_result_counts_only_for_its_settings_and_statements() {
        let run = tempfile::tempdir().unwrap();
        let asked = evaluation(run.path());
        let has = |it: &Evaluation| (it.earlier().unwrap().is_some(), it.is_stale().unwrap());
        assert_eq!(has(&asked), (false, false));
        keep(&asked, &asked.settings());
        assert_eq!(has(&asked), (true, false));
        let fewer = Evaluation { samples: 1, ks: vec![1], ..asked.clone() };
        assert_eq!(has(&fewer), (false, false), "its samples are still good");
        let mut others = [asked.clone(), asked.clone(), asked.clone()];
        others[0].config.sampling.temperature += 0.1;
        others[1].config.verifier.timeout_s += 1.0;
        others[2].set.hash.push('x');
        for other in others {
            assert_eq!(has(&other), (false, true));
        }
        keep(&asked, "");
        assert_eq!(has(&asked), (false, true), "of what nobody knows any more");
    }

    #[test]
    fn a_damaged_result_is_an_error_with_its_name() {
        let run = tempfile::tempdir().unwrap();
        let asked = evaluation(run.path());
        std::fs::create_dir_all(asked.folder()).unwrap();
        let path = asked.folder().join(RESULT);
        std::fs::write(&path, "{").unwrap();
        for error in [asked.earlier().unwrap_err(), asked.is_stale().unwrap_err()] {
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
        std::fs::remove_file(path).unwrap();
        assert!(asked.earlier().unwrap().is_none());
    }

    fn sample(evaluation: &Evaluation) {
        let attempt = Attempt {
            round: 0,
            phase: Phase::Valid,
            statement: evaluation.set.entries[0].statement.id.clone(),
            sample: 0,
            proof: "by x".to_owned(),
            tokens: 1,
            logprob: 0.0,
            verdict: Some(Verdict::new(Status::Failed, "")),
        };
        Ledger::open(&evaluation.folder().join(LEDGER)).unwrap().record_attempt(&attempt).unwrap();
    }

    #[test]
    fn samples_of_other_settings_are_set_aside() {
        let run = tempfile::tempdir().unwrap();
        let asked = evaluation(run.path());
        assert_eq!(asked.make_room().unwrap(), None);
        keep(&asked, "");
        assert_eq!(asked.make_room().unwrap(), None, "nothing was sampled yet");
        sample(&asked);
        let old = asked.make_room().unwrap().unwrap();
        assert_eq!(old, format!("{}-final.old-1", asked.set.name), "of what nobody knows any more");
        assert!(run.path().join("evals").join(old).join(LEDGER).exists() && !asked.folder().exists());
        keep(&asked, "");
        let ledger = Ledger::open(&asked.folder().join(LEDGER)).unwrap();
        ledger.remember(SETTINGS, &asked.settings()).unwrap();
        assert_eq!(asked.make_room().unwrap(), None, "its own are gone on with");
        let mut other = asked.clone();
        other.config.sampling.temperature += 0.1;
        assert!(other.make_room().unwrap().unwrap().ends_with(".old-2"));
    }

    #[tokio::test]
    async fn a_set_that_does_not_elaborate_is_an_error_with_its_message() {
        let run = tempfile::tempdir().unwrap();
        let asked = evaluation(run.path());
        let script = Script::proofs([]).statements(|_, _| StatementReport {
            ok: false,
            messages: vec!["unknown thing".to_owned()],
            fingerprint: None,
        });
        let resources = Resources {
            verifier: Pool::scripted(script),
            device: Device::default(),
            events: Events::none(),
            cancel: Cancel::new(),
        };
        let error = asked.play(&Corpus::default(), resources).await.unwrap_err();
        assert!(error.downcast_ref::<UsageError>().is_some());
        assert!(error.to_string().contains("unknown thing"), "{error}");
    }
}
