//! The table at the end of a run, computed from the ledger alone, so that it can be shown at any time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use anyhow::Result;
use comfy_table::CellAlignment;
use serde::{Deserialize, Serialize};
use stp_datasets::{ConjectureOutcome, Ledger, Phase, SUBGOAL, Tally};
use stp_selfplay::plan::{self, EarlierFinal, Step};
use stp_selfplay::records::TrainRecord;

use crate::clock::clock;
use crate::tables::table_for;

/// One line of the table: what was so after stage 1, a round, or the final re-training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// `stage 1`, `round 2`, `final`; `final after 3` for the last model of a run of 3 rounds that went on.
    pub label: String,
    /// The round under which its attempts are kept.
    #[serde(default)]
    pub round: u32,
    /// Given training statements proved by sampled proofs so far.
    pub train_proved: usize,
    /// Given training statements that have a proof by search so far, and none by a sample.
    #[serde(default)]
    pub searched: usize,
    /// Proofs that were judged in searches of the round.
    #[serde(default)]
    pub search_checks: u32,
    /// Goals of failed proofs that were tried in the round by samples.
    #[serde(default)]
    pub subgoals: usize,
    /// Of these: proved at least once.
    #[serde(default)]
    pub subgoals_proved: usize,
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

impl Row {
    /// Proofs that were judged in the round, by whatever means: the currency of comparisons.
    pub fn checks(&self) -> u64 {
        u64::from(self.samples) + u64::from(self.search_checks)
    }
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
    /// Reads the report of a run, as far as it has come. The database counts; no proof and no conjecture is read.
    ///
    /// # Errors
    /// If the ledger cannot be read, or a record in it is damaged.
    pub fn read(
        ledger: &Ledger,
        rounds: u32,
        given: &HashSet<String>,
        valid_total: usize,
        valid_samples: u32,
    ) -> Result<Self> {
        let all = ledger.steps()?;
        let steps: HashMap<_, _> = all.iter().map(|step| (step.name.as_str(), step)).collect();
        let conjectures = ledger.conjecture_counts()?;
        let mut proved = HashSet::new();
        let mut rows = Vec::new();
        for round in 0..=rounds + 1 {
            let (label, step) = row_of(round, rounds);
            if !steps.contains_key(step.name().as_str()) {
                continue;
            }
            let mut row = row(ledger, round, given, &mut proved, conjectures.get(&round), round)?;
            row.label = label;
            let of_round = plan::all_steps(rounds).into_iter().filter(|s| s.round(rounds) == round);
            row.seconds =
                of_round.filter_map(|s| steps.get(s.name().as_str())).map(|step| step.seconds).sum();
            row.kept = kept(Step::Train(round), &steps)?;
            rows.push(row);
            rows.extend(earlier_final(ledger, round, given, &mut proved, &steps)?);
        }
        let seconds_by_phase = seconds_by_phase(&all);
        Ok(Self { train_total: given.len(), valid_total, valid_samples, rows, seconds_by_phase })
    }

    /// The table for people: box-drawing on a screen, or Markdown.
    pub fn table(&self, markdown: bool) -> String {
        let mut table = table_for(markdown);
        let slash = if markdown { " / " } else { "/" };
        table.set_header(self.header(markdown));
        for row in &self.rows {
            let dash = |shown: bool, text: String| if shown { text } else { "–".to_owned() };
            let counts = [row.generated, row.elaborated, row.proved, row.kept].map(|count| count.to_string());
            let counts = counts.join(slash);
            let proved = match row.searched {
                0 => row.train_proved.to_string(),
                searched => format!("{} + {searched} by search", row.train_proved),
            };
            table.add_row([
                row.label.clone(),
                proved,
                row.valid_proved.to_string(),
                format!("{:.1} %", 100.0 * row.valid_pass_rate),
                dash(row.generated > 0, counts),
                dash(row.samples > 0, format!("{:.1} %", 100.0 * row.pass_rate)),
                dash(row.samples > 0, row.samples.to_string()),
                clock(Duration::from_secs_f64(row.seconds)),
            ]);
        }
        for (column, index) in table.column_iter_mut().zip(0..) {
            if index > 0 {
                column.set_cell_alignment(CellAlignment::Right);
            }
            if !markdown {
                column.set_padding((0, 1));
            }
        }
        table.to_string()
    }

    /// What stands above the columns; on a screen in several lines, so that all of it fits.
    fn header(&self, markdown: bool) -> [String; 8] {
        let Self { train_total, valid_total, valid_samples, .. } = self;
        if markdown {
            return [
                "model".to_owned(),
                format!("train proved (of {train_total})"),
                format!("valid proved (of {valid_total}, pass@{valid_samples})"),
                "valid pass@1".to_owned(),
                "conjectures: generated / elaborated / proved / kept".to_owned(),
                "mean pass rate".to_owned(),
                "sampled proofs".to_owned(),
                "time".to_owned(),
            ];
        }
        [
            "model".to_owned(),
            format!("train\nproved\nof {train_total}"),
            format!("valid\nproved\nof {valid_total},\npass@{valid_samples}"),
            "valid\npass@1".to_owned(),
            "conjectures:\ngenerated/\nelaborated/\nproved/kept".to_owned(),
            "mean\npass\nrate".to_owned(),
            "sampled\nproofs".to_owned(),
            "time".to_owned(),
        ]
    }

    /// Wall time by kind of step, in one line.
    pub fn times(&self) -> String {
        let part =
            |(kind, seconds): &(String, f64)| format!("{kind} {}", clock(Duration::from_secs_f64(*seconds)));
        self.seconds_by_phase.iter().map(part).collect::<Vec<_>>().join(" · ")
    }
}

/// The row of the final model that the run had when it ended after `rounds` rounds, if it went on then.
fn earlier_final(
    ledger: &Ledger,
    rounds: u32,
    given: &HashSet<String>,
    proved: &mut HashSet<String>,
    steps: &HashMap<&str, &stp_datasets::Step>,
) -> Result<Option<Row>> {
    let earlier = EarlierFinal { rounds };
    let [training, validation] = [earlier.training(), earlier.validation()];
    let (Some(trained), Some(validated)) = (steps.get(training.as_str()), steps.get(validation.as_str()))
    else {
        return Ok(None);
    };
    let row = row(ledger, earlier.round(), given, proved, None, rounds)?;
    let seconds = trained.seconds + validated.seconds;
    Ok(Some(Row { label: format!("final after {rounds}"), seconds, ..row }))
}

/// The label of a row, and the step with which it is complete.
fn row_of(round: u32, rounds: u32) -> (String, Step) {
    match round {
        0 => ("stage 1".to_owned(), Step::Stage1Valid),
        _ if round <= rounds => (format!("round {round}"), Step::Valid(round)),
        _ => ("final".to_owned(), Step::FinalValid),
    }
}

/// Conjectures that a round's training kept.
fn kept(step: Step, steps: &HashMap<&str, &stp_datasets::Step>) -> Result<usize> {
    let Some(recorded) = steps.get(step.name().as_str()) else { return Ok(0) };
    let record = TrainRecord::parse(step, recorded.detail.clone())?;
    Ok(record.conjectures_kept.unwrap_or_default())
}

/// The counts of a round; `proved_so_far` has the given statements that earlier rounds proved, and gets this one's. What searches
/// found counts up to the round `searched_to`.
fn row(
    ledger: &Ledger,
    round: u32,
    given: &HashSet<String>,
    proved_so_far: &mut HashSet<String>,
    conjectures: Option<&BTreeMap<Option<ConjectureOutcome>, usize>>,
    searched_to: u32,
) -> Result<Row> {
    let tried = ledger.tallies_of(Phase::Train, round..=round)?;
    let held_out = ledger.tallies_of(Phase::Valid, round..=round)?;
    let of_round = tried.iter().filter(|(_, tally)| tally.proved > 0).map(|((_, id), _)| id);
    // What is tried in a round and not given is a conjecture of that round.
    let (proved, conjectured): (Vec<_>, Vec<_>) = of_round.partition(|id| given.contains(*id));
    proved_so_far.extend(proved.into_iter().cloned());
    let mut searched = ledger.proved_names(Phase::Search, searched_to + 1)?;
    searched.retain(|name| given.contains(name) && !proved_so_far.contains(name));
    let (subgoals, conjectured): (Vec<_>, Vec<_>) =
        conjectured.into_iter().partition(|id| id.starts_with(SUBGOAL));
    let search = ledger.tallies_of(Phase::Search, round..=round)?;
    let accepted = conjectures.and_then(|counts| counts.get(&Some(ConjectureOutcome::Accepted)));
    Ok(Row {
        round,
        train_proved: proved_so_far.len(),
        searched: searched.len(),
        search_checks: search.values().map(|tally| tally.judged).sum(),
        subgoals: tried.keys().filter(|(_, id)| id.starts_with(SUBGOAL)).count(),
        subgoals_proved: subgoals.len(),
        valid_proved: held_out.values().filter(|tally| tally.proved > 0).count(),
        valid_pass_rate: mean_rate(held_out.values()),
        generated: conjectures.map_or(0, |counts| counts.values().sum()),
        elaborated: accepted.copied().unwrap_or_default(),
        proved: conjectured.len(),
        pass_rate: mean_rate(tried.values()),
        samples: tried.values().map(|tally| tally.judged).sum(),
        ..Row::default()
    })
}

/// Mean over statements of proved / judged. The order in which they come does not change a digit.
fn mean_rate<'a>(tallies: impl Iterator<Item = &'a Tally>) -> f64 {
    let rate = |tally: &Tally| f64::from(tally.proved) / f64::from(tally.judged);
    let mut rates: Vec<_> = tallies.filter(|tally| tally.judged > 0).map(rate).collect();
    rates.sort_by(f64::total_cmp);
    if rates.is_empty() { 0.0 } else { rates.iter().sum::<f64>() / rates.len() as f64 }
}

/// Sums the steps' times by what follows the last `/` of their names, in order of first occurrence.
fn seconds_by_phase(steps: &[stp_datasets::Step]) -> Vec<(String, f64)> {
    let mut sums: Vec<(String, f64)> = Vec::new();
    for step in steps {
        let kind = step.name.rsplit('/').next().unwrap_or_default();
        match sums.iter_mut().find(|(name, _)| name == kind) {
            Some((_, seconds)) => *seconds += step.seconds,
            None => sums.push((kind.to_owned(), step.seconds)),
        }
    }
    sums
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
    fn a_mean_does_not_depend_on_the_order_of_its_statements() {
        let tallies =
            [(1, 10), (2, 10), (3, 10), (1, 3), (5, 7)].map(|(proved, judged)| Tally { proved, judged });
        let backwards = mean_rate(tallies.iter().rev());
        assert_eq!(mean_rate(tallies.iter()).to_bits(), backwards.to_bits());
        let plain = |rates: &mut dyn Iterator<Item = &Tally>| {
            rates.map(|it| f64::from(it.proved) / f64::from(it.judged)).sum::<f64>() / 5.0
        };
        let sums = (plain(&mut tallies.iter()), plain(&mut tallies.iter().rev()));
        assert_ne!(sums.0.to_bits(), sums.1.to_bits(), "these show nothing");
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
            ("round-1/train", serde_json::json!({ "proofs": 1, "conjectures_kept": 3 })),
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
        assert!(report.table(true).contains("| conjectures: generated / elaborated / proved / kept |"));
    }

    #[test]
    fn a_run_that_went_on_shows_the_model_that_it_ended_with_before() {
        let scratch = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&scratch.path().join("l")).unwrap();
        let earlier = EarlierFinal { rounds: 1 };
        attempt(&ledger, 2, Phase::Valid, "v", 0, Status::Failed);
        attempt(&ledger, earlier.round(), Phase::Valid, "v", 0, Status::Proved);
        attempt(&ledger, 2, Phase::Search, "s", 0, Status::Proved);
        let (training, validation) = (earlier.training(), earlier.validation());
        for name in ["stage1/valid", "round-1/valid", &training, &validation, "round-2/valid", "final/valid"]
        {
            let detail = serde_json::json!({});
            ledger.finish_step(&stp_datasets::Step { name: name.into(), seconds: 30.0, detail }).unwrap();
        }
        let given = HashSet::from(["s".to_owned()]);
        let report = Report::read(&ledger, 2, &given, 1, 1).unwrap();
        let searched: Vec<_> = report.rows.iter().map(|row| row.searched).collect();
        assert_eq!(searched, [0, 0, 0, 1, 1], "what a later round's search found is not the earlier model's");
        let rows: Vec<_> = report.rows.iter().map(|row| (row.label.as_str(), row.valid_proved)).collect();
        let expected = [("stage 1", 0), ("round 1", 0), ("final after 1", 1), ("round 2", 0), ("final", 0)];
        assert_eq!(rows, expected);
        assert!((report.rows[2].seconds - 60.0).abs() < 1e-9);
    }

    #[test]
    fn a_table_on_a_screen_fits_eighty_columns() {
        let row = Row {
            label: "round 3".to_owned(),
            train_proved: 745,
            valid_proved: 109,
            valid_pass_rate: 0.257,
            generated: 2086,
            elaborated: 150,
            proved: 59,
            kept: 12,
            samples: 4000,
            pass_rate: 0.238,
            seconds: 5080.0,
            ..Row::default()
        };
        // What is larger is broken into lines.
        let huge = Row {
            label: "final after 10".to_owned(),
            train_proved: 123_456,
            valid_pass_rate: 1.0,
            generated: 5_123_456,
            elaborated: 1_000_000,
            proved: 99_999,
            kept: 9_999,
            samples: 12_345_678,
            pass_rate: 1.0,
            seconds: 1e6,
            ..row.clone()
        };
        let whole = Report { train_total: 1000, valid_total: 294, valid_samples: 4, ..Report::default() };
        let fits =
            |table: &str| table.lines().all(|line| line.chars().count() <= crate::tables::WIDTH.into());
        let table = Report { rows: vec![row.clone()], ..whole.clone() }.table(false);
        assert!(fits(&table), "{table}");
        for word in ["of 1000", "of 294,", "elaborated/", "2086/150/59/12", "25.7 %", "1:24:40"] {
            assert!(table.contains(word), "{word}: {table}");
        }
        let table = Report { train_total: 400_000, rows: vec![row, huge], ..whole }.table(false);
        assert!(fits(&table), "{table}");
    }
}
