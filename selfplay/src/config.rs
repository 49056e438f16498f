//! The run's configuration; where its values come from is in [`crate::settings`].
//!
//! A run folder keeps the configuration it was started with; the same command again must ask for the
//! same run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stp_datasets::Corpus;
use stp_model::{LoraConfig, ModelConfig, Precision, Recompute, Schedule, TrainConfig};

use crate::error::UsageError;
use crate::recipe::{Control, Repair, Selection};
use crate::settings::Settings;

/// The presets that come with the program: name and TOML text.
pub const PRESETS: [(&str, &str); 5] = [
    ("tiny", include_str!("../presets/tiny.toml")),
    ("smoke", include_str!("../presets/smoke.toml")),
    ("small", include_str!("../presets/small.toml")),
    ("deepseek-prover-7b", include_str!("../presets/deepseek-prover-7b.toml")),
    ("kimina-1.5b", include_str!("../presets/kimina-1.5b.toml")),
];

/// What is done with the proofs that were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Self-play: the model also conjectures (paper, section 3).
    Stp,
    /// The same loop without conjectures, at the same number of sampled proofs.
    ExpertIteration,
    /// As many sampled proofs from the stage-1 model, and no training in the rounds.
    Plain,
}

impl Method {
    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stp => "stp",
            Self::ExpertIteration => "expert-iteration",
            Self::Plain => "plain",
        }
    }

    /// Whether the rounds train, so that each has a model of its own.
    pub fn trains(self) -> bool {
        self != Self::Plain
    }
}

/// Everything that decides what a run does, apart from the machine it runs on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Self-play, expert iteration or plain sampling.
    pub method: Method,
    /// Seed of all randomness.
    pub seed: u64,
    /// Rounds of self-play between stage 1 and the final re-training.
    pub rounds: u32,
    /// `core` for the built-in corpus, or a path to a `.jsonl` file or a folder of them.
    pub corpus: String,
    /// Use at most this many training statements (0: all), spread evenly over the corpus.
    pub max_train: usize,
    /// Use at most this many validation statements (0: all).
    pub max_valid: usize,
    /// Show stage 1 the corpus proofs of at most this many training statements (0: all), spread evenly. The others are
    /// given without a proof, as LeanWorkbook's are: what the rounds prove of them is new.
    #[serde(default)]
    pub max_supervised: usize,
    /// Show stage 1, beside their corpus proofs, the single tactics that close these statements (`closed_by` in the
    /// corpus), so that the prover knows Lean's automation as well.
    #[serde(default)]
    pub supervised_tactics: bool,
    /// What the model is shown before stage 1.
    #[serde(default)]
    pub pretraining: Pretraining,
    /// Shape of the model.
    pub model: ModelShape,
    /// Stage 1: supervised fine-tuning on the corpus.
    pub stage1: Training,
    /// Training at the end of each round.
    pub round: Training,
    /// The final re-training from the stage-1 checkpoint.
    pub retraining: Training,
    /// How all three use the machine.
    #[serde(default)]
    pub training: TrainingMachine,
    /// Sampling from the model.
    pub sampling: Sampling,
    /// How many proofs are sampled, and of what.
    pub proving: Proving,
    /// How many conjectures are generated.
    pub conjecturing: Conjecturing,
    /// Which conjectures are trained on.
    #[serde(default)]
    pub selection: Selection,
    /// Who decides where the samples go.
    #[serde(default)]
    pub control: Control,
    /// Second attempts.
    #[serde(default)]
    pub repair: Repair,
    /// The judge.
    pub verifier: Verifier,
}

/// What a model that begins with random numbers is shown before stage 1, with the settings of stage 1's training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pretraining {
    /// Statements with proofs, none of which is tried or counted in the run: `library` for the theorems of Lean's library
    /// with their names as proofs, or a path as for `corpus`; empty for none.
    pub corpus: String,
    /// At most so many of them (0: all), spread evenly.
    pub statements: usize,
    /// How often each is seen.
    pub epochs: usize,
}

/// Shape of the decoder; see `stp_model::ModelConfig`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelShape {
    /// Entries of the tokenizer's vocabulary.
    pub vocab_size: usize,
    /// Decoder blocks.
    pub layers: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Inner width of the SwiGLU.
    pub ff: usize,
    /// Longest sequence, prompt and answer together, in tokens.
    pub max_seq: usize,
    /// Whether the output projection is the transposed embedding.
    #[serde(default = "yes")]
    pub tied_embeddings: bool,
    /// Whether query, key and value have biases, as in Qwen2.
    #[serde(default)]
    pub qkv_bias: bool,
}

fn yes() -> bool {
    true
}

impl ModelShape {
    /// The model of this shape with a vocabulary of `vocab_size`.
    pub fn config(&self, vocab_size: usize) -> ModelConfig {
        ModelConfig {
            vocab_size,
            layers: self.layers,
            width: self.width,
            heads: self.heads,
            kv_heads: self.kv_heads,
            ff: self.ff,
            max_seq: self.max_seq,
            tied_embeddings: self.tied_embeddings,
            qkv_bias: self.qkv_bias,
            ..ModelConfig::default()
        }
    }
}

/// One phase of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Passes over the examples.
    pub epochs: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Sequences a step.
    pub batch: usize,
    /// Sequences in memory at a time; gradients of the parts of a batch are added up (0: the whole batch at once).
    #[serde(default)]
    pub micro_batch: usize,
    /// Steps of linear warm-up.
    pub warmup_steps: usize,
    /// How the learning rate falls after them: `cosine`, `linear` or `constant`.
    #[serde(default)]
    pub schedule: Schedule,
    /// Where it ends, as a share of the peak; `constant` has no use for it.
    #[serde(default = "final_rate")]
    pub final_rate: f64,
    /// Low-rank adapters to train instead of all weights, and to add to them at the end: `rank` (0: none), `alpha`, and
    /// `projections` among `q_proj`, `k_proj`, `v_proj`, `o_proj`, `gate_proj`, `up_proj` and `down_proj`.
    #[serde(default)]
    pub lora: LoraConfig,
}

fn final_rate() -> f64 {
    TrainConfig::default().final_rate
}

/// How trainings use the machine: what changes their cost, not what they learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingMachine {
    /// Minutes after which a training writes down how far it is, in a file beside its checkpoint from which a killed
    /// run goes on (0: never).
    pub state_minutes: f64,
    /// What to compute again for the gradient instead of keeping it, for less memory: `nothing`, `cheap` or `blocks`.
    pub recompute: Recompute,
    /// Numbers that a step is computed in, `f32` or `bf16`; weights are `f32` in any case.
    pub precision: Precision,
    /// Devices that share each batch, of the kind chosen with `--device`.
    pub devices: usize,
}

impl Default for TrainingMachine {
    fn default() -> Self {
        Self { state_minutes: 5.0, recompute: Recompute::Nothing, precision: Precision::F32, devices: 1 }
    }
}

impl TrainingMachine {
    /// The time between two states; `None` if there are to be none.
    pub fn state_every(&self) -> Option<Duration> {
        (self.state_minutes > 0.0).then(|| Duration::from_secs_f64(60.0 * self.state_minutes))
    }
}

/// Sampling from the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
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
}

/// How many proofs are sampled, and of what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proving {
    /// Sampled proofs a round, the same for both methods.
    pub proofs_per_round: usize,
    /// Sampled proofs of the first round (0: as many as in the others; paper: twice as many).
    #[serde(default)]
    pub first_round_proofs: usize,
    /// Samples of each conjecture; the rest of the round's proofs goes to the given statements.
    pub samples_per_conjecture: u32,
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
    /// Every so many rounds the round's training starts from the stage-1 checkpoint, on all correct proofs (stage 3), and
    /// the next round goes on from there (0: only at the end).
    #[serde(default)]
    pub retrain_every: u32,
}

fn half() -> f64 {
    0.5
}

fn length_decay() -> f64 {
    0.001
}

/// How many conjectures are generated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conjecturing {
    /// Generated texts a round (0: as many as it takes to fill the quota).
    pub generated_per_round: usize,
    /// Conjectures to prove a round, at most (0: as many as there are given statements).
    pub quota: usize,
    /// Conjecture examples in stage 1, at most this many for each corpus proof.
    pub stage1_pairs_per_statement: usize,
    /// Stage 1 also learns to conjecture the given statements whose proofs it is not shown, each from a proved one of
    /// its topics.
    #[serde(default)]
    pub stage1_given: bool,
    /// So many of stage 1's conjecture examples, drawn anew, are trained on again in every round (paper: none): a small
    /// model that finds few conjectures to train on forgets how to write them.
    #[serde(default)]
    pub replayed_pairs: usize,
    /// Sampled proofs are seeds if their statement's best pass rate so far is above this (paper: 0.35).
    #[serde(default = "seed_rate")]
    pub seed_rate: f64,
    /// Probability of asking without a trigger lemma although there is one (paper: 1/2).
    #[serde(default = "half")]
    pub no_lemma: f64,
    /// Largest part of the inputs that one trigger lemma may fill (paper: 10 %).
    #[serde(default = "lemma_share")]
    pub lemma_share: f64,
    /// Most conjectures asked of one input (paper: 8).
    #[serde(default = "most_samples")]
    pub most_samples: usize,
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
pub struct Verifier {
    /// Lean processes (0: one for each core, at most as many as fit in half of the memory).
    pub workers: usize,
    /// Wall-clock limit of one check, in seconds.
    pub timeout_s: f64,
    /// Lean's own limit.
    pub max_heartbeats: u64,
    /// A worker over this resident size is replaced.
    pub max_rss_mb: u64,
}

impl Proving {
    /// Sampled proofs of a round, from 1.
    pub fn proofs_in(&self, round: u32) -> usize {
        if round == 1 && self.first_round_proofs > 0 {
            self.first_round_proofs
        } else {
            self.proofs_per_round
        }
    }
}

impl RunConfig {
    /// The preset of that name, with the keys of `overlay` (a TOML file) laid over it.
    ///
    /// # Errors
    /// [`UsageError`] for an unknown preset, an unreadable file, or a key that does not exist.
    pub fn load(preset: &str, overlay: Option<&Path>) -> Result<Self, UsageError> {
        let mut settings = Settings::preset(preset)?;
        if let Some(path) = overlay {
            settings.file(path)?;
        }
        settings.config()
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`UsageError`] naming the key and what it may be.
    pub fn validate(&self) -> Result<(), UsageError> {
        let share = 0.0..=1.0;
        let trainings = [&self.stage1, &self.round, &self.retraining];
        let more = [self.selection.checks(), self.control.checks(), self.repair.checks()].concat();
        let checks = [
            (self.sampling.temperature >= 0.0, "sampling.temperature must be 0 or more"),
            (
                self.sampling.top_p > 0.0 && self.sampling.top_p <= 1.0,
                "sampling.top_p must be above 0 and at most 1",
            ),
            (self.sampling.batch > 0, "sampling.batch must be at least 1"),
            (self.proving.valid_samples > 0, "proving.valid_samples must be at least 1"),
            (self.proving.samples_per_conjecture > 0, "proving.samples_per_conjecture must be at least 1"),
            (
                share.contains(&self.proving.resample_proved),
                "proving.resample_proved must be between 0 and 1",
            ),
            (
                share.contains(&self.proving.highest_pass_rate),
                "proving.highest_pass_rate must be between 0 and 1",
            ),
            (
                self.proving.length_decay >= 0.0 && self.proving.seconds_decay >= 0.0,
                "proving.length_decay and seconds_decay must be 0 or more",
            ),
            (share.contains(&self.conjecturing.seed_rate), "conjecturing.seed_rate must be between 0 and 1"),
            (
                share.contains(&self.conjecturing.unproved_seeds),
                "conjecturing.unproved_seeds must be between 0 and 1",
            ),
            (share.contains(&self.conjecturing.no_lemma), "conjecturing.no_lemma must be between 0 and 1"),
            (
                share.contains(&self.conjecturing.lemma_share),
                "conjecturing.lemma_share must be between 0 and 1",
            ),
            (self.conjecturing.most_samples > 0, "conjecturing.most_samples must be at least 1"),
            (self.verifier.timeout_s > 0.0, "verifier.timeout_s must be above 0"),
            (
                self.sampling.max_proof_tokens < self.model.max_seq
                    && self.sampling.max_conjecture_tokens < self.model.max_seq,
                "sampling.max_proof_tokens and max_conjecture_tokens must be below model.max_seq",
            ),
            (trainings.iter().all(|t| t.batch > 0), "batch must be at least 1"),
            (trainings.iter().all(|t| share.contains(&t.final_rate)), "final_rate must be between 0 and 1"),
            (
                trainings.iter().all(|t| t.lora.alpha.is_finite() && t.lora.alpha > 0.0),
                "lora.alpha must be above 0",
            ),
            (
                trainings.iter().all(|t| t.lora.rank == 0 || !t.lora.projections.is_empty()),
                "lora.projections must name at least one projection",
            ),
            (self.training.devices > 0, "training.devices must be at least 1"),
            (
                (0.0..=1e6).contains(&self.training.state_minutes),
                "training.state_minutes must be between 0 and a million",
            ),
        ];
        match checks.into_iter().chain(more).find(|(good, _)| !good) {
            Some((_, rule)) => Err(UsageError(format!("A setting is out of range: {rule}."))),
            None => Ok(()),
        }
    }

    /// The default run folder: `runs/PRESET-METHOD-seedN`.
    pub fn default_folder(&self, preset: &str) -> PathBuf {
        PathBuf::from("runs").join(format!("{preset}-{}-seed{}", self.method.as_str(), self.seed))
    }
}

/// A built-in corpus, or the one at a path.
///
/// # Errors
/// If it cannot be read.
pub fn load_corpus(name: &str) -> anyhow::Result<Corpus> {
    Ok(match name {
        "core" => Corpus::core()?,
        "library" => Corpus::library()?,
        path => Corpus::load(path.as_ref())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay(text: &str) -> Result<RunConfig, UsageError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        std::fs::write(&path, text).unwrap();
        RunConfig::load("tiny", Some(&path))
    }

    #[test]
    fn every_preset_is_valid() {
        for (name, _) in PRESETS {
            RunConfig::load(name, None).unwrap();
        }
    }

    #[test]
    fn settings_of_runs_from_before_the_switches_still_load() {
        let (_, text) = PRESETS[0];
        let mut old: toml::Table = text.parse().unwrap();
        for table in ["selection", "control", "repair"] {
            old.remove(table);
        }
        let old: RunConfig = old.try_into().unwrap();
        let mut new = RunConfig::load("tiny", None).unwrap();
        new.selection = Selection::default();
        assert_eq!(old, new);
        assert!(!old.selection.reweighting && !old.control.balance && !old.repair.enabled);
        let limits = old.selection.limits();
        assert_eq!((limits.highest_rate, limits.inelegant_share, limits.check_lemma), (0.25, 0.2, true));
    }

    #[test]
    fn a_file_changes_only_the_keys_it_names() {
        let plain = RunConfig::load("tiny", None).unwrap();
        let changed = overlay("rounds = 99\n[stage1]\nepochs = 77").unwrap();
        assert_eq!((changed.rounds, changed.stage1.epochs), (99, 77));
        assert_eq!(changed.stage1.learning_rate, plain.stage1.learning_rate);
        assert_eq!(changed.model, plain.model);
    }

    #[test]
    fn a_run_that_began_before_there_were_some_keys_still_loads() {
        for (name, text) in PRESETS.into_iter().filter(|(name, _)| ["tiny", "smoke"].contains(name)) {
            let mut table: toml::Table = text.parse().unwrap();
            table.remove("training").unwrap();
            for phase in ["stage1", "round", "retraining"] {
                let phase = table[phase].as_table_mut().unwrap();
                for key in ["schedule", "final_rate", "lora"] {
                    phase.remove(key).unwrap();
                }
            }
            let old: RunConfig = table.try_into().unwrap();
            assert_eq!(old, RunConfig::load(name, None).unwrap(), "the defaults are what runs did before");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, hint) in [
            ("round = 1", "round"),
            ("[stage1]\nepoch = 3", "epoch"),
            ("rounds = [", "TOML"),
            ("[sampling]\ntop_p = 0.0", "top_p"),
            ("[round]\nschedule = \"step\"", "cosine"),
            ("[round]\nfinal_rate = 1.5", "final_rate"),
            ("[round]\nlora.projections = [\"query\"]", "q_proj"),
            ("[round]\nlora.alpha = 0", "lora.alpha"),
            ("[round]\nlora = { rank = 4, projections = [] }", "lora.projections"),
            ("[training]\nrecompute = \"all\"", "blocks"),
            ("[training]\ndevices = 0", "training.devices"),
            ("[training]\nprecision = \"f16\"", "bf16"),
            ("[training]\nstate_minutes = -1", "state_minutes"),
            ("[selection]\nlargest_weight = 0.5", "selection.largest_weight"),
            ("[selection]\ntransport = 'fast'", "transport"),
            ("[control]\nfirst_share = 0", "control.first_share"),
            ("[repair]\nshare = 1", "repair.share"),
            ("rounds = -1", "rounds"),
        ] {
            let message = overlay(text).unwrap_err().to_string();
            assert!(message.contains(hint), "{text}: {message}");
        }
        assert!(RunConfig::load("huge", None).unwrap_err().to_string().contains("tiny"));
    }
}
