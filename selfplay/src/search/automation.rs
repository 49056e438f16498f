//! What is tried without a model: Lean's own tactics on the whole, and simple skeletons that end in them.

use stp_conjecturer::first_of;
use stp_datasets::lean_text::{SpanKind, spans};
use stp_datasets::{Binder, SINGLE_TACTICS, binders};

/// Skeletons that are tried of one goal.
const MOST_SKELETONS: usize = 10;
/// Definitions that tactics are told to unfold.
const MOST_UNFOLDED: usize = 6;
/// What makes the type of a binder a claim and no data.
const RELATIONS: &str = "=≠≤<≥>∧∨¬∣∈∉↔∃⊆";

/// Lean's tactics, with the definitions of a statement's own file among what they may unfold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automation {
    tactics: Vec<String>,
}

impl Automation {
    /// For statements below a header like that of `signature`.
    pub fn new(header: &str, signature: &str) -> Self {
        let mut tactics: Vec<String> = SINGLE_TACTICS.iter().map(|&tactic| tactic.to_owned()).collect();
        let unfolded = defined(header, signature).join(", ");
        if !unfolded.is_empty() {
            tactics.extend(["simp", "simp_all", "grind"].map(|tactic| format!("{tactic} [{unfolded}]")));
        }
        Self { tactics }
    }

    /// All of them in one check.
    pub fn whole(&self) -> String {
        format!("by {}", first_of(&self.tactics))
    }

    /// Proofs that begin with one step and leave the rest to the tactics; what these leave open, a sketch shows.
    pub fn skeletons(&self, signature: &str) -> Vec<String> {
        let end = format!("all_goals (try (intros; {}))", first_of(&self.tactics));
        let mut steps = steps(signature);
        steps.truncate(MOST_SKELETONS);
        steps.into_iter().map(|step| format!("by\n  {step}\n  {end}")).collect()
    }
}

/// Names that a header defines and a signature mentions, in the header's order.
fn defined(header: &str, signature: &str) -> Vec<String> {
    let words = |text| spans(text).filter(|span| span.kind == SpanKind::Word).map(|span| span.text);
    let mentioned: Vec<&str> = words(signature).collect();
    let mut names: Vec<String> = Vec::new();
    let mut defines = false;
    for word in words(header) {
        let is_mentioned = mentioned.iter().any(|it| it.rsplit('.').next() == word.rsplit('.').next());
        if defines && is_mentioned && !names.iter().any(|name| name == word) {
            names.push(word.to_owned());
        }
        defines = matches!(word, "def" | "abbrev");
    }
    names.truncate(MOST_UNFOLDED);
    names
}

/// What a binder is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A value of a type with an induction principle, as far as its name tells.
    Inductive,
    /// A value whose cases are few or plain.
    Cases,
    /// A claim that has cases.
    CasesOfClaim,
    /// A type, a function, an instance, an equation.
    Other,
}

fn kind_of(binder: &Binder) -> Kind {
    let Some(kind) = binder.kind.as_deref().filter(|_| binder.name.is_some() && binder.open != "[") else {
        return Kind::Other;
    };
    let first = kind.split_whitespace().next().unwrap_or_default();
    if matches!(first, "Type" | "Sort" | "Prop") || kind.contains(['→', '∀']) || kind.contains("->") {
        Kind::Other
    } else if kind.contains(['∧', '∨', '∃']) {
        Kind::CasesOfClaim
    } else if kind.contains(|letter| RELATIONS.contains(letter)) {
        Kind::Other
    } else if matches!(first, "Bool" | "Option" | "Int" | "Prod" | "Sum" | "Fin") || kind.contains('×') {
        Kind::Cases
    } else {
        Kind::Inductive
    }
}

/// First steps of proofs, the likelier ones first.
fn steps(signature: &str) -> Vec<String> {
    let Some((binders, goal)) = binders(signature) else { return vec!["intros".to_owned()] };
    let named = |kind: Kind| -> Vec<&str> {
        binders.iter().filter(|it| kind_of(it) == kind).filter_map(|it| it.name.as_deref()).collect()
    };
    let (inductive, cases) = (named(Kind::Inductive), named(Kind::Cases));
    let mut steps: Vec<String> = Vec::new();
    if goal.contains(['∧', '↔']) {
        steps.push("constructor".to_owned());
    }
    if goal.starts_with(['∀', '¬']) || is_arrow(&goal) {
        steps.push("intros".to_owned());
    }
    let bound = if goal.starts_with('∀') { bound(&goal) } else { Vec::new() };
    for name in &bound {
        steps.push(format!("intro {}\n  induction {name}", bound.join(" ")));
    }
    if goal.contains("if ") || goal.contains("match ") {
        steps.push("split".to_owned());
    }
    steps.extend(named(Kind::CasesOfClaim).into_iter().map(|name| format!("cases {name}")));
    if !cases.is_empty() {
        let all: Vec<_> = cases.iter().map(|name| format!("cases {name}")).collect();
        steps.push(all.join(" <;> "));
    }
    steps.extend(inductive.iter().map(|name| format!("induction {name}")));
    for name in &inductive {
        let others: Vec<&str> =
            inductive.iter().chain(&cases).copied().filter(|other| other != name).collect();
        if !others.is_empty() {
            steps.push(format!("induction {name} generalizing {}", others.join(" ")));
        }
    }
    if goal.contains('∨') {
        steps.extend(["left", "right"].map(str::to_owned));
    }
    steps
}

/// Whether a goal has an arrow outside of brackets.
fn is_arrow(goal: &str) -> bool {
    let mut depth = 0usize;
    for span in spans(goal) {
        match span.kind {
            SpanKind::Open => depth += 1,
            SpanKind::Close => depth = depth.saturating_sub(1),
            _ if span.text == "→" && depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// The names that a goal of the form `∀ a b, …` or `∀ (a b : T) (c : S), …` begins with.
fn bound(goal: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut depth = 0usize;
    let mut is_type = false;
    for span in spans(goal).skip_while(|span| span.text != "∀").skip(1) {
        match (span.kind, span.text) {
            (SpanKind::Open, _) => depth += 1,
            (SpanKind::Close, _) => {
                depth = depth.saturating_sub(1);
                is_type = is_type && depth > 0;
            }
            (_, ",") if depth == 0 => break,
            (_, ":") => is_type = true,
            (SpanKind::Word, name) if !is_type => names.push(name),
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_definitions_it_is_what_makes_a_conjecture_trivial() {
        assert_eq!(Automation::new("", ": 1 = 1").whole(), stp_conjecturer::trivial_proof(true));
    }

    #[test]
    fn definitions_that_the_statement_mentions_are_unfolded() {
        let header =
            "def twice (n : Nat) := n + n\nnamespace A\nabbrev B.two := 2\n-- def no\ndef other := 1\n";
        let found = Automation::new(header, "(n : Nat) : twice n = B.two * n").whole();
        assert!(found.ends_with("(simp_all [twice, B.two]; done) | (grind [twice, B.two]; done)"), "{found}");
    }

    #[test]
    fn steps_follow_the_types_of_the_binders() {
        let all = steps("{α : Type} (xs ys : List α) (b : Bool) (h : p ∨ q) (e : xs = ys) : f xs ∧ g ys");
        let expected = [
            "constructor",
            "cases h",
            "cases b",
            "induction xs",
            "induction ys",
            "induction xs generalizing ys b",
            "induction ys generalizing xs b",
        ];
        assert_eq!(all, expected);
        assert_eq!(steps("(f : Nat → Nat) : ∀ n, f n = 0"), ["intros", "intro n\n  induction n"]);
        let two = ["intros", "intro n xs\n  induction n", "intro n xs\n  induction xs"];
        assert_eq!(steps(": ∀ (n : Nat) (xs : List (Fin n)), n = 0"), two);
        assert_eq!(steps("(f : Nat → Nat) : (∀ n, f n = 0) ∧ f = f"), ["constructor"]);
        let found = Automation::new("", "").skeletons("(n : Nat) : n = n");
        assert!(found[0].starts_with("by\n  induction n\n  all_goals (try (intros; first | (rfl; done) |"));
    }
}
