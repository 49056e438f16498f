//! Stage-1 examples for conjecturing near a statement that nobody has proved: from each statement to one that reads much
//! like it.

use std::collections::BTreeSet;

use rand::Rng;
use rand::seq::IndexedRandom;
use stp_datasets::words;

/// Of how many neighbours a statement's partner is drawn.
pub(crate) const NEIGHBOURS: usize = 4;

/// For each signature as target the place of a seed: one of its nearest neighbours, by the words they share. None
/// where no other shares a word.
///
/// Every signature is compared with every other, which takes about a second for 3,000.
pub fn variant_pairs(signatures: &[&str], generator: &mut impl Rng) -> Vec<(usize, usize)> {
    let bags: Vec<BTreeSet<_>> =
        signatures.iter().map(|text| words(text).unwrap_or_default().into_iter().collect()).collect();
    let mut pairs = Vec::new();
    for (target, bag) in bags.iter().enumerate() {
        let mut near: Vec<_> = bags
            .iter()
            .enumerate()
            .filter(|(seed, _)| *seed != target)
            .map(|(seed, other)| (overlap(bag, other), seed))
            .filter(|(overlap, _)| *overlap > 0.0)
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        near.truncate(NEIGHBOURS);
        pairs.extend(near.choose(generator).map(|(_, seed)| (*seed, target)));
    }
    pairs
}

/// The part of all words of two bags that both have.
pub(crate) fn overlap<T: Ord>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> f64 {
    let common = a.intersection(b).count();
    common as f64 / (a.len() + b.len() - common).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn partners_read_alike() {
        let near: Vec<_> = (0..5).map(|n| format!("(n : Nat) : n * n % {n} ≠ 2")).collect();
        let far: Vec<_> = (0..5).map(|n| format!("(p q : Prop) (h : p ∨ q) : q ∨ p ∨ x{n}")).collect();
        let all: Vec<_> = near.iter().chain(&far).map(String::as_str).collect();
        let pairs = variant_pairs(&all, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(pairs.len(), all.len());
        for (seed, target) in pairs {
            assert_ne!(seed, target);
            assert_eq!(seed < near.len(), target < near.len(), "{} → {}", all[seed], all[target]);
        }
        assert!(variant_pairs(&["a"], &mut ChaCha8Rng::seed_from_u64(1)).is_empty());
    }
}
