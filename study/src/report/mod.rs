//! The table at the end of a run, computed from the ledger alone, so that it can be shown at any time.

mod gather;
mod page;
mod recorded;

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde::{Deserialize, Serialize};
use stp_datasets::{Conjecture, Ledger, Outcome, Phase, Tally};

pub use gather::RunPage;
pub use page::page;
pub use recorded::{RecordedRun, gathered};

use crate::config::Method;
use crate::plan::{self, Step};

/// One line of the table: what was so after stage 1, a round, or the final re-training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// `stage 1`, `round 2`, `final`.
    pub label: String,
    /// Given training statements proved by sampled proofs so far.
    pub train_proved: usize,
    /// Validation statements proved by this model in its samples (pass@k).
    pub valid_proved: usize,
    /// Mean pass rate over the validation statements (pass@1).
    pub valid_pass_rate: f64,
    /// Conjectures generated in the round.
    pub generated: usize,
    /// Of these: new, and accepted by Lean as statements.
    pub elaborated: usize,
    /// Of these: proved at least once.
    pub proved: usize,
    /// Of these: barely provable, so kept as training data of the conjecturer.
    pub kept: usize,
    /// Mean pass rate over the statements and conjectures that were tried in the round.
    pub pass_rate: f64,
    /// Sampled proofs of the round, validation left out.
    pub samples: u32,
    /// Wall time of the round's steps in seconds.
    pub seconds: f64,
}

/// The whole report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Given training statements.
    pub train_total: usize,
    /// Validation statements.
    pub valid_total: usize,
    /// Samples of each validation statement.
    pub valid_samples: u32,
    /// One row for each model, in order.
    pub rows: Vec<Row>,
    /// Wall time by kind of step, in seconds.
    pub seconds_by_phase: Vec<(String, f64)>,
}

impl Report {
    /// Reads the report of a run, as far as it has come.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn read(
        ledger: &Ledger,
        rounds: u32,
        given: &HashSet<String>,
        valid_total: usize,
        valid_samples: u32,
    ) -> Result<Self> {
        let steps: HashMap<_, _> =
            ledger.steps()?.into_iter().map(|step| (step.name.clone(), step)).collect();
        let (train, valid) = (ledger.tallies(Phase::Train)?, ledger.tallies(Phase::Valid)?);
        let conjectures = ledger.conjectures()?;
        let mut report = Self { train_total: given.len(), valid_total, valid_samples, ..Self::default() };
        for round in 0..=rounds + 1 {
            let done = |step: Step| steps.contains_key(&step.name());
            let (label, step) = match round {
                0 => ("stage 1".to_owned(), Step::Stage1Valid),
                _ if round <= rounds => (format!("round {round}"), Step::Valid(round)),
                _ => ("final".to_owned(), Step::FinalValid),
            };
            if !done(step) {
                continue;
            }
            let mut row = row(round, given, &train, &valid, &conjectures);
            row.label = label;
            let of_round = plan::steps(rounds, Method::Stp).into_iter().filter(|s| s.round(rounds) == round);
            row.seconds = of_round.filter_map(|s| steps.get(&s.name())).map(|s| s.seconds).sum();
            row.kept = steps
                .get(&Step::Train(round).name())
                .and_then(|step| step.detail["conjectures_kept"].as_u64())
                .map_or(0, |kept| usize::try_from(kept).unwrap_or(usize::MAX));
            report.rows.push(row);
        }
        report.seconds_by_phase = seconds_by_phase(ledger)?;
        Ok(report)
    }

    /// The table for people: box-drawing on a screen, or Markdown.
    pub fn table(&self, markdown: bool) -> String {
        let mut table = Table::new();
        table.load_style(if markdown { presets::ASCII_MARKDOWN } else { presets::UTF8_HORIZONTAL_ONLY });
        table.set_header([
            "model".to_owned(),
            format!("train proved (of {})", self.train_total),
            format!("valid proved (of {}, pass@{})", self.valid_total, self.valid_samples),
            "valid pass@1".to_owned(),
            "conjectures: generated / elaborated / proved / kept".to_owned(),
            "mean pass rate".to_owned(),
            "sampled proofs".to_owned(),
            "time".to_owned(),
        ]);
        for row in &self.rows {
            let dash = |shown: bool, text: String| if shown { text } else { "–".to_owned() };
            let counts = format!("{} / {} / {} / {}", row.generated, row.elaborated, row.proved, row.kept);
            table.add_row([
                row.label.clone(),
                row.train_proved.to_string(),
                row.valid_proved.to_string(),
                format!("{:.1} %", 100.0 * row.valid_pass_rate),
                dash(row.generated > 0, counts),
                dash(row.samples > 0, format!("{:.1} %", 100.0 * row.pass_rate)),
                dash(row.samples > 0, row.samples.to_string()),
                crate::display::clock(std::time::Duration::from_secs_f64(row.seconds)),
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }

    /// Wall time by kind of step, in one line.
    pub fn times(&self) -> String {
        let clock = |seconds| crate::display::clock(std::time::Duration::from_secs_f64(seconds));
        let parts: Vec<_> = self
            .seconds_by_phase
            .iter()
            .map(|(kind, seconds)| format!("{kind} {}", clock(*seconds)))
            .collect();
        parts.join(" · ")
    }
}

fn row(
    round: u32,
    given: &HashSet<String>,
    train: &HashMap<(u32, String), Tally>,
    valid: &HashMap<(u32, String), Tally>,
    conjectures: &[Conjecture],
) -> Row {
    let proved_so_far: HashSet<_> = train
        .iter()
        .filter(|((r, id), tally)| *r <= round && tally.proved > 0 && given.contains(id))
        .map(|((_, id), _)| id)
        .collect();
    let tried: Vec<_> = train.iter().filter(|((r, _), _)| *r == round).map(|(_, tally)| tally).collect();
    let held_out: Vec<_> = valid.iter().filter(|((r, _), _)| *r == round).map(|(_, tally)| tally).collect();
    let of_round: Vec<_> = conjectures.iter().filter(|c| c.round == round).collect();
    let accepted: Vec<_> = of_round.iter().filter(|c| c.outcome == Some(Outcome::Accepted)).collect();
    let is_proved = |c: &&&&Conjecture| {
        let key = (round, c.statement.clone().unwrap_or_default());
        train.get(&key).is_some_and(|tally| tally.proved > 0)
    };
    Row {
        train_proved: proved_so_far.len(),
        valid_proved: held_out.iter().filter(|tally| tally.proved > 0).count(),
        valid_pass_rate: mean_rate(&held_out),
        generated: of_round.len(),
        elaborated: accepted.len(),
        proved: accepted.iter().filter(is_proved).count(),
        pass_rate: mean_rate(&tried),
        samples: tried.iter().map(|tally| tally.judged).sum(),
        ..Row::default()
    }
}

/// Mean over statements of proved / judged.
fn mean_rate(tallies: &[&Tally]) -> f64 {
    let rates = tallies.iter().filter(|tally| tally.judged > 0);
    let (sum, count) = rates.fold((0.0, 0usize), |(sum, count), tally| {
        (sum + f64::from(tally.proved) / f64::from(tally.judged), count + 1)
    });
    if count == 0 { 0.0 } else { sum / count as f64 }
}

/// Sums the steps' times by what follows the last `/` of their names, in order of first occurrence.
fn seconds_by_phase(ledger: &Ledger) -> Result<Vec<(String, f64)>> {
    let mut sums: Vec<(String, f64)> = Vec::new();
    for step in ledger.steps()? {
        let kind = step.name.rsplit('/').next().unwrap_or_default();
        match sums.iter_mut().find(|(name, _)| name == kind) {
            Some((_, seconds)) => *seconds += step.seconds,
            None => sums.push((kind.to_owned(), step.seconds)),
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::{Attempt, Status, Verdict};

    fn attempt(ledger: &Ledger, round: u32, phase: Phase, statement: &str, sample: u32, status: Status) {
        let attempt = Attempt {
            round,
            phase,
            statement: statement.into(),
            sample,
            proof: "by x".into(),
            tokens: 1,
            logprob: 0.0,
            verdict: Some(Verdict::new(status, "")),
        };
        ledger.record_attempt(&attempt).unwrap();
    }

    #[test]
    fn rows_count_what_the_ledger_has() {
        let scratch = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&scratch.path().join("l")).unwrap();
        for (sample, status) in [Status::Proved, Status::Failed].into_iter().enumerate() {
            let sample = u32::try_from(sample).unwrap();
            attempt(&ledger, 0, Phase::Valid, "v", sample, Status::Failed);
            attempt(&ledger, 1, Phase::Valid, "v", sample, status);
            attempt(&ledger, 1, Phase::Train, "a", sample, status);
            attempt(&ledger, 1, Phase::Train, "b", sample, Status::Failed);
            attempt(&ledger, 2, Phase::Train, "b", sample, Status::Proved);
        }
        for (name, detail) in [
            ("stage1/valid", serde_json::json!({})),
            ("round-1/train", serde_json::json!({"conjectures_kept": 3})),
            ("round-1/valid", serde_json::json!({})),
        ] {
            let step = stp_datasets::Step { name: name.into(), seconds: 30.0, detail };
            ledger.finish_step(&step).unwrap();
        }
        let given = HashSet::from(["a".to_owned(), "b".to_owned()]);
        let report = Report::read(&ledger, 2, &given, 1, 2).unwrap();
        let labels: Vec<_> = report.rows.iter().map(|row| row.label.as_str()).collect();
        assert_eq!(labels, ["stage 1", "round 1"]);
        let (first, second) = (&report.rows[0], &report.rows[1]);
        assert_eq!((first.valid_proved, second.valid_proved), (0, 1));
        assert_eq!((second.train_proved, second.samples, second.kept), (1, 4, 3));
        assert!((second.pass_rate - 0.25).abs() < 1e-9 && (second.seconds - 60.0).abs() < 1e-9);
        assert_eq!(report.times(), "valid 1:00 · train 0:30");
        assert!(report.table(true).contains("| round 1"), "{}", report.table(true));
    }
}
