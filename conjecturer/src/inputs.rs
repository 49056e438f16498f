//! What the conjecturer is asked in a round (paper, section 3.2).

use std::collections::{BTreeSet, HashMap};

use rand::seq::{IteratorRandom, SliceRandom};
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
    /// Seeds come with one lemma or none ([`one_for_each_lemma`]) and are asked with it, whatever `no_lemma` is; those whose
    /// lemma has filled its part are left out.
    pub one_seed: bool,
}

impl Default for InputLimits {
    fn default() -> Self {
        Self { no_lemma: 0.5, lemma_share: 0.1, most_samples: 8, one_seed: false }
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
    let most = most.min(order.len());
    if !limits.one_seed {
        order.truncate(most);
    }
    let lemma_limit = ((most as f64 * limits.lemma_share) as usize).max(1);
    let mut used: HashMap<String, usize> = HashMap::new();
    let mut inputs = Vec::new();
    for seed in order {
        let no_lemma = if limits.one_seed { 0.0 } else { limits.no_lemma };
        let lemma = choose_lemma(seed, &used, lemma_limit, no_lemma, generator);
        if limits.one_seed && lemma.is_none() && !seed.lemmas.is_empty() {
            continue;
        }
        if let Some(lemma) = &lemma {
            *used.entry(lemma.clone()).or_default() += 1;
        }
        inputs.push(Input { seed: seed.clone(), lemma, samples: 0 });
        if inputs.len() == most {
            break;
        }
    }
    let (count, most_samples) = (inputs.len(), limits.most_samples.max(1));
    let wanted = match wanted {
        Budget::Texts(texts) => texts,
        Budget::Inputs(_) => count * most_samples,
    };
    for (index, input) in inputs.iter_mut().enumerate() {
        input.samples = (wanted / count + usize::from(index < wanted % count)).min(most_samples);
    }
    inputs
}

/// One seed for each statement and trigger lemma, however many proofs a statement has: for each lemma that they invoke one
/// of the proofs that do, and with probability `no_lemma` (always, if they invoke none) one of all proofs without a lemma.
/// Statements keep the order in which they come.
pub fn one_for_each_lemma(seeds: &[Seed], no_lemma: f64, generator: &mut impl Rng) -> Vec<Seed> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut statements: Vec<Vec<&Seed>> = Vec::new();
    for seed in seeds {
        let place = *places.entry(&seed.statement).or_insert(statements.len());
        if place == statements.len() {
            statements.push(Vec::new());
        }
        statements[place].push(seed);
    }
    let mut chosen = Vec::new();
    for of_statement in statements {
        let lemmas: BTreeSet<&String> = of_statement.iter().flat_map(|seed| &seed.lemmas).collect();
        let mut add = |lemma: Option<&String>, generator: &mut _| {
            let fitting = of_statement.iter().filter(|seed| lemma.is_none_or(|it| seed.lemmas.contains(it)));
            if let Some(seed) = fitting.choose(generator) {
                let lemmas = lemma.into_iter().cloned().collect();
                chosen.push(Seed { lemmas, ..(*seed).clone() });
            }
        };
        let without = generator.random::<f64>() < no_lemma;
        for lemma in &lemmas {
            add(Some(lemma), generator);
        }
        if without || lemmas.is_empty() {
            add(None, generator);
        }
    }
    chosen
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
    fn a_statement_is_a_seed_once_for_each_lemma() {
        let seed = |statement: &str, proof: &str, lemmas: &[&str]| Seed {
            statement: statement.into(),
            proof: proof.into(),
            lemmas: lemmas.iter().map(|lemma| (*lemma).to_owned()).collect(),
        };
        let all = [
            seed("a", "p", &["L", "M"]),
            seed("a", "q", &["L"]),
            seed("b", "r", &[]),
            seed("a", "s", &[]),
            seed("b", "t", &[]),
        ];
        let draw = |no_lemma, seed| {
            let chosen = one_for_each_lemma(&all, no_lemma, &mut ChaCha8Rng::seed_from_u64(seed));
            chosen
                .into_iter()
                .map(|it| (it.statement, it.proof, it.lemmas.first().cloned()))
                .collect::<Vec<_>>()
        };
        let mut proofs_of_l = BTreeSet::new();
        for number in 0..40 {
            let chosen = draw(0.0, number);
            let keys: Vec<_> = chosen.iter().map(|(id, _, lemma)| (id.as_str(), lemma.as_deref())).collect();
            assert_eq!(keys, [("a", Some("L")), ("a", Some("M")), ("b", None)]);
            assert_eq!(chosen[1].1, "p", "the only proof that invokes it");
            proofs_of_l.insert(chosen[0].1.clone());
            assert_eq!(draw(1.0, number).len(), 4, "and once without a lemma");
        }
        assert_eq!(proofs_of_l.into_iter().collect::<Vec<_>>(), ["p", "q"]);
        assert_eq!(draw(0.5, 7), draw(0.5, 7));
    }

    #[test]
    fn one_seed_is_asked_with_its_lemma_as_far_as_its_part_goes() {
        let all: Vec<_> = (0..60)
            .map(|i| Seed {
                statement: format!("s{i}"),
                proof: "by x".into(),
                lemmas: if i < 40 { vec!["common".into()] } else { vec![] },
            })
            .collect();
        let limits = InputLimits { one_seed: true, lemma_share: 0.25, ..InputLimits::default() };
        let plan = |most| plan_inputs(&all, Budget::Inputs(most), limits, &mut ChaCha8Rng::seed_from_u64(1));
        let inputs = plan(20);
        let with = |inputs: &[Input]| inputs.iter().filter(|input| input.lemma.is_some()).count();
        assert_eq!((inputs.len(), with(&inputs)), (20, 5), "others take the place of those left out");
        assert!(inputs.iter().all(|input| input.lemma.is_some() != input.seed.lemmas.is_empty()));
        let inputs = plan(100);
        assert_eq!((inputs.len(), with(&inputs)), (35, 15));
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
