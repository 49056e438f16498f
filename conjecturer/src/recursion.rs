//! Functions that hypotheses define by recursion, written out as terms: `f 0 = 1` and `∀ n, f (n + 1) = 2 * f n` hold of
//! one `f` alone, so no other value of `f` can refute what is said of it. Without `f 0` there is one for each beginning,
//! and with `f (n + 1) = f n + a n` one for each `a`.

use stp_datasets::{Binder, words};

/// What stands before and after the name of another binder within a term.
pub(crate) const OPEN: char = '⟪';
const CLOSE: char = '⟫';

/// A function by recursion on a natural number, its last argument.
#[derive(Clone, Copy)]
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    /// The type of its values.
    pub(crate) range: &'a str,
    /// Whether there is another argument before the number.
    pub(crate) parameter: bool,
}

/// Terms for the function that hypotheses define, by an equation for `n + 1` (or `n + 2`) and its values at 0 (and 1) or,
/// where they do not say, some of `beginnings`; `None` if they do not define it so. `names` are those of all binders.
pub(crate) fn solutions(
    function: Function<'_>,
    hypotheses: &[&str],
    names: &[&str],
    beginnings: &[String],
) -> Option<Vec<String>> {
    let equations: Vec<_> = hypotheses
        .iter()
        .filter_map(|text| Equation::read(&words(text)?, function.name, function.parameter))
        .collect();
    let at = |argument: &Argument| equations.iter().find(|it| it.argument == *argument);
    let step = (1..=2).find_map(|depth| at(&Argument::Later(depth)))?;
    let values_at = |number| match at(&Argument::Number(number)) {
        Some(base) => Some(vec![base.with(function.name, names, &[])?]),
        None => Some(beginnings.to_vec()).filter(|all| !all.is_empty()),
    };
    let firsts = values_at(0)?;
    let Function { range, parameter, .. } = function;
    let (open, variable) = (if parameter { "fun p x" } else { "fun x" }, &step.variable);
    if step.argument == Argument::Later(1) {
        let next = step.with(function.name, names, &[(0, "previous")])?;
        let term = |first: &String| {
            format!(
                "({open} => Nat.rec (motive := fun _ => {range}) ({first}) (fun {variable} previous => {next}) x)"
            )
        };
        return Some(firsts.iter().map(term).collect());
    }
    let seconds = values_at(1)?;
    let next = step.with(function.name, names, &[(0, "pair.1"), (1, "pair.2")])?;
    let term = |first: &String, second: &String| {
        format!(
            "({open} => (Nat.rec (motive := fun _ => {range} × {range}) ({first}, {second}) \
             (fun {variable} pair => (pair.2, {next})) x).1)"
        )
    };
    Some(firsts.iter().flat_map(|first| seconds.iter().map(move |second| term(first, second))).collect())
}

/// The terms chosen for all binders with each other's in place of their names; `None` if they go round in a circle.
pub(crate) fn resolved(terms: &[&str], binders: &[Binder]) -> Option<Vec<String>> {
    let named = |name: &str| binders.iter().rposition(|binder| binder.name.as_deref() == Some(name));
    let resolve = |term: &&str| {
        let mut term = (*term).to_owned();
        for _ in 0..=binders.len() {
            let Some((before, rest)) = term.split_once(OPEN) else { return Some(term) };
            let (name, after) = rest.split_once(CLOSE)?;
            term = format!("{before}({}){after}", terms[named(name)?]);
        }
        None
    };
    terms.iter().map(resolve).collect()
}

/// The number that an equation speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Argument {
    /// `f 0`, `f 1`.
    Number(usize),
    /// `f (n + 1)`, `f (n + 2)`.
    Later(usize),
}

/// `f 0 = value`, `∀ n, f (n + 1) = value`, `∀ m, g m 0 = value` or `∀ m n, g m (n + 1) = value`.
struct Equation {
    parameter: Option<String>,
    /// The number's; empty if it speaks of one number.
    variable: String,
    argument: Argument,
    value: Vec<String>,
}

impl Equation {
    fn read(tokens: &[String], name: &str, parameter: bool) -> Option<Self> {
        let (variables, rest) = bound(tokens)?;
        for number in variables.iter().map(Some).chain([None]) {
            let mut others = variables.iter().filter(|variable| Some(*variable) != number);
            let of = if parameter { others.next() } else { None };
            if parameter != of.is_some() || others.next().is_some() {
                continue;
            }
            let variable = number.map_or("", String::as_str);
            let arguments = match number {
                None => [Argument::Number(0), Argument::Number(1)],
                Some(_) => [Argument::Later(1), Argument::Later(2)],
            };
            for argument in arguments {
                let mut head = application(name, of, variable, &argument);
                head.push("=".to_owned());
                if let Some(value) = rest.strip_prefix(head.as_slice()) {
                    let (parameter, variable, value) = (of.cloned(), variable.to_owned(), value.to_vec());
                    return Some(Self { parameter, variable, argument, value });
                }
            }
        }
        None
    }

    /// The value with names for the earlier values, `p` for the parameter, and marks at the names of other binders; `None` if
    /// another value of the function is left.
    fn with(&self, name: &str, names: &[&str], earlier: &[(usize, &str)]) -> Option<String> {
        let mut written = Vec::new();
        let mut rest = self.value.as_slice();
        while let Some((token, tail)) = rest.split_first() {
            let known = earlier.iter().find_map(|(depth, instead)| {
                let of = application(name, self.parameter.as_ref(), &self.variable, &Argument::Later(*depth));
                Some((*instead, rest.strip_prefix(of.as_slice())?))
            });
            if let Some((instead, tail)) = known {
                written.push(instead.to_owned());
                rest = tail;
                continue;
            }
            rest = tail;
            written.push(if token == name {
                return None;
            } else if Some(token) == self.parameter.as_ref() {
                "p".to_owned()
            } else if *token != self.variable && names.contains(&token.as_str()) {
                format!("{OPEN}{token}{CLOSE}")
            } else {
                token.clone()
            });
        }
        Some(written.join(" "))
    }
}

/// The variables of the universal quantifiers that a hypothesis begins with, and the rest of it.
fn bound(mut tokens: &[String]) -> Option<(Vec<String>, &[String])> {
    let mut variables = Vec::new();
    while let Some(rest) = tokens.strip_prefix(&["∀".to_owned()]) {
        let comma = rest.iter().position(|token| token == ",")?;
        let named = rest[..comma].split(|token| token == ":").next()?;
        variables.extend(named.iter().cloned());
        tokens = &rest[comma + 1..];
    }
    Some((variables, tokens))
}

/// `f n`, `f 0`, `f (n + 1)`, `g m (n + 1)`.
fn application(name: &str, parameter: Option<&String>, variable: &str, argument: &Argument) -> Vec<String> {
    let mut tokens = vec![name.to_owned()];
    tokens.extend(parameter.cloned());
    match argument {
        Argument::Number(number) => tokens.push(number.to_string()),
        Argument::Later(0) => tokens.push(variable.to_owned()),
        Argument::Later(depth) => {
            tokens.extend(["(", variable, "+", &depth.to_string(), ")"].map(String::from));
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(name: &str, range: &str, parameter: bool, hypotheses: &[&str], names: &[&str]) -> Vec<String> {
        let beginnings = ["0".to_owned(), "1".to_owned()];
        solutions(Function { name, range, parameter }, hypotheses, names, &beginnings).unwrap_or_default()
    }

    #[test]
    fn a_recursion_is_written_out() {
        let one = of("f", "Nat", false, &["f 0 = 1", "∀ n, f (n + 1) = 2 * f n + n"], &["f", "n"]);
        assert_eq!(
            one,
            ["(fun x => Nat.rec (motive := fun _ => Nat) (1) (fun n previous => 2 * previous + n) x)"]
        );
        let hypotheses = ["0 < m", "g 1 = -1", "g 0 = 0", "∀ k : Nat, g (k + 2) = g (k + 1) - g k"];
        let two = of("g", "Int", false, &hypotheses, &[]);
        let expected = "(fun x => (Nat.rec (motive := fun _ => Int × Int) (0, - 1) (fun k pair => (pair.2, pair.2 - \
                        pair.1)) x).1)";
        assert_eq!(two, [expected]);
        let with_parameter = ["∀ m, g m 0 = m", "∀ k n, g k (n + 1) = g k n + k"];
        assert_eq!(
            of("g", "Nat", true, &with_parameter, &["g", "m", "n"]),
            ["(fun p x => Nat.rec (motive := fun _ => Nat) (p) (fun n previous => previous + p) x)"]
        );
    }

    #[test]
    fn what_is_left_open_is_tried() {
        let free = of("f", "Nat", false, &["∀ n, f (n + 1) = f n + 2"], &["f"]);
        assert_eq!(free.len(), 2);
        assert!(free[0].contains("(0) (fun n") && free[1].contains("(1) (fun n"), "{free:?}");
        assert_eq!(of("f", "Nat", false, &["f 0 = 1", "∀ n, f (n + 2) = f n"], &[]).len(), 2);
    }

    #[test]
    fn other_binders_are_named_and_then_put_in() {
        let hypotheses = ["s 0 = c", "∀ n, s (n + 1) = s n + a n"];
        let sum = of("s", "Nat", false, &hypotheses, &["s", "a", "c", "n"]);
        assert_eq!(
            sum,
            ["(fun x => Nat.rec (motive := fun _ => Nat) (⟪c⟫) (fun n previous => previous + ⟪a⟫ n) x)"]
        );
        let binders = stp_datasets::binders("(s a : Nat → Nat) (c : Nat) : s 0 = c").unwrap().0;
        let terms = resolved(&[&sum[0], "(fun _ => 1)", "5"], &binders).unwrap();
        assert_eq!(
            terms[0],
            "(fun x => Nat.rec (motive := fun _ => Nat) ((5)) (fun n previous => previous + ((fun _ => 1)) n) x)"
        );
        assert_eq!(terms[1..], ["(fun _ => 1)", "5"]);
        assert_eq!(resolved(&["⟪a⟫", "⟪s⟫", "1"], &binders), None, "each in terms of the other");
    }

    #[test]
    fn a_method_stays_with_its_value() {
        let hypotheses = ["f 0 = some 0", "∀ n, f (n + 1) = (f n).map (· + 1)"];
        let terms = of("f", "Option Nat", false, &hypotheses, &[]);
        assert!(terms[0].contains("( previous ).map ( · + 1 )"), "{terms:?}");
    }

    #[test]
    fn what_is_not_defined_has_no_solution() {
        let none = |hypotheses: &[&str]| {
            assert!(of("f", "Nat", false, hypotheses, &[]).is_empty(), "{hypotheses:?}");
        };
        none(&["f 0 = 1"]);
        none(&["f 0 = 1", "∀ n, f (n + 1) = f (f n)"]);
        none(&["f 0 = f 1", "∀ n, f (n + 1) = f n"]);
        none(&["f 0 = 1", "∀ n, f (n + 1) ≤ f n"]);
        none(&["f 0 = 1", "∀ m n, f (n + 1) = f n"]);
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(texts in proptest::collection::vec("[fn01 ()+=,∀:α≤*⟪⟫]{0,30}", 0..4)) {
            let texts: Vec<_> = texts.iter().map(String::as_str).collect();
            let _ = of("f", "Nat", false, &texts, &["n"]);
            let _ = of("f", "Nat", true, &texts, &["n"]);
            let binders = stp_datasets::binders("(f n : Nat) : f = n").unwrap().0;
            let terms: Vec<_> = texts.iter().copied().chain(["1", "2"]).take(2).collect();
            let _ = resolved(&terms, &binders);
        }
    }
}
