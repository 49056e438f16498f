//! Which failed proofs are nearest to a proof: the loop and a search of one statement agree on it.

use std::collections::HashSet;

/// How near a failed proof is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearness {
    /// Errors that Lean found.
    pub errors: usize,
    /// Mean log-probability of its tokens.
    pub likelihood: f64,
    /// Its number; of those that are alike the earlier one comes first.
    pub number: u32,
}

/// The distinct texts with the fewest errors, of these the likeliest first.
pub fn nearest<T>(
    mut failed: Vec<T>,
    most: usize,
    nearness: impl Fn(&T) -> Nearness,
    text: impl Fn(&T) -> &str,
) -> Vec<T> {
    failed.sort_by(|a, b| {
        let (a, b) = (nearness(a), nearness(b));
        a.errors
            .cmp(&b.errors)
            .then_with(|| b.likelihood.total_cmp(&a.likelihood))
            .then_with(|| a.number.cmp(&b.number))
    });
    let mut seen = HashSet::new();
    failed.retain(|it| seen.insert(text(it).to_owned()));
    failed.truncate(most);
    failed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_errors_come_first_and_a_text_comes_once() {
        let failed = [("c", 2, -0.1), ("a", 1, -2.0), ("b", 1, -0.5), ("b", 1, -0.6), ("d", 3, 0.0)];
        let nearness = |it: &(&str, usize, f64)| Nearness { errors: it.1, likelihood: it.2, number: 0 };
        let texts: Vec<_> =
            nearest(failed.to_vec(), 3, nearness, |it| it.0).into_iter().map(|it| it.0).collect();
        assert_eq!(texts, ["b", "a", "c"]);
    }
}
