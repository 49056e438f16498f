//! The corpus of a run, and which of its statements the run uses.

use std::collections::{HashMap, HashSet};

use stp_datasets::{Corpus, CorpusEntry, Split, Statement, normalise_spaces};

use crate::config::RunConfig;

/// The corpus and the run's choice from it.
#[derive(Clone, Debug, Default)]
pub struct Statements {
    /// The corpus, all splits.
    pub corpus: Corpus,
    /// The given training statements of the run.
    pub train: Vec<Statement>,
    /// The validation statements of the run.
    pub valid: Vec<Statement>,
    /// Where in `train` a statement is, by name.
    places: HashMap<String, usize>,
}

impl Statements {
    /// The choice that the settings make.
    pub fn of(corpus: Corpus, config: &RunConfig) -> Self {
        let (train, valid) = choose(&corpus, config);
        let places = train.iter().enumerate().map(|(at, statement)| (statement.id.clone(), at)).collect();
        Self { corpus, train, valid, places }
    }

    /// Statements to measure on alone: nothing is given, nothing can be learned.
    pub fn only_held_out(valid: Vec<Statement>) -> Self {
        Self { valid, ..Self::default() }
    }

    /// The given training statement of that name.
    pub fn given(&self, id: &str) -> Option<&Statement> {
        self.places.get(id).map(|at| &self.train[*at])
    }

    /// Whether a name is that of a given training statement.
    pub fn is_given(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }

    /// The names of the given training statements.
    pub fn given_names(&self) -> HashSet<String> {
        self.places.keys().cloned().collect()
    }

    /// What stands before a given statement: imports, `open`, variables. A conjecture takes its seed's.
    pub fn header_of(&self, seed: &str) -> &str {
        self.given(seed).map_or("", |statement| statement.header.as_str())
    }
}

/// The training and validation statements that a run with these settings uses.
pub fn choose(corpus: &Corpus, config: &RunConfig) -> (Vec<Statement>, Vec<Statement>) {
    let of_split = |split, count| spread(&corpus.statements(split), count);
    (of_split(Split::Train, config.max_train), of_split(Split::Valid, config.max_valid))
}

/// Whether a corpus of that name comes with the program: it needs Lean's own library alone.
pub fn is_built_in(name: &str) -> bool {
    matches!(name, "core" | "library" | "practice")
}

/// A built-in corpus, or the one at a path.
///
/// # Errors
/// If it cannot be read.
pub fn load_corpus(name: &str) -> anyhow::Result<Corpus> {
    Ok(match name {
        "core" => Corpus::core()?,
        "library" => Corpus::library()?,
        "practice" => Corpus::practice()?,
        path => Corpus::load(path.as_ref())?,
    })
}

/// `count` of `items`, evenly spread in their order; all of them if `count` is 0 or too large.
pub fn spread<T: Clone>(items: &[T], count: usize) -> Vec<T> {
    if count == 0 || count >= items.len() {
        return items.to_vec();
    }
    (0..count).map(|index| items[index * items.len() / count].clone()).collect()
}

/// What stage 1 is shown of the given statements `train`: ids and proofs.
pub fn stage1_proofs<'a>(
    corpus: &'a Corpus,
    train: &[Statement],
    config: &RunConfig,
) -> Vec<(&'a str, Vec<String>)> {
    let ids: HashSet<_> = train.iter().map(|statement| &statement.id).collect();
    let given = corpus.split(Split::Train).filter(|entry| ids.contains(&entry.statement.id));
    let with_proofs: Vec<_> = given.filter(|entry| !entry.proofs.is_empty()).collect();
    let chosen = spread(&with_proofs, config.max_supervised).into_iter();
    chosen
        .map(|entry| (entry.statement.id.as_str(), stage1_proofs_of(entry, config.supervised_tactics)))
        .collect()
}

/// The proofs of a corpus statement that stage 1 is shown: its own, and with `tactics` each single tactic that closes it.
pub fn stage1_proofs_of(entry: &CorpusEntry, tactics: bool) -> Vec<String> {
    let closing = entry.closed_by.iter().filter(|_| tactics).map(|tactic| format!("by\n  {tactic}"));
    let mut proofs = entry.proofs.clone();
    for proof in closing {
        if !proofs.iter().any(|known| normalise_spaces(known) == normalise_spaces(&proof)) {
            proofs.push(proof);
        }
    }
    proofs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn spread_keeps_order_and_count(length in 0usize..200, count in 0usize..250) {
            let items: Vec<_> = (0..length).collect();
            let chosen = spread(&items, count);
            let expected = if count == 0 { length } else { count.min(length) };
            prop_assert_eq!(chosen.len(), expected);
            prop_assert!(chosen.is_sorted());
            prop_assert_eq!(chosen.iter().collect::<HashSet<_>>().len(), expected);
        }
    }

    #[test]
    fn stage_1_is_shown_tactics_beside_the_proofs() {
        let mut entry = CorpusEntry::unchecked(Statement {
            id: "x".to_owned(),
            signature: "(n : Nat) : n + 0 = n".to_owned(),
            header: String::new(),
            topics: Vec::new(),
            split: Split::Train,
        });
        entry.proofs = vec!["by exact rfl".to_owned(), "by simp".to_owned()];
        entry.closed_by = vec!["simp".to_owned(), "omega".to_owned()];
        assert_eq!(stage1_proofs_of(&entry, false), entry.proofs);
        assert_eq!(stage1_proofs_of(&entry, true), ["by exact rfl", "by simp", "by\n  omega"], "none twice");
    }
}
