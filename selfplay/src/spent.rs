//! What a step takes beside its time, as it stands in the ledger: in the step's record, under a key of its own.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Its key in a step's record.
pub const SPENT: &str = "spent";

/// Proof texts whose verdict was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// All of them.
    pub all: u64,
    /// Of these: Lean was not asked, because the cache or an equal text of the run had the answer, or the text gate refused it.
    pub known: u64,
}

impl Asked {
    /// Counts a text; a verdict that Lean gave took some time.
    pub fn count(&mut self, elapsed_ms: u32) {
        self.all += 1;
        self.known += u64::from(elapsed_ms == 0);
    }
}

impl AddAssign for Asked {
    fn add_assign(&mut self, other: Self) {
        self.all += other.all;
        self.known += other.known;
    }
}

/// What a step took that its other records do not say. Proofs of statements are attempts, which the ledger has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spent {
    /// CPU seconds of this process and of all that it started, Lean's among them; none where the system does not tell.
    pub cpu_seconds: Option<f64>,
    /// Statements that were elaborated, to learn whether they are any.
    pub statements: u64,
    /// Tokens of sampled texts that are no attempts, those of conjectures.
    pub tokens: u64,
    /// Proofs that a conjecture is false.
    pub refutations: Asked,
    /// Proofs that a conjecture is trivial.
    pub trivialities: Asked,
}

impl Spent {
    /// What a step's record says; none if it is from before this was kept.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn of(detail: &Value) -> serde_json::Result<Option<Self>> {
        detail.get(SPENT).map(Self::deserialize).transpose()
    }

    /// All parts together; none of no part.
    pub fn sum(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        parts.into_iter().reduce(|mut all, part| {
            all.cpu_seconds = all.cpu_seconds.zip(part.cpu_seconds).map(|(a, b)| a + b);
            all.statements += part.statements;
            all.tokens += part.tokens;
            all.refutations += part.refutations;
            all.trivialities += part.trivialities;
            all
        })
    }

    /// Puts it into a step's record.
    #[must_use]
    pub fn within(self, mut detail: Value) -> Value {
        if let Value::Object(record) = &mut detail {
            record.insert(SPENT.to_owned(), serde_json::json!(self));
        }
        detail
    }
}

/// A step's record without it.
#[must_use]
pub fn without(mut detail: Value) -> Value {
    if let Value::Object(record) = &mut detail {
        record.remove(SPENT);
    }
    detail
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_stands_beside_the_record_and_older_records_have_none() {
        let record = json!({ "accepted": 4 });
        assert_eq!(Spent::of(&record).unwrap(), None);
        let mut spent = Spent { cpu_seconds: Some(1.5), statements: 3, ..Spent::default() };
        spent.refutations.count(7);
        spent.refutations.count(0);
        let whole = spent.within(record.clone());
        assert_eq!(Spent::of(&whole).unwrap(), Some(spent));
        assert_eq!((spent.refutations.all, spent.refutations.known), (2, 1));
        assert_eq!(without(whole), record);
        assert!(Spent::of(&json!({ "spent": { "cpu": 1 } })).is_err());
    }

    #[test]
    fn parts_are_added_and_an_unknown_one_makes_the_whole_unknown() {
        let part = |cpu_seconds| Spent { cpu_seconds, statements: 2, ..Spent::default() };
        let sum = Spent::sum([part(Some(1.0)), part(Some(0.5))]).unwrap();
        assert_eq!((sum.cpu_seconds, sum.statements), (Some(1.5), 4));
        assert_eq!(Spent::sum([part(Some(1.0)), part(None)]).unwrap().cpu_seconds, None);
        assert_eq!(Spent::sum([]), None);
    }
}
