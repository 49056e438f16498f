//! The numbers of one run that claims are made of, read from its ledger.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use stp_datasets::{Corpus, Ledger, Phase, Tally};
use stp_prover::pass_at_k;
use stp_selfplay::config::RunConfig;
use stp_selfplay::context::fork::ForkedFrom;

use super::file::{Claim, ExperimentFile, Metric};
use crate::bootstrap::Paired;
use crate::effort::Effort;
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
    /// See [`Metric::HardValidProved`]; nothing in results from before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_valid_proved: Option<usize>,
    /// What it all took so far.
    #[serde(default)]
    pub effort: Effort,
}

/// What numbers are shown against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// Verified samples.
    Samples,
    /// Lean's checks of proof texts, of all kinds.
    Checks,
    /// CPU seconds.
    Cpu,
}

impl Point {
    /// Its place; none if it is not known.
    pub fn at(&self, along: Along) -> Option<f64> {
        match along {
            Along::Samples => Some(self.samples as f64),
            Along::Checks => Some(self.effort.checks.total().all as f64),
            Along::Cpu => self.effort.cpu_seconds,
        }
    }
}

/// What a run came to on each statement, for intervals over statements.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PerStatement {
    /// The given statements.
    given: BTreeMap<String, Given>,
    /// The validation statements: whether the last model proves them.
    valid: BTreeMap<String, bool>,
    /// Of these: those that no single tactic closes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    hard_valid: BTreeSet<String>,
    /// Those of each set of `evaluate`: whether no single tactic closes them, and their samples.
    pub(super) evaluated: Vec<BTreeMap<String, (bool, Tally)>>,
}

/// A given statement; in files three values in a row, as there are a thousand of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(Option<usize>, bool, bool)", into = "(Option<usize>, bool, bool)")]
struct Given {
    /// The first point at which it has a proof.
    proved_at: Option<usize>,
    /// Stage 1 was shown a proof of it.
    is_shown: bool,
    /// No single tactic closes it.
    is_hard: bool,
}

impl From<(Option<usize>, bool, bool)> for Given {
    fn from((proved_at, is_shown, is_hard): (Option<usize>, bool, bool)) -> Self {
        Self { proved_at, is_shown, is_hard }
    }
}

impl From<Given> for (Option<usize>, bool, bool) {
    fn from(given: Given) -> Self {
        (given.proved_at, given.is_shown, given.is_hard)
    }
}

/// One run of the matrix, when it is finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FinishedRun {
    /// The arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// The run that it goes on from, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ForkedFrom>,
    /// After stage 1, each round, and the final re-training.
    pub points: Vec<Point>,
    /// The last model on each set of `evaluate`, in the file's order.
    pub outcomes: Vec<EvaluationResult>,
    /// Wall time of all its steps in seconds, a shared stage 1 included.
    pub seconds: f64,
    /// What it came to on each statement; nothing in results from before this was kept.
    #[serde(default)]
    pub per_statement: PerStatement,
    /// Its settings, for those who have its results alone; null in results from before they were kept.
    #[serde(default)]
    pub settings: serde_json::Value,
    /// Hash of its corpus.
    #[serde(default)]
    pub corpus: String,
}

/// The numbers of a run, as far as it has come.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// After stage 1, each round, and the final re-training.
    pub points: Vec<Point>,
    /// Wall time of all its steps in seconds.
    pub seconds: f64,
    /// What it came to on each statement.
    pub per_statement: PerStatement,
}

/// Reads the numbers of a run.
///
/// # Errors
/// If the ledger cannot be read.
pub fn measured(ledger: &Ledger, config: &RunConfig, corpus: &Corpus) -> Result<Measured> {
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
    let (mut samples, mut proved, mut points) = (0, HashMap::new(), Vec::new());
    let progress = progress(ledger, config, &report, &given)?;
    for it in &progress {
        samples += it.row.checks();
        proved.extend(it.newly.iter().map(|id| (id.clone(), points.len())));
        let by_model = ledger.tallies_of(Phase::Valid, it.row.round..=it.row.round)?;
        let is_hard =
            |((_, id), tally): &((u32, String), Tally)| tally.proved > 0 && hard.contains(id.as_str());
        let new: Vec<&String> = proved.keys().filter(|id| !stage1_proofs_of.contains(*id)).collect();
        points.push(Point {
            samples,
            train_proved: proved.len(),
            new_proved: new.len(),
            new_hard_proved: new.iter().filter(|id| hard.contains(id.as_str())).count(),
            valid_proved: it.row.valid_proved,
            hard_valid_proved: Some(by_model.into_iter().filter(is_hard).count()),
            effort: it.effort,
        });
    }
    let last = progress.last().map(|it| it.row.round);
    let of_last = last.map(|round| ledger.tallies_of(Phase::Valid, round..=round)).transpose()?;
    let of_last: HashMap<_, _> = of_last.into_iter().flatten().map(|((_, id), tally)| (id, tally)).collect();
    let by_last = |id: &String| of_last.get(id).is_some_and(|tally| tally.proved > 0);
    let state = |id: String| {
        let (proved_at, is_shown) = (proved.get(&id).copied(), stage1_proofs_of.contains(&id));
        let is_hard = hard.contains(id.as_str());
        (id, Given { proved_at, is_shown, is_hard })
    };
    let per_statement = PerStatement {
        given: given.iter().cloned().map(state).collect(),
        hard_valid: valid.iter().filter(|it| hard.contains(it.id.as_str())).map(|it| it.id.clone()).collect(),
        valid: valid.into_iter().map(|it| (it.id.clone(), by_last(&it.id))).collect(),
        evaluated: Vec::new(),
    };
    Ok(Measured { points, seconds: report.rows.iter().map(|row| row.seconds).sum(), per_statement })
}

impl PerStatement {
    /// What a claim counts of each of its statements; their sum, or for shares their mean, is the claim's value. A given
    /// statement counts as `worth` says of the point at which it was proved. Nothing if that is not known.
    fn of(&self, file: &ExperimentFile, claim: &Claim, worth: impl Fn(usize) -> f64) -> BTreeMap<&str, f64> {
        let given = |wanted: fn(&Given) -> bool| -> BTreeMap<&str, f64> {
            let all = self.given.iter().filter(|(_, it)| wanted(it));
            all.map(|(id, it)| (id.as_str(), it.proved_at.map_or(0.0, &worth))).collect()
        };
        let evaluated = |hard_only: bool| -> BTreeMap<&str, f64> {
            let set = file.evaluated(claim).and_then(|index| self.evaluated.get(index));
            let all = set.into_iter().flatten().filter(|(_, (is_hard, _))| *is_hard || !hard_only);
            let share = |tally: &Tally| pass_at_k(tally.judged, tally.proved, claim.k.unwrap_or(1));
            all.map(|(id, (_, tally))| (id.as_str(), share(tally))).collect()
        };
        let valid = |wanted: &dyn Fn(&str) -> bool| -> BTreeMap<&str, f64> {
            let all = self.valid.iter().filter(|(id, _)| wanted(id));
            all.map(|(id, proved)| (id.as_str(), f64::from(u8::from(*proved)))).collect()
        };
        match claim.metric {
            Metric::TrainProved => given(|_| true),
            Metric::NewProved => given(|it| !it.is_shown),
            Metric::NewHardProved => given(|it| !it.is_shown && it.is_hard),
            Metric::ValidProved => valid(&|_| true),
            Metric::HardValidProved => valid(&|id| self.hard_valid.contains(id)),
            Metric::PassAtK => evaluated(false),
            Metric::HardPassAtK => evaluated(true),
        }
    }
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
            Metric::TrainProved => Some(point.train_proved),
            Metric::NewProved => Some(point.new_proved),
            Metric::NewHardProved => Some(point.new_hard_proved),
            Metric::HardValidProved => point.hard_valid_proved,
            _ => Some(point.valid_proved),
        };
        let values: Option<Vec<usize>> = self.points.iter().map(value).collect();
        let samples = self.points.iter().map(|point| point.samples);
        samples.zip(values.unwrap_or_default()).map(|(samples, value)| (samples, value as f64)).collect()
    }

    /// The metric's values after each round against what it took; nothing if that is not known.
    pub fn curve_along(&self, file: &ExperimentFile, claim: &Claim, along: Along) -> Vec<(f64, f64)> {
        let places: Option<Vec<f64>> = self.points.iter().map(|point| point.at(along)).collect();
        let values = self.curve(file, claim).into_iter().map(|(_, value)| value);
        places.unwrap_or_default().into_iter().zip(values).collect()
    }

    /// What the claim counts of each statement in the end, this run beside the baseline's with the same seed. None where one of
    /// them was recorded before that was kept.
    pub fn beside(&self, baseline: &Self, file: &ExperimentFile, claim: &Claim) -> Option<Paired> {
        let is_kept = |run: &Self| {
            claim.metric != Metric::HardValidProved
                || run.points.last().is_some_and(|it| it.hard_valid_proved.is_some())
        };
        let at_end = |_| 1.0;
        let paired = || {
            paired(
                &self.per_statement.of(file, claim, at_end),
                &baseline.per_statement.of(file, claim, at_end),
            )
        };
        (is_kept(self) && is_kept(baseline)).then(paired)
    }

    /// The same when both had spent as many of Lean's checks as the one that spent fewer. Of a round that this number falls
    /// into, what it proved counts by the part of its checks that were spent by then. None for claims on the last
    /// model, or if a run's checks are not known.
    pub fn beside_at_equal_checks(
        &self,
        baseline: &Self,
        file: &ExperimentFile,
        claim: &Claim,
    ) -> Option<Paired> {
        if !matches!(claim.metric, Metric::TrainProved | Metric::NewProved | Metric::NewHardProved) {
            return None;
        }
        let all = |run: &Self| run.points.last()?.at(Along::Checks).filter(|checks| *checks > 0.0);
        let checks = all(self)?.min(all(baseline)?);
        let own = self.per_statement.of(file, claim, |point| self.part_by(point, checks));
        let others = baseline.per_statement.of(file, claim, |point| baseline.part_by(point, checks));
        Some(paired(&own, &others))
    }

    /// Which part of the checks between a point and the one before it were spent when `checks` were.
    fn part_by(&self, point: usize, checks: f64) -> f64 {
        let at =
            |point: usize| self.points.get(point).and_then(|it| it.at(Along::Checks)).unwrap_or_default();
        let (before, after) = (point.checked_sub(1).map_or(0.0, at), at(point));
        if checks >= after { 1.0 } else { ((checks - before) / (after - before)).max(0.0) }
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

/// Values of two runs by the name of the statement, side by side; a statement that one of them lacks counts nothing there.
fn paired(arm: &BTreeMap<&str, f64>, baseline: &BTreeMap<&str, f64>) -> Paired {
    let names: BTreeSet<&str> = arm.keys().chain(baseline.keys()).copied().collect();
    let values = |of: &BTreeMap<&str, f64>| {
        names.iter().map(|name| of.get(name).copied().unwrap_or_default()).collect()
    };
    Paired { arm: values(arm), baseline: values(baseline) }
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
        let of = |split| corpus.entries.iter().filter(move |entry| entry.statement.split == split).cloned();
        corpus.entries = of(Split::Train).take(4).chain(of(Split::Valid).take(2)).collect();
        for (entry, tactics) in corpus.entries.iter_mut().zip([0, 0, 1, 0, 0, 1]) {
            entry.closed_by = vec!["simp".to_owned(); tactics];
        }
        ledger.record_statements(&corpus.statements(Split::Train)).unwrap();
        ledger.record_statements(&corpus.statements(Split::Valid)).unwrap();
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
        attempt(1, Phase::Valid, &ids[5], Status::Proved);
        attempt(2, Phase::Valid, &ids[4], Status::Proved);
        attempt(2, Phase::Valid, &ids[5], Status::Proved);
        for name in ["stage1/valid", "round-1/valid", "round-2/valid"] {
            let step = Step { name: name.to_owned(), seconds: 10.0, detail: serde_json::json!({}) };
            ledger.finish_step(&step).unwrap();
        }
        let config = RunConfig { rounds: 2, ..RunConfig::load("smoke", None).unwrap() };
        let Measured { points, seconds, per_statement } = measured(&ledger, &config, &corpus).unwrap();
        let numbers: Vec<_> = points
            .iter()
            .map(|it| (it.samples, it.train_proved, it.new_proved, it.new_hard_proved))
            .collect();
        assert_eq!(numbers, [(0, 0, 0, 0), (4, 3, 2, 1), (5, 4, 3, 2)]);
        let held_out: Vec<_> = points.iter().map(|it| (it.valid_proved, it.hard_valid_proved)).collect();
        assert_eq!(held_out, [(0, Some(0)), (1, Some(0)), (2, Some(1))]);
        assert!((seconds - 30.0).abs() < 1e-9);
        let text = "title = \"x\"\nseeds = [0]\n[[arms]]\nname = \"a\"\n[[claims]]\ntitle = \"new\"\nmetric = \"new-proved\"\n";
        let file: ExperimentFile = toml::from_str(text).unwrap();
        let metrics = [
            Metric::TrainProved,
            Metric::NewProved,
            Metric::NewHardProved,
            Metric::ValidProved,
            Metric::HardValidProved,
        ];
        let sums = metrics.map(|metric| {
            let claim = Claim { metric, ..file.claims[0].clone() };
            per_statement.of(&file, &claim, |_| 1.0).values().sum::<f64>()
        });
        assert_eq!(sums, [4.0, 3.0, 2.0, 2.0, 1.0], "the statements come to the numbers of the last point");
    }

    #[test]
    fn at_equal_checks_a_round_counts_by_the_part_of_it_that_was_spent() {
        let run = |checks: [u64; 3], proved: [Option<usize>; 3]| {
            let point = |all| {
                let mut point = Point::default();
                point.effort.checks.samples.all = all;
                point
            };
            let given =
                |(at, proved_at)| (format!("s{at}"), Given { proved_at, is_shown: false, is_hard: at > 0 });
            let given = proved.into_iter().enumerate().map(given).collect();
            FinishedRun {
                arm: String::new(),
                seed: 0,
                from: None,
                points: checks.map(point).to_vec(),
                outcomes: Vec::new(),
                seconds: 0.0,
                per_statement: PerStatement { given, ..PerStatement::default() },
                settings: serde_json::Value::Null,
                corpus: String::new(),
            }
        };
        let text = "title = \"x\"\nseeds = [0]\n[[arms]]\nname = \"a\"\n[[claims]]\ntitle = \"new\"\nmetric = \"new-proved\"\n";
        let file: ExperimentFile = toml::from_str(text).unwrap();
        let claim = |metric| Claim { metric, ..file.claims[0].clone() };
        // The arm spent 400 checks, its baseline 250: half of the arm's second round is left out.
        let arm = run([0, 100, 400], [Some(1), Some(2), None]);
        let baseline = run([0, 125, 250], [Some(2), None, Some(1)]);
        let beside = |metric| arm.beside_at_equal_checks(&baseline, &file, &claim(metric));
        let new = Paired { arm: vec![1.0, 0.5, 0.0], baseline: vec![1.0, 0.0, 1.0] };
        assert_eq!(beside(Metric::NewProved), Some(new));
        let hard = Paired { arm: vec![0.5, 0.0], baseline: vec![0.0, 1.0] };
        assert_eq!(beside(Metric::NewHardProved), Some(hard));
        assert_eq!(arm.beside(&baseline, &file, &claim(Metric::NewProved)).unwrap().arm, [1.0, 1.0, 0.0]);
        assert_eq!(arm.beside(&baseline, &file, &claim(Metric::HardValidProved)), None, "nobody kept it");
        assert_eq!(beside(Metric::ValidProved), None);
        assert_eq!(
            run([0; 3], [None; 3]).beside_at_equal_checks(&arm, &file, &claim(Metric::NewProved)),
            None
        );
    }
}
