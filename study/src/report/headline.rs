//! The figures that a run is judged by: statements proved against what was spent for them, with intervals.

use std::collections::HashSet;

use anyhow::Result;
use serde::Serialize;
use stp_datasets::{Ledger, Phase};

use super::automation::Automation;
use super::progress::Progress;
use super::table::Report;
use crate::statistics::wilson;

/// The curves of one run.
#[derive(Debug, Serialize)]
pub struct Headline {
    /// Given training statements.
    given: usize,
    /// Of these: with a proof that came with the corpus, which stage 1 may have seen.
    given_proofs: usize,
    /// Validation statements.
    valid: usize,
    /// Samples of each of these.
    samples: u32,
    /// What Lean's single tactics prove, where it was measured.
    tactics: Option<Baseline>,
    /// After stage 1, each round, and the final training.
    points: Vec<Point>,
}

/// Statements that a single tactic closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Baseline {
    given: usize,
    valid: usize,
}

/// What is known after one row.
#[derive(Debug, Serialize)]
pub struct Point {
    label: String,
    round: u32,
    /// The final model: no statement was tried for it.
    is_final: bool,
    /// Lean's checks of proof texts so far, of all kinds.
    checks: u64,
    /// CPU seconds of the program and of Lean's processes so far; none if nobody kept it.
    cpu_seconds: Option<f64>,
    /// Time that Lean took for them, in seconds.
    lean_seconds: f64,
    /// Wall time so far, in seconds.
    seconds: f64,
    /// Given statements proved so far.
    proved: Share,
    /// Of these: without a given proof.
    new: usize,
    /// Of these: closed by no single tactic, where that was measured.
    new_hard: Option<usize>,
    /// Validation statements with a proof among this model's samples.
    valid: Share,
    /// Mean pass rate on these.
    pass_at_1: f64,
}

/// A count of statements, with the ends of a 95 % interval of what so many others of their kind would give.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    count: usize,
    low: f64,
    high: f64,
}

impl Share {
    fn of(count: usize, all: usize) -> Self {
        let (low, high) = wilson(if all == 0 { 0.0 } else { count as f64 / all as f64 }, all);
        Self { count, low: low * all as f64, high: high * all as f64 }
    }
}

/// What the curves are made of besides the table.
pub(super) struct Parts<'a> {
    pub(super) report: &'a Report,
    pub(super) progress: &'a [Progress<'a>],
    pub(super) given: &'a HashSet<String>,
    pub(super) automation: Option<&'a Automation>,
    /// Seconds that Lean took for the proofs of a round.
    pub(super) lean_seconds: &'a dyn Fn(u32) -> f64,
}

impl Headline {
    /// Reads which statements came with a proof; everything else is in the parts.
    pub(super) fn of(ledger: &Ledger, rounds: u32, parts: &Parts<'_>) -> Result<Self> {
        let mut with_proof = ledger.proved_names(Phase::Corpus, 1)?;
        with_proof.retain(|name| parts.given.contains(name));
        Ok(Self {
            given: parts.report.train_total,
            given_proofs: with_proof.len(),
            valid: parts.report.valid_total,
            samples: parts.report.valid_samples,
            tactics: parts.automation.map(|it| Baseline { given: it.given, valid: it.valid }),
            points: points(rounds, parts, &with_proof),
        })
    }
}

fn points(rounds: u32, parts: &Parts<'_>, with_proof: &HashSet<String>) -> Vec<Point> {
    let (mut proved, mut new, mut new_hard) = (0, 0, 0);
    let (mut seconds, mut lean_seconds) = (0.0, 0.0);
    let mut points = Vec::new();
    for it in parts.progress {
        proved += it.newly.len();
        let found: Vec<_> = it.newly.iter().filter(|name| !with_proof.contains(*name)).collect();
        new += found.len();
        if let Some(automation) = parts.automation {
            new_hard += found.iter().filter(|name| !automation.closes(name)).count();
        }
        seconds += it.row.seconds;
        lean_seconds += (parts.lean_seconds)(it.row.round);
        points.push(Point {
            label: it.row.label.clone(),
            round: it.row.round,
            is_final: it.row.round > rounds,
            checks: it.effort.checks.total().all,
            cpu_seconds: it.effort.cpu_seconds,
            lean_seconds,
            seconds,
            proved: Share::of(proved, parts.report.train_total),
            new,
            new_hard: parts.automation.map(|_| new_hard),
            valid: Share::of(it.row.valid_proved, parts.report.valid_total),
            pass_at_1: it.row.valid_pass_rate,
        });
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effort::{Checks, Count, Effort};
    use crate::report::Row;

    #[test]
    fn points_add_up_and_what_had_a_proof_is_not_new() {
        let row = |round: u32, samples: u32| Row {
            label: format!("round {round}"),
            round,
            samples,
            valid_proved: 5,
            seconds: 10.0,
            ..Row::default()
        };
        let report = Report {
            train_total: 10,
            valid_total: 20,
            rows: vec![row(0, 0), row(1, 40), row(2, 40), row(3, 0)],
            ..Report::default()
        };
        let newly = [&[][..], &["a", "b"], &["c"], &[]];
        let newly = newly.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let of = |all| {
            let samples = Count { all, ..Count::default() };
            Effort { checks: Checks { samples, ..Checks::default() }, ..Effort::default() }
        };
        let progress: Vec<_> = (report.rows.iter().zip(newly).zip([0, 40, 80, 80]))
            .map(|((row, newly), checks)| Progress { row, effort: of(checks), newly })
            .collect();
        let automation = Automation::of_names(["c".to_owned()], 1, 7);
        let parts = Parts {
            report: &report,
            progress: &progress,
            given: &HashSet::new(),
            automation: Some(&automation),
            lean_seconds: &|round| f64::from(round),
        };
        let points = points(2, &parts, &HashSet::from(["a".to_owned()]));
        let counts: Vec<_> =
            points.iter().map(|it| (it.checks, it.proved.count, it.new, it.new_hard)).collect();
        assert_eq!(
            counts,
            [(0, 0, 0, Some(0)), (40, 2, 1, Some(1)), (80, 3, 2, Some(1)), (80, 3, 2, Some(1))]
        );
        assert_eq!(points.iter().filter(|it| it.is_final).count(), 1);
        assert!((points[3].seconds - 40.0).abs() < 1e-9 && (points[3].lean_seconds - 6.0).abs() < 1e-9);
        let share = points[0].valid;
        assert!(share.low > 1.0 && share.low < 5.0 && share.high > 5.0 && share.high < 12.0, "{share:?}");
    }
}
