//! The numbers of one run that claims are made of, read from its ledger.

use std::collections::HashSet;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use stp_datasets::{Corpus, Ledger, Phase};
use stp_selfplay::config::RunConfig;

use super::file::{Claim, ExperimentFile, Metric};
use crate::evaluation::{EvaluationResult, HARD, PassAt};
use crate::report::{Report, progress, statements};

/// What is known of a run after stage 1 or after a round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Proofs judged so far, of statements and conjectures together: sampled ones, and those of searches.
    pub samples: u64,
    /// See [`Metric::TrainProved`].
    pub train_proved: usize,
    /// See [`Metric::NewProved`].
    pub new_proved: usize,
    /// See [`Metric::NewHardProved`].
    pub new_hard_proved: usize,
    /// See [`Metric::ValidProved`].
    pub valid_proved: usize,
}

/// One run of the matrix, when it is finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FinishedRun {
    /// The arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// After stage 1, each round, and the final re-training.
    pub points: Vec<Point>,
    /// The last model on each set of `evaluate`, in the file's order.
    pub outcomes: Vec<EvaluationResult>,
    /// Wall time of all its steps in seconds, a shared stage 1 included.
    pub seconds: f64,
}

/// The points of a run, as far as it has come.
///
/// # Errors
/// If the ledger cannot be read.
pub fn points(ledger: &Ledger, config: &RunConfig, corpus: &Corpus) -> Result<(Vec<Point>, f64)> {
    let (given, valid) = statements(ledger, config)?;
    let given: HashSet<String> = given.into_iter().map(|statement| statement.id).collect();
    // Corpus proofs count as round 0.
    let stage1_proofs_of = ledger.proved_names(Phase::Corpus, 1)?;
    let hard: HashSet<&str> = corpus
        .entries
        .iter()
        .filter(|entry| entry.is_hard())
        .map(|entry| entry.statement.id.as_str())
        .collect();
    let report = Report::read(ledger, config.rounds, &given, valid.len(), config.proving.valid_samples)?;
    let (mut proved, mut new, mut new_hard, mut points) = (0, 0, 0, Vec::new());
    for it in progress(ledger, &report, &given)? {
        proved += it.newly.len();
        let found = it.newly.iter().filter(|id| !stage1_proofs_of.contains(*id));
        for id in found {
            new += 1;
            new_hard += usize::from(hard.contains(id.as_str()));
        }
        points.push(Point {
            samples: it.checks,
            train_proved: proved,
            new_proved: new,
            new_hard_proved: new_hard,
            valid_proved: it.row.valid_proved,
        });
    }
    Ok((points, report.rows.iter().map(|row| row.seconds).sum()))
}

impl FinishedRun {
    /// The metric's values: (samples so far, value), the last one being the run's result. Shares are in per cent.
    pub fn curve(&self, file: &ExperimentFile, claim: &Claim) -> Vec<(u64, f64)> {
        if !claim.metric.is_curve() {
            let samples = self.points.last().map_or(0, |point| point.samples);
            let estimate = self.pass_at(file, claim).map(|pass| (samples, 100.0 * pass.estimate));
            return estimate.into_iter().collect();
        }
        let value = |point: &Point| match claim.metric {
            Metric::TrainProved => point.train_proved,
            Metric::NewProved => point.new_proved,
            Metric::NewHardProved => point.new_hard_proved,
            _ => point.valid_proved,
        };
        self.points.iter().map(|point| (point.samples, value(point) as f64)).collect()
    }

    /// The metric's value at the end.
    pub fn value(&self, file: &ExperimentFile, claim: &Claim) -> Option<f64> {
        self.curve(file, claim).last().map(|(_, value)| *value)
    }

    fn pass_at(&self, file: &ExperimentFile, claim: &Claim) -> Option<PassAt> {
        let outcome = self.outcomes.get(file.evaluated(claim)?)?;
        let part = match claim.metric {
            Metric::HardPassAtK => outcome.parts.iter().find(|part| part.name == HARD)?,
            _ => &outcome.all,
        };
        part.pass.iter().find(|pass| Some(pass.k) == claim.k).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::{Attempt, Split, Status, Step, Verdict};

    #[test]
    fn what_stage_1_saw_is_not_new() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let mut corpus = Corpus::core().unwrap();
        corpus.entries.retain(|entry| entry.statement.split == Split::Train);
        corpus.entries.truncate(4);
        for (entry, tactics) in corpus.entries.iter_mut().zip([0, 0, 1, 0]) {
            entry.closed_by = vec!["simp".to_owned(); tactics];
        }
        ledger.record_statements(&corpus.statements(Split::Train)).unwrap();
        let ids: Vec<_> = corpus.entries.iter().map(|entry| entry.statement.id.clone()).collect();
        let attempt = |round, phase, statement: &str, status| {
            let attempt = Attempt {
                round,
                phase,
                statement: statement.to_owned(),
                sample: 0,
                proof: "by x".to_owned(),
                tokens: 1,
                logprob: 0.0,
                verdict: Some(Verdict::new(status, "")),
            };
            ledger.record_attempt(&attempt).unwrap();
        };
        attempt(0, Phase::Corpus, &ids[0], Status::Proved);
        for id in &ids[..3] {
            attempt(1, Phase::Train, id, Status::Proved);
        }
        attempt(1, Phase::Train, "conjecture_1_0_0", Status::Proved);
        attempt(2, Phase::Train, &ids[3], Status::Proved);
        for name in ["stage1/valid", "round-1/valid", "round-2/valid"] {
            let step = Step { name: name.to_owned(), seconds: 10.0, detail: serde_json::json!({}) };
            ledger.finish_step(&step).unwrap();
        }
        let config = RunConfig { rounds: 2, ..RunConfig::load("smoke", None).unwrap() };
        let (points, seconds) = points(&ledger, &config, &corpus).unwrap();
        let numbers: Vec<_> = points
            .iter()
            .map(|it| (it.samples, it.train_proved, it.new_proved, it.new_hard_proved))
            .collect();
        assert_eq!(numbers, [(0, 0, 0, 0), (4, 3, 2, 1), (5, 4, 3, 2)]);
        assert!((seconds - 30.0).abs() < 1e-9);
    }
}
