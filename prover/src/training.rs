//! Which statements are tried in a round, and which proofs are trained on (paper, section 3 and appendix).

use std::collections::{HashMap, HashSet};

use rand::{Rng, RngExt};

use stp_datasets::Tally;

/// When a statement that was proved already is tried again.
#[derive(Clone, Copy, Debug)]
pub struct Resampling {
    /// Always, if its best pass rate so far is under this (paper: 0.35).
    pub below: f64,
    /// Otherwise with this probability (paper: 5 %).
    pub probability: f64,
}

/// A correct proof of a statement or conjecture.
#[derive(Clone, Debug, PartialEq)]
pub struct CorrectProof {
    /// Id of the statement.
    pub statement: String,
    /// The round in which it was sampled; 0 for proofs that came with the corpus.
    pub round: u32,
    /// The text after `:=`.
    pub proof: String,
    /// Whether the statement is a conjecture.
    pub is_conjecture: bool,
    /// The statement's pass rate over the rounds that are looked at; corpus proofs are no attempts.
    pub pass_rate: Tally,
    /// How long Lean took, in seconds.
    pub seconds: f64,
}

/// A proof to train on.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingProof {
    /// Id of the statement.
    pub statement: String,
    /// The text after `:=`.
    pub proof: String,
    /// What the model wrote before it, where that is learned, too; none before a proof that is not the model's.
    pub thought: Option<String>,
    /// Its weight in the loss.
    pub weight: f32,
}

/// What a round's training set is made of, and how proofs weigh.
#[derive(Clone, Copy, Debug)]
pub struct TrainingLimits {
    /// Rounds whose proofs are used, the last one included (paper: 3).
    pub replay: u32,
    /// Highest pass rate of a statement whose proofs are used (paper: 1/2).
    pub highest_rate: f64,
    /// How proofs weigh.
    pub decay: Decay,
}

/// A proof weighs exp(−`length` · characters − `seconds` · seconds in Lean).
#[derive(Clone, Copy, Debug)]
pub struct Decay {
    /// For each character (paper: 0.001).
    pub length: f64,
    /// For each second (paper's code: 0.01 in rounds, 0 in the final re-training).
    pub seconds: f64,
}

/// The statements to try: those never proved, and some of the proved ones. Keeps the order.
///
/// `best` holds the best pass rate so far of each statement that was tried.
pub fn choose_statements(
    ids: &[String],
    best: &HashMap<String, Tally>,
    resampling: Resampling,
    generator: &mut impl Rng,
) -> Vec<String> {
    let mut chosen = Vec::new();
    for id in ids {
        // Drawn for every statement, so that one more proof does not shift the others' luck.
        let drawn = generator.random::<f64>() < resampling.probability;
        let rate = best.get(id).copied().unwrap_or_default();
        if rate.proved == 0 || rate.rate() < resampling.below || drawn {
            chosen.push(id.clone());
        }
    }
    chosen
}

/// The training set at the end of `round`: distinct proofs of the last rounds whose statement's pass rate is not too
/// high. A proof weighs what [`Decay`] gives it, divided by the number of its statement's proofs in the set.
pub fn training_set(proofs: &[CorrectProof], round: u32, limits: TrainingLimits) -> Vec<TrainingProof> {
    let recent = |proof: &&CorrectProof| proof.round + limits.replay > round && proof.round <= round;
    let hard = |proof: &&CorrectProof| proof.pass_rate.rate() <= limits.highest_rate;
    let chosen = distinct(proofs.iter().filter(recent).filter(hard));
    let mut counts: HashMap<&str, f64> = HashMap::new();
    for proof in &chosen {
        *counts.entry(proof.statement.as_str()).or_default() += 1.0;
    }
    let share = |proof: &CorrectProof| limits.decay.of(proof) / counts[proof.statement.as_str()];
    chosen.iter().map(|proof| weighted(proof, share(proof))).collect()
}

/// The final training set: all distinct correct proofs, of conjectures and goals only those with a pass rate of at most
/// `highest_conjecture_rate`; what a search alone proved has a pass rate of 0. A proof weighs what `decay` gives it. Of a statement with more than `most` proofs, the
/// shortest are taken, of those as long as each other the earliest (0: all).
pub fn retraining_set(
    proofs: &[CorrectProof],
    highest_conjecture_rate: f64,
    decay: Decay,
    most: usize,
) -> Vec<TrainingProof> {
    let wanted =
        |proof: &&CorrectProof| !proof.is_conjecture || proof.pass_rate.rate() <= highest_conjecture_rate;
    let mut chosen = distinct(proofs.iter().filter(wanted));
    if most > 0 {
        keep_shortest(&mut chosen, most);
    }
    chosen.into_iter().map(|proof| weighted(proof, decay.of(proof))).collect()
}

/// Keeps the `most` shortest proofs of each statement, in the order in which they were.
fn keep_shortest(proofs: &mut Vec<&CorrectProof>, most: usize) {
    let mut by_length: Vec<usize> = (0..proofs.len()).collect();
    by_length.sort_by_key(|&at| (proofs[at].proof.chars().count(), at));
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut kept = vec![false; proofs.len()];
    for at in by_length {
        let count = counts.entry(&proofs[at].statement).or_default();
        *count += 1;
        kept[at] = *count <= most;
    }
    let mut kept = kept.into_iter();
    proofs.retain(|_| kept.next().unwrap_or(false));
}

impl Decay {
    fn of(self, proof: &CorrectProof) -> f64 {
        (-self.length * proof.proof.chars().count() as f64 - self.seconds * proof.seconds).exp()
    }
}

fn distinct<'a>(proofs: impl Iterator<Item = &'a CorrectProof>) -> Vec<&'a CorrectProof> {
    let mut seen = HashSet::new();
    proofs.filter(|proof| seen.insert((proof.statement.as_str(), proof.proof.as_str()))).collect()
}

fn weighted(proof: &CorrectProof, weight: f64) -> TrainingProof {
    TrainingProof {
        statement: proof.statement.clone(),
        proof: proof.proof.clone(),
        thought: None,
        weight: weight as f32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    fn proof(statement: &str, round: u32, text: &str, correct: u32, attempts: u32) -> CorrectProof {
        CorrectProof {
            statement: statement.into(),
            round,
            proof: text.into(),
            is_conjecture: statement.starts_with('c'),
            pass_rate: Tally { proved: correct, judged: attempts },
            seconds: 2.0,
        }
    }

    const DECAY: Decay = Decay { length: 0.001, seconds: 0.0 };

    fn limits(replay: u32) -> TrainingLimits {
        TrainingLimits { replay, highest_rate: 0.5, decay: DECAY }
    }

    #[test]
    fn unproved_and_rarely_proved_statements_are_tried() {
        let ids: Vec<String> = ["new", "tried", "rare", "easy"].map(String::from).into();
        let rate = |correct| Tally { proved: correct, judged: 10 };
        let best = HashMap::from([
            ("tried".to_owned(), rate(0)),
            ("rare".to_owned(), rate(3)),
            ("easy".to_owned(), rate(9)),
        ]);
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let never = Resampling { below: 0.35, probability: 0.0 };
        assert_eq!(choose_statements(&ids, &best, never, &mut generator), ["new", "tried", "rare"]);
        let always = Resampling { below: 0.35, probability: 1.0 };
        assert_eq!(choose_statements(&ids, &best, always, &mut generator), ids);
    }

    #[test]
    fn a_round_trains_on_recent_distinct_proofs_of_hard_statements() {
        let proofs = [
            proof("a", 0, "old", 0, 0),
            proof("a", 2, "x", 1, 8),
            proof("a", 2, "x", 1, 8),
            proof("a", 3, "y", 1, 8),
            proof("b", 3, "easy", 7, 8),
            proof("c", 4, "future", 1, 8),
        ];
        let set = training_set(&proofs, 3, limits(2));
        let texts: Vec<_> = set.iter().map(|proof| proof.proof.as_str()).collect();
        assert_eq!(texts, ["x", "y"]);
        assert!((f64::from(set[0].weight) - (-0.001f64).exp() / 2.0).abs() < 1e-6);
        assert_eq!(training_set(&proofs, 2, limits(3)).len(), 2, "corpus proofs count as round 0");
        let slow = TrainingLimits { decay: Decay { seconds: 0.01, ..DECAY }, ..limits(2) };
        let ratio = f64::from(training_set(&proofs, 3, slow)[0].weight / set[0].weight);
        assert!((ratio - (-0.02f64).exp()).abs() < 1e-6);
    }

    #[test]
    fn retraining_takes_all_but_easy_conjectures() {
        let proofs = [
            proof("a", 1, "p", 8, 8),
            proof("c1", 1, "q", 1, 8),
            proof("c2", 1, "r", 4, 8),
            proof("a", 2, "p", 1, 8),
            // A search proved these; the model never did, or was not asked.
            proof("c3", 2, "s", 0, 8),
            proof("c4", 2, "t", 0, 0),
        ];
        let set = retraining_set(&proofs, 0.25, DECAY, 0);
        let kept: Vec<_> = set.iter().map(|proof| proof.statement.as_str()).collect();
        assert_eq!(kept, ["a", "c1", "c3", "c4"]);
    }

    #[test]
    fn retraining_takes_the_shortest_proofs_of_a_statement() {
        let proofs = [
            proof("a", 0, "by long", 0, 0),
            proof("b", 1, "by anything", 1, 8),
            proof("a", 1, "by b", 1, 8),
            proof("a", 2, "by c", 1, 8),
            proof("a", 2, "by longer", 1, 8),
            proof("a", 3, "by b", 1, 8),
        ];
        let texts = |most| {
            let set = retraining_set(&proofs, 0.25, DECAY, most);
            set.into_iter().map(|proof| proof.proof).collect::<Vec<_>>()
        };
        assert_eq!(texts(0).len(), 5, "the same text counts once");
        assert_eq!(texts(2), ["by anything", "by b", "by c"]);
        assert_eq!(texts(3), ["by long", "by anything", "by b", "by c"]);
        assert_eq!(texts(16), texts(0));
    }
}
