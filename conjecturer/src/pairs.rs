//! Stage-1 examples for the conjecturer, made from a corpus: (lemma, easier theorem with proof) → harder
//! theorem whose proof uses the lemma.

use std::collections::{BTreeMap, HashMap};

use rand::Rng;
use rand::seq::SliceRandom;

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
/// A pair shares a trigger lemma where there is a partner that does, else all topics, else the first topic;
/// the seed is never harder than the target.
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
        let mut options: Vec<Pair> = Vec::new();
        for lemma in &statement.lemmas {
            let partners = easier(proved, &by_lemma[lemma.as_str()], target);
            options.extend(partners.map(|seed| Pair { seed, target, lemma: Some(lemma.clone()) }));
        }
        for group in [&by_topics[statement.topics.as_slice()], &by_first[&statement.topics.first()]] {
            if options.len() < per_statement {
                let partners = easier(proved, group, target);
                options.extend(partners.map(|seed| Pair { seed, target, lemma: None }));
            }
        }
        options.shuffle(generator);
        options.truncate(per_statement);
        pairs.extend(options);
    }
    pairs
}

fn easier<'a>(
    proved: &'a [ProvedStatement],
    group: &'a [usize],
    target: usize,
) -> impl Iterator<Item = usize> + 'a {
    let difficulty = |statement: &ProvedStatement| {
        (std::cmp::Reverse(statement.closed_by), statement.proof.chars().count())
    };
    group
        .iter()
        .copied()
        .filter(move |&seed| seed != target && difficulty(&proved[seed]) <= difficulty(&proved[target]))
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
        let pairs = supervised_pairs(&all, 1, &mut ChaCha8Rng::seed_from_u64(0));
        assert!(pairs.contains(&Pair { seed: 0, target: 1, lemma: Some("L".into()) }));
        let lone = pairs.iter().find(|pair| pair.target == 2).unwrap();
        assert_eq!((lone.seed, &lone.lemma), (0, &None));
        assert!(pairs.iter().all(|pair| pair.target != 3 && pair.target != 0));
    }
}
