//! Statements that are equal or nearly so: duplicates inside a corpus, and contamination by evaluation sets.
//!
//! Two measures, both on canonical texts (spaces and bound names do not count): equality, and shared n-grams of
//! symbols. Neither knows mathematics: a statement said in other words is found by neither.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::{Statement, canonical_text};

/// Two statements that share much.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overlap {
    /// Index of the statement.
    pub index: usize,
    /// Index of the other one.
    pub other: usize,
    /// 1 if they are equal up to spaces and bound names; otherwise the share of common n-grams, below 1.
    pub share: f64,
}

/// Pairs of one set whose n-grams are common to at least `threshold` of both together (Jaccard); `other` is the earlier
/// one. A statement is reported with the one that it shares most with.
pub fn near_duplicates(statements: &[Statement], n: usize, threshold: f64) -> Vec<Overlap> {
    let texts = Texts::of(statements, n);
    let index = Index::of(&texts);
    let found = (0..statements.len()).filter_map(|at| {
        let best = index.sharing(
            &texts,
            &texts,
            at,
            |other| other < at,
            |common, own, others| common / (own + others - common),
        );
        best.filter(|overlap| overlap.share >= threshold)
    });
    found.collect()
}

/// Statements of a set of which at least `threshold` of the n-grams of an evaluation statement, `other`, can be found.
pub fn contamination(
    statements: &[Statement],
    evaluation: &[Statement],
    n: usize,
    threshold: f64,
) -> Vec<Overlap> {
    let (texts, others) = (Texts::of(statements, n), Texts::of(evaluation, n));
    let index = Index::of(&others);
    let found = (0..statements.len()).filter_map(|at| {
        let best = index.sharing(&texts, &others, at, |_| true, |common, _, others| common / others);
        best.filter(|overlap| overlap.share >= threshold)
    });
    found.collect()
}

/// Canonical texts and their different n-grams.
struct Texts {
    whole: Vec<String>,
    grams: Vec<HashSet<Vec<String>>>,
}

impl Texts {
    fn of(statements: &[Statement], n: usize) -> Self {
        let whole: Vec<_> = statements.iter().map(|statement| canonical_text(&statement.signature)).collect();
        let grams = whole.iter().map(|text| grams(text, n.max(1))).collect();
        Self { whole, grams }
    }
}

/// A text shorter than `n` symbols is one gram.
fn grams(text: &str, n: usize) -> HashSet<Vec<String>> {
    let symbols = symbols(text);
    if symbols.len() <= n {
        return HashSet::from([symbols]);
    }
    symbols.windows(n).map(<[String]>::to_vec).collect()
}

/// Words and numbers, and every other character by itself.
fn symbols(text: &str) -> Vec<String> {
    let mut symbols: Vec<String> = Vec::new();
    let mut in_word = false;
    for c in text.chars() {
        let word = c.is_alphanumeric() || matches!(c, '_' | '\'' | '.');
        match symbols.last_mut() {
            Some(last) if word && in_word => last.push(c),
            _ if !c.is_whitespace() => symbols.push(c.to_string()),
            _ => {}
        }
        in_word = word;
    }
    symbols
}

/// Which texts an n-gram stands in.
struct Index<'a> {
    whole: HashMap<&'a str, Vec<usize>>,
    grams: HashMap<&'a Vec<String>, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn of(texts: &'a Texts) -> Self {
        let mut index = Self { whole: HashMap::new(), grams: HashMap::new() };
        for (at, text) in texts.whole.iter().enumerate() {
            index.whole.entry(text).or_default().push(at);
        }
        for (at, grams) in texts.grams.iter().enumerate() {
            for gram in grams {
                index.grams.entry(gram).or_default().push(at);
            }
        }
        index
    }

    /// The indexed text that shares most with number `at` of `texts`; `measure` gets the numbers of common grams, of
    /// its own and of the other's.
    fn sharing(
        &self,
        texts: &Texts,
        indexed: &Texts,
        at: usize,
        wanted: impl Fn(usize) -> bool,
        measure: impl Fn(f64, f64, f64) -> f64,
    ) -> Option<Overlap> {
        let equal = self.whole.get(texts.whole[at].as_str()).into_iter().flatten();
        if let Some(&other) = equal.into_iter().find(|&&other| wanted(other)) {
            return Some(Overlap { index: at, other, share: 1.0 });
        }
        let mut common: HashMap<usize, f64> = HashMap::new();
        for gram in &texts.grams[at] {
            for &other in self.grams.get(gram).into_iter().flatten().filter(|&&other| wanted(other)) {
                *common.entry(other).or_default() += 1.0;
            }
        }
        let own = texts.grams[at].len() as f64;
        let shares = common.into_iter().map(|(other, count)| {
            // All grams in common is still not the same text.
            let share = measure(count, own, indexed.grams[other].len() as f64).min(0.999);
            Overlap { index: at, other, share }
        });
        shares.max_by(|a, b| a.share.total_cmp(&b.share).then(b.other.cmp(&a.other)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Split;

    fn statements(signatures: &[&str]) -> Vec<Statement> {
        let statement = |(index, signature): (usize, &&str)| Statement {
            id: format!("s{index}"),
            signature: (*signature).to_owned(),
            header: String::new(),
            topics: vec![],
            split: Split::Train,
        };
        signatures.iter().enumerate().map(statement).collect()
    }

    const LONG: &str = "(a b c : Nat) (h : a < b) (k : b < c) : a + 1 < c + 1";

    #[test]
    fn equal_up_to_names_is_1_and_nearly_equal_is_below() {
        let renamed = "(x y z : Nat) (h1 : x < y)  (h2 : y < z) : x + 1 < z + 1";
        let near = "(a b c : Nat) (h : a < b) (k : b < c) : a + 1 < c + 2";
        let other = "(xs : List Nat) : xs.length = xs.reverse.length";
        let found = near_duplicates(&statements(&[LONG, other, renamed, near]), 5, 0.7);
        assert_eq!(found[0], Overlap { index: 2, other: 0, share: 1.0 });
        assert!(found.len() == 2 && found[1].index == 3 && (0.7..1.0).contains(&found[1].share), "{found:?}");
    }

    #[test]
    fn an_evaluation_statement_is_found_inside_a_longer_one() {
        let around = format!("{} ∧ c = c", LONG);
        let found = contamination(&statements(&[": True", &around]), &statements(&[": False", LONG]), 5, 0.8);
        assert!(found.len() == 1 && found[0].index == 1 && found[0].other == 1, "{found:?}");
        assert!(contamination(&statements(&[": True"]), &statements(&[LONG]), 5, 0.8).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn shares_are_shares(texts in proptest::collection::vec("[ab:+= ]{0,12}", 0..8), n in 1usize..6) {
            let texts: Vec<_> = texts.iter().map(String::as_str).collect();
            for overlap in near_duplicates(&statements(&texts), n, 0.0) {
                proptest::prop_assert!(overlap.share > 0.0 && overlap.share <= 1.0 && overlap.other < overlap.index);
            }
        }
    }
}
