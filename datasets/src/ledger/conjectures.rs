//! Conjectures: every statement that the conjecturer wrote, and what became of it.

use rusqlite::{Row, params};

use super::attempts::note_round;
use super::{Ledger, LedgerError, conversion_error, statements};

/// What became of a generated statement before any proof of it was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Elaborates and is new: proofs of it are sampled.
    Accepted,
    /// Not plausible as text (gate, brackets, length).
    Malformed,
    /// Equal to a given statement or an earlier conjecture up to spaces and bound names.
    Duplicate,
    /// Equal to a held-out statement.
    HeldOut,
    /// Lean does not elaborate it.
    NotElaborated,
    /// A single tactic such as `simp` proves it.
    Trivial,
    /// Lean accepts a proof of its negation.
    Refuted,
    /// Good, but the round's quota was full.
    OverQuota,
}

impl Outcome {
    /// All outcomes, in the order in which the filters apply.
    pub const ALL: [Self; 8] = [
        Self::Malformed,
        Self::HeldOut,
        Self::Duplicate,
        Self::NotElaborated,
        Self::Trivial,
        Self::Refuted,
        Self::OverQuota,
        Self::Accepted,
    ];

    /// The name used in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Malformed => "malformed",
            Self::Duplicate => "duplicate",
            Self::HeldOut => "held_out",
            Self::NotElaborated => "not_elaborated",
            Self::Trivial => "trivial",
            Self::Refuted => "refuted",
            Self::OverQuota => "over_quota",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// One generated statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conjecture {
    /// The round in which it was generated.
    pub round: u32,
    /// Index of the conjecturer's input (seed, lemma) in that round.
    pub input: u32,
    /// Index among the samples of that input.
    pub sample: u32,
    /// Id of the seed statement.
    pub seed: String,
    /// The seed's proof that stood in the prompt.
    pub seed_proof: String,
    /// Name of the trigger lemma, if there was one.
    pub lemma: Option<String>,
    /// The generated text.
    pub signature: String,
    /// What became of it; `None` until the filters have run.
    pub outcome: Option<Outcome>,
    /// Lean's fingerprint of the elaborated type, where it elaborated.
    pub fingerprint: Option<String>,
    /// The id given to it, where it was accepted.
    pub statement: Option<String>,
}

const COLUMNS: &str =
    "round, input, sample, seed, seed_proof, lemma, signature, outcome, fingerprint, statement";

impl Ledger {
    /// Records a generated statement. One that is there already is left as it is.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn record_conjecture(&self, conjecture: &Conjecture) -> Result<(), LedgerError> {
        let sql = format!(
            "INSERT OR IGNORE INTO conjectures ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        );
        self.with(|db| {
            note_round(db, conjecture.round)?;
            db.prepare_cached(&sql)?.execute(params![
                conjecture.round,
                conjecture.input,
                conjecture.sample,
                conjecture.seed,
                conjecture.seed_proof,
                conjecture.lemma,
                conjecture.signature,
                conjecture.outcome.map(Outcome::as_str),
                conjecture.fingerprint,
                conjecture.statement
            ])
        })?;
        Ok(())
    }

    /// Records what became of conjectures, all in one transaction.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses; then none is recorded.
    pub fn record_outcomes(&self, conjectures: &[Conjecture]) -> Result<(), LedgerError> {
        self.with(|db| {
            let transaction = db.unchecked_transaction()?;
            for conjecture in conjectures {
                transaction
                    .prepare_cached(
                        "UPDATE conjectures SET outcome = ?4, fingerprint = ?5, statement = ?6
                         WHERE round = ?1 AND input = ?2 AND sample = ?3",
                    )?
                    .execute(params![
                        conjecture.round,
                        conjecture.input,
                        conjecture.sample,
                        conjecture.outcome.map(Outcome::as_str),
                        conjecture.fingerprint,
                        conjecture.statement
                    ])?;
                if let Some(name) = &conjecture.statement {
                    statements::note_conjecture(&transaction, name, &conjecture.signature)?;
                }
            }
            transaction.commit()
        })
    }

    /// All conjectures of all rounds, in the order of their generation.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn conjectures(&self) -> Result<Vec<Conjecture>, LedgerError> {
        let sql = format!("SELECT {COLUMNS} FROM conjectures ORDER BY round, input, sample");
        self.with(|db| db.prepare_cached(&sql)?.query_map([], read_conjecture)?.collect())
    }
}

fn read_conjecture(row: &Row<'_>) -> rusqlite::Result<Conjecture> {
    let outcome =
        match row.get::<_, Option<String>>(7)? {
            None => None,
            Some(name) => Some(Outcome::parse(&name).ok_or_else(|| {
                conversion_error(7, std::io::Error::other(format!("unknown outcome {name}")))
            })?),
        };
    Ok(Conjecture {
        round: row.get(0)?,
        input: row.get(1)?,
        sample: row.get(2)?,
        seed: row.get(3)?,
        seed_proof: row.get(4)?,
        lemma: row.get(5)?,
        signature: row.get(6)?,
        outcome,
        fingerprint: row.get(8)?,
        statement: row.get(9)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::scratch;
    use super::*;

    #[test]
    fn outcomes_are_added_to_what_was_generated() {
        let (_folder, ledger) = scratch();
        let mut conjecture = Conjecture {
            round: 1,
            input: 4,
            sample: 0,
            seed: "s".into(),
            seed_proof: "by simp".into(),
            lemma: Some("Nat.add_comm".into()),
            signature: ": True".into(),
            outcome: None,
            fingerprint: None,
            statement: None,
        };
        ledger.record_conjecture(&conjecture).unwrap();
        conjecture.outcome = Some(Outcome::Accepted);
        conjecture.statement = Some("conjecture_1_4_0".into());
        ledger.record_conjecture(&conjecture).unwrap();
        assert_eq!(ledger.conjectures().unwrap()[0].outcome, None);
        ledger.record_outcomes(std::slice::from_ref(&conjecture)).unwrap();
        assert_eq!(ledger.conjectures().unwrap(), [conjecture]);
    }

    #[test]
    fn every_outcome_has_its_own_name() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::parse(outcome.as_str()), Some(outcome));
        }
    }
}
