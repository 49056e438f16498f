//! Verdicts that need not be asked for again, in little memory: by statement and a hash of the proof.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use rusqlite::{Connection, OptionalExtension};

use super::attempts::{insert_verdict, read_verdict, row_of};
use super::{Attempt, Ledger, LedgerError, names_as_json};
use crate::Verdict;

/// Which proofs of some statements the judge has settled, and the attempts whose verdicts say how: some 24 bytes a proof.
///
/// Time-outs and crashes are left out, for they depend on the machine's load, and so is what was cut off before its end.
#[derive(Clone, Debug, Default)]
pub struct KnownVerdicts {
    statements: HashMap<String, i64>,
    attempts: HashMap<(i64, u64), i64>,
}

impl KnownVerdicts {
    /// How many proofs are settled.
    pub fn len(&self) -> usize {
        self.attempts.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.attempts.is_empty()
    }

    /// The row id of an attempt with that proof, or with another of the same hash.
    fn attempt(&self, statement: &str, proof: &str) -> Option<i64> {
        let statement = self.statements.get(statement)?;
        self.attempts.get(&(*statement, hash(proof))).copied()
    }
}

impl Ledger {
    /// The settled proofs of these statements, in all rounds and phases; names that the ledger does not know are skipped.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn verdicts_of(&self, names: &[&str]) -> Result<KnownVerdicts, LedgerError> {
        let names = names_as_json(names);
        self.with(|db| {
            let statements = statements(db, &names)?;
            let mut attempts = HashMap::new();
            let mut found = db.prepare_cached(
                "SELECT a.statement, a.proof, a.id
                 FROM statements s JOIN attempts a ON a.statement = s.id JOIN verdicts v ON v.attempt = a.id
                 WHERE s.name IN (SELECT value FROM json_each(?1))
                   AND v.status IN ('proved', 'failed', 'rejected', 'statement_error')
                 ORDER BY a.id",
            )?;
            let mut rows = found.query([names])?;
            while let Some(row) = rows.next()? {
                attempts.insert((row.get(0)?, hash(row.get_ref(1)?.as_str()?)), row.get(2)?);
            }
            Ok(KnownVerdicts { statements, attempts })
        })
    }

    /// The verdict on a proof of a statement, if one of `known` is of just this text.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn known_verdict(
        &self,
        known: &KnownVerdicts,
        statement: &str,
        proof: &str,
    ) -> Result<Option<Verdict>, LedgerError> {
        let Some(attempt) = known.attempt(statement, proof) else { return Ok(None) };
        self.with(|db| {
            let verdict = db
                .prepare_cached(
                    "SELECT v.status, v.elapsed_ms, v.messages, v.axioms, v.premises, v.implicit_premises
                     FROM verdicts v JOIN attempts a ON a.id = v.attempt WHERE a.id = ?1 AND a.proof = ?2",
                )?
                .query_row((attempt, proof), |row| read_verdict(row, 0))
                .optional()?;
            Ok(verdict.flatten())
        })
    }

    /// As [`Ledger::record_verdict`]; `known` learns the verdict if it settles the matter.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn record_and_know(
        &self,
        known: &mut KnownVerdicts,
        attempt: &Attempt,
        verdict: &Verdict,
    ) -> Result<(), LedgerError> {
        let row = self.with(|db| {
            let row = row_of(db, attempt)?;
            if let Some((id, _)) = row {
                insert_verdict(db, id, verdict)?;
            }
            Ok(row)
        })?;
        if let (Some((id, statement)), true) = (row, verdict.status.is_settled()) {
            known.statements.entry(attempt.statement.clone()).or_insert(statement);
            known.attempts.insert((statement, hash(&attempt.proof)), id);
        }
        Ok(())
    }
}

fn statements(db: &Connection, names: &str) -> rusqlite::Result<HashMap<String, i64>> {
    db.prepare_cached("SELECT name, id FROM statements WHERE name IN (SELECT value FROM json_each(?1))")?
        .query_map([names], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn hash(proof: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    proof.hash(&mut hasher);
    hasher.finish()
}
