//! A run seen from outside, by its folder alone, while it goes on or after.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::Result;
use serde::Serialize;
use stp_datasets::{Ledger, Origin, Split, Statement};
use stp_selfplay::config::RunConfig;
use stp_selfplay::context::folder::write_atomically;
use stp_selfplay::context::folder::{run_config, run_ledger, run_name};
use stp_selfplay::context::statements::{choose, load_corpus};

use super::automation::Automation;
use super::compare::{Differing, differing};
use super::funnel::{self, GoalFunnel};
use super::gather::{Run, RunPage};
use super::table::Report;

/// A run folder, opened for reading.
#[derive(Debug)]
pub struct RecordedRun {
    path: PathBuf,
    name: String,
    config: RunConfig,
    ledger: Ledger,
    /// The last table, with the number of steps that were finished then: it changes with these alone.
    last: Mutex<Option<(usize, Report)>>,
    /// What single tactics prove: a run has one corpus, so it is read once, when the run has statements.
    automation: OnceLock<Option<Automation>>,
}

/// What the page shows.
#[derive(Debug, Serialize)]
struct Gathered {
    runs: Vec<RunPage>,
    /// The settings in which the runs differ.
    differing: Vec<Differing>,
}

impl RecordedRun {
    /// Opens the folder of a run that goes on, has ended or was interrupted.
    ///
    /// # Errors
    /// If it is no run folder, or its ledger cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let (config, _) = run_config(path)?;
        Ok(Self {
            name: run_name(path),
            ledger: Ledger::open_to_read(&run_ledger(path)?)?,
            path: path.to_owned(),
            config,
            last: Mutex::new(None),
            automation: OnceLock::new(),
        })
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name that it is shown by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its settings.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// Its ledger, for reading.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Its table, as far as it has come. It is worked out anew only when another step is finished.
    ///
    /// # Errors
    /// If the ledger cannot be read, or a record in it is damaged.
    pub fn report(&self) -> Result<Report> {
        let steps = self.ledger.steps()?.len();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, report)) = last.as_ref()
            && *known == steps
        {
            return Ok(report.clone());
        }
        let (given, valid) = statements(&self.ledger, &self.config)?;
        let given: HashSet<_> = given.into_iter().map(|statement| statement.id).collect();
        let RunConfig { rounds, proving, .. } = &self.config;
        let report = Report::read(&self.ledger, *rounds, &given, valid.len(), proving.valid_samples)?;
        *last = Some((steps, report.clone()));
        Ok(report)
    }

    /// What became of failed proofs and the goals that they leave open, for each round with a search.
    ///
    /// # Errors
    /// As [`Self::report`].
    pub fn goals(&self) -> Result<Vec<GoalFunnel>> {
        funnel::goals(&self.ledger, &self.report()?, self.config.rounds)
    }

    /// What the page shows of it.
    ///
    /// # Errors
    /// As [`Self::report`].
    pub fn gather(&self) -> Result<RunPage> {
        let (given, valid) = statements(&self.ledger, &self.config)?;
        RunPage::gather(Run {
            name: self.name.clone(),
            folder: &self.path,
            config: &self.config,
            ledger: &self.ledger,
            report: self.report()?,
            automation: self.automation(&given, &valid)?,
            statements: (given, valid),
        })
    }

    fn automation(&self, given: &[Statement], valid: &[Statement]) -> Result<Option<&Automation>> {
        if let Some(known) = self.automation.get() {
            return Ok(known.as_ref());
        }
        let read = Automation::read(&self.ledger, &self.config, given, valid)?;
        if self.ledger.steps()?.is_empty() {
            // Setup may still be at work.
            return Ok(None);
        }
        Ok(self.automation.get_or_init(|| read).as_ref())
    }
}

/// The given training statements and the validation statements of a run, as its ledger has them: its corpus may be
/// elsewhere by now. A ledger of the first version has only names, so its corpus is asked.
///
/// # Errors
/// If the ledger cannot be read; of an old ledger also if its corpus cannot.
pub(crate) fn statements(ledger: &Ledger, config: &RunConfig) -> Result<(Vec<Statement>, Vec<Statement>)> {
    let known = ledger.statements()?.into_iter().filter(|it| it.origin == Origin::Corpus);
    let known = known.map(|it| it.statement).filter(|it| !it.signature.is_empty() && it.split != Split::Test);
    let (valid, given): (Vec<_>, Vec<_>) = known.partition(|statement| statement.split == Split::Valid);
    if given.is_empty() && valid.is_empty() {
        return Ok(choose(&load_corpus(&config.corpus)?, config));
    }
    Ok((given, valid))
}

/// Writes `report.md` and `report.json` to a run's folder, and returns the table.
///
/// # Errors
/// If the ledger cannot be read or the folder cannot be written.
pub fn write(run: &RecordedRun) -> Result<Report> {
    let report = run.report()?;
    write_atomically(&run.path.join("report.md"), &report.table(true))?;
    write_atomically(&run.path.join("report.json"), &serde_json::to_string_pretty(&report)?)?;
    Ok(report)
}

/// What the page shows of some runs, as JSON.
///
/// # Errors
/// If a ledger cannot be read.
pub fn gathered(runs: &[RecordedRun]) -> Result<String> {
    let configs: Vec<_> = runs.iter().map(RecordedRun::config).collect();
    let pages = runs.iter().map(RecordedRun::gather).collect::<Result<Vec<_>>>()?;
    Ok(serde_json::to_string(&Gathered { runs: pages, differing: differing(&configs) })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::{Corpus, Step};

    fn run(folder: &Path) -> Ledger {
        let config =
            RunConfig { corpus: "moved.jsonl".to_owned(), ..RunConfig::load("smoke", None).unwrap() };
        std::fs::write(folder.join("config.toml"), toml::to_string(&config).unwrap()).unwrap();
        Ledger::open(&folder.join("ledger.sqlite")).unwrap()
    }

    fn finish(ledger: &Ledger, name: &str) {
        let step = Step { name: name.to_owned(), seconds: 1.0, detail: serde_json::json!({}) };
        ledger.finish_step(&step).unwrap();
    }

    #[test]
    fn a_run_is_reported_without_its_corpus_and_grows_with_its_steps() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = run(folder.path());
        let corpus = Corpus::core().unwrap();
        ledger.record_statements(&corpus.statements(Split::Train)[..4]).unwrap();
        ledger.record_statements(&corpus.statements(Split::Valid)[..3]).unwrap();
        let recorded = RecordedRun::open(folder.path()).unwrap();
        let report = recorded.report().unwrap();
        assert_eq!((report.train_total, report.valid_total, report.rows.len()), (4, 3, 0));
        finish(&ledger, "stage1/valid");
        assert_eq!(recorded.report().unwrap().rows.len(), 1);
        finish(&ledger, "round-1/valid");
        let report = write(&recorded).unwrap();
        assert_eq!(report.rows.len(), 2);
        let text = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        assert!(folder.path().join("report.md").exists());
    }

    #[test]
    fn a_ledger_without_statements_asks_the_corpus() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = run(folder.path());
        let config = RunConfig::load("smoke", None).unwrap();
        let (given, valid) = statements(&ledger, &config).unwrap();
        let chosen = choose(&Corpus::practice().unwrap(), &config);
        assert_eq!((given, valid), chosen);
    }
}
