//! Small terms to put in for the binders of a statement when a counterexample is looked for.

use stp_datasets::Binder;

use crate::recursion;

/// What stands for a type variable.
const ANY_TYPE: &str = "Nat";
/// Stands for a hypothesis.
pub(crate) const HYPOTHESIS: &str = "?_";
/// Initial values that are tried where hypotheses give a recursion none.
const MOST_BEGINNINGS: usize = 3;

/// The terms to try for each binder.
pub(crate) struct Choices {
    pub(crate) terms: Vec<Vec<String>>,
    /// Whether there are functions among them that the hypotheses do not define.
    pub(crate) guessed: bool,
}

/// For each binder the terms to try; `None` if there is one that no term is known for. What has no terms is taken for a
/// hypothesis. A term may name other binders, with [`recursion::OPEN`] before the name.
pub(crate) fn choices(binders: &[Binder]) -> Option<Choices> {
    let mut types: Vec<&str> = Vec::new();
    let (mut choices, mut guessed) = (Vec::new(), false);
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
            let kind = in_core_words(&instantiated(kind, &types));
            let defined = recursive(binder, &kind, binders);
            let terms = defined.or_else(|| {
                let found = values(&kind);
                guessed |= found.is_some() && top_arrow(&kind).is_some();
                found
            });
            choices.push(terms.unwrap_or_else(|| vec![HYPOTHESIS.to_owned()]));
        }
    }
    Some(Choices { terms: choices, guessed })
}

/// The functions that the other binders allow, if they define it by recursion.
fn recursive(binder: &Binder, kind: &str, binders: &[Binder]) -> Option<Vec<String>> {
    let (domain, range) = top_arrow(kind)?;
    let (parameter, domain, range) = match top_arrow(range) {
        Some((second, range)) => (true, second, range),
        None => (false, domain, range),
    };
    if domain != "Nat" || range.contains('→') {
        return None;
    }
    let hypotheses: Vec<_> = binders.iter().filter_map(|binder| binder.kind.as_deref()).collect();
    let names: Vec<_> = binders.iter().filter_map(|binder| binder.name.as_deref()).collect();
    let mut beginnings = values(range).unwrap_or_default();
    beginnings.truncate(MOST_BEGINNINGS);
    let function = recursion::Function { name: binder.name.as_deref()?, range, parameter };
    recursion::solutions(function, &hypotheses, &names, &beginnings)
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

/// A type with core Lean's names for Mathlib's `ℕ` and `ℤ`.
fn in_core_words(kind: &str) -> String {
    kind.replace('ℕ', "Nat").replace('ℤ', "Int")
}

/// Small terms of a type, if it is known.
fn values(kind: &str) -> Option<Vec<String>> {
    let kind = without_brackets(kind);
    if let Some((domain, range)) = top_arrow(kind) {
        return functions(without_brackets(domain), range);
    }
    let fixed: &[&str] = match kind {
        "Nat" => &["0", "1", "2", "3", "5"],
        "Int" => &["0", "1", "(-1)", "2", "(-3)"],
        "Bool" => &["true", "false"],
        "Prop" => &["True", "False"],
        "Unit" => &["()"],
        "Char" => &["'a'", "'b'"],
        "String" => &["\"\"", "\"a\""],
        _ => &[],
    };
    if !fixed.is_empty() {
        return Some(fixed.iter().map(|text| (*text).to_owned()).collect());
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

/// Constant functions, and on numbers what hypotheses often ask for: linear functions, predicates that hold of some
/// numbers alone, orders.
fn functions(domain: &str, range: &str) -> Option<Vec<String>> {
    values(domain)?;
    let constants = values(range)?.into_iter().take(2).map(|value| format!("(fun _ => {value})"));
    let own = match (number(domain), range) {
        (Some(_), "Prop") => {
            &["(fun x => x % 2 = 0)", "(fun x => x = 0)", "(fun x => 0 < x)", "(fun x => x % 3 = 0)"][..]
        }
        (Some(_), "Bool") => &["(fun x => x == 0)", "(fun x => x % 2 == 0)"],
        (Some("Nat"), "Nat") => &["(fun x => x + 1)", "(fun x => x)", "(fun x => 2 * x)"],
        (Some("Int"), "Int") => &["(fun x => x + 1)", "(fun x => x)", "(fun x => -x)"],
        (Some("Nat"), "Int") => &["(fun x => (x : Int))", "(fun x => -(x : Int))"],
        (Some(from), range) => match top_arrow(range) {
            Some((second, "Prop")) if number(second) == Some(from) => {
                &["(fun x y => x = y)", "(fun x y => x ≤ y)", "(fun x y => x < y)"][..]
            }
            Some((second, third)) if number(second) == Some(from) && number(third) == Some(from) => {
                &["(fun x y => x + y)", "(fun x _ => x)", "(fun _ y => y)"]
            }
            _ => &[][..],
        },
        _ => &[],
    };
    let (first, rest) = own.split_at(own.len().min(1));
    let texts = |own: &[&str]| own.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    // What is said of a predicate is rarely false of one that always holds.
    Some(if range.ends_with("Prop") {
        texts(first).into_iter().chain(constants.rev()).chain(texts(rest)).collect()
    } else {
        constants.chain(texts(own)).collect()
    })
}

/// A type, if it is one of numbers.
fn number(kind: &str) -> Option<&str> {
    matches!(kind, "Nat" | "Int").then_some(kind)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mathlibs_numbers_are_numbers() {
        let of = |signature: &str| choices(&stp_datasets::binders(signature).unwrap().0).unwrap().terms;
        assert_eq!(of("(p : ℕ → Prop) (f : ℤ → ℤ) : True"), of("(p : Nat → Prop) (f : Int → Int) : True"));
    }

    #[test]
    fn types_have_terms() {
        assert!(values("Nat → Nat").unwrap().contains(&"(fun x => x + 1)".to_owned()));
        assert_eq!(values("(List Nat)").unwrap()[2], "[1, 0]");
        assert!(values("a ≤ b").is_none() && values("Foo → Nat").is_none());
        let predicates = values("Nat → Prop").unwrap();
        assert_eq!(predicates[..2], ["(fun x => x % 2 = 0)", "(fun _ => False)"]);
        let relations = values("Nat → Nat → Prop").unwrap();
        assert!(relations.contains(&"(fun x y => x ≤ y)".to_owned()), "{relations:?}");
    }
}
