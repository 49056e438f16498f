//! What is dropped of the generated texts before Lean is asked.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};
use stp_datasets::{ConjectureOutcome, canonical_shape, canonical_statement};

/// Longest conjecture in characters.
pub(crate) const MAX_CHARACTERS: usize = 400;

/// Whether a text may be binders and a type at all: short enough, balanced brackets, a `:` before the type,
/// no proof.
pub fn is_plausible(text: &str) -> bool {
    let mut open = Vec::new();
    let mut colon = false;
    for c in text.chars() {
        match c {
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            '⟨' => open.push('⟩'),
            ')' | ']' | '}' | '⟩' if open.pop() != Some(c) => return false,
            ':' if open.is_empty() => colon = true,
            _ => {}
        }
    }
    colon && open.is_empty() && !text.contains(":=") && text.chars().count() <= MAX_CHARACTERS
}

/// 128 bits of a text's SHA-256: what a run remembers of hundreds of thousands of statements, in 16 bytes each whatever
/// their length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Print([u8; 16]);

impl Print {
    fn of(text: &str) -> Self {
        let hash = Sha256::digest(text);
        Self(std::array::from_fn(|at| hash[at]))
    }
}

/// Remembers statements up to spaces, bound names and the order of binders, so that a conjecture that is one of them is
/// noticed. No text is kept, only a hash of each.
#[derive(Clone, Debug, Default)]
pub struct KnownStatements {
    held_out: HashSet<Print>,
    known: HashSet<Print>,
}

impl KnownStatements {
    /// Adds a statement that is for evaluation only: by [`canonical_statement`], or by fingerprint.
    pub fn hold_out(&mut self, key: &str) {
        self.held_out.insert(Print::of(key));
    }

    /// Adds a given statement or an earlier conjecture.
    pub fn know(&mut self, key: &str) {
        self.known.insert(Print::of(key));
    }

    /// Whether a key is that of a statement for evaluation only.
    pub fn is_held_out(&self, key: &str) -> bool {
        self.held_out.contains(&Print::of(key))
    }

    /// What is wrong with a key ([`canonical_statement`] or fingerprint), if it was seen; a new key is remembered.
    pub fn admit(&mut self, key: &str) -> Option<ConjectureOutcome> {
        let print = Print::of(key);
        if self.held_out.contains(&print) {
            return Some(ConjectureOutcome::HeldOut);
        }
        if self.known.insert(print) { None } else { Some(ConjectureOutcome::Duplicate) }
    }

    /// What is wrong with a generated text, if anything; a new statement is remembered.
    pub fn admit_text(&mut self, signature: &str) -> Option<ConjectureOutcome> {
        if is_plausible(signature) {
            self.admit(&canonical_statement(signature))
        } else {
            Some(ConjectureOutcome::Malformed)
        }
    }
}

/// How many conjectures of a run have each shape ([`canonical_shape`]), so that a family whose proof is known is not
/// asked for again and again with other numbers.
#[derive(Clone, Debug)]
pub struct ShapeCounts {
    most: usize,
    counts: HashMap<Print, u32>,
}

impl ShapeCounts {
    /// Room for `most` of each shape; for any number of them if it is 0.
    pub fn new(most: usize) -> Self {
        Self { most, counts: HashMap::new() }
    }

    /// Whether there is no room for another of this statement's shape.
    pub fn is_full(&self, signature: &str) -> bool {
        self.most > 0 && self.counts.get(&shape(signature)).is_some_and(|count| *count as usize >= self.most)
    }

    /// Counts a statement.
    pub fn add(&mut self, signature: &str) {
        if self.most > 0 {
            *self.counts.entry(shape(signature)).or_default() += 1;
        }
    }
}

fn shape(signature: &str) -> Print {
    Print::of(&canonical_shape(signature))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_sieve_tells_why() {
        let mut known = KnownStatements::default();
        known.hold_out(&canonical_statement("(n : Nat) : n = n"));
        known.hold_out(&canonical_statement("(p q : Prop) (hp : p) (hq : q) : p ∧ q"));
        known.know(&canonical_statement("(n : Nat) : n ≤ n"));
        assert_eq!(known.admit_text("(k : Nat) : k = k"), Some(ConjectureOutcome::HeldOut));
        let reordered = "(p : Prop) (h : p) (q : Prop) (k : q) : p ∧ q";
        assert_eq!(known.admit_text(reordered), Some(ConjectureOutcome::HeldOut));
        assert_eq!(known.admit_text("(k  :  Nat) : k ≤ k"), Some(ConjectureOutcome::Duplicate));
        assert_eq!(known.admit_text("(k : Nat) : k < k + 1"), None);
        assert_eq!(known.admit_text("(m : Nat) : m < m + 1"), Some(ConjectureOutcome::Duplicate));
        assert_eq!(known.admit_text("(k : Nat : k"), Some(ConjectureOutcome::Malformed));
    }

    #[test]
    fn a_shape_has_room_for_so_many() {
        let alike = ["(n : Nat) : 2 * n % 2 = 0", "(k : Nat) : 3 * k % 7 = 1", "(m : Nat) : 10 * m % 5 = 0"];
        let (mut two, mut any) = (ShapeCounts::new(2), ShapeCounts::new(0));
        let full = |shapes: &mut ShapeCounts| {
            alike.map(|text| {
                let full = shapes.is_full(text);
                shapes.add(text);
                full
            })
        };
        assert_eq!(full(&mut two), [false, false, true]);
        assert_eq!(full(&mut any), [false; 3]);
        assert!(!two.is_full("(n : Nat) : 2 * n % 2 < 1"));
    }

    #[test]
    fn implausible_texts_are_malformed() {
        for text in ["", "x", "(a : Nat)", ": a := b", ": (a", ": a)", "(a] : b"] {
            assert!(!is_plausible(text), "{text}");
        }
        assert!(!is_plausible(&format!(": {}", "x".repeat(500))));
        assert!(is_plausible("{α : Type} (f : α → α) : f = f"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,100}") {
            let _ = KnownStatements::default().admit_text(&text);
        }
    }
}
