//! Functions that hypotheses define by recursion, written out as terms: `f 0 = 1` and `∀ n, f (n + 1) = 2 * f n` hold of
//! one `f` alone, so no other value of `f` can refute what is said of it.

use stp_datasets::words;

/// The function on natural numbers with values in `range` that the hypotheses define, as a term; `None` if they do not
/// define it by its values at 0 (and 1) and an equation for `n + 1` (or `n + 2`).
pub(crate) fn solution(name: &str, range: &str, hypotheses: &[&str]) -> Option<String> {
    let hypotheses: Vec<_> = hypotheses.iter().filter_map(|text| words(text)).collect();
    let base = |at: &str| hypotheses.iter().find_map(|tokens| value_at(tokens, name, at));
    let step = hypotheses.iter().find_map(|tokens| Step::read(tokens, name))?;
    let first = base("0")?;
    let variable = &step.variable;
    Some(if step.depth == 1 {
        let next = step.with(name, &[(0, "previous")])?;
        format!(
            "(fun x => Nat.rec (motive := fun _ => {range}) ({first}) (fun {variable} previous => {next}) x)"
        )
    } else {
        let (second, next) = (base("1")?, step.with(name, &[(0, "pair.1"), (1, "pair.2")])?);
        format!(
            "(fun x => (Nat.rec (motive := fun _ => {range} × {range}) ({first}, {second}) \
             (fun {variable} pair => (pair.2, {next})) x).1)"
        )
    })
}

/// `∀ n, f (n + depth) = value`.
struct Step {
    variable: String,
    depth: usize,
    value: Vec<String>,
}

impl Step {
    fn read(tokens: &[String], name: &str) -> Option<Self> {
        let rest = tokens.strip_prefix(&["∀".to_owned()])?;
        let (variable, rest) = rest.split_first()?;
        let typed = [":", "Nat", ","].map(String::from);
        let rest = rest.strip_prefix(&typed).or_else(|| rest.strip_prefix(&[",".to_owned()]))?;
        (1..=2).find_map(|depth| {
            let mut head = argument(name, variable, depth);
            head.push("=".to_owned());
            let value = rest.strip_prefix(head.as_slice())?.to_vec();
            Some(Self { variable: variable.clone(), depth, value })
        })
    }

    /// The value with names for the earlier values; `None` if another value of the function is left.
    fn with(&self, name: &str, earlier: &[(usize, &str)]) -> Option<String> {
        let mut written = Vec::new();
        let mut rest = self.value.as_slice();
        while let Some((token, tail)) = rest.split_first() {
            let known = earlier.iter().find_map(|(depth, instead)| {
                let tail = rest.strip_prefix(argument(name, &self.variable, *depth).as_slice())?;
                Some((*instead, tail))
            });
            if let Some((instead, tail)) = known {
                written.push(instead);
                rest = tail;
            } else if token == name {
                return None;
            } else {
                written.push(token);
                rest = tail;
            }
        }
        Some(written.join(" "))
    }
}

/// `f n`, or `f (n + depth)`.
fn argument(name: &str, variable: &str, depth: usize) -> Vec<String> {
    let depth_text = depth.to_string();
    let tokens: &[&str] = match depth {
        0 => &[name, variable],
        _ => &[name, "(", variable, "+", &depth_text, ")"],
    };
    tokens.iter().map(|token| (*token).to_owned()).collect()
}

/// The right side of `f at = …`, if `f` does not stand in it.
fn value_at(tokens: &[String], name: &str, at: &str) -> Option<String> {
    let value = tokens.strip_prefix(&[name, at, "="].map(String::from))?;
    (!value.iter().any(|token| token == name)).then(|| value.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_recursion_is_written_out() {
        let one = solution("f", "Nat", &["f 0 = 1", "∀ n, f (n + 1) = 2 * f n + n"]).unwrap();
        assert_eq!(
            one,
            "(fun x => Nat.rec (motive := fun _ => Nat) (1) (fun n previous => 2 * previous + n) x)"
        );
        let two =
            solution("g", "Int", &["0 < m", "g 1 = -1", "g 0 = 0", "∀ k : Nat, g (k + 2) = g (k + 1) - g k"]);
        let expected = "(fun x => (Nat.rec (motive := fun _ => Int × Int) (0, - 1) (fun k pair => (pair.2, pair.2 - \
                        pair.1)) x).1)";
        assert_eq!(two.unwrap(), expected);
    }

    #[test]
    fn a_method_stays_with_its_value() {
        let term =
            solution("f", "Option Nat", &["f 0 = some 0", "∀ n, f (n + 1) = (f n).map (· + 1)"]).unwrap();
        assert!(term.contains("( previous ).map ( · + 1 )"), "{term}");
    }

    #[test]
    fn what_is_not_defined_has_no_solution() {
        let none = |hypotheses: &[&str]| assert_eq!(solution("f", "Nat", hypotheses), None, "{hypotheses:?}");
        none(&["f 0 = 1"]);
        none(&["∀ n, f (n + 1) = f n"]);
        none(&["f 0 = 1", "∀ n, f (n + 2) = f n"]);
        none(&["f 0 = 1", "∀ n, f (n + 1) = f (f n)"]);
        none(&["f 0 = f 1", "∀ n, f (n + 1) = f n"]);
        none(&["f 0 = 1", "∀ n, f (n + 1) ≤ f n"]);
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(texts in proptest::collection::vec("[fn01 ()+=,∀:α≤*]{0,30}", 0..4)) {
            let texts: Vec<_> = texts.iter().map(String::as_str).collect();
            let _ = solution("f", "Nat", &texts);
        }
    }
}
