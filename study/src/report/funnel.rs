//! What becomes of conjectures and of failed proofs' goals, stage by stage.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;
use stp_datasets::{ConjectureOutcome, Goal, Ledger, LedgerSketch};
use stp_selfplay::plan::Step;
use stp_selfplay::records::{self, SearchRecord};

use super::table::Report;

/// Conjectures of one round, each number a part of the one before.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Funnel {
    round: u32,
    generated: usize,
    well_formed: usize,
    elaborates: usize,
    new: usize,
    tried: usize,
    proved: usize,
    kept: usize,
    /// What the others came to, by outcome.
    dropped: Vec<(String, usize)>,
}

/// Failed proofs of one round, and the goals that they leave open.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct GoalFunnel {
    round: u32,
    /// Failed proofs that Lean was asked about.
    failed: usize,
    /// Of these: with goals that are tried.
    sketches: usize,
    /// Open places of all sketches.
    holes: usize,
    /// Of these: Lean wrote the goal as a statement, and read it back as the same.
    written: usize,
    /// Why others are none.
    unwritten: Vec<(String, usize)>,
    /// Proofs of goals put back into their proofs.
    assembled: usize,
    /// Of these: proved.
    whole: usize,
    /// Given statements that have a proof now and had none.
    statements: usize,
    /// New goals.
    goals: usize,
    /// Of these: proved by automation alone.
    closed: usize,
    /// Goals that the model was asked for proofs of.
    sampled: usize,
    /// Of these: proved.
    sampled_proved: usize,
    /// Why proofs have no goals that are tried.
    dropped: Vec<(String, usize)>,
}

/// The conjectures of each round that has some.
pub(super) fn conjectures(ledger: &Ledger, report: &Report) -> Result<Vec<Funnel>> {
    let counts = ledger.conjecture_counts()?;
    Ok(counts.into_iter().filter_map(|(round, counts)| funnel(round, &counts, report)).collect())
}

fn funnel(
    round: u32,
    counts: &BTreeMap<Option<ConjectureOutcome>, usize>,
    report: &Report,
) -> Option<Funnel> {
    let count = |outcome| counts.get(&Some(outcome)).copied().unwrap_or_default();
    let row = report.rows.iter().find(|row| row.label == format!("round {round}"));
    let generated: usize = counts.iter().filter(|(outcome, _)| outcome.is_some()).map(|(_, it)| it).sum();
    let well_formed = generated - count(ConjectureOutcome::Malformed);
    let elaborates = well_formed - count(ConjectureOutcome::NotElaborated);
    let old = [
        ConjectureOutcome::Duplicate,
        ConjectureOutcome::HeldOut,
        ConjectureOutcome::Trivial,
        ConjectureOutcome::Refuted,
    ];
    let new = elaborates - old.into_iter().map(count).sum::<usize>();
    let others = ConjectureOutcome::ALL.into_iter().filter(|it| *it != ConjectureOutcome::Accepted);
    let dropped = others.map(|it| (it.as_str().replace('_', " "), count(it))).filter(|(_, it)| *it > 0);
    (generated > 0).then(|| Funnel {
        round,
        generated,
        well_formed,
        elaborates,
        new,
        tried: count(ConjectureOutcome::Accepted),
        proved: row.map_or(0, |row| row.proved),
        kept: row.map_or(0, |row| row.kept),
        dropped: dropped.collect(),
    })
}

/// The goals of each round with a search.
pub(super) fn goals(ledger: &Ledger, report: &Report, rounds: u32) -> Result<Vec<GoalFunnel>> {
    let mut funnels = Vec::new();
    for round in 1..=rounds {
        let Some(record) = records::read::<SearchRecord>(ledger, Step::Search(round))? else { continue };
        let row = report.rows.iter().find(|row| row.round == round);
        let (holes, unwritten) = holes(&ledger.sketches_of(round)?);
        funnels.push(GoalFunnel {
            round,
            holes,
            written: holes - unwritten.values().sum::<usize>(),
            unwritten: unwritten.into_iter().collect(),
            failed: record.failed,
            sketches: record.sketches,
            assembled: record.assembled,
            whole: record.whole,
            statements: record.proved.len(),
            goals: record.goals,
            closed: record.closed,
            sampled: row.map_or(0, |row| row.subgoals),
            sampled_proved: row.map_or(0, |row| row.subgoals_proved),
            dropped: record.dropped.into_iter().collect(),
        });
    }
    Ok(funnels)
}

/// The holes of sketches, and the reasons of those that are no statement.
fn holes(sketches: &[LedgerSketch]) -> (usize, BTreeMap<String, usize>) {
    let goals: Vec<_> = sketches
        .iter()
        .filter_map(|it| it.sketch.as_ref())
        .flat_map(|it| &it.holes)
        .map(|it| &it.goal)
        .collect();
    let mut unwritten = BTreeMap::new();
    for goal in &goals {
        if let Goal::Refused { reason } = goal {
            *unwritten.entry(reason.clone()).or_default() += 1;
        }
    }
    (goals.len(), unwritten)
}

#[cfg(test)]
mod tests {
    use stp_datasets::{Hole, Sketch};

    use super::*;

    #[test]
    fn each_stage_is_a_part_of_the_one_before() {
        use ConjectureOutcome::{Accepted, Duplicate, Malformed, NotElaborated, OverQuota, Refuted};
        let counts = [(Malformed, 10), (NotElaborated, 20), (Duplicate, 5), (Refuted, 1), (OverQuota, 3)];
        let counts = counts.into_iter().chain([(Accepted, 11)]).map(|(it, count)| (Some(it), count));
        let counts: BTreeMap<_, _> = counts.chain([(None, 7)]).collect();
        let funnel = funnel(2, &counts, &Report::default()).unwrap();
        let stages = [funnel.generated, funnel.well_formed, funnel.elaborates, funnel.new, funnel.tried];
        assert_eq!(stages, [50, 40, 20, 14, 11], "what is undecided does not count");
        assert_eq!(funnel.dropped.iter().map(|(_, count)| count).sum::<usize>(), 39);
        assert!(super::funnel(1, &BTreeMap::from([(None, 4)]), &Report::default()).is_none());
    }

    #[test]
    fn goals_come_from_the_records_of_searches() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let record = SearchRecord {
            failed: 9,
            sketches: 4,
            goals: 7,
            closed: 2,
            assembled: 2,
            whole: 1,
            proved: vec!["a".to_owned()],
            ..SearchRecord::default()
        };
        let detail = serde_json::to_value(&record).unwrap();
        let step = stp_datasets::Step { name: Step::Search(2).name(), seconds: 1.0, detail };
        ledger.finish_step(&step).unwrap();
        let hole = |goal| Hole { start: 0, stop: 5, column: 0, goals: 1, is_term: false, goal };
        let written = Goal::Statement { signature: ": True".to_owned(), setup: Vec::new() };
        let holes = vec![hole(written), hole(Goal::Refused { reason: "data".to_owned() })];
        let sketch = LedgerSketch {
            round: 2,
            number: 0,
            parent: "a".to_owned(),
            depth: 1,
            failed: "foo".to_owned(),
            sketch: Some(Sketch { proof: "sorry sorry".to_owned(), holes, messages: Vec::new() }),
            reason: None,
            goals: Vec::new(),
        };
        ledger.record_sketch(&sketch).unwrap();
        let funnels = goals(&ledger, &Report::default(), 3).unwrap();
        let found: Vec<_> = funnels.iter().map(|it| (it.round, it.failed, it.goals, it.statements)).collect();
        assert_eq!(found, [(2, 9, 7, 1)]);
        assert_eq!((funnels[0].holes, funnels[0].written), (2, 1));
        assert_eq!(funnels[0].unwritten, [("data".to_owned(), 1)]);
    }
}
