//! What is dropped of the generated texts before Lean is asked.

use std::collections::HashSet;

use stp_datasets::{Outcome, canonical_statement};

/// Longest conjecture in characters.
const MAX_CHARACTERS: usize = 400;

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

/// Remembers statements up to spaces, bound names and the order of binders, so that a conjecture that is one of them is
/// noticed.
#[derive(Clone, Debug, Default)]
pub struct Sieve {
    held_out: HashSet<String>,
    known: HashSet<String>,
}

impl Sieve {
    /// Adds a statement that is for evaluation only: by [`canonical_statement`], or by fingerprint.
    pub fn hold_out(&mut self, key: String) {
        self.held_out.insert(key);
    }

    /// Adds a given statement or an earlier conjecture.
    pub fn know(&mut self, key: String) {
        self.known.insert(key);
    }

    /// What is wrong with a key ([`canonical_statement`] or fingerprint), if it was seen; a new key is remembered.
    pub fn admit(&mut self, key: String) -> Option<Outcome> {
        if self.held_out.contains(&key) {
            return Some(Outcome::HeldOut);
        }
        if self.known.insert(key) { None } else { Some(Outcome::Duplicate) }
    }

    /// What is wrong with a generated text, if anything; a new statement is remembered.
    pub fn admit_text(&mut self, signature: &str) -> Option<Outcome> {
        if is_plausible(signature) {
            self.admit(canonical_statement(signature))
        } else {
            Some(Outcome::Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_sieve_tells_why() {
        let mut sieve = Sieve::default();
        sieve.hold_out(canonical_statement("(n : Nat) : n = n"));
        sieve.hold_out(canonical_statement("(p q : Prop) (hp : p) (hq : q) : p ∧ q"));
        sieve.know(canonical_statement("(n : Nat) : n ≤ n"));
        assert_eq!(sieve.admit_text("(k : Nat) : k = k"), Some(Outcome::HeldOut));
        let reordered = "(p : Prop) (h : p) (q : Prop) (k : q) : p ∧ q";
        assert_eq!(sieve.admit_text(reordered), Some(Outcome::HeldOut));
        assert_eq!(sieve.admit_text("(k  :  Nat) : k ≤ k"), Some(Outcome::Duplicate));
        assert_eq!(sieve.admit_text("(k : Nat) : k < k + 1"), None);
        assert_eq!(sieve.admit_text("(m : Nat) : m < m + 1"), Some(Outcome::Duplicate));
        assert_eq!(sieve.admit_text("(k : Nat : k"), Some(Outcome::Malformed));
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
            let _ = Sieve::default().admit_text(&text);
        }
    }
}
