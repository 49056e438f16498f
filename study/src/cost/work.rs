//! How much a run samples, judges and trains on.

use stp_datasets::Corpus;
use stp_selfplay::config::{ConjectureSource, RunConfig};
use stp_selfplay::context::statements::{choose, stage1_proofs};
use stp_selfplay::steps::train::library;

/// How much data there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data {
    /// Given training statements.
    pub statements: usize,
    /// Corpus proofs that stage 1 trains on.
    pub proofs: usize,
    /// Validation statements.
    pub valid: usize,
    /// Examples to pretrain on.
    pub library: usize,
}

impl Data {
    /// What a run with these settings takes of a corpus.
    pub fn of(config: &RunConfig, corpus: &Corpus) -> Self {
        let (train, valid) = choose(corpus, config);
        let proofs = stage1_proofs(corpus, &train, config).iter().map(|(_, proofs)| proofs.len()).sum();
        // What cannot be read stops the run itself before it begins.
        let entries = library::entries(config, corpus).unwrap_or_default();
        let library = library::count(config, &entries);
        Self { statements: train.len(), proofs, valid: valid.len(), library }
    }
}

/// What cannot be known before: measured on a run of `tiny` before it searched (seed 2), unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assumptions {
    /// Mean length of a text, as part of the longest that is allowed.
    pub length_share: f64,
    /// Part of the sampled proofs that Lean is asked about: the others repeat one, do not end, or fail at the text gate.
    pub judged_share: f64,
    /// Part of the sampled proofs that a round's training takes: correct, new, and of a statement with pass rate ≤ 1/2.
    pub trained_share: f64,
    /// Checks of a search, of goals by automation and of wholes, as part of the sampled proofs (`experiments/subgoals`).
    pub search_share: f64,
    /// Failed proofs that a search asks sketches of, as part of the sampled proofs (the same).
    pub sketched_share: f64,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            length_share: 0.28,
            judged_share: 0.6,
            trained_share: 0.06,
            search_share: 0.25,
            sketched_share: 0.19,
        }
    }
}

/// Amounts of work of a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Proofs sampled in the rounds: the verified samples that methods are compared at.
    pub proofs: u64,
    /// Proofs of validation statements.
    pub valid_proofs: u64,
    /// Generated conjectures.
    pub conjectures: u64,
    /// Tokens to sample.
    pub sampled_tokens: u64,
    /// Tokens to train on, each as often as it is seen.
    pub trained_tokens: u64,
    /// Proofs and statements that Lean is asked about.
    pub checks: u64,
    /// Failed proofs that Lean is asked for the open goals of.
    pub sketches: u64,
}

/// The work of a run with these settings.
pub fn work(config: &RunConfig, data: Data, assumptions: Assumptions) -> Work {
    let rounds = u64::from(config.rounds);
    let proofs: u64 = (1..=config.rounds).map(|round| config.proving.proofs_in(round) as u64).sum();
    let models = 1 + rounds + u64::from(config.method.trains());
    let valid_proofs = models * data.valid as u64 * u64::from(config.proving.valid_samples);
    let conjectures = if config.conjectures_from(ConjectureSource::Model) {
        rounds * generated(config, data) as u64
    } else {
        0
    };
    let mean = |longest: usize| assumptions.length_share * longest as f64;
    let sampled_tokens = (proofs + valid_proofs) as f64 * mean(config.sampling.max_proof_tokens)
        + conjectures as f64 * mean(config.sampling.max_conjecture_tokens);
    let trained_tokens = trained_sequences(config, data, assumptions) * mean(config.model.max_seq);
    let searched = |share: f64| if config.search.enabled { share * proofs as f64 } else { 0.0 };
    let judged = assumptions.judged_share * (proofs + valid_proofs + conjectures) as f64
        + searched(assumptions.search_share);
    Work {
        proofs,
        valid_proofs,
        conjectures,
        sampled_tokens: sampled_tokens as u64,
        trained_tokens: trained_tokens as u64,
        checks: judged as u64 + (data.statements + data.proofs + data.valid) as u64,
        sketches: searched(assumptions.sketched_share) as u64,
    }
}

impl Work {
    /// With so many more proofs of held-out statements.
    pub fn with_samples(self, config: &RunConfig, proofs: u64, assumptions: Assumptions) -> Self {
        let tokens = proofs as f64 * assumptions.length_share * config.sampling.max_proof_tokens as f64;
        Self {
            valid_proofs: self.valid_proofs + proofs,
            sampled_tokens: self.sampled_tokens + tokens as u64,
            checks: self.checks + (assumptions.judged_share * proofs as f64) as u64,
            ..self
        }
    }
}

/// Texts that the conjecturer writes for each conjecture that is accepted, where false ones are dropped: 10 to 14 in runs
/// of `tiny`, whose model is trained from scratch.
const TEXTS_SCREENED: usize = 14;
/// The same where false ones are kept.
const TEXTS: usize = 2;

/// Texts that the conjecturer writes in a round.
fn generated(config: &RunConfig, data: Data) -> usize {
    let quota = if config.conjecturing.quota == 0 { data.statements } else { config.conjecturing.quota };
    if config.conjecturing.generated_per_round == 0 {
        let each = if config.conjecturing.drop_refuted { TEXTS_SCREENED } else { TEXTS };
        quota * each.min(config.conjecturing.most_samples)
    } else {
        config.conjecturing.generated_per_round
    }
}

/// Sequences of all trainings, each as often as it is seen.
fn trained_sequences(config: &RunConfig, data: Data, assumptions: Assumptions) -> f64 {
    let conjecturing = &config.conjecturing;
    let targets = if conjecturing.stage1_given { data.statements } else { data.proofs.min(data.statements) };
    let pairs = if config.stage1_conjectures() { conjecturing.stage1_pairs_per_statement } else { 0 };
    let shown = data.proofs + targets * pairs;
    let mut sum = (config.stage1.epochs * shown + config.pretraining.epochs * data.library) as f64;
    if !config.method.trains() {
        return sum;
    }
    let found = assumptions.trained_share * config.proving.proofs_per_round as f64;
    let pairs = if config.conjectures_from(ConjectureSource::Model) {
        conjecturing.replayed_pairs as f64
    } else {
        0.0
    };
    let corpus = data.proofs as f64;
    let again = |round: u32| config.retraining.epochs as f64 * (corpus + f64::from(round) * found);
    for round in 1..=config.rounds {
        let replayed = round.min(config.proving.replay_rounds);
        // Corpus proofs count as round 0.
        let given = if round < config.proving.replay_rounds { corpus } else { 0.0 };
        let usual = config.round.epochs as f64 * (f64::from(replayed) * found + given);
        let (epochs, shown) = if config.proving.is_retraining(round) {
            (config.retraining.epochs, again(round))
        } else {
            (config.round.epochs, usual)
        };
        sum += shown + epochs as f64 * pairs;
    }
    sum + again(config.rounds)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use stp_selfplay::config::Method;

    /// The settings of the run that was measured: those of `tiny` before it searched.
    pub(in super::super) fn measured() -> RunConfig {
        let mut config = RunConfig::load("tiny", None).unwrap();
        (config.rounds, config.max_supervised, config.stage1.epochs) = (3, 0, 8);
        config.search.enabled = false;
        let conjecturing = &mut config.conjecturing;
        conjecturing.sources = vec![ConjectureSource::Model];
        (conjecturing.stage1_shared, conjecturing.replayed_pairs, conjecturing.quota) = (true, 200, 150);
        config
    }

    const CORE: Data = Data { statements: 1000, proofs: 1604, valid: 294, library: 0 };

    #[test]
    fn the_numbers_of_a_run_are_those_that_it_had() {
        let config = measured();
        let work = work(&config, CORE, Assumptions::default());
        assert_eq!((work.proofs, work.valid_proofs, work.conjectures), (12_000, 5 * 294 * 4, 6300));
        // Measured: 507,506 tokens of proofs and 6,435 texts of conjectures.
        let sampled = 507_506.0 + 6435.0 * 30.0;
        assert!(
            (work.sampled_tokens as f64 / sampled - 1.0).abs() < 0.2,
            "{} {sampled}",
            work.sampled_tokens
        );
    }

    #[test]
    fn all_methods_sample_the_same_number_of_proofs() {
        let mut config = measured();
        let of = |method| {
            let mut config = config.clone();
            config.method = method;
            work(&config, CORE, Assumptions::default())
        };
        let [stp, ei, plain] = [Method::Stp, Method::ExpertIteration, Method::Plain].map(of);
        assert_eq!((stp.proofs, ei.proofs), (ei.proofs, plain.proofs));
        assert!(plain.trained_tokens < ei.trained_tokens && ei.sampled_tokens < stp.sampled_tokens);
        config.proving.first_round_proofs = 2 * config.proving.proofs_per_round;
        assert_eq!(work(&config, CORE, Assumptions::default()).proofs, 16_000);
    }

    #[test]
    fn a_search_has_checks_and_no_conjectures_of_the_model() {
        let searching = work(&RunConfig::load("tiny", None).unwrap(), CORE, Assumptions::default());
        let mut config = RunConfig::load("tiny", None).unwrap();
        config.search.enabled = false;
        let without = work(&config, CORE, Assumptions::default());
        assert_eq!((searching.conjectures, without.sketches), (0, 0));
        // Measured in experiments/subgoals, seeds 0 to 2: 4,077 checks and 3,169 sketches.
        assert_eq!((searching.checks - without.checks, searching.sketches), (4000, 3040));
    }

    #[test]
    fn the_papers_run_samples_some_twenty_billion_tokens() {
        let config = RunConfig::load("deepseek-prover-7b", None).unwrap();
        let data = Data { statements: config.max_train, proofs: 0, valid: 244, library: 0 };
        let tokens = work(&config, data, Assumptions::default()).sampled_tokens as f64;
        // The paper counts 19.8 billion.
        assert!((15e9..27e9).contains(&tokens), "{tokens}");
    }
}
