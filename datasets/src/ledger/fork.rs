//! A ledger at an earlier point of its run: what a run that is forked begins with, and what becomes of the end of a run
//! that is made longer.

use std::path::Path;

use rusqlite::{Connection, params};

use super::{Ledger, LedgerError, wrap_error};

/// What stays of a ledger that is cut.
#[derive(Clone, Debug)]
pub struct Cut<'a> {
    /// Rows of later rounds go.
    pub last_round: u32,
    /// Finished steps that stay.
    pub steps: &'a [String],
    /// Checkpoints that stay.
    pub checkpoints: &'a [String],
    /// Goals that searches have left open for the next round stay.
    pub with_open_goals: bool,
    /// What the copy is told of itself: a key and its value, which replaces one that the original has.
    pub note: (&'a str, String),
}

impl Ledger {
    /// Writes a copy of what it holds now to a file that must not be there yet, without what `cut` leaves out, and without
    /// events: those happened to another run. Whatever table has a column `round` loses the rows of later rounds.
    ///
    /// # Errors
    /// [`LedgerError`] if the file is there or cannot be written, or a row that stays refers to one that goes.
    pub fn copy_cut(&self, path: &Path, cut: &Cut<'_>) -> Result<(), LedgerError> {
        self.copy_to(path)?;
        cut_file(path, cut).map_err(|error| wrap_error(path, error))
    }

    /// Gives a finished last training and its validation other names and their attempts another round, so that the run
    /// can go on with more rounds. `training`, `validation` and `checkpoint` are pairs of the old name and the new one. Where
    /// the training is not finished, or was renamed before, nothing is changed.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses; then nothing is changed.
    pub fn rename_end(
        &self,
        training: [&str; 2],
        validation: [&str; 2],
        checkpoint: [&str; 2],
        [round, new_round]: [u32; 2],
    ) -> Result<(), LedgerError> {
        const RENAME: &str = "UPDATE steps SET name = ?2 WHERE name = ?1";
        self.with(|db| {
            let transaction = db.unchecked_transaction()?;
            if transaction.execute(RENAME, training)? == 0 {
                return Ok(());
            }
            transaction.execute(RENAME, validation)?;
            transaction.execute("UPDATE OR REPLACE checkpoints SET name = ?2 WHERE name = ?1", checkpoint)?;
            super::attempts::note_round(&transaction, new_round)?;
            transaction.execute(
                "UPDATE attempts SET round = ?2 WHERE round = ?1 AND phase = 'valid'",
                params![round, new_round],
            )?;
            transaction.commit()
        })
    }
}

fn cut_file(path: &Path, cut: &Cut<'_>) -> rusqlite::Result<()> {
    let mut db = Connection::open(path)?;
    db.pragma_update(None, "foreign_keys", "OFF")?;
    let transaction = db.transaction()?;
    for table in tables_by_round(&transaction)? {
        let kept = if cut.with_open_goals { open_goals(&table) } else { "" };
        transaction.execute(&format!("DELETE FROM {table} WHERE round > ?1 {kept}"), [cut.last_round])?;
    }
    for (table, names) in [("steps", cut.steps), ("checkpoints", cut.checkpoints)] {
        let sql = format!("DELETE FROM {table} WHERE name NOT IN (SELECT value FROM json_each(?1))");
        transaction.execute(&sql, [serde_json::json!(names).to_string()])?;
    }
    transaction.execute_batch(
        "DELETE FROM events;
         DELETE FROM verdicts WHERE attempt NOT IN (SELECT id FROM attempts);
         DELETE FROM thoughts WHERE attempt NOT IN (SELECT id FROM attempts);
         DELETE FROM statements WHERE origin = 'conjecture'
             AND name NOT IN (SELECT statement FROM conjectures WHERE statement IS NOT NULL)
             AND name NOT IN (SELECT value FROM sketches, json_each(sketches.goals))
             AND id NOT IN (SELECT statement FROM attempts);",
    )?;
    let broken: i64 =
        transaction.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?;
    if broken > 0 {
        let reason = format!("{broken} rows refer to rows of later rounds");
        return Err(super::conversion_error(0, std::io::Error::other(reason)));
    }
    let (key, value) = &cut.note;
    transaction.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", params![key, value])?;
    transaction.commit()?;
    db.execute("VACUUM", [])?;
    Ok(())
}

/// Which rows of a later round stay: a search has written them for the round after its own.
fn open_goals(table: &str) -> &'static str {
    match table {
        "conjectures" => "AND NOT (source = 'subgoal' AND round = ?1 + 1)",
        "rounds" => "AND NOT (round = ?1 + 1)",
        _ => "",
    }
}

/// The tables with a column `round`.
fn tables_by_round(db: &Connection) -> rusqlite::Result<Vec<String>> {
    db.prepare(
        "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND c.name = 'round' ORDER BY m.name",
    )?
    .query_map([], |row| row.get(0))?
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::scratch;
    use super::super::{Attempt, Conjecture, ConjectureOutcome, Phase, Step};
    use super::*;
    use crate::{Status, Verdict};

    fn attempt(round: u32, phase: Phase, statement: &str) -> Attempt {
        Attempt {
            round,
            phase,
            statement: statement.to_owned(),
            sample: 0,
            proof: "by rfl".to_owned(),
            tokens: 1,
            logprob: 0.0,
            verdict: Some(Verdict::new(Status::Proved, "")),
        }
    }

    fn conjecture(round: u32) -> Conjecture {
        Conjecture {
            round,
            input: 0,
            sample: 0,
            seed: "a".to_owned(),
            seed_proof: "by rfl".to_owned(),
            lemma: None,
            signature: format!(": {round} = {round}"),
            outcome: Some(ConjectureOutcome::Accepted),
            fingerprint: None,
            statement: Some(format!("conjecture_{round}")),
            header: String::new(),
            source: crate::Source::Model,
        }
    }

    /// Two rounds with an attempt at `a` and at a conjecture each, and a last model.
    fn filled(ledger: &Ledger) {
        ledger.record_attempt(&attempt(0, Phase::Corpus, "a")).unwrap();
        for round in 1..=2 {
            let conjecture = conjecture(round);
            ledger.record_conjecture(&Conjecture { outcome: None, ..conjecture.clone() }).unwrap();
            ledger.record_outcomes(std::slice::from_ref(&conjecture)).unwrap();
            ledger.record_attempt(&attempt(round, Phase::Train, "a")).unwrap();
            ledger.record_attempt(&attempt(round, Phase::Train, &format!("conjecture_{round}"))).unwrap();
        }
        ledger.record_attempt(&attempt(3, Phase::Valid, "v")).unwrap();
        for name in ["stage1/train", "round-1/valid", "round-2/valid", "final/train", "final/valid"] {
            ledger.finish_step(&Step { name: name.to_owned(), seconds: 1.0, detail: json!({}) }).unwrap();
        }
        for name in ["stage1", "round-1", "round-2", "final"] {
            ledger.record_checkpoint(name, &json!({})).unwrap();
        }
        ledger.record_event("started", &json!({})).unwrap();
    }

    fn names(ledger: &Ledger) -> Vec<String> {
        ledger.steps().unwrap().into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn a_cut_copy_holds_the_first_rounds_and_nothing_that_refers_to_later_ones() {
        let (folder, ledger) = scratch();
        filled(&ledger);
        let path = folder.path().join("cut.sqlite");
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (steps, checkpoints) = (own(&["stage1/train", "round-1/valid"]), own(&["stage1", "round-1"]));
        let note = ("forked from", "new".to_owned());
        let cut =
            Cut { last_round: 1, steps: &steps, checkpoints: &checkpoints, with_open_goals: false, note };
        ledger.remember("forked from", "old").unwrap();
        ledger.copy_cut(&path, &cut).unwrap();
        let copy = Ledger::open(&path).unwrap();
        assert_eq!(names(&copy), steps);
        assert_eq!(copy.recall("forked from").unwrap().as_deref(), Some("new"));
        assert_eq!(copy.attempts(0, Phase::Corpus).unwrap(), ledger.attempts(0, Phase::Corpus).unwrap());
        assert_eq!(copy.attempts(1, Phase::Train).unwrap(), ledger.attempts(1, Phase::Train).unwrap());
        assert!(copy.attempts(2, Phase::Train).unwrap().is_empty());
        assert_eq!(copy.conjectures_of(1).unwrap(), ledger.conjectures_of(1).unwrap());
        let stats = copy.stats().unwrap();
        for (table, rows) in [("verdicts", 3), ("conjectures", 1), ("events", 0), ("checkpoints", 2)] {
            assert_eq!(stats.rows[table], rows, "{table}");
        }
        let statements: Vec<_> = copy.statements().unwrap().into_iter().map(|it| it.statement.id).collect();
        assert!(!statements.contains(&"conjecture_2".to_owned()), "{statements:?}");
        assert_eq!(names(&ledger).len(), 5, "the source is as it was");
        assert!(ledger.copy_cut(&path, &cut).is_err(), "nothing is replaced");
    }

    #[test]
    fn open_goals_of_the_last_round_stay_where_they_are_wanted() {
        let (folder, ledger) = scratch();
        filled(&ledger);
        let goal = |id: &str| crate::Statement {
            id: id.to_owned(),
            signature: format!(": {id}"),
            topics: vec![crate::CONJECTURE.to_owned()],
            header: String::new(),
            split: crate::Split::Train,
        };
        // The second is closed: no conjecture, but a part of a sketch.
        for id in ["subgoal_1_0_0", "subgoal_1_0_1"] {
            ledger.record_goal(&goal(id)).unwrap();
        }
        let open = Conjecture {
            input: 9,
            statement: Some("subgoal_1_0_0".to_owned()),
            source: crate::Source::Subgoal,
            ..conjecture(2)
        };
        ledger.record_conjecture(&open).unwrap();
        let sketch = crate::LedgerSketch {
            round: 1,
            number: 0,
            parent: "a".to_owned(),
            depth: 1,
            failed: "by x".to_owned(),
            sketch: None,
            reason: None,
            goals: vec!["subgoal_1_0_0".to_owned(), "subgoal_1_0_1".to_owned()],
        };
        ledger.record_sketch(&sketch).unwrap();
        for with_open_goals in [true, false] {
            let path = folder.path().join(format!("{with_open_goals}.sqlite"));
            let note = ("forked from", "new".to_owned());
            ledger
                .copy_cut(&path, &Cut { last_round: 1, steps: &[], checkpoints: &[], with_open_goals, note })
                .unwrap();
            let copy = Ledger::open(&path).unwrap();
            let left = copy.conjectures_of(2).unwrap();
            assert_eq!(left, if with_open_goals { vec![open.clone()] } else { vec![] });
            assert_eq!(copy.statements_of(&["subgoal_1_0_0", "subgoal_1_0_1"]).unwrap().len(), 2);
            assert!(copy.attempts(2, Phase::Train).unwrap().is_empty());
        }
    }

    #[test]
    fn the_end_of_a_run_gets_another_name_once() {
        let (_folder, ledger) = scratch();
        filled(&ledger);
        let (training, validation) = (["final/train", "final-2/train"], ["final/valid", "final-2/valid"]);
        let rename =
            || ledger.rename_end(training, validation, ["final", "final-2"], [3, 1_000_002]).unwrap();
        let counts = || [3, 1_000_002].map(|round| ledger.attempts(round, Phase::Valid).unwrap().len());
        rename();
        assert_eq!(names(&ledger)[3..], ["final-2/train", "final-2/valid"]);
        assert_eq!(counts(), [0, 1]);
        assert!(ledger.checkpoints().unwrap().iter().any(|(name, _)| name == "final-2"));
        // What the third round has of its own stays there.
        ledger.record_attempt(&attempt(3, Phase::Valid, "v")).unwrap();
        rename();
        assert_eq!(counts(), [1, 1]);
    }
}
