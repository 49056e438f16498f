//! The unbiased estimate of pass@k.

/// The chance that at least one of `k` attempts is correct, estimated without bias from `n ≥ k` attempts of
/// which `c` were correct: 1 − C(n−c, k) / C(n, k), as a product that neither overflows nor cancels.
pub fn pass_at_k(n: u32, c: u32, k: u32) -> f64 {
    if c == 0 {
        return 0.0;
    }
    if n.saturating_sub(c) < k {
        return 1.0;
    }
    let miss: f64 = (n - c + 1..=n).map(|i| 1.0 - f64::from(k) / f64::from(i)).product();
    1.0 - miss
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All subsets of size k, counted.
    fn brute_force(n: u32, c: u32, k: u32) -> f64 {
        let subsets: Vec<u32> = (0u32..1 << n).filter(|set| set.count_ones() == k).collect();
        let correct = (1u32 << c) - 1;
        let hit = subsets.iter().filter(|set| *set & correct != 0).count();
        hit as f64 / subsets.len() as f64
    }

    proptest! {
        #[test]
        fn agrees_with_counting(n in 1u32..11, c in 0u32..11, k in 1u32..11) {
            prop_assume!(c <= n && k <= n);
            prop_assert!((pass_at_k(n, c, k) - brute_force(n, c, k)).abs() < 1e-12);
        }

        #[test]
        fn stays_a_probability_for_large_counts(n in 1u32..5000, c in 0u32..5000, k in 1u32..5000) {
            prop_assume!(c <= n && k <= n);
            prop_assert!((0.0..=1.0).contains(&pass_at_k(n, c, k)));
        }
    }
}
