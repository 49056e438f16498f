//! Settings of the rounds: sampling, proving, conjecturing and judging.

use serde::{Deserialize, Serialize};
use stp_conjecturer::{Masking, Pairing};
use stp_model::Precision;

use super::{Check, Engine, Servers};

/// Sampling from the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplingSettings {
    /// Softmax temperature of proofs.
    pub temperature: f32,
    /// Softmax temperature of conjectures.
    pub conjecture_temperature: f32,
    /// Nucleus: sample from the smallest set of tokens with this probability.
    pub top_p: f32,
    /// Longest proof in tokens.
    pub max_proof_tokens: usize,
    /// Longest conjecture in tokens.
    pub max_conjecture_tokens: usize,
    /// Sequences sampled at the same time.
    pub batch: usize,
    /// Memory for their keys and values in MiB (0: half of what is available).
    #[serde(default)]
    pub cache_mb: usize,
    /// Numbers that the processor multiplies when it samples, `f32` or `bf16`.
    #[serde(default)]
    pub precision: Precision,
    /// What samples: `own`, in this process, or `openai`, servers with that protocol.
    #[serde(default)]
    pub engine: Engine,
    /// These servers.
    #[serde(default)]
    pub server: Servers,
}

/// How many proofs are sampled, and of what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proving {
    /// Sampled proofs a round, the same for all methods.
    pub proofs_per_round: usize,
    /// Sampled proofs of the first round (0: as many as in the others; paper: twice as many).
    #[serde(default)]
    pub first_round_proofs: usize,
    /// Samples of each conjecture; the rest of the round's proofs goes to the given statements.
    pub samples_per_conjecture: u32,
    /// So many of them are drawn first. The others follow where the conjecture is likely to turn out barely provable; what
    /// is spared goes to the given statements (0: all are drawn at once).
    #[serde(default)]
    pub first_samples: u32,
    /// How likely that has to be: the chance that its pass rate will be above 0 and at most `highest_pass_rate`, by its
    /// first samples and by what became of conjectures like it.
    #[serde(default = "least_chance")]
    pub least_chance: f64,
    /// Largest part of a round's proofs that all conjectures together get.
    #[serde(default = "whole")]
    pub conjecture_share: f64,
    /// Samples of each validation statement after each training.
    pub valid_samples: u32,
    /// Probability that an already proved statement is tried again.
    pub resample_proved: f64,
    /// Proved statements with a pass rate under this are always tried again.
    pub resample_below: f64,
    /// Rounds whose proofs are trained on again.
    pub replay_rounds: u32,
    /// Statements with a pass rate above this, over the rounds trained on, teach the prover nothing new (paper: 1/2).
    #[serde(default = "half")]
    pub highest_pass_rate: f64,
    /// A proof weighs exp(-length_decay * characters) (paper: 0.001).
    #[serde(default = "length_decay")]
    pub length_decay: f64,
    /// And exp(-seconds_decay * seconds in Lean) (paper: 0.01). Above 0 the run depends on how fast the machine is.
    #[serde(default)]
    pub seconds_decay: f64,
    /// The re-training from the stage-1 checkpoint takes so many proofs of a statement at most, the shortest (0: all;
    /// paper: 16).
    #[serde(default)]
    pub max_proofs_per_statement: usize,
    /// Every so many rounds the round's training starts from the stage-1 checkpoint, on all correct proofs (stage 3), and
    /// the next round goes on from there (0: only at the end).
    #[serde(default)]
    pub retrain_every: u32,
}

fn half() -> f64 {
    0.5
}

fn whole() -> f64 {
    1.0
}

fn least_chance() -> f64 {
    0.25
}

fn length_decay() -> f64 {
    0.001
}

/// Where conjectures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConjectureSource {
    /// The model writes them.
    Model,
    /// Failed proofs leave them open.
    Subgoals,
}

/// How many conjectures are generated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conjecturing {
    /// Where conjectures come from: `model`, `subgoals` (which need `search.enabled`), or both.
    #[serde(default = "sources")]
    pub sources: Vec<ConjectureSource>,
    /// Generated texts a round (0: as many as it takes to fill the quota).
    pub generated_per_round: usize,
    /// Conjectures to prove a round, at most (0: as many as there are given statements).
    pub quota: usize,
    /// Conjecture examples in stage 1, at most this many for each corpus proof.
    pub stage1_pairs_per_statement: usize,
    /// Stage 1 teaches to conjecture whatever the method, so that all methods can begin with the same model; with `false`
    /// only where the rounds conjecture, and expert iteration has a stage 1 of its own.
    #[serde(default = "yes")]
    pub stage1_shared: bool,
    /// Stage 1 also learns to conjecture the given statements whose proofs it is not shown, each from a proved one of
    /// its topics.
    #[serde(default)]
    pub stage1_given: bool,
    /// Stage 1 (and the pretraining) pairs each statement to conjecture with a seed that reads alike, so that the
    /// conjecturer changes its seed rather than write of the same topic.
    #[serde(default)]
    pub near_pairs: bool,
    /// So many of stage 1's conjecture examples, drawn anew, are trained on again in every round (paper: none): a small
    /// model that finds few conjectures to train on forgets how to write them.
    #[serde(default)]
    pub replayed_pairs: usize,
    /// The conjecturer learns from every conjecture that elaborates, with what became of it in the prompt (`false`,
    /// `trivial`, `easy`, `barely`, `open`), and is asked for one that is barely provable; otherwise it learns from barely
    /// provable ones alone. Stage 1 shows it the same words.
    #[serde(default)]
    pub fates: bool,
    /// Of each fate but `barely` it learns so many of a round at most (0: all).
    #[serde(default)]
    pub most_of_fate: usize,
    /// What texts of conjectures keep to while they are sampled: `off`, `brackets`, `binders` or `names`.
    #[serde(default)]
    pub mask: Masking,
    /// Sampled proofs are seeds if their statement's best pass rate so far is above this (paper: 0.35).
    #[serde(default = "seed_rate")]
    pub seed_rate: f64,
    /// A statement is a seed once for each trigger lemma, and once without one, however many proofs it has (paper's code);
    /// otherwise once for each proof.
    #[serde(default)]
    pub one_seed: bool,
    /// Only statements that no single tactic closes are seeds (paper: all).
    #[serde(default)]
    pub hard_seeds: bool,
    /// Probability of asking without a trigger lemma although there is one (paper: 1/2).
    #[serde(default = "half")]
    pub no_lemma: f64,
    /// Largest part of the inputs that one trigger lemma may fill (paper: 10 %).
    #[serde(default = "lemma_share")]
    pub lemma_share: f64,
    /// Most conjectures asked of one input (paper: 8).
    #[serde(default = "most_samples")]
    pub most_samples: usize,
    /// At most so many conjectures of a run may be alike but for their numbers and names; further ones count as duplicates
    /// (0: any number, as in the paper). A small model otherwise writes the families that it has mastered again and again.
    #[serde(default)]
    pub most_alike: usize,
    /// Drop conjectures that `rfl`, `simp` or `decide` alone proves.
    #[serde(default)]
    pub drop_trivial: bool,
    /// Among trivial ones count also those that `omega`, `simp_all` or `grind` alone proves.
    #[serde(default)]
    pub drop_automatic: bool,
    /// Part of the inputs whose seed is a given statement that nobody has proved yet, without a proof: conjectures near
    /// what is to be learned, not only near what is known (paper: none).
    #[serde(default)]
    pub unproved_seeds: f64,
    /// Drop conjectures for which a few small instances hold a counterexample.
    #[serde(default)]
    pub drop_refuted: bool,
}

impl Conjecturing {
    /// How stage 1 pairs seeds and statements to conjecture.
    pub fn pairing(&self) -> Pairing {
        if self.near_pairs { Pairing::Near } else { Pairing::Any }
    }
}

fn sources() -> Vec<ConjectureSource> {
    vec![ConjectureSource::Model]
}

fn yes() -> bool {
    true
}

fn seed_rate() -> f64 {
    0.35
}

fn lemma_share() -> f64 {
    0.1
}

fn most_samples() -> usize {
    8
}

/// The judge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifierSettings {
    /// Lean processes (0: one for each core, of the managed Lean at most 4).
    pub workers: usize,
    /// Wall-clock limit of one check, in seconds.
    pub timeout_s: f64,
    /// Lean's own limit.
    pub max_heartbeats: u64,
    /// A worker over this resident size is replaced.
    pub max_rss_mb: u64,
}

impl SamplingSettings {
    pub(super) fn checks(&self, max_seq: usize) -> Vec<Check> {
        let mut checks = self.server.checks(self.engine);
        checks.extend([
            (self.temperature >= 0.0, "sampling.temperature must be 0 or more"),
            (self.top_p > 0.0 && self.top_p <= 1.0, "sampling.top_p must be above 0 and at most 1"),
            (self.batch > 0, "sampling.batch must be at least 1"),
            (
                self.max_proof_tokens < max_seq && self.max_conjecture_tokens < max_seq,
                "sampling.max_proof_tokens and max_conjecture_tokens must be below model.max_seq",
            ),
        ]);
        checks
    }
}

impl Proving {
    /// Whether the training at the end of this round is a re-training (paper: stage 3) from the stage-1 checkpoint.
    pub fn is_retraining(&self, round: u32) -> bool {
        self.retrain_every > 0 && round.is_multiple_of(self.retrain_every)
    }

    /// Sampled proofs of a round, from 1.
    pub fn proofs_in(&self, round: u32) -> usize {
        if round == 1 && self.first_round_proofs > 0 {
            self.first_round_proofs
        } else {
            self.proofs_per_round
        }
    }

    pub(super) fn checks(&self) -> Vec<Check> {
        vec![
            (self.valid_samples > 0, "proving.valid_samples must be at least 1"),
            (self.samples_per_conjecture > 0, "proving.samples_per_conjecture must be at least 1"),
            (
                self.first_samples <= self.samples_per_conjecture,
                "proving.first_samples must be at most proving.samples_per_conjecture",
            ),
            (is_share(self.least_chance), "proving.least_chance must be between 0 and 1"),
            (is_share(self.conjecture_share), "proving.conjecture_share must be between 0 and 1"),
            (is_share(self.resample_proved), "proving.resample_proved must be between 0 and 1"),
            (is_share(self.highest_pass_rate), "proving.highest_pass_rate must be between 0 and 1"),
            (
                self.length_decay >= 0.0 && self.seconds_decay >= 0.0,
                "proving.length_decay and seconds_decay must be 0 or more",
            ),
        ]
    }
}

impl Conjecturing {
    pub(super) fn checks(&self) -> Vec<Check> {
        vec![
            (is_share(self.seed_rate), "conjecturing.seed_rate must be between 0 and 1"),
            (is_share(self.unproved_seeds), "conjecturing.unproved_seeds must be between 0 and 1"),
            (is_share(self.no_lemma), "conjecturing.no_lemma must be between 0 and 1"),
            (is_share(self.lemma_share), "conjecturing.lemma_share must be between 0 and 1"),
            (self.most_samples > 0, "conjecturing.most_samples must be at least 1"),
        ]
    }
}

fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}
