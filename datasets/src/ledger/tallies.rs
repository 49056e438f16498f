//! How often proofs of a statement were right: counts that the database makes, so that no proof is read for them.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::{Ledger, LedgerError, Phase};

/// Correct and judged attempts of one statement in one round and phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Attempts with the verdict `proved`.
    pub proved: u32,
    /// Attempts with any verdict; those that were cut off before their end count as well.
    pub judged: u32,
}

impl Tally {
    /// Proved / judged; zero if nothing was judged.
    pub fn rate(self) -> f64 {
        if self.judged == 0 { 0.0 } else { f64::from(self.proved) / f64::from(self.judged) }
    }

    /// Whether it is barely provable: proved, but at a rate of at most `highest` (paper: 1/4).
    pub fn is_barely(self, highest: f64) -> bool {
        self.proved > 0 && self.rate() <= highest
    }
}

/// How many attempts of a round Lean was asked about, and what they took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Attempts with a verdict of the judge's: what was cut off or malformed is no proof to judge.
    pub judged: u64,
    /// Of these: the verdict took no time, because an earlier one answered or the text gate refused the proof.
    pub known: u64,
    /// Tokens of all attempts.
    pub tokens: u64,
}

impl Ledger {
    /// What the attempts of a phase took: by round, and whether the number of the sample is at least `from`.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn efforts(&self, phase: Phase, from: u32) -> Result<HashMap<(u32, bool), Effort>, LedgerError> {
        self.with(|db| {
            db.prepare_cached(
                "SELECT a.round, a.sample >= ?2, sum(v.status NOT IN ('unfinished', 'malformed')),
                        sum(v.status NOT IN ('unfinished', 'malformed') AND v.elapsed_ms = 0), sum(a.tokens)
                 FROM attempts a JOIN verdicts v ON v.attempt = a.id WHERE a.phase = ?1 GROUP BY 1, 2",
            )?
            .query_map(params![phase.as_str(), from], |row| {
                let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
                let effort = Effort { judged: number(2)?, known: number(3)?, tokens: number(4)? };
                Ok(((row.get(0)?, row.get(1)?), effort))
            })?
            .collect()
        })
    }

    /// Pass-rate counts of one phase in these rounds: (round, statement) → tally.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn tallies_of(
        &self,
        phase: Phase,
        rounds: RangeInclusive<u32>,
    ) -> Result<HashMap<(u32, String), Tally>, LedgerError> {
        self.with(|db| {
            db.prepare_cached(
                "SELECT t.round, s.name, t.proved, t.judged FROM (
                     SELECT a.round, a.statement, sum(v.status = 'proved') AS proved, count(*) AS judged
                     FROM attempts a JOIN verdicts v ON v.attempt = a.id
                     WHERE a.phase = ?1 AND a.round BETWEEN ?2 AND ?3 GROUP BY a.round, a.statement
                 ) t JOIN statements s ON s.id = t.statement",
            )?
            .query_map(params![phase.as_str(), rounds.start(), rounds.end()], |row| {
                Ok(((row.get(0)?, row.get(1)?), Tally { proved: row.get(2)?, judged: row.get(3)? }))
            })?
            .collect()
        })
    }

    /// Of each statement that was tried before this round (phase `train`), the tally of the round with the highest pass
    /// rate; the earliest such round, where several are alike.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn best_rates(&self, before: u32) -> Result<HashMap<String, Tally>, LedgerError> {
        self.with(|db| {
            db.prepare_cached(
                "SELECT s.name, t.proved, t.judged FROM (
                     SELECT statement, proved, judged,
                            row_number() OVER (PARTITION BY statement ORDER BY proved * 1.0 / judged DESC, round) AS place
                     FROM (
                         SELECT a.round, a.statement, sum(v.status = 'proved') AS proved, count(*) AS judged
                         FROM attempts a JOIN verdicts v ON v.attempt = a.id
                         WHERE a.phase = 'train' AND a.round < ?1 GROUP BY a.round, a.statement
                     )
                 ) t JOIN statements s ON s.id = t.statement WHERE t.place = 1",
            )?
            .query_map([before], |row| Ok((row.get(0)?, Tally { proved: row.get(1)?, judged: row.get(2)? })))?
            .collect()
        })
    }

    /// Names of the statements that have a correct proof of this phase from before this round.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn proved_names(&self, phase: Phase, before: u32) -> Result<HashSet<String>, LedgerError> {
        self.with(|db| {
            db.prepare_cached(
                "SELECT DISTINCT s.name FROM attempts a JOIN verdicts v ON v.attempt = a.id
                 JOIN statements s ON s.id = a.statement
                 WHERE a.phase = ?1 AND a.round < ?2 AND v.status = 'proved'",
            )?
            .query_map(params![phase.as_str(), before], |row| row.get(0))?
            .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn barely_provable_is_proved_but_rarely() {
        let barely = |proved, judged| Tally { proved, judged }.is_barely(0.25);
        assert!(barely(1, 4) && barely(1, 8));
        assert!(!barely(0, 8) && !barely(3, 8) && !barely(0, 0));
    }
}
