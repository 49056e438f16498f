//! Attempts: a sampled proof and, once the judge has spoken, its verdict.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Ledger, LedgerError, conversion_error, names_as_json, read_json, statements};
use crate::{Status, Verdict};

/// Why a proof was sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// A proof that came with the corpus, checked at the start.
    Corpus,
    /// A proof of a training statement or conjecture; may become training data.
    Train,
    /// A proof of a held-out statement; measures progress only.
    Valid,
    /// A proof that no model wrote as it is: by Lean's automation, or put together of a sketch and proofs of its goals.
    Search,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Corpus, Self::Train, Self::Valid, Self::Search];

    /// The name used in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Corpus => "seed",
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Search => "search",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == name)
    }
}

/// One sampled proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The round; 0 is everything before the first round of self-play.
    pub round: u32,
    /// Why it was sampled.
    pub phase: Phase,
    /// Id of the statement or conjecture.
    pub statement: String,
    /// Index among the samples of that statement in that round and phase.
    pub sample: u32,
    /// The text after `:=`.
    pub proof: String,
    /// Length in tokens, the end marker not counted.
    pub tokens: u32,
    /// Sum of the log-probabilities of its tokens and the end marker under the sampling model.
    pub logprob: f64,
    /// The judge's verdict, if it has spoken.
    pub verdict: Option<Verdict>,
}

pub(super) const COLUMNS: &str = "round, phase, statement, sample, proof, tokens, logprob, status, elapsed_ms, messages, axioms, premises, implicit_premises";

impl Attempt {
    /// Whether Lean accepted it.
    pub fn is_proved(&self) -> bool {
        self.verdict.as_ref().is_some_and(Verdict::is_proved)
    }

    /// Mean log-probability of its tokens and the end marker.
    pub fn likelihood(&self) -> f64 {
        self.logprob / (f64::from(self.tokens) + 1.0)
    }
}

impl Ledger {
    /// Records a sampled proof. One that is there already, judged or not, is left as it is.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn record_attempt(&self, attempt: &Attempt) -> Result<(), LedgerError> {
        self.record_attempts(std::slice::from_ref(attempt))
    }

    /// Records sampled proofs, with their verdicts where they have one, all in one transaction.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses; then none is recorded.
    pub fn record_attempts(&self, attempts: &[Attempt]) -> Result<(), LedgerError> {
        self.with(|db| {
            let transaction = db.unchecked_transaction()?;
            for attempt in attempts {
                insert_attempt(&transaction, attempt)?;
            }
            transaction.commit()
        })
    }

    /// Records the verdict of an attempt that has none yet.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn record_verdict(&self, attempt: &Attempt, verdict: &Verdict) -> Result<(), LedgerError> {
        self.with(|db| match row_of(db, attempt)? {
            Some((id, _)) => insert_verdict(db, id, verdict),
            None => Ok(()),
        })
    }

    /// All attempts of one round and phase, by statement and sample.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn attempts(&self, round: u32, phase: Phase) -> Result<Vec<Attempt>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM judged WHERE round = ?1 AND phase = ?2 ORDER BY statement, sample"
        );
        self.with(|db| {
            db.prepare_cached(&sql)?.query_map(params![round, phase.as_str()], read_attempt)?.collect()
        })
    }

    /// The correct proofs of one phase in these rounds, by round, statement and sample.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn proofs_of(&self, phase: Phase, rounds: RangeInclusive<u32>) -> Result<Vec<Attempt>, LedgerError> {
        let mut all = Vec::new();
        self.each_proof(phase, rounds, |attempt| all.push(attempt))?;
        Ok(all)
    }

    /// Shows each correct proof of one phase in these rounds to `each`, by round, statement and sample, holding no more
    /// than one in memory. `each` must not use the ledger, which is locked meanwhile.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse; the proofs before it have been shown.
    pub fn each_proof(
        &self,
        phase: Phase,
        rounds: RangeInclusive<u32>,
        mut each: impl FnMut(Attempt),
    ) -> Result<(), LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM judged WHERE phase = ?1 AND round BETWEEN ?2 AND ?3 AND status = 'proved'
             ORDER BY round, statement, sample"
        );
        self.with(|db| {
            let mut found = db.prepare_cached(&sql)?;
            let mut rows = found.query(params![phase.as_str(), rounds.start(), rounds.end()])?;
            while let Some(row) = rows.next()? {
                each(read_attempt(row)?);
            }
            Ok(())
        })
    }

    /// The shortest correct proof of each of these statements in a phase and some rounds, the earliest of those that are as
    /// short.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn shortest_proofs(
        &self,
        phase: Phase,
        rounds: RangeInclusive<u32>,
        names: &[&str],
    ) -> Result<HashMap<String, String>, LedgerError> {
        let mut shortest: HashMap<String, String> = HashMap::new();
        self.with(|db| {
            let mut found = db.prepare_cached(
                "SELECT statement, proof FROM judged WHERE phase = ?1 AND round BETWEEN ?2 AND ?3 AND status = 'proved'
                 AND statement IN (SELECT value FROM json_each(?4)) ORDER BY round, sample",
            )?;
            let values = params![phase.as_str(), rounds.start(), rounds.end(), names_as_json(names)];
            let mut rows = found.query(values)?;
            while let Some(row) = rows.next()? {
                let (name, proof): (String, String) = (row.get(0)?, row.get(1)?);
                match shortest.entry(name) {
                    Entry::Occupied(known) if known.get().len() <= proof.len() => {}
                    Entry::Occupied(mut known) => drop(known.insert(proof)),
                    Entry::Vacant(place) => drop(place.insert(proof)),
                }
            }
            Ok(())
        })?;
        Ok(shortest)
    }

    /// The attempts of one round and phase that have no verdict yet, by statement and sample.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn unjudged(&self, round: u32, phase: Phase) -> Result<Vec<Attempt>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM judged WHERE round = ?1 AND phase = ?2 AND status IS NULL
             ORDER BY statement, sample"
        );
        self.with(|db| {
            db.prepare_cached(&sql)?.query_map(params![round, phase.as_str()], read_attempt)?.collect()
        })
    }

    /// The attempts of the phase `train` in one round at these statements that Lean refused (`failed`), by statement and
    /// sample.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn refused_of(&self, round: u32, names: &[&str]) -> Result<Vec<Attempt>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM judged WHERE round = ?1 AND phase = 'train' AND status = 'failed'
             AND statement IN (SELECT value FROM json_each(?2)) ORDER BY statement, sample"
        );
        self.with(|db| {
            db.prepare_cached(&sql)?.query_map(params![round, names_as_json(names)], read_attempt)?.collect()
        })
    }

    /// Shows each attempt of one round and phase to `each`, by statement and sample, holding no more than one in memory.
    /// `each` must not use the ledger, which is locked meanwhile.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse; the attempts before it have been shown.
    pub fn each_attempt(
        &self,
        round: u32,
        phase: Phase,
        mut each: impl FnMut(Attempt),
    ) -> Result<(), LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM judged WHERE round = ?1 AND phase = ?2 ORDER BY statement, sample"
        );
        self.with(|db| {
            let mut found = db.prepare_cached(&sql)?;
            let mut rows = found.query(params![round, phase.as_str()])?;
            while let Some(row) = rows.next()? {
                each(read_attempt(row)?);
            }
            Ok(())
        })
    }

    /// Statement and sample of each attempt of one round and phase, judged or not.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn attempt_keys(&self, round: u32, phase: Phase) -> Result<HashSet<(String, u32)>, LedgerError> {
        self.with(|db| {
            db.prepare_cached(
                "SELECT s.name, a.sample FROM attempts a JOIN statements s ON s.id = a.statement
                 WHERE a.phase = ?1 AND a.round = ?2",
            )?
            .query_map(params![phase.as_str(), round], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
        })
    }
}

/// Inserts an attempt, with its verdict if it has one, unless it is there.
pub(super) fn insert_attempt(db: &Connection, attempt: &Attempt) -> rusqlite::Result<()> {
    let statement = statements::id_of(db, &attempt.statement)?;
    note_round(db, attempt.round)?;
    let added = db
        .prepare_cached(
            "INSERT OR IGNORE INTO attempts (round, phase, statement, sample, proof, tokens, logprob)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            attempt.round,
            attempt.phase.as_str(),
            statement,
            attempt.sample,
            attempt.proof,
            attempt.tokens,
            attempt.logprob
        ])?;
    match &attempt.verdict {
        Some(verdict) if added == 1 => insert_verdict(db, db.last_insert_rowid(), verdict),
        _ => Ok(()),
    }
}

/// Makes sure that the round is known.
pub(super) fn note_round(db: &Connection, round: u32) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR IGNORE INTO rounds (round) VALUES (?1)")?.execute([round])?;
    Ok(())
}

/// The row ids of a recorded attempt and of its statement.
pub(super) fn row_of(db: &Connection, attempt: &Attempt) -> rusqlite::Result<Option<(i64, i64)>> {
    db.prepare_cached(
        "SELECT a.id, s.id FROM attempts a JOIN statements s ON s.id = a.statement
         WHERE a.phase = ?1 AND a.round = ?2 AND s.name = ?3 AND a.sample = ?4",
    )?
    .query_row(params![attempt.phase.as_str(), attempt.round, attempt.statement, attempt.sample], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .optional()
}

/// Inserts a verdict unless there is one. What was thought before a proof that does not hold is let go of.
pub(super) fn insert_verdict(db: &Connection, attempt: i64, verdict: &Verdict) -> rusqlite::Result<()> {
    let list = |items: &[String]| (!items.is_empty()).then(|| serde_json::json!(items).to_string());
    let added = db
        .prepare_cached(
            "INSERT OR IGNORE INTO verdicts
             (attempt, status, elapsed_ms, messages, axioms, premises, implicit_premises) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            attempt,
            verdict.status.as_str(),
            verdict.elapsed_ms,
            list(&verdict.messages),
            list(&verdict.axioms),
            list(&verdict.premises),
            list(&verdict.implicit_premises)
        ])?;
    if added == 1 && !verdict.is_proved() {
        db.prepare_cached("DELETE FROM thoughts WHERE attempt = ?1")?.execute([attempt])?;
    }
    Ok(())
}

/// A verdict whose columns begin at `first`, in the order of the schema; `None` if there is none.
pub(super) fn read_verdict(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Verdict>> {
    let Some(status) = row.get::<_, Option<String>>(first)? else { return Ok(None) };
    let status = Status::parse(&status)
        .ok_or_else(|| conversion_error(first, std::io::Error::other(format!("unknown status {status}"))))?;
    let list = |column: usize| match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(Vec::new()),
        _ => read_json(row, column),
    };
    Ok(Some(Verdict {
        status,
        elapsed_ms: row.get(first + 1)?,
        messages: list(first + 2)?,
        axioms: list(first + 3)?,
        premises: list(first + 4)?,
        implicit_premises: list(first + 5)?,
    }))
}

pub(super) fn read_attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let phase: String = row.get(1)?;
    Ok(Attempt {
        round: row.get(0)?,
        phase: Phase::parse(&phase)
            .ok_or_else(|| conversion_error(1, std::io::Error::other(format!("unknown phase {phase}"))))?,
        statement: row.get(2)?,
        sample: row.get(3)?,
        proof: row.get(4)?,
        tokens: row.get(5)?,
        logprob: row.get(6)?,
        verdict: read_verdict(row, 7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Tally;
    use super::super::tests::scratch;
    use super::*;

    fn attempt(statement: &str, sample: u32) -> Attempt {
        Attempt {
            round: 1,
            phase: Phase::Train,
            statement: statement.into(),
            sample,
            proof: format!("by p{sample}"),
            tokens: 3,
            logprob: -1.5,
            verdict: None,
        }
    }

    #[test]
    fn doing_it_again_counts_nothing_twice() {
        let (_folder, ledger) = scratch();
        let proved = Verdict { messages: vec![], ..Verdict::new(Status::Proved, "") };
        for _ in 0..2 {
            for sample in 0..3 {
                ledger.record_attempt(&attempt("a", sample)).unwrap();
            }
            ledger.record_verdict(&attempt("a", 0), &proved).unwrap();
            ledger.record_verdict(&attempt("a", 1), &Verdict::new(Status::Failed, "no")).unwrap();
        }
        let tally = ledger.tallies_of(Phase::Train, 0..=9).unwrap()[&(1, "a".to_owned())];
        assert_eq!(tally, Tally { proved: 1, judged: 2 });
        assert_eq!(ledger.attempts(1, Phase::Train).unwrap().len(), 3);
        assert_eq!(ledger.proofs_of(Phase::Train, 1..=1).unwrap()[0].verdict, Some(proved));
        assert!(ledger.tallies_of(Phase::Valid, 0..=9).unwrap().is_empty());
    }

    #[test]
    fn a_verdict_is_never_overwritten() {
        let (_folder, ledger) = scratch();
        ledger.record_attempt(&attempt("a", 0)).unwrap();
        ledger.record_verdict(&attempt("a", 0), &Verdict::new(Status::Failed, "first")).unwrap();
        ledger.record_verdict(&attempt("a", 0), &Verdict::new(Status::Proved, "second")).unwrap();
        let verdict = ledger.attempts(1, Phase::Train).unwrap()[0].verdict.clone().unwrap();
        assert_eq!((verdict.status, verdict.messages), (Status::Failed, vec!["first".to_owned()]));
    }
}
