//! One seeded generator per purpose: a run's randomness is a function of its seed and of what it is for,
//! never of the order in which things happen, so a resumed run draws what the unbroken one would have.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// A 64-bit seed for one purpose, for example `["prove", "2", "train", "nat_add", "3"]`.
///
/// FNV-1a over the run's seed and the parts, each closed by a byte that cannot occur in UTF-8.
pub fn seed_for(run_seed: u64, purpose: &[&str]) -> u64 {
    let parts = purpose.iter().flat_map(|part| part.bytes().chain([0xff]));
    run_seed
        .to_le_bytes()
        .into_iter()
        .chain(parts)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A generator for one purpose.
pub fn generator_for(run_seed: u64, purpose: &[&str]) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed_for(run_seed, purpose))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_and_run_seeds_are_told_apart() {
        let seeds = [
            seed_for(0, &["a", "b"]),
            seed_for(0, &["ab"]),
            seed_for(0, &["a", "b", ""]),
            seed_for(1, &["a", "b"]),
            seed_for(0, &["b", "a"]),
        ];
        let distinct: std::collections::HashSet<_> = seeds.iter().collect();
        assert_eq!(distinct.len(), seeds.len());
        assert_eq!(seed_for(7, &["x"]), seed_for(7, &["x"]));
    }
}
