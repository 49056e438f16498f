//! Conjectures: every statement that the conjecturer wrote, and what became of it.

use std::collections::{BTreeMap, HashSet};
use std::ops::RangeInclusive;

use rusqlite::{Row, params};

use super::attempts::note_round;
use super::{Ledger, LedgerError, conversion_error, statements};

/// What became of a generated statement before any proof of it was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConjectureOutcome {
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

impl ConjectureOutcome {
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

    /// The outcome of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// Who wrote a conjecture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Source {
    /// The model.
    #[default]
    Model,
    /// Nobody: a failed proof left it open.
    Subgoal,
}

impl Source {
    /// The name used in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Subgoal => "subgoal",
        }
    }

    /// The source of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Model, Self::Subgoal].into_iter().find(|source| source.as_str() == name)
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
    pub outcome: Option<ConjectureOutcome>,
    /// Lean's fingerprint of the elaborated type, where it elaborated.
    pub fingerprint: Option<String>,
    /// The id given to it, where it was accepted.
    pub statement: Option<String>,
    /// Lean text before it: the seed's header, under which it is judged. Empty in ledgers from before version 3 of the
    /// schema, whose conjectures were judged so.
    pub header: String,
    /// Who wrote it.
    pub source: Source,
}

pub(super) const COLUMNS: &str = "round, input, sample, seed, seed_proof, lemma, signature, outcome, fingerprint, statement, header, source";

impl Ledger {
    /// Records a generated statement. One that is there already is left as it is.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn record_conjecture(&self, conjecture: &Conjecture) -> Result<(), LedgerError> {
        let sql = format!(
            "INSERT OR IGNORE INTO conjectures ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
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
                conjecture.outcome.map(ConjectureOutcome::as_str),
                conjecture.fingerprint,
                conjecture.statement,
                conjecture.header,
                conjecture.source.as_str()
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
                        conjecture.outcome.map(ConjectureOutcome::as_str),
                        conjecture.fingerprint,
                        conjecture.statement
                    ])?;
                if let Some(name) = &conjecture.statement {
                    statements::note_conjecture(
                        &transaction,
                        name,
                        &conjecture.signature,
                        &conjecture.header,
                    )?;
                }
            }
            transaction.commit()
        })
    }

    /// The conjectures of one round, by input and sample.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn conjectures_of(&self, round: u32) -> Result<Vec<Conjecture>, LedgerError> {
        let sql = format!("SELECT {COLUMNS} FROM conjectures WHERE round = ?1 ORDER BY input, sample");
        self.with(|db| db.prepare_cached(&sql)?.query_map([round], read_conjecture)?.collect())
    }

    /// The conjectures of one round that no filter has decided about yet and whose sample number is below
    /// `samples_below`, by input and sample.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn open_conjectures(&self, round: u32, samples_below: u32) -> Result<Vec<Conjecture>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM conjectures WHERE round = ?1 AND outcome IS NULL AND sample < ?2
             ORDER BY input, sample"
        );
        self.with(|db| db.prepare_cached(&sql)?.query_map([round, samples_below], read_conjecture)?.collect())
    }

    /// The accepted conjectures of these rounds, by round, input and sample.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn accepted_of(&self, rounds: RangeInclusive<u32>) -> Result<Vec<Conjecture>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM conjectures WHERE round BETWEEN ?1 AND ?2 AND outcome = 'accepted'
             ORDER BY round, input, sample"
        );
        self.with(|db| {
            db.prepare_cached(&sql)?.query_map([rounds.start(), rounds.end()], read_conjecture)?.collect()
        })
    }

    /// Shows round, signature and fingerprint of each accepted conjecture up to a round to `each`, by round, input and
    /// sample, holding no more than one in memory. `each` must not use the ledger, which is locked meanwhile.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse; the conjectures before it have been shown.
    pub fn each_accepted(
        &self,
        up_to: u32,
        mut each: impl FnMut(u32, &str, Option<&str>),
    ) -> Result<(), LedgerError> {
        self.with(|db| {
            let mut found = db.prepare_cached(
                "SELECT round, signature, fingerprint FROM conjectures WHERE round <= ?1 AND outcome = 'accepted'
                 ORDER BY round, input, sample",
            )?;
            let mut rows = found.query([up_to])?;
            while let Some(row) = rows.next()? {
                each(row.get(0)?, row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str_or_null()?);
            }
            Ok(())
        })
    }

    /// The rounds that have conjectures, whoever wrote them, in order.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn conjecture_rounds(&self) -> Result<Vec<u32>, LedgerError> {
        self.with(|db| {
            db.prepare_cached("SELECT DISTINCT round FROM conjectures ORDER BY round")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// Input and sample of each conjecture of one round.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn conjecture_keys(&self, round: u32) -> Result<HashSet<(u32, u32)>, LedgerError> {
        self.with(|db| {
            db.prepare_cached("SELECT input, sample FROM conjectures WHERE round = ?1")?
                .query_map([round], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    /// How many conjectures of the model of each round met which fate; `None` counts those that no filter has decided about yet.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn conjecture_counts(
        &self,
    ) -> Result<BTreeMap<u32, BTreeMap<Option<ConjectureOutcome>, usize>>, LedgerError> {
        self.with(|db| {
            let mut counts: BTreeMap<u32, BTreeMap<Option<ConjectureOutcome>, usize>> = BTreeMap::new();
            let mut found = db
                .prepare_cached(
                    "SELECT round, outcome, count(*) FROM conjectures WHERE source = 'model' GROUP BY round, outcome",
                )?;
            let mut rows = found.query([])?;
            while let Some(row) = rows.next()? {
                counts
                    .entry(row.get(0)?)
                    .or_default()
                    .insert(read_outcome(row, 1)?, row.get::<_, u32>(2)? as usize);
            }
            Ok(counts)
        })
    }
}

fn read_outcome(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<ConjectureOutcome>> {
    let Some(name) = row.get::<_, Option<String>>(column)? else { return Ok(None) };
    let unknown = || conversion_error(column, std::io::Error::other(format!("unknown outcome {name}")));
    ConjectureOutcome::parse(&name).map(Some).ok_or_else(unknown)
}

fn read_source(row: &Row<'_>, column: usize) -> rusqlite::Result<Source> {
    let name: String = row.get(column)?;
    let unknown = || conversion_error(column, std::io::Error::other(format!("unknown source {name}")));
    Source::parse(&name).ok_or_else(unknown)
}

pub(super) fn read_conjecture(row: &Row<'_>) -> rusqlite::Result<Conjecture> {
    Ok(Conjecture {
        round: row.get(0)?,
        input: row.get(1)?,
        sample: row.get(2)?,
        seed: row.get(3)?,
        seed_proof: row.get(4)?,
        lemma: row.get(5)?,
        signature: row.get(6)?,
        outcome: read_outcome(row, 7)?,
        fingerprint: row.get(8)?,
        statement: row.get(9)?,
        header: row.get(10)?,
        source: read_source(row, 11)?,
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
            header: "open Nat".into(),
            source: Source::Subgoal,
        };
        ledger.record_conjecture(&conjecture).unwrap();
        conjecture.outcome = Some(ConjectureOutcome::Accepted);
        conjecture.statement = Some("conjecture_1_4_0".into());
        ledger.record_conjecture(&conjecture).unwrap();
        assert_eq!(ledger.conjectures_of(1).unwrap()[0].outcome, None);
        ledger.record_outcomes(std::slice::from_ref(&conjecture)).unwrap();
        assert_eq!(ledger.conjectures_of(1).unwrap(), [conjecture]);
    }

    #[test]
    fn every_outcome_has_its_own_name() {
        for outcome in ConjectureOutcome::ALL {
            assert_eq!(ConjectureOutcome::parse(outcome.as_str()), Some(outcome));
        }
    }
}
