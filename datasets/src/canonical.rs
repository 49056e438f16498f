//! Canonical texts of statements: equal texts mean statements equal up to spaces and bound names.
//!
//! Conjectures are compared with given and held-out statements long before Lean sees them, so equality must
//! be judged on text. The judgement errs on one side only: a text that is not understood with certainty
//! (pattern matching, `let`, big operators, …) keeps its names and is compared up to spaces alone. Names that Lean
//! binds by itself are not merged either; Lean's fingerprint of the elaborated type finds those.
//! [`canonical_text`] keeps the binders as they stand, [`canonical_statement`] orders them and so also finds what
//! Lean's fingerprint tells apart.

mod binders;
mod lexer;
mod print;
mod scopes;

use std::borrow::Cow;

pub use binders::{Binder, binders};
use lexer::Kind;
use print::{minded, print};

/// Folds every run of white space into one space and trims the ends.
pub fn normalise_spaces(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A key for comparing signatures such as `(a b : Nat) : a + b = b + a`.
///
/// Spaces and comments are normalised, ASCII spellings replaced by Lean's usual ones (`->` by `→`, `λ` by
/// `fun`, …), and the names bound by the signature's own binders, `∀`, `∃`, `Σ`, `fun`, dependent arrows,
/// subtypes and set-builders are numbered in the order of binding. Equal keys mean equal statements; a
/// text in which a name's scope is not certain keeps all its names.
pub fn canonical_text(signature: &str) -> String {
    let Some(mut tokens) = lexer::tokens(signature) else { return signature.trim().to_owned() };
    if let Some(names) = scopes::bound_names(&tokens) {
        for (token, name) in tokens.iter_mut().zip(names) {
            if let Some(name) = name {
                token.text = Cow::Owned(name);
            }
        }
    }
    print(&tokens)
}

/// As [`canonical_text`], and the order of the signature's binders does not count either, nor whether they share a
/// bracket: `(a : Nat) (b : Int)` and `(y : Int) (x : Nat)` are one, as are `(a b : Nat)` and `(a : Nat) (b : Nat)`.
///
/// Equal keys mean statements equal up to the order in which hypotheses are given. Statements with very many binders
/// that look alike may differ in their keys although they are equal in this sense.
pub fn canonical_statement(signature: &str) -> String {
    let tokens = lexer::tokens(signature);
    let ordered = tokens.as_deref().and_then(binders::reordered);
    ordered.map_or_else(|| canonical_text(signature), |tokens| print(&tokens))
}

/// As [`canonical_statement`], and which of the signature's binders are implicit does not count: `{a : Nat}` is `(a : Nat)`.
pub fn canonical_explicit(signature: &str) -> String {
    let Some(mut tokens) = lexer::tokens(signature) else { return signature.trim().to_owned() };
    binders::make_explicit(&mut tokens);
    canonical_statement(&print(&tokens))
}

/// As [`canonical_statement`], and which numbers stand in the signature does not count: `n < n + 1` and `n < n + 7` are
/// of one shape.
pub fn canonical_shape(signature: &str) -> String {
    let Some(mut tokens) = lexer::tokens(signature) else { return signature.trim().to_owned() };
    for token in tokens.iter_mut().filter(|token| token.kind == Kind::Number) {
        token.text = Cow::Borrowed("0");
    }
    canonical_statement(&print(&tokens))
}

/// The tokens of a text as texts; what Lean reads differently after a space stays with the token before it, as in
/// `xs.1`. `None` if a comment, string or character is not closed.
pub fn words(text: &str) -> Option<Vec<String>> {
    let tokens = lexer::tokens(text)?;
    let mut words: Vec<String> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match words.last_mut() {
            Some(word) if token.glued && minded(&tokens[index - 1], token) => word.push_str(&token.text),
            _ => words.push(token.text.clone().into_owned()),
        }
    }
    Some(words)
}

#[cfg(test)]
mod binder_tests;
#[cfg(test)]
mod tests;
