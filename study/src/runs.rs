//! The runs in a folder, each with its state and its best figures.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use comfy_table::CellAlignment;
use serde::Serialize;
use stp_selfplay::config::change::compare;
use stp_selfplay::config::{Method, PRESETS, RunConfig};
use stp_selfplay::context::folder::{is_in_use, run_name};
use stp_selfplay::context::fork::{ForkedFrom, forked_from};
use stp_selfplay::context::longer::rounds_done;
use stp_selfplay::error::UsageError;
use stp_selfplay::plan;

use crate::effort::{Effort, effort};
use crate::report::{RecordedRun, Row};
use crate::tables::table_for;

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// A process is working on it.
    Running,
    /// No process is working on it, and steps are left.
    Stopped,
    /// All its steps are done.
    Finished,
}

impl RunState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Finished => "finished",
        }
    }
}

/// What one run has come to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    /// How far it is.
    pub state: RunState,
    /// The preset that its settings are nearest to; seed, rounds and method do not count.
    pub preset: &'static str,
    /// In how many settings it differs from the preset.
    pub changed: usize,
    /// What its rounds do.
    pub method: Method,
    /// Its seed.
    pub seed: u64,
    /// Rounds that are finished.
    pub rounds_done: u32,
    /// Rounds that it is to have.
    pub rounds: u32,
    /// Where it was forked from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<ForkedFrom>,
    /// Given training statements.
    pub train_total: usize,
    /// Of these: proved by sampled proofs.
    pub train_proved: usize,
    /// Validation statements.
    pub valid_total: usize,
    /// The model that proves validation statements most often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<BestModel>,
    /// What it took so far.
    pub effort: Effort,
    /// When something was recorded last that is no attempt: seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_event: Option<f64>,
}

/// A model of a run on the validation statements.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BestModel {
    /// As the report calls it: `round 2`, `final`.
    pub model: String,
    /// Mean pass rate: pass@1.
    pub pass_rate: f64,
    /// Statements with a proof among the samples.
    pub proved: usize,
    /// Samples of each statement.
    pub samples: u32,
}

/// A run folder in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListedRun {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub folder: PathBuf,
    /// What it has come to; none if it cannot be read.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub summary: Option<RunSummary>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The run in a folder, or the runs whose folders are in it; the one that something happened in last comes first.
///
/// # Errors
/// [`UsageError`] if there is no such folder. A run that cannot be read is listed with the reason.
pub fn list(folder: &Path) -> Result<Vec<ListedRun>> {
    if is_run(folder) {
        return Ok(vec![listed(folder)]);
    }
    if !folder.is_dir() {
        return Err(UsageError(format!(
            "There is no folder {}. Give the folder that your runs are in: stp runs FOLDER.",
            folder.display()
        ))
        .into());
    }
    let items = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let visible = items.flatten().filter(|item| !item.file_name().as_encoded_bytes().starts_with(b"."));
    let folders = visible.map(|item| item.path()).filter(|path| is_run(path));
    let mut runs: Vec<_> = folders.map(|path| listed(&path)).collect();
    let last = |run: &ListedRun| run.summary.as_ref().and_then(|it| it.last_event).unwrap_or_default();
    runs.sort_by(|a, b| last(b).total_cmp(&last(a)).then_with(|| a.name.cmp(&b.name)));
    Ok(runs)
}

/// The runs as a table that fits a screen.
pub fn table(runs: &[ListedRun]) -> String {
    let mut table = table_for(false);
    table.set_header(["run", "state", "preset", "rounds", "train\nproved", "best valid\npass@1"]);
    for run in runs {
        let Some(it) = &run.summary else {
            table.add_row([run.name.as_str(), "unreadable"]);
            continue;
        };
        let best = it.best.as_ref();
        let preset = match it.changed {
            0 => it.preset.to_owned(),
            count => format!("{} +{count}", it.preset),
        };
        table.add_row([
            run.name.clone(),
            it.state.as_str().to_owned(),
            preset,
            format!("{}/{}", it.rounds_done, it.rounds),
            format!("{}/{}", it.train_proved, it.train_total),
            best.map_or_else(|| "–".to_owned(), |it| format!("{:.1} % ({})", 100.0 * it.pass_rate, it.model)),
        ]);
    }
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let problems = runs.iter().filter_map(|run| Some(format!("\n{}: {}", run.name, run.problem.as_ref()?)));
    format!("{table}{}", problems.collect::<String>())
}

fn is_run(folder: &Path) -> bool {
    folder.join("config.toml").is_file()
}

fn listed(folder: &Path) -> ListedRun {
    let (summary, problem) = match summary(folder) {
        Ok(summary) => (Some(summary), None),
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    ListedRun { name: run_name(folder), folder: folder.to_owned(), summary, problem }
}

fn summary(folder: &Path) -> Result<RunSummary> {
    let run = RecordedRun::open(folder)?;
    let (config, ledger, report) = (run.config(), run.ledger(), run.report()?);
    let finished = |step: plan::Step| anyhow::Ok(ledger.step(&step.name())?.is_some());
    let steps = plan::steps(config).into_iter();
    let all_done = steps.map(finished).collect::<Result<Vec<_>>>()?.into_iter().all(|done| done);
    let state = match (is_in_use(folder)?, all_done) {
        (true, _) => RunState::Running,
        (false, true) => RunState::Finished,
        (false, false) => RunState::Stopped,
    };
    let (preset, changed) = nearest_preset(config);
    let better = |a: &&Row, b: &&Row| a.valid_pass_rate.total_cmp(&b.valid_pass_rate);
    let best = report.rows.iter().max_by(better).map(|row| BestModel {
        model: row.label.clone(),
        pass_rate: row.valid_pass_rate,
        proved: row.valid_proved,
        samples: report.valid_samples,
    });
    Ok(RunSummary {
        state,
        preset,
        changed,
        method: config.method,
        seed: config.seed,
        rounds_done: rounds_done(ledger)?,
        rounds: config.rounds,
        forked_from: forked_from(ledger)?,
        train_total: report.train_total,
        train_proved: report.rows.last().map_or(0, |row| row.train_proved),
        valid_total: report.valid_total,
        best,
        effort: effort(ledger, config)?,
        last_event: ledger.events()?.last().map(|event| event.at),
    })
}

/// The preset with the fewest settings that differ, and how many these are: a run does not keep the name of its preset.
fn nearest_preset(config: &RunConfig) -> (&'static str, usize) {
    let presets = PRESETS.into_iter().filter_map(|(name, _)| {
        let preset = RunConfig::load(name, None).ok()?;
        let same =
            RunConfig { seed: preset.seed, rounds: preset.rounds, method: preset.method, ..config.clone() };
        Some((name, compare(&preset, &same).len()))
    });
    presets.min_by_key(|(_, changed)| *changed).unwrap_or(("none", 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::{Ledger, Step};
    use stp_selfplay::context::RunFolder;
    use stp_selfplay::records::SearchRecord;

    fn run(folder: &Path, name: &str, config: &RunConfig, steps: &[plan::Step]) -> RunFolder {
        let opened = RunFolder::open(&folder.join(name), config).unwrap();
        let ledger = Ledger::open(&opened.ledger()).unwrap();
        for step in steps {
            let detail = match step {
                plan::Step::Search(_) => serde_json::to_value(SearchRecord::default()).unwrap(),
                step if step.trains() => {
                    serde_json::json!({ "parameters": 1, "proofs": 1, "conjectures_kept": 0 })
                }
                _ => serde_json::json!({}),
            };
            ledger.finish_step(&Step { name: step.name(), seconds: 1.0, detail }).unwrap();
        }
        ledger.record_event("started", &serde_json::json!({})).unwrap();
        opened
    }

    #[test]
    fn runs_are_listed_with_how_far_they_are() {
        let scratch = tempfile::tempdir().unwrap();
        let smoke = RunConfig::load("smoke", None).unwrap();
        let steps = plan::steps(&smoke);
        drop(run(scratch.path(), "whole", &smoke, &steps));
        let mut other = RunConfig { seed: 5, ..RunConfig::load("tiny", None).unwrap() };
        other.sampling.top_p = 0.5;
        let going_on = run(scratch.path(), "half", &other, &steps[..8]);
        std::fs::create_dir(scratch.path().join("lost")).unwrap();
        let text = toml::to_string(&smoke).unwrap();
        std::fs::write(scratch.path().join("lost/config.toml"), text).unwrap();
        std::fs::create_dir(scratch.path().join("no run")).unwrap();
        let runs = list(scratch.path()).unwrap();
        let names: Vec<_> = runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names, ["half", "whole", "lost"], "the newest first: {runs:?}");
        let [half, whole] = [0, 1].map(|at| runs[at].summary.clone().unwrap());
        assert_eq!((half.state, half.preset, half.changed), (RunState::Running, "tiny", 1));
        assert_eq!((half.rounds_done, half.rounds, half.seed), (1, 4, 5));
        assert_eq!((whole.state, whole.preset, whole.changed), (RunState::Finished, "smoke", 0));
        assert!(runs[2].problem.as_ref().unwrap().contains("lost it"));
        drop(going_on);
        let half = list(&scratch.path().join("half")).unwrap().remove(0);
        assert_eq!(half.summary.unwrap().state, RunState::Stopped);
        let shown = table(&runs);
        assert!(shown.contains("tiny +1") && shown.contains("unreadable"), "{shown}");
        assert!(shown.lines().all(|line| line.starts_with("lost:") || line.chars().count() <= 80), "{shown}");
        let json = serde_json::to_value(&runs).unwrap();
        assert_eq!((&json[0]["state"], &json[0]["name"]), (&"running".into(), &"half".into()));
        assert!(list(&scratch.path().join("none")).unwrap_err().to_string().contains("stp runs"));
    }
}
