//! Which statements are tried in a round, and which proofs are trained on (paper, section 3 and appendix).

use std::collections::{HashMap, HashSet};

use rand::{Rng, RngExt};

use crate::PassRate;

/// When a statement that was proved already is tried again.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
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
    /// The statement's pass rate in that round; no attempts for corpus proofs.
    pub pass_rate: PassRate,
}

/// A proof to train on.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingProof {
    /// Id of the statement.
    pub statement: String,
    /// The text after `:=`.
    pub proof: String,
    /// Its weight in the loss.
    pub weight: f32,
}

/// The statements to try: those never proved, and some of the proved ones. Keeps the order.
///
/// `best` holds the best pass rate so far of each statement that was tried.
pub fn choose_statements(
    ids: &[String],
    best: &HashMap<String, PassRate>,
    retry: Retry,
    generator: &mut impl Rng,
) -> Vec<String> {
    let mut chosen = Vec::new();
    for id in ids {
        // Drawn for every statement, so that one more proof does not shift the others' luck.
        let drawn = generator.random::<f64>() < retry.probability;
        let rate = best.get(id).copied().unwrap_or_default();
        if rate.correct == 0 || rate.rate() < retry.below || drawn {
            chosen.push(id.clone());
        }
    }
    chosen
}

/// The training set at the end of `round`: distinct proofs of the last `replay` rounds whose statement's pass
/// rate was at most `highest_rate`, weighted by exp(−0.001 · characters) / number of proofs of that statement.
pub fn training_set(
    proofs: &[CorrectProof],
    round: u32,
    replay: u32,
    highest_rate: f64,
) -> Vec<TrainingProof> {
    let recent = |proof: &&CorrectProof| proof.round + replay > round && proof.round <= round;
    let hard = |proof: &&CorrectProof| proof.pass_rate.rate() <= highest_rate;
    let chosen = distinct(proofs.iter().filter(recent).filter(hard));
    let mut counts: HashMap<&str, f64> = HashMap::new();
    for proof in &chosen {
        *counts.entry(proof.statement.as_str()).or_default() += 1.0;
    }
    chosen
        .iter()
        .map(|proof| weighted(proof, length_weight(&proof.proof) / counts[proof.statement.as_str()]))
        .collect()
}

/// The final training set: all distinct correct proofs, of conjectures only those with a pass rate of at most
/// `highest_conjecture_rate`, weighted by exp(−0.001 · characters).
pub fn retraining_set(proofs: &[CorrectProof], highest_conjecture_rate: f64) -> Vec<TrainingProof> {
    let wanted =
        |proof: &&CorrectProof| !proof.is_conjecture || proof.pass_rate.is_barely(highest_conjecture_rate);
    let chosen = distinct(proofs.iter().filter(wanted));
    chosen.into_iter().map(|proof| weighted(proof, length_weight(&proof.proof))).collect()
}

fn distinct<'a>(proofs: impl Iterator<Item = &'a CorrectProof>) -> Vec<&'a CorrectProof> {
    let mut seen = HashSet::new();
    proofs.filter(|proof| seen.insert((proof.statement.as_str(), proof.proof.as_str()))).collect()
}

fn length_weight(proof: &str) -> f64 {
    (-0.001 * proof.chars().count() as f64).exp()
}

fn weighted(proof: &CorrectProof, weight: f64) -> TrainingProof {
    TrainingProof { statement: proof.statement.clone(), proof: proof.proof.clone(), weight: weight as f32 }
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
            pass_rate: PassRate { correct, attempts },
        }
    }

    #[test]
    fn unproved_and_rarely_proved_statements_are_tried() {
        let ids: Vec<String> = ["new", "tried", "rare", "easy"].map(String::from).into();
        let rate = |correct| PassRate { correct, attempts: 10 };
        let best = HashMap::from([
            ("tried".to_owned(), rate(0)),
            ("rare".to_owned(), rate(3)),
            ("easy".to_owned(), rate(9)),
        ]);
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let never = Retry { below: 0.35, probability: 0.0 };
        assert_eq!(choose_statements(&ids, &best, never, &mut generator), ["new", "tried", "rare"]);
        let always = Retry { below: 0.35, probability: 1.0 };
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
        let set = training_set(&proofs, 3, 2, 0.5);
        let texts: Vec<_> = set.iter().map(|proof| proof.proof.as_str()).collect();
        assert_eq!(texts, ["x", "y"]);
        assert!((f64::from(set[0].weight) - (-0.001f64).exp() / 2.0).abs() < 1e-6);
        assert_eq!(training_set(&proofs, 2, 3, 0.5).len(), 2, "corpus proofs count as round 0");
    }

    #[test]
    fn retraining_takes_all_but_easy_conjectures() {
        let proofs = [
            proof("a", 1, "p", 8, 8),
            proof("c1", 1, "q", 1, 8),
            proof("c2", 1, "r", 4, 8),
            proof("a", 2, "p", 1, 8),
        ];
        let set = retraining_set(&proofs, 0.25);
        let kept: Vec<_> = set.iter().map(|proof| proof.statement.as_str()).collect();
        assert_eq!(kept, ["a", "c1"]);
    }
}
