//! What Lean is asked of a conjecture before it is worth proofs: whether it is trivial, and whether it is false.
//!
//! Both are proofs like any other, judged by the same judge, so neither can err: a conjecture is dropped as false only
//! if Lean accepts a proof of its negation.

use stp_datasets::{Binder, SINGLE_TACTICS, binders};

use crate::recursion;

/// A conjecture that one of these tactics proves teaches nobody anything.
const TRIVIAL: [&str; 3] = ["rfl", "decide", "simp"];

/// Instances that are tried at most.
const MOST_INSTANCES: usize = 48;
/// What stands for a type variable.
const ANY_TYPE: &str = "Nat";
/// Proves a hypothesis of an instance: it is closed, so it can be computed, or it speaks of all numbers and holds by
/// definition.
const HYPOTHESIS_HOLDS: &str = "(by first | decide | (intros; first | rfl | trivial))";

/// The proof that tries every tactic under which a conjecture counts as trivial, `automatic` or not: one check in place of
/// several.
pub fn trivial_proof(automatic: bool) -> String {
    let tactics = if automatic { &SINGLE_TACTICS[..] } else { &TRIVIAL };
    // `first` stops at a tactic that succeeds without closing the goal; `done` makes it go on.
    let tries: Vec<_> = tactics.iter().map(|tactic| format!("({tactic}; done)")).collect();
    format!("by first | {}", tries.join(" | "))
}

/// The negation of a conjecture as a signature, with a proof that tries small instances of it; `None` if there is
/// nothing to try.
///
/// Binders of known types get small literals, type variables [`ANY_TYPE`], functions that are defined by recursion that
/// function, and what is left is taken for a hypothesis, which must hold of the instance by computation or definition.
/// `decide` must prove the conclusion's negation.
pub fn refutation(signature: &str) -> Option<(String, String)> {
    let (binders, goal) = binders(signature)?;
    let choices = choices(&binders)?;
    // What all instances have in common is elaborated once.
    let common = choices.iter().take_while(|choice| choice.len() == 1).count();
    let (common, choices) = choices.split_at(common);
    let common: String = common.iter().map(|choice| format!(" {}", choice[0])).collect();
    let common = if common.is_empty() { common } else { format!("  have h := @h{common}\n") };
    let tries: Vec<_> = instances(choices)
        .map(|instance| {
            let arguments: String =
                instance.iter().zip(choices).map(|(&at, choice)| format!(" {}", choice[at])).collect();
            format!("exact absurd (@h{arguments}) (by decide)")
        })
        .collect();
    let closed = if binders.is_empty() {
        format!(": ¬ ({goal})")
    } else {
        let written: Vec<_> = binders.iter().map(written).collect();
        format!(": ¬ (∀ {}, {goal})", written.join(" "))
    };
    Some((closed, format!("by\n  intro h\n{common}  first\n  | {}", tries.join("\n  | "))))
}

fn written(binder: &Binder) -> String {
    let close = match binder.open.as_str() {
        "{" => "}",
        "[" => "]",
        "⦃" => "⦄",
        _ => ")",
    };
    let inner = match (&binder.name, &binder.kind) {
        (Some(name), Some(kind)) => format!("{name} : {kind}"),
        (Some(text), None) | (None, Some(text)) => text.clone(),
        (None, None) => String::new(),
    };
    format!("{}{inner}{close}", binder.open)
}

/// For each binder the terms to try; `None` if there is one that no term is known for.
fn choices(binders: &[Binder]) -> Option<Vec<Vec<String>>> {
    let mut types: Vec<&str> = Vec::new();
    let mut choices = Vec::new();
    for binder in binders {
        let Some(kind) = binder.kind.as_deref() else {
            // Nothing but a type is commonly bound without one.
            types.push(binder.name.as_deref()?);
            choices.push(vec![ANY_TYPE.to_owned()]);
            continue;
        };
        if binder.open == "[" {
            choices.push(vec!["inferInstance".to_owned()]);
        } else if is_universe(kind) {
            types.push(binder.name.as_deref()?);
            choices.push(vec![ANY_TYPE.to_owned()]);
        } else {
            let kind = instantiated(kind, &types);
            let defined = recursive(binder, &kind, binders).map(|term| vec![term]);
            choices
                .push(defined.or_else(|| values(&kind)).unwrap_or_else(|| vec![HYPOTHESIS_HOLDS.to_owned()]));
        }
    }
    Some(choices)
}

/// The function that the other binders define by recursion, if this is one.
fn recursive(binder: &Binder, kind: &str, binders: &[Binder]) -> Option<String> {
    let (domain, range) = top_arrow(kind)?;
    if !matches!(domain, "Nat" | "ℕ") || range.contains('→') {
        return None;
    }
    let hypotheses: Vec<_> = binders.iter().filter_map(|binder| binder.kind.as_deref()).collect();
    recursion::solution(binder.name.as_deref()?, range, &hypotheses)
}

fn is_universe(kind: &str) -> bool {
    let first = kind.split(' ').next().unwrap_or_default().split('.').next().unwrap_or_default();
    matches!(first, "Type" | "Sort") && !kind.contains('→')
}

/// A type with [`ANY_TYPE`] for its type variables.
fn instantiated(kind: &str, types: &[&str]) -> String {
    let words = kind.split_inclusive([' ', '(', ')']);
    words
        .map(|piece| {
            let word = piece.trim_end_matches([' ', '(', ')']);
            if types.contains(&word) {
                format!("{ANY_TYPE}{}", &piece[word.len()..])
            } else {
                piece.to_owned()
            }
        })
        .collect()
}

/// Small terms of a type, if it is known.
fn values(kind: &str) -> Option<Vec<String>> {
    let kind = without_brackets(kind);
    let texts = |all: &[&str]| Some(all.iter().map(|text| (*text).to_owned()).collect());
    if let Some((domain, range)) = top_arrow(kind) {
        return functions(without_brackets(domain), range);
    }
    match kind {
        "Nat" | "ℕ" => return texts(&["0", "1", "2", "3", "5"]),
        "Int" | "ℤ" => return texts(&["0", "1", "(-1)", "2", "(-3)"]),
        "Bool" => return texts(&["true", "false"]),
        "Prop" => return texts(&["True", "False"]),
        "Unit" => return texts(&["()"]),
        "Char" => return texts(&["'a'", "'b'"]),
        "String" => return texts(&["\"\"", "\"a\""]),
        _ => {}
    }
    if let Some(element) = kind.strip_prefix("List ") {
        let of = values(element)?;
        let (a, b) = (of.first()?, of.get(1).or(of.first())?);
        return Some(vec![
            "[]".to_owned(),
            format!("[{a}]"),
            format!("[{b}, {a}]"),
            format!("[{a}, {b}, {b}]"),
        ]);
    }
    if let Some(element) = kind.strip_prefix("Option ") {
        let of = values(element)?;
        let some = of.iter().take(2).map(|value| format!("(some {value})"));
        return Some(std::iter::once("none".to_owned()).chain(some).collect());
    }
    None
}

/// Constant functions, and for numbers the successor.
fn functions(domain: &str, range: &str) -> Option<Vec<String>> {
    if values(domain).is_none() && domain != ANY_TYPE {
        return None;
    }
    let constants = values(range)?.into_iter().take(2).map(|value| format!("(fun _ => {value})"));
    let successor =
        (domain == range && matches!(range, "Nat" | "Int")).then(|| "(fun x => x + 1)".to_owned());
    Some(constants.chain(successor).collect())
}

/// Domain and range, if an arrow stands outside all brackets.
fn top_arrow(kind: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, c) in kind.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            '→' if depth == 0 => return Some((kind[..at].trim(), kind[at + c.len_utf8()..].trim())),
            _ => {}
        }
    }
    None
}

fn without_brackets(kind: &str) -> &str {
    let inner = kind.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    inner.filter(|inner| !inner.contains(['(', ')'])).unwrap_or(kind).trim()
}

/// Combinations of choices, those of small terms first.
fn instances(choices: &[Vec<String>]) -> impl Iterator<Item = Vec<usize>> {
    let most: usize = choices.iter().map(|choice| choice.len() - 1).sum();
    (0..=most).flat_map(|sum| combinations(choices, sum)).take(MOST_INSTANCES)
}

/// The first combinations whose indices add up to `sum`.
fn combinations(choices: &[Vec<String>], sum: usize) -> Vec<Vec<usize>> {
    let Some((first, rest)) = choices.split_first() else {
        return if sum == 0 { vec![Vec::new()] } else { Vec::new() };
    };
    let mut found = Vec::new();
    for at in 0..=sum.min(first.len() - 1) {
        for mut tail in combinations(rest, sum - at) {
            tail.insert(0, at);
            found.push(tail);
            if found.len() == MOST_INSTANCES {
                return found;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_negation_is_closed_and_tried_on_small_instances() {
        let (signature, proof) = refutation("(a b : Nat) (h : a ≤ b) : b ≤ a").unwrap();
        assert_eq!(signature, ": ¬ (∀ (a : Nat) (b : Nat) (h : a ≤ b), b ≤ a)");
        assert!(proof.starts_with(&format!(
            "by\n  intro h\n  first\n  | exact absurd (@h 0 0 {HYPOTHESIS_HOLDS}) (by decide)\n"
        )));
        assert!(
            proof.contains(&format!("| exact absurd (@h 0 1 {HYPOTHESIS_HOLDS}) (by decide)")),
            "{proof}"
        );
        assert_eq!(refutation(": 2 + 2 = 5").unwrap().0, ": ¬ (2 + 2 = 5)");
    }

    #[test]
    fn types_have_terms_and_type_variables_are_numbers() {
        let (signature, proof) =
            refutation("{α : Type} [DecidableEq α] (xs : List α) (p : α → Bool) (o : Option Int) : P xs")
                .unwrap();
        assert!(signature.contains("{α : Type} [DecidableEq α] (xs : List α)"), "{signature}");
        assert!(proof.contains("have h := @h Nat inferInstance\n"), "{proof}");
        assert!(proof.contains("@h [0] (fun _ => true) (some 0)"), "{proof}");
        assert_eq!(values("Nat → Nat").unwrap().last().unwrap(), "(fun x => x + 1)");
        assert_eq!(values("(List Nat)").unwrap()[2], "[1, 0]");
        assert!(values("a ≤ b").is_none() && values("Foo → Nat").is_none());
    }

    #[test]
    fn what_is_not_understood_is_not_tried() {
        assert!(refutation("(x : Nat) : let y := x; y = x").is_none());
        assert!(refutation("no statement").is_none());
    }

    proptest! {
        #[test]
        fn instances_are_distinct_and_not_too_many(sizes in proptest::collection::vec(1usize..6, 0..7)) {
            let choices: Vec<Vec<String>> = sizes.iter().map(|&size| vec![String::new(); size]).collect();
            let found: Vec<_> = instances(&choices).collect();
            let all: usize = sizes.iter().product();
            prop_assert_eq!(found.len(), all.min(MOST_INSTANCES));
            let distinct: std::collections::HashSet<_> = found.iter().collect();
            prop_assert_eq!(distinct.len(), found.len());
            prop_assert!(found.iter().all(|of| of.iter().zip(&sizes).all(|(at, size)| at < size)));
        }

        #[test]
        fn no_text_is_too_strange(text in "[(){}\\[\\]:,a-c ∀→=NatList]{0,40}") {
            let _ = refutation(&text);
        }
    }
}
