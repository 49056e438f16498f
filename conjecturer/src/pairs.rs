//! Stage-1 examples for the conjecturer, made from a corpus: (lemma, easier theorem with proof) → harder
//! theorem whose proof uses the lemma.

use std::collections::{BTreeMap, HashMap};

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt};

use crate::variants::{NEIGHBOURS, Nearness};

/// A corpus statement, with a correct proof if stage 1 is shown one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenStatement {
    /// Its id.
    pub id: String,
    /// Binders and type.
    pub signature: String,
    /// A correct proof; a statement without one is a target only.
    pub proof: Option<String>,
    /// The proof's trigger lemmas.
    pub lemmas: Vec<String>,
    /// Topic tags.
    pub topics: Vec<String>,
    /// How many of the single tactics close it: the fewer, the harder.
    pub closed_by: usize,
}

/// One example, by index into the given statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The easier theorem.
    pub seed: usize,
    /// The harder one, which is to be conjectured.
    pub target: usize,
    /// The lemma that the harder one's proof uses, if the pair has one.
    pub lemma: Option<String>,
}

/// Which of the possible seeds a target is paired with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// Any.
    Any,
    /// One of the nearest, by the words that they share: what is learned is to change a statement, not to write another.
    Near,
}

/// At most `per_statement` pairs for each statement as target.
///
/// About half of the pairs share a trigger lemma, the others all topics or else the first one, as far as
/// there are partners; the seed is never harder than the target. A target without a proof counts as harder than all that
/// have one.
pub fn supervised_pairs(
    given: &[GivenStatement],
    per_statement: usize,
    partners: Pairing,
    generator: &mut impl Rng,
) -> Vec<Pair> {
    let nearness = match partners {
        Pairing::Any => None,
        Pairing::Near => Some(Nearness::new(given.iter().map(|statement| statement.signature.as_str()))),
    };
    // Possible seeds in the order in which they are taken, and how many of the first are as good as one another.
    let ordered = |seeds: Vec<usize>, target: usize| match &nearness {
        None => (seeds.len(), seeds),
        Some(nearness) => {
            let ranked = nearness.ranked(target, seeds.into_iter());
            (NEIGHBOURS.min(ranked.len()), ranked.into_iter().map(|(_, seed)| seed).collect())
        }
    };
    let mut by_lemma: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut by_topics: HashMap<&[String], Vec<usize>> = HashMap::new();
    let mut by_first: HashMap<Option<&String>, Vec<usize>> = HashMap::new();
    for (index, statement) in given.iter().enumerate() {
        for lemma in &statement.lemmas {
            by_lemma.entry(lemma).or_default().push(index);
        }
        by_topics.entry(&statement.topics).or_default().push(index);
        by_first.entry(statement.topics.first()).or_default().push(index);
    }
    let mut pairs = Vec::new();
    for (target, statement) in given.iter().enumerate() {
        let by_topics = [&by_topics[statement.topics.as_slice()], &by_first[&statement.topics.first()]];
        let mut seeds_without: Vec<usize> = Vec::new();
        for group in by_topics {
            let mut more = easier(given, group, target);
            more.retain(|seed| !seeds_without.contains(seed));
            let (alike, mut more) = ordered(more, target);
            more[..alike].shuffle(generator);
            seeds_without.extend(more);
        }
        let mut lemmas = statement.lemmas.clone();
        lemmas.shuffle(generator);
        let with_lemma: Vec<_> = lemmas
            .into_iter()
            .filter_map(|lemma| {
                let (alike, seeds) = ordered(easier(given, &by_lemma[lemma.as_str()], target), target);
                let seed = *seeds[..alike].choose(generator)?;
                Some(Pair { seed, target, lemma: Some(lemma) })
            })
            .take(per_statement)
            .collect();
        let mut with_lemma = with_lemma.into_iter();
        let mut without = seeds_without.into_iter().map(|seed| Pair { seed, target, lemma: None });
        for _ in 0..per_statement {
            // In the rounds about half of the inputs come without a lemma.
            let next = if generator.random::<bool>() {
                without.next().or_else(|| with_lemma.next())
            } else {
                with_lemma.next().or_else(|| without.next())
            };
            pairs.extend(next);
        }
    }
    pairs
}

/// Members of a group that may be the seed of `target`.
fn easier(given: &[GivenStatement], group: &[usize], target: usize) -> Vec<usize> {
    let difficulty = |statement: &GivenStatement| {
        let length = statement.proof.as_ref().map(|proof| proof.chars().count());
        (length.is_none(), std::cmp::Reverse(statement.closed_by), length)
    };
    let easier = |seed: &usize| {
        let (seed, target) = (&given[*seed], &given[target]);
        seed.proof.is_some() && seed.id != target.id && difficulty(seed) <= difficulty(target)
    };
    group.iter().copied().filter(easier).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    fn proved(id: &str, lemmas: &[&str], topic: &str, closed_by: usize) -> GivenStatement {
        GivenStatement {
            id: id.into(),
            signature: String::new(),
            proof: Some("by x".into()),
            lemmas: lemmas.iter().map(|lemma| (*lemma).to_owned()).collect(),
            topics: vec![topic.into()],
            closed_by,
        }
    }

    #[test]
    fn the_seed_is_easier_and_shares_lemma_or_topic() {
        let all = [
            proved("easy", &["L"], "nat", 5),
            proved("hard", &["L"], "nat", 0),
            proved("lone", &["M"], "nat", 2),
            proved("else", &[], "list", 3),
        ];
        // Whether a pair has a lemma is drawn, so many draws are looked at.
        let draw = |seed| supervised_pairs(&all, 1, Pairing::Any, &mut ChaCha8Rng::seed_from_u64(seed));
        let pairs: Vec<_> = (0..40).flat_map(draw).collect();
        assert!(pairs.contains(&Pair { seed: 0, target: 1, lemma: Some("L".into()) }));
        assert!(pairs.iter().any(|pair| pair.target == 1 && pair.lemma.is_none()));
        let lone = pairs.iter().find(|pair| pair.target == 2).unwrap();
        assert_eq!((lone.seed, &lone.lemma), (0, &None));
        assert!(pairs.iter().all(|pair| pair.target != 3 && pair.target != 0));
    }

    #[test]
    fn what_has_no_proof_is_a_target_only() {
        let unproved = GivenStatement { proof: None, ..proved("open", &[], "nat", 6) };
        let all = [proved("easy", &[], "nat", 5), unproved, proved("hard", &[], "nat", 0)];
        let pairs = supervised_pairs(&all, 2, Pairing::Any, &mut ChaCha8Rng::seed_from_u64(1));
        assert!(pairs.iter().all(|pair| pair.seed != 1));
        let mut seeds: Vec<_> = pairs.iter().filter(|pair| pair.target == 1).map(|pair| pair.seed).collect();
        seeds.sort_unstable();
        assert_eq!(seeds, [0, 2], "each partner once, however many tactics close the target");
    }

    #[test]
    fn near_partners_read_alike() {
        let near = (0..5).map(|n| format!("(n : Nat) : n * {n} = 0"));
        let far = (5..12).map(|n| format!("(p : Prop) : p ∨ x{n}"));
        let texts: Vec<_> = near.chain(far).collect();
        let all: Vec<_> = texts
            .iter()
            .map(|text| GivenStatement { signature: text.clone(), ..proved(text, &["L"], "any", 0) })
            .collect();
        let pairs = supervised_pairs(&all, 2, Pairing::Near, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(pairs.len(), 24);
        for Pair { seed, target, .. } in pairs {
            assert_eq!(seed < 5, target < 5, "{} → {}", texts[seed], texts[target]);
        }
    }
}
