//! Sketches of failed proofs, and which statement each of their holes stands for.

use std::collections::HashSet;

use rusqlite::{Row, params};

use super::attempts::note_round;
use super::{Ledger, LedgerError, conversion_error, read_json, statements};
use crate::{Sketch, Statement};

/// What became of a failed proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerSketch {
    /// The round in which it was made.
    pub round: u32,
    /// Index among the sketches of the round.
    pub number: u32,
    /// Id of the statement that the proof is of.
    pub parent: String,
    /// Depth of its goals: 1 if the parent is no goal of a sketch itself.
    pub depth: u32,
    /// The proof that failed.
    pub failed: String,
    /// The proof with holes; none if it has no sketch.
    pub sketch: Option<Sketch>,
    /// Why there is none, or why its goals are not tried.
    pub reason: Option<String>,
    /// For each hole the id of its statement; empty where the goals are not tried.
    pub goals: Vec<String>,
}

const COLUMNS: &str = "round, number, parent, depth, failed, sketch, reason, goals";

impl Ledger {
    /// Records a sketch. One that is there already is left as it is.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn record_sketch(&self, sketch: &LedgerSketch) -> Result<(), LedgerError> {
        let sql =
            format!("INSERT OR IGNORE INTO sketches ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        self.with(|db| {
            note_round(db, sketch.round)?;
            db.prepare_cached(&sql)?.execute(params![
                sketch.round,
                sketch.number,
                sketch.parent,
                sketch.depth,
                sketch.failed,
                sketch.sketch.as_ref().map(|sketch| serde_json::json!(sketch).to_string()),
                sketch.reason,
                serde_json::json!(sketch.goals).to_string()
            ])
        })?;
        Ok(())
    }

    /// Records a goal as a statement of its own.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn record_goal(&self, goal: &Statement) -> Result<(), LedgerError> {
        self.with(|db| statements::note_conjecture(db, &goal.id, &goal.signature, &goal.header))
    }

    /// The sketches up to a round whose goals are tried, by round and number.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn sketches_up_to(&self, round: u32) -> Result<Vec<LedgerSketch>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM sketches WHERE round <= ?1 AND sketch IS NOT NULL AND reason IS NULL ORDER BY round, number"
        );
        self.with(|db| db.prepare_cached(&sql)?.query_map([round], read_sketch)?.collect())
    }

    /// All sketches of a round, by number.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn sketches_of(&self, round: u32) -> Result<Vec<LedgerSketch>, LedgerError> {
        let sql = format!("SELECT {COLUMNS} FROM sketches WHERE round = ?1 ORDER BY number");
        self.with(|db| db.prepare_cached(&sql)?.query_map([round], read_sketch)?.collect())
    }

    /// Parent and text of each failed proof that was looked at before a round.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn sketched_before(&self, round: u32) -> Result<HashSet<(String, String)>, LedgerError> {
        self.with(|db| {
            db.prepare_cached("SELECT parent, failed FROM sketches WHERE round < ?1")?
                .query_map([round], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }
}

fn read_sketch(row: &Row<'_>) -> rusqlite::Result<LedgerSketch> {
    let sketch: Option<String> = row.get(5)?;
    let sketch = sketch
        .map(|text| serde_json::from_str(&text).map_err(|error| conversion_error(5, error)))
        .transpose()?;
    Ok(LedgerSketch {
        round: row.get(0)?,
        number: row.get(1)?,
        parent: row.get(2)?,
        depth: row.get(3)?,
        failed: row.get(4)?,
        sketch,
        reason: row.get(6)?,
        goals: read_json(row, 7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::scratch;
    use super::*;
    use crate::{Goal, Hole};

    #[test]
    fn sketches_are_kept_as_they_were_first_made() {
        let (_folder, ledger) = scratch();
        let goal = Goal::Statement { signature: ": True".into(), setup: vec!["rename_i x".into()] };
        let hole = Hole { start: 3, stop: 8, column: 3, goals: 1, is_term: false, goal };
        let sketch = Sketch { proof: "by sorry".into(), holes: vec![hole], messages: vec!["no".into()] };
        let open = LedgerSketch {
            round: 1,
            number: 0,
            parent: "a".into(),
            depth: 1,
            failed: "by foo".into(),
            sketch: Some(sketch),
            reason: None,
            goals: vec!["subgoal_2_0_0".into()],
        };
        let none = LedgerSketch {
            number: 1,
            failed: "foo".into(),
            sketch: None,
            reason: Some("no tactic".into()),
            goals: Vec::new(),
            ..open.clone()
        };
        for _ in 0..2 {
            ledger.record_sketch(&open).unwrap();
            ledger.record_sketch(&none).unwrap();
            ledger.record_sketch(&LedgerSketch { round: 2, ..open.clone() }).unwrap();
        }
        assert_eq!(ledger.sketches_of(1).unwrap(), [open.clone(), none]);
        assert_eq!(ledger.sketches_up_to(3).unwrap(), [open]);
        assert!(ledger.sketched_before(1).unwrap().is_empty());
        assert_eq!(ledger.sketched_before(2).unwrap().len(), 2);
    }
}
