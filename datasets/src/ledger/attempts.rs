//! Attempts: a sampled proof and, once the judge has spoken, its verdict.

use std::collections::HashMap;

use rusqlite::{Row, params};

use super::{Ledger, LedgerError, conversion_error, read_json};
use crate::{Status, Verdict};

/// Why a proof was sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// A proof that came with the corpus, checked at the start.
    Seed,
    /// A proof of a training statement or conjecture; may become training data.
    Train,
    /// A proof of a held-out statement; measures progress only.
    Valid,
}

impl Phase {
    /// The name used in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Train => "train",
            Self::Valid => "valid",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Seed, Self::Train, Self::Valid].into_iter().find(|phase| phase.as_str() == name)
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
    /// Length in tokens, the end marker included.
    pub tokens: u32,
    /// Sum of the log-probabilities of its tokens under the sampling model.
    pub logprob: f64,
    /// The judge's verdict, if it has spoken.
    pub verdict: Option<Verdict>,
}

/// Correct and judged attempts of one statement in one round and phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Attempts with the verdict `proved`.
    pub proved: u32,
    /// Attempts with any verdict.
    pub judged: u32,
}

const COLUMNS: &str = "round, phase, statement, sample, proof, tokens, logprob, verdict";

impl Ledger {
    /// Records a sampled proof. One that is there already, judged or not, is left as it is.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn record_attempt(&self, attempt: &Attempt) -> Result<(), LedgerError> {
        let (status, verdict) = verdict_columns(attempt.verdict.as_ref());
        self.with(|db| {
            db.prepare_cached(
                "INSERT OR IGNORE INTO attempts
                 (round, phase, statement, sample, proof, tokens, logprob, status, verdict)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                attempt.round,
                attempt.phase.as_str(),
                attempt.statement,
                attempt.sample,
                attempt.proof,
                attempt.tokens,
                attempt.logprob,
                status,
                verdict
            ])
        })?;
        Ok(())
    }

    /// Records the verdict of an attempt that has none yet.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn record_verdict(&self, attempt: &Attempt, verdict: &Verdict) -> Result<(), LedgerError> {
        let (status, text) = verdict_columns(Some(verdict));
        self.with(|db| {
            db.prepare_cached(
                "UPDATE attempts SET status = ?5, verdict = ?6
                 WHERE round = ?1 AND phase = ?2 AND statement = ?3 AND sample = ?4 AND status IS NULL",
            )?
            .execute(params![
                attempt.round,
                attempt.phase.as_str(),
                attempt.statement,
                attempt.sample,
                status,
                text
            ])
        })?;
        Ok(())
    }

    /// All attempts of one round and phase, by statement and sample.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn attempts(&self, round: u32, phase: Phase) -> Result<Vec<Attempt>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM attempts WHERE round = ?1 AND phase = ?2 ORDER BY statement, sample"
        );
        self.with(|db| {
            db.prepare_cached(&sql)?.query_map(params![round, phase.as_str()], read_attempt)?.collect()
        })
    }

    /// All attempts with the verdict `proved` in one phase, by round, statement and sample.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn proved_attempts(&self, phase: Phase) -> Result<Vec<Attempt>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM attempts WHERE phase = ?1 AND status = 'proved'
             ORDER BY round, statement, sample"
        );
        self.with(|db| db.prepare_cached(&sql)?.query_map([phase.as_str()], read_attempt)?.collect())
    }

    /// Pass-rate counts of one phase: (round, statement) → tally.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn tallies(&self, phase: Phase) -> Result<HashMap<(u32, String), Tally>, LedgerError> {
        self.with(|db| {
            db.prepare_cached(
                "SELECT round, statement, sum(status = 'proved'), count(status)
                 FROM attempts WHERE phase = ?1 AND status IS NOT NULL GROUP BY round, statement",
            )?
            .query_map([phase.as_str()], |row| {
                Ok(((row.get(0)?, row.get(1)?), Tally { proved: row.get(2)?, judged: row.get(3)? }))
            })?
            .collect()
        })
    }

    /// Verdicts by (statement, proof): what need not be asked again.
    ///
    /// Time-outs and crashes are left out: they depend on the machine's load, so they are worth asking again.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn known_verdicts(&self) -> Result<HashMap<(String, String), Verdict>, LedgerError> {
        self.with(|db| {
            db.prepare_cached(
                "SELECT statement, proof, verdict FROM attempts
                 WHERE status IN ('proved', 'failed', 'rejected', 'statement_error')",
            )?
            .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), read_json(row, 2)?)))?
            .collect()
        })
    }
}

fn verdict_columns(verdict: Option<&Verdict>) -> (Option<&'static str>, Option<String>) {
    let text = verdict.map(|verdict| serde_json::json!(verdict).to_string());
    (verdict.map(|verdict| Status::as_str(verdict.status)), text)
}

fn read_attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let phase: String = row.get(1)?;
    let judged = row.get_ref(7)? != rusqlite::types::ValueRef::Null;
    Ok(Attempt {
        round: row.get(0)?,
        phase: Phase::parse(&phase)
            .ok_or_else(|| conversion_error(1, std::io::Error::other(format!("unknown phase {phase}"))))?,
        statement: row.get(2)?,
        sample: row.get(3)?,
        proof: row.get(4)?,
        tokens: row.get(5)?,
        logprob: row.get(6)?,
        verdict: if judged { Some(read_json(row, 7)?) } else { None },
    })
}

#[cfg(test)]
mod tests {
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
        let tally = ledger.tallies(Phase::Train).unwrap()[&(1, "a".to_owned())];
        assert_eq!(tally, Tally { proved: 1, judged: 2 });
        assert_eq!(ledger.attempts(1, Phase::Train).unwrap().len(), 3);
        assert_eq!(ledger.proved_attempts(Phase::Train).unwrap()[0].verdict, Some(proved));
        assert!(ledger.tallies(Phase::Valid).unwrap().is_empty());
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

    #[test]
    fn known_verdicts_leave_out_what_load_decides() {
        let (_folder, ledger) = scratch();
        for (sample, status) in [Status::Failed, Status::Timeout, Status::Crashed].into_iter().enumerate() {
            let attempt = attempt("a", u32::try_from(sample).unwrap());
            ledger.record_attempt(&attempt).unwrap();
            ledger.record_verdict(&attempt, &Verdict::new(status, "m")).unwrap();
        }
        let known = ledger.known_verdicts().unwrap();
        assert_eq!(known.keys().collect::<Vec<_>>(), [&("a".to_owned(), "by p0".to_owned())]);
    }
}
