//! Stage-1 examples for the conjecturer, made from a corpus: (lemma, easier theorem with proof) → harder
//! theorem whose proof uses the lemma.

use std::collections::{BTreeMap, HashMap};

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt};

/// A corpus statement with one correct proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedStatement {
    /// Its id.
    pub id: String,
    /// A correct proof.
    pub proof: String,
    /// The proof's trigger lemmas.
    pub lemmas: Vec<String>,
    /// Topic tags.
    pub topics: Vec<String>,
    /// How many of the single tactics close it: the fewer, the harder.
    pub closed_by: usize,
}

/// One example, by index into the proved statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The easier theorem.
    pub seed: usize,
    /// The harder one, which is to be conjectured.
    pub target: usize,
    /// The lemma that the harder one's proof uses, if the pair has one.
    pub lemma: Option<String>,
}

/// At most `per_statement` pairs for each statement as target.
///
/// About half of the pairs share a trigger lemma, the others all topics or else the first one, as far as
/// there are partners; the seed is never harder than the target.
pub fn supervised_pairs(
    proved: &[ProvedStatement],
    per_statement: usize,
    generator: &mut impl Rng,
) -> Vec<Pair> {
    let mut by_lemma: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut by_topics: HashMap<&[String], Vec<usize>> = HashMap::new();
    let mut by_first: HashMap<Option<&String>, Vec<usize>> = HashMap::new();
    for (index, statement) in proved.iter().enumerate() {
        for lemma in &statement.lemmas {
            by_lemma.entry(lemma).or_default().push(index);
        }
        by_topics.entry(&statement.topics).or_default().push(index);
        by_first.entry(statement.topics.first()).or_default().push(index);
    }
    let mut pairs = Vec::new();
    for (target, statement) in proved.iter().enumerate() {
        let by_topics = [&by_topics[statement.topics.as_slice()], &by_first[&statement.topics.first()]];
        let mut seeds_without: Vec<_> = by_topics
            .iter()
            .map(|group| easier(proved, group, target))
            .find(|seeds| !seeds.is_empty())
            .unwrap_or_default();
        seeds_without.shuffle(generator);
        let mut lemmas = statement.lemmas.clone();
        lemmas.shuffle(generator);
        let with_lemma: Vec<_> = lemmas
            .into_iter()
            .filter_map(|lemma| {
                let seed = easier(proved, &by_lemma[lemma.as_str()], target).choose(generator).copied()?;
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
fn easier(proved: &[ProvedStatement], group: &[usize], target: usize) -> Vec<usize> {
    let difficulty = |statement: &ProvedStatement| {
        (std::cmp::Reverse(statement.closed_by), statement.proof.chars().count())
    };
    let easier = |seed: &usize| *seed != target && difficulty(&proved[*seed]) <= difficulty(&proved[target]);
    group.iter().copied().filter(easier).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    fn proved(id: &str, lemmas: &[&str], topic: &str, closed_by: usize) -> ProvedStatement {
        ProvedStatement {
            id: id.into(),
            proof: "by x".into(),
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
        let draw = |seed| supervised_pairs(&all, 1, &mut ChaCha8Rng::seed_from_u64(seed));
        let pairs: Vec<_> = (0..40).flat_map(draw).collect();
        assert!(pairs.contains(&Pair { seed: 0, target: 1, lemma: Some("L".into()) }));
        assert!(pairs.iter().any(|pair| pair.target == 1 && pair.lemma.is_none()));
        let lone = pairs.iter().find(|pair| pair.target == 2).unwrap();
        assert_eq!((lone.seed, &lone.lemma), (0, &None));
        assert!(pairs.iter().all(|pair| pair.target != 3 && pair.target != 0));
    }
}
