//! What the conjecturer is asked in a round (paper, section 3.2).

use std::collections::HashMap;

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

/// A given statement with a correct proof of it, or one that nobody has proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Id of the statement.
    pub statement: String,
    /// A correct proof; empty for an unproved statement.
    pub proof: String,
    /// Its trigger lemmas.
    pub lemmas: Vec<String>,
}

/// One question to the conjecturer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The seed.
    pub seed: Seed,
    /// The trigger lemma, or none.
    pub lemma: Option<String>,
    /// How many conjectures are asked for.
    pub samples: usize,
}

/// Limits on the inputs of a round.
#[derive(Clone, Copy, Debug)]
pub struct InputLimits {
    /// Probability of asking without a lemma although there is one (paper: 1/2).
    pub no_lemma: f64,
    /// Largest part of the inputs that one lemma may fill (paper: 10 %).
    pub lemma_share: f64,
    /// Most samples of one input (paper: 8).
    pub most_samples: usize,
}

impl Default for InputLimits {
    fn default() -> Self {
        Self { no_lemma: 0.5, lemma_share: 0.1, most_samples: 8 }
    }
}

/// How many texts are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// So many in all.
    Texts(usize),
    /// As many of each input as its limit allows, of at most so many inputs: who fills a quota of conjectures stops
    /// when it is full.
    Inputs(usize),
}

/// The inputs of a round: seeds in a random order, each with one of its trigger lemmas or none, each asked equally
/// often, 1 to `most_samples` times.
pub fn plan_inputs(
    seeds: &[Seed],
    wanted: Budget,
    limits: InputLimits,
    generator: &mut impl Rng,
) -> Vec<Input> {
    let (Budget::Texts(most) | Budget::Inputs(most)) = wanted;
    if seeds.is_empty() || most == 0 {
        return Vec::new();
    }
    let mut order: Vec<_> = seeds.iter().collect();
    order.shuffle(generator);
    order.truncate(most);
    let count = order.len();
    let most_samples = limits.most_samples.max(1);
    let wanted = match wanted {
        Budget::Texts(texts) => texts,
        Budget::Inputs(_) => count * most_samples,
    };
    let lemma_limit = ((count as f64 * limits.lemma_share) as usize).max(1);
    let mut used: HashMap<String, usize> = HashMap::new();
    let mut inputs = Vec::new();
    for (index, seed) in order.into_iter().enumerate() {
        let samples = (wanted / count + usize::from(index < wanted % count)).min(most_samples);
        let lemma = choose_lemma(seed, &used, lemma_limit, limits.no_lemma, generator);
        if let Some(lemma) = &lemma {
            *used.entry(lemma.clone()).or_default() += 1;
        }
        inputs.push(Input { seed: seed.clone(), lemma, samples });
    }
    inputs
}

/// At most `most` seeds, of which a part of `share` is unproved statements as far as there are any.
pub fn mixed_seeds(
    mut proved: Vec<Seed>,
    mut unproved: Vec<Seed>,
    share: f64,
    most: usize,
    generator: &mut impl Rng,
) -> Vec<Seed> {
    proved.shuffle(generator);
    unproved.shuffle(generator);
    unproved.truncate((most as f64 * share) as usize);
    proved.truncate(most - unproved.len());
    proved.extend(unproved);
    proved
}

fn choose_lemma(
    seed: &Seed,
    used: &HashMap<String, usize>,
    limit: usize,
    no_lemma: f64,
    generator: &mut impl Rng,
) -> Option<String> {
    let without = generator.random::<f64>() < no_lemma;
    let free: Vec<_> =
        seed.lemmas.iter().filter(|lemma| used.get(*lemma).copied().unwrap_or(0) < limit).collect();
    if without || free.is_empty() {
        return None;
    }
    Some(free[generator.random_range(0..free.len())].clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    fn seeds(count: usize) -> Vec<Seed> {
        (0..count)
            .map(|i| Seed {
                statement: format!("s{i}"),
                proof: "by x".into(),
                lemmas: vec!["common".into(), format!("own{i}")],
            })
            .collect()
    }

    proptest! {
        #[test]
        fn limits_are_kept(count in 0usize..80, wanted in 0usize..400, seed in 0u64..99) {
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            let limits = InputLimits::default();
            let inputs = plan_inputs(&seeds(count), Budget::Texts(wanted), limits, &mut generator);
            let asked: usize = inputs.iter().map(|input| input.samples).sum();
            prop_assert_eq!(asked, if count == 0 { 0 } else { wanted.min(count * limits.most_samples) });
            let common = inputs.iter().filter(|input| input.lemma.as_deref() == Some("common")).count();
            prop_assert!(common <= (inputs.len() / 10).max(1));
        }

        #[test]
        fn a_quota_asks_all_inputs_as_often_as_they_may_be(count in 0usize..80, most in 0usize..90) {
            let mut generator = ChaCha8Rng::seed_from_u64(1);
            let limits = InputLimits::default();
            let inputs = plan_inputs(&seeds(count), Budget::Inputs(most), limits, &mut generator);
            prop_assert_eq!(inputs.len(), count.min(most));
            prop_assert!(inputs.iter().all(|input| input.samples == limits.most_samples));
        }
    }

    #[test]
    fn a_share_of_the_seeds_is_unproved() {
        let unproved: Vec<_> = (0..30)
            .map(|i| Seed { statement: format!("open{i}"), proof: String::new(), lemmas: vec![] })
            .collect();
        let mix = |proved, share, most| {
            let mut generator = ChaCha8Rng::seed_from_u64(1);
            mixed_seeds(seeds(proved), unproved.clone(), share, most, &mut generator)
        };
        let open = |seeds: &[Seed]| seeds.iter().filter(|seed| seed.proof.is_empty()).count();
        let (half, few, none) = (mix(80, 0.5, 40), mix(80, 0.5, 80), mix(80, 0.0, 40));
        assert_eq!((half.len(), open(&half)), (40, 20));
        assert_eq!((few.len(), open(&few)), (80, 30), "no more than there are");
        assert_eq!((none.len(), open(&none)), (40, 0));
    }

    #[test]
    fn about_half_of_the_inputs_have_no_lemma_and_the_seed_decides_all() {
        let plan = |seed| {
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            plan_inputs(&seeds(400), Budget::Texts(400), InputLimits::default(), &mut generator)
        };
        let without = plan(3).iter().filter(|input| input.lemma.is_none()).count();
        assert!((150..250).contains(&without), "{without}");
        assert_eq!(plan(3), plan(3));
        assert_ne!(plan(3), plan(4));
    }
}
