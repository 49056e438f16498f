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
    let nearness = Nearness::new(signatures.iter().copied());
    let mut pairs = Vec::new();
    for target in 0..signatures.len() {
        let others = (0..signatures.len()).filter(|seed| *seed != target);
        let mut near = nearness.ranked(target, others);
        near.retain(|(overlap, _)| *overlap > 0.0);
        near.truncate(NEIGHBOURS);
        pairs.extend(near.choose(generator).map(|(_, seed)| (*seed, target)));
    }
    pairs
}

/// How much statements read alike: the Jaccard similarity of their sets of words.
pub(crate) struct Nearness {
    words: Vec<BTreeSet<String>>,
}

impl Nearness {
    pub(crate) fn new<'a>(signatures: impl Iterator<Item = &'a str>) -> Self {
        Self { words: signatures.map(|text| words(text).unwrap_or_default().into_iter().collect()).collect() }
    }

    /// The places, those of the nearest to `target` first, each with its similarity to it.
    pub(crate) fn ranked(&self, target: usize, places: impl Iterator<Item = usize>) -> Vec<(f64, usize)> {
        let target = &self.words[target];
        let mut ranked: Vec<_> = places.map(|place| (overlap(target, &self.words[place]), place)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked
    }
}

/// The Jaccard similarity of two sets: what both have, as part of what either has.
fn overlap<T: Ord>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> f64 {
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
