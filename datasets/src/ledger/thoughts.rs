//! What a model wrote before a proof. Models that think first learn from what they thought, too: without it they would unlearn
//! to think. It is kept with the attempt until the judge has spoken, and longer only of proofs that hold.

use std::collections::{HashMap, HashSet};

use rusqlite::params;

use super::attempts::{insert_attempt, row_of};
use super::{Attempt, Ledger, LedgerError, names_as_json};
/// Texts by statement and proof.
pub type Thoughts = HashMap<(String, String), String>;

impl Ledger {
    /// As [`Ledger::record_attempt`], with what stands before the proof, where that is learned, too.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses; then neither is recorded.
    pub fn record_sampled(&self, attempt: &Attempt, thought: Option<&str>) -> Result<(), LedgerError> {
        self.with(|db| {
            let transaction = db.unchecked_transaction()?;
            insert_attempt(&transaction, attempt)?;
            if let Some(thought) = thought
                && attempt.verdict.is_none()
                && let Some((id, _)) = row_of(&transaction, attempt)?
            {
                transaction
                    .prepare_cached("INSERT OR IGNORE INTO thoughts (attempt, text) VALUES (?1, ?2)")?
                    .execute(params![id, thought])?;
            }
            transaction.commit()
        })
    }

    /// The statements and proofs that hold and before which something was thought.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn thought_through(&self) -> Result<HashSet<(String, String)>, LedgerError> {
        self.with(|db| {
            let mut found = db.prepare_cached(
                "SELECT s.name, a.proof FROM thoughts t JOIN attempts a ON a.id = t.attempt
                 JOIN statements s ON s.id = a.statement JOIN verdicts v ON v.attempt = a.id WHERE v.status = 'proved'",
            )?;
            found.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
    }

    /// What was thought before the proofs of these statements that hold; of the same proof the first time.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn thoughts_of(&self, names: &[&str]) -> Result<Thoughts, LedgerError> {
        let names = names_as_json(names);
        self.with(|db| {
            let mut found = db.prepare_cached(
                "SELECT s.name, a.proof, t.text FROM thoughts t JOIN attempts a ON a.id = t.attempt
                 JOIN statements s ON s.id = a.statement JOIN verdicts v ON v.attempt = a.id
                 WHERE s.name IN (SELECT value FROM json_each(?1)) AND v.status = 'proved' ORDER BY a.id DESC",
            )?;
            found.query_map([names], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?.collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::scratch;
    use super::*;
    use crate::{Phase, Status, Verdict};

    fn attempt(sample: u32, proof: &str) -> Attempt {
        Attempt {
            round: 1,
            phase: Phase::Train,
            statement: "a".to_owned(),
            sample,
            proof: proof.to_owned(),
            tokens: 3,
            logprob: -1.0,
            verdict: None,
        }
    }

    #[test]
    fn what_was_thought_stays_with_proofs_that_hold() {
        let (_folder, ledger) = scratch();
        let thoughts = [
            ("by x", Some("first")),
            ("by x", Some("again")),
            ("by y", Some("wrong")),
            ("by z", None),
            ("by w", Some("open")),
        ];
        for _ in 0..2 {
            for (sample, (proof, thought)) in (0..).zip(thoughts) {
                ledger.record_sampled(&attempt(sample, proof), thought).unwrap();
            }
        }
        assert!(ledger.thoughts_of(&["a"]).unwrap().is_empty(), "nothing is proved yet");
        for (sample, status) in
            [(0, Status::Proved), (1, Status::Proved), (2, Status::Failed), (3, Status::Proved)]
        {
            ledger.record_verdict(&attempt(sample, ""), &Verdict::new(status, "")).unwrap();
        }
        let of_x = Thoughts::from([(("a".to_owned(), "by x".to_owned()), "first".to_owned())]);
        // The first verdict stands.
        ledger.record_verdict(&attempt(0, ""), &Verdict::new(Status::Failed, "")).unwrap();
        assert_eq!(ledger.thoughts_of(&["a", "b"]).unwrap(), of_x);
        assert_eq!(ledger.thought_through().unwrap(), of_x.into_keys().collect());
        assert!(ledger.thoughts_of(&["b"]).unwrap().is_empty());
        let kept: i64 =
            ledger.with(|db| db.query_row("SELECT count(*) FROM thoughts", [], |row| row.get(0))).unwrap();
        assert_eq!(kept, 3, "two proofs, and one that nobody has judged");
    }
}
