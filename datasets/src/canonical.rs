//! A text form of statements in which spaces and bound names do not matter.
//!
//! It is a quick first sieve for duplicates; the judge's fingerprint of the elaborated type is the exact
//! one. Two statements with equal canonical text are equal up to spaces and bound names; the converse does
//! not hold (`(a b : Nat)` and `(a : Nat) (b : Nat)` differ here).

use std::collections::{HashMap, HashSet};

/// Folds every run of white space into one space and trims the ends.
pub fn normalise_spaces(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The canonical text of binders and type: tokens joined by single spaces, bound names replaced by `x0`,
/// `x1`, … in the order in which they are bound.
pub fn canonical_text(signature: &str) -> String {
    let tokens = split(signature);
    let bound = bound_names(&tokens);
    let taken: HashSet<&str> = tokens.iter().copied().filter(|token| !bound.contains_key(token)).collect();
    // A free name that looks like one of ours must not be confused with it.
    let mark =
        (1..).map(|count| "x".repeat(count)).find(|mark| !taken.iter().any(|name| is_numbered(name, mark)));
    let mark = mark.unwrap_or_default();
    let rename = |token: &str| {
        let (head, rest) = token.split_once('.').map_or((token, None), |(head, rest)| (head, Some(rest)));
        match (bound.get(head), rest) {
            (Some(index), None) => format!("{mark}{index}"),
            (Some(index), Some(rest)) => format!("{mark}{index}.{rest}"),
            (None, _) => token.to_owned(),
        }
    };
    tokens.into_iter().map(rename).collect::<Vec<_>>().join(" ")
}

fn is_numbered(name: &str, mark: &str) -> bool {
    let head = name.split('.').next().unwrap_or(name);
    head.strip_prefix(mark).is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()))
}

fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() && !matches!(c, 'λ' | 'Π' | 'Σ') || matches!(c, '_' | '\'' | '!' | '?' | '₀'..='₉')
}

/// Words with their dotted parts, numbers, and single other characters.
fn split(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if is_name_part(first) {
            word_length(rest)
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            tokens.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    tokens
}

fn word_length(text: &str) -> usize {
    let mut length = 0;
    loop {
        let part = text[length..].find(|c| !is_name_part(c)).unwrap_or(text.len() - length);
        length += part;
        let mut ahead = text[length..].chars();
        match (ahead.next(), ahead.next()) {
            (Some('.'), Some(next)) if part > 0 && is_name_part(next) => length += 1,
            _ => return length,
        }
    }
}

/// Names bound anywhere, with their order: `(x y : T)`, `{x : T}`, `∀ x`, `∃ x y`, `fun x`.
fn bound_names<'a>(tokens: &[&'a str]) -> HashMap<&'a str, usize> {
    let mut bound = HashMap::new();
    let mut bind = |names: &[&'a str]| {
        for name in names {
            let next = bound.len();
            bound.entry(*name).or_insert(next);
        }
    };
    for (index, token) in tokens.iter().enumerate() {
        let after = &tokens[index + 1..];
        let names = after.iter().take_while(|name| is_plain_name(name)).count();
        let follows = after.get(names).copied();
        match *token {
            "(" | "{" | "[" | "⦃" if names > 0 && follows == Some(":") => bind(&after[..names]),
            "∀" | "∃" | "fun" | "λ" | "Σ" | "Π" if names > 0 && binder_end(&after[names..]) => {
                bind(&after[..names])
            }
            _ => {}
        }
    }
    bound
}

/// What may follow the names after `∀`, `∃` or `fun`: a type, a bound, a body, or more binders.
fn binder_end(after: &[&str]) -> bool {
    matches!(after.first(), Some(&(":" | "," | "=" | "↦" | "(" | "{" | "∈" | "<" | ">" | "≤" | "≥" | "≠")))
}

fn is_plain_name(token: &str) -> bool {
    let starts = token.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
    starts && !token.contains('.') && token != "fun"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_and_spaces_do_not_matter() {
        let same = [
            ("(a b : Nat) : a + b = b + a", "(x  y:Nat):x+y = y+x"),
            ("(f : Nat → Nat) (h : ∀ n, f n = n) : f 0 = 0", "(g : Nat → Nat) (k : ∀ m, g m = m) : g 0 = 0"),
            (
                "{α : Type} (xs : List α) : xs.length = xs.reverse.length",
                "{β : Type} (l : List β) : l.length = l.reverse.length",
            ),
            (": ∃ k, k > 3", ": ∃ n, n > 3"),
            ("(f : Nat → Nat) : (fun x => f x) = f", "(h : Nat → Nat) : (fun y => h y) = h"),
        ];
        for (left, right) in same {
            assert_eq!(canonical_text(left), canonical_text(right));
        }
    }

    #[test]
    fn different_statements_stay_different() {
        let different = [
            ("(a b : Nat) : a + b = b + a", "(a b : Nat) : a + b = a + b"),
            ("(a : Nat) : a = a", "(a : Int) : a = a"),
            ("(n : Nat) : n.succ ≠ 0", "(n : Nat) : n.pred ≠ 0"),
            ("(a : Nat) : x0 = a", "(a : Nat) : a = x0"),
            (": 12 = 12", ": 1 2 = 12"),
        ];
        for (left, right) in different {
            assert_ne!(canonical_text(left), canonical_text(right));
        }
    }

    proptest! {
        #[test]
        fn no_panic_and_idempotent_in_spaces(text in "\\PC{0,120}") {
            let canonical = canonical_text(&text);
            prop_assert_eq!(&canonical, &canonical_text(&normalise_spaces(&text)));
            prop_assert_eq!(normalise_spaces(&canonical), canonical);
        }

        #[test]
        fn invariant_under_renaming(first in "[a-w]{1,3}", second in "[a-w]{1,3}") {
            prop_assume!(first != second && first != "fun" && second != "fun");
            let with = |p: &str, q: &str| format!("({p} {q} : Nat) (h : {p} ≤ {q}) : ∃ k, {p} + k = {q}");
            prop_assume!(first != "h" && first != "k" && second != "h" && second != "k");
            prop_assert_eq!(canonical_text(&with(&first, &second)), canonical_text(&with("y1", "z2")));
        }
    }
}
