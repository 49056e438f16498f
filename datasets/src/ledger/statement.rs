//! All that a ledger knows of one statement.

use rusqlite::OptionalExtension;

use super::attempts::{COLUMNS as ATTEMPT, read_attempt};
use super::conjectures::{COLUMNS as CONJECTURE, read_conjecture};
use super::statements::{COLUMNS as STATEMENT, read_statement};
use super::{Attempt, Conjecture, Ledger, LedgerError, LedgerStatement};

impl Ledger {
    /// The statement of that name.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or the row does not parse.
    pub fn statement(&self, name: &str) -> Result<Option<LedgerStatement>, LedgerError> {
        let sql = format!("SELECT {STATEMENT} FROM statements WHERE name = ?1");
        self.with(|db| db.prepare_cached(&sql)?.query_row([name], read_statement).optional())
    }

    /// The attempts at a statement, by round, phase and sample.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn attempts_at(&self, name: &str) -> Result<Vec<Attempt>, LedgerError> {
        let sql = format!("SELECT {ATTEMPT} FROM judged WHERE statement = ?1 ORDER BY round, phase, sample");
        self.with(|db| db.prepare_cached(&sql)?.query_map([name], read_attempt)?.collect())
    }

    /// The conjecture that was given that name.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or the row does not parse.
    pub fn conjecture(&self, name: &str) -> Result<Option<Conjecture>, LedgerError> {
        let sql = format!("SELECT {CONJECTURE} FROM conjectures WHERE statement = ?1");
        self.with(|db| db.prepare_cached(&sql)?.query_row([name], read_conjecture).optional())
    }

    /// The conjectures that were asked for with this statement as their seed, by round, input and sample.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn conjectures_from(&self, seed: &str) -> Result<Vec<Conjecture>, LedgerError> {
        let sql =
            format!("SELECT {CONJECTURE} FROM conjectures WHERE seed = ?1 ORDER BY round, input, sample");
        self.with(|db| db.prepare_cached(&sql)?.query_map([seed], read_conjecture)?.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::scratch;
    use super::super::{ConjectureOutcome, Origin, Phase};
    use super::*;
    use crate::{Status, Verdict};

    #[test]
    fn what_is_of_one_statement_comes_back_and_nothing_else() {
        let (_folder, ledger) = scratch();
        for (round, phase, statement, sample) in [
            (2, Phase::Train, "a", 1),
            (2, Phase::Train, "a", 0),
            (0, Phase::Corpus, "a", 0),
            (1, Phase::Train, "b", 0),
        ] {
            let verdict = (sample == 0).then(|| Verdict::new(Status::Failed, "no"));
            let (statement, proof) = (statement.to_owned(), "by x".to_owned());
            let attempt =
                Attempt { round, phase, statement, sample, proof, tokens: 1, logprob: 0.0, verdict };
            ledger.record_attempt(&attempt).unwrap();
        }
        let mut conjecture = Conjecture {
            round: 1,
            input: 0,
            sample: 0,
            seed: "a".to_owned(),
            seed_proof: "by x".to_owned(),
            lemma: None,
            signature: ": 1 = 1".to_owned(),
            outcome: None,
            fingerprint: None,
            statement: None,
            header: String::new(),
            source: crate::Source::Model,
        };
        ledger.record_conjecture(&conjecture).unwrap();
        conjecture.outcome = Some(ConjectureOutcome::Accepted);
        conjecture.statement = Some("conjecture_1_0_0".to_owned());
        ledger.record_outcomes(std::slice::from_ref(&conjecture)).unwrap();
        let found = ledger.attempts_at("a").unwrap();
        let keys: Vec<_> = found.iter().map(|it| (it.round, it.sample, it.verdict.is_some())).collect();
        assert_eq!(keys, [(0, 0, true), (2, 0, true), (2, 1, false)]);
        assert_eq!(ledger.conjectures_from("a").unwrap(), [conjecture.clone()]);
        assert!(ledger.conjectures_from("b").unwrap().is_empty());
        assert_eq!(ledger.conjecture("conjecture_1_0_0").unwrap(), Some(conjecture));
        assert_eq!(ledger.statement("conjecture_1_0_0").unwrap().unwrap().origin, Origin::Conjecture);
        assert!(ledger.statement("c").unwrap().is_none() && ledger.conjecture("a").unwrap().is_none());
    }
}
