//! What Lean is asked of a conjecture before it is worth proofs: whether it is trivial, and whether it is false.
//!
//! Both are proofs like any other, judged by the same judge, so neither can err: a conjecture is dropped as false only
//! if Lean accepts a proof of its negation.

use std::fmt::Display;

use stp_datasets::{Binder, SINGLE_TACTICS, binders};

use crate::recursion;
use crate::terms::{Choices, HYPOTHESIS, choices};

/// A conjecture that one of these tactics proves teaches nobody anything.
const TRIVIAL: [&str; 3] = ["rfl", "decide", "simp"];

/// Proves a hypothesis of an instance: it is closed, so it can be computed, or it speaks of all numbers and holds by
/// definition.
const HYPOTHESIS_HOLDS: &str = "first | decide | (intros; first | rfl | trivial)";
/// The same where functions were guessed, of which it may hold by arithmetic.
const HYPOTHESIS_HOLDS_OF_GUESS: &str = "first | decide | (intros; first | rfl | trivial | omega)";
/// Instances that are tried at most.
const MOST_INSTANCES: usize = 48;

/// The proof that tries every tactic under which a conjecture counts as trivial, `automatic` or not: one check in place of
/// several.
pub fn trivial_proof(automatic: bool) -> String {
    let tactics = if automatic { &SINGLE_TACTICS[..] } else { &TRIVIAL };
    format!("by {}", first_of(tactics))
}

/// The tactic that tries others one after the other until one closes the goal.
pub fn first_of(tactics: &[impl Display]) -> String {
    // `first` stops at a tactic that succeeds without closing the goal; `done` makes it go on.
    let tries: Vec<_> = tactics.iter().map(|tactic| format!("({tactic}; done)")).collect();
    format!("first | {}", tries.join(" | "))
}

/// The negation of a conjecture as a signature, with a proof that tries small instances of it; `None` if there is
/// nothing to try.
///
/// Binders of known types get small terms, type variables `Nat`, functions that the hypotheses define by recursion that
/// function, and what is left is taken for a hypothesis, which must hold of the instance by computation, by definition
/// or, for functions that had to be guessed, by arithmetic. `decide` must prove the conclusion's negation.
pub fn refutation(signature: &str) -> Option<(String, String)> {
    let (binders, goal) = binders(signature)?;
    let Choices { terms: choices, guessed } = choices(&binders)?;
    let holds = if guessed { HYPOTHESIS_HOLDS_OF_GUESS } else { HYPOTHESIS_HOLDS };
    let proved = |term: &String| if term == HYPOTHESIS { format!("(by {holds})") } else { term.clone() };
    // What all instances have in common is elaborated once.
    let is_common = |choice: &Vec<String>| choice.len() == 1 && !choice[0].contains(recursion::OPEN);
    let common = choices.iter().take_while(|choice| is_common(choice)).count();
    let shared: String = choices[..common].iter().map(|choice| format!(" {}", proved(&choice[0]))).collect();
    let shared = if shared.is_empty() { shared } else { format!("  have h := @h{shared}\n") };
    // Whether an instance is a counterexample is computed before its hypotheses are: most are none.
    let open = choices[common..].iter().any(|choice| choice[0] == HYPOTHESIS);
    let hypotheses = if open { format!(" <;> {holds}") } else { String::new() };
    let tries: Vec<_> = instances(&choices)
        .filter_map(|instance| {
            let terms: Vec<_> =
                instance.iter().zip(&choices).map(|(&at, choice)| choice[at].as_str()).collect();
            let terms = recursion::resolved(&terms, &binders)?;
            let arguments: String = terms[common..].iter().map(|term| format!(" {term}")).collect();
            Some(format!("(refine absurd (@h{arguments}) (by decide){hypotheses})"))
        })
        .collect();
    if tries.is_empty() {
        return None;
    }
    let closed = if binders.is_empty() {
        format!(": ¬ ({goal})")
    } else {
        let written: Vec<_> = binders.iter().map(written).collect();
        format!(": ¬ (∀ {}, {goal})", written.join(" "))
    };
    Some((closed, format!("by\n  intro h\n{shared}  first\n  | {}", tries.join("\n  | "))))
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
        let tried =
            |a, b| format!("\n  | (refine absurd (@h {a} {b} ?_) (by decide) <;> {HYPOTHESIS_HOLDS})");
        assert!(proof.starts_with(&format!("by\n  intro h\n  first{}", tried(0, 0))), "{proof}");
        assert!(proof.contains(&tried(0, 1)), "{proof}");
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
