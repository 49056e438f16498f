//! The run's configuration; where its values come from is in [`settings`].
//!
//! A run folder keeps the configuration it was started with; the same command again must ask for the
//! same run.

pub mod change;
pub mod docs;
mod model;
mod presets;
mod prompts;
mod recipe;
mod rounds;
mod servers;
pub mod settings;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use self::change::differences;
pub use self::model::{ModelShape, Training, TrainingEngine, TrainingMachine};
pub use self::presets::PRESETS;
pub use self::prompts::{LAYOUTS, Layout, Prompts};
pub use self::recipe::{Check, Control, Pretraining, Repair, Search, Selection};
pub use self::rounds::{ConjectureSource, Conjecturing, Proving, SamplingSettings, VerifierSettings};
pub use self::servers::{Engine, SentAs, Servers};
use crate::error::UsageError;

/// What the rounds do beside sampling proofs: conjecture, train, or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stp, Self::ExpertIteration, Self::Plain];

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
    /// `core` or `practice` for a built-in corpus, or a path to a `.jsonl` file or a folder of them.
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
    /// The prompts.
    #[serde(default)]
    pub prompts: Prompts,
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
    pub sampling: SamplingSettings,
    /// How many proofs are sampled, and of what.
    pub proving: Proving,
    /// How many conjectures are generated.
    pub conjecturing: Conjecturing,
    /// Which conjectures are trained on.
    #[serde(default)]
    pub selection: Selection,
    /// Controllers that decide where the samples go.
    #[serde(default)]
    pub control: Control,
    /// Second attempts.
    #[serde(default)]
    pub repair: Repair,
    /// Search for proofs of what the samples left open.
    #[serde(default)]
    pub search: Search,
    /// The judge.
    pub verifier: VerifierSettings,
}

impl RunConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`UsageError`] naming the key and what it may be.
    pub fn validate(&self) -> Result<(), UsageError> {
        let trainings = [&self.stage1, &self.round, &self.retraining];
        let mut checks: Vec<Check> = trainings.iter().flat_map(|training| training.checks()).collect();
        checks.extend(self.training.checks());
        checks.extend(self.sampling.checks(self.model.max_seq));
        checks.extend(self.proving.checks());
        checks.extend(self.conjecturing.checks());
        checks.push((self.verifier.timeout_s > 0.0, "verifier.timeout_s must be above 0"));
        checks.extend(self.pretraining.checks());
        checks.extend(self.selection.checks());
        checks.extend(self.control.checks());
        checks.extend(self.repair.checks());
        checks.extend(self.search.checks());
        checks.push((
            self.search.enabled || !self.conjecturing.sources.contains(&ConjectureSource::Subgoals),
            "conjecturing.sources may have \"subgoals\" only where search.enabled is true",
        ));
        checks.push((
            self.stage1.epochs > 0 || !self.model.base.is_empty(),
            "stage1.epochs may be 0 only where model.base names a checkpoint to begin with",
        ));
        match checks.into_iter().find(|(good, _)| !good) {
            Some((_, rule)) => Err(UsageError(format!("A setting is out of range: {rule}."))),
            None => self.prompts.layout().map(drop),
        }
    }

    /// Whether conjectures of that source are proved and learned from.
    pub fn conjectures_from(&self, source: ConjectureSource) -> bool {
        self.method == Method::Stp && self.conjecturing.sources.contains(&source)
    }

    /// Refuses a run whose model changes if the servers that sample keep theirs.
    ///
    /// # Errors
    /// [`UsageError`] with what to set.
    pub fn require_followers(&self) -> Result<(), UsageError> {
        let changes = self.method.trains() || self.stage1.epochs > 0;
        if self.sampling.engine == Engine::Own || !changes || self.sampling.server.follow() {
            return Ok(());
        }
        Err(UsageError(
            "The run trains, but nothing gives its servers the new checkpoints. Set sampling.server.reload to a command \
             that does, such as one that starts the server at STP_URL again with the folder STP_CHECKPOINT, or \
             sampling.server.model to \"{checkpoint}\" where the server loads the folder that it is asked for. If it is to \
             keep its model, set sampling.server.reload to \"true\", a command that does nothing."
                .to_owned(),
        ))
    }

    /// Whether trainings before the rounds teach to conjecture.
    pub fn stage1_conjectures(&self) -> bool {
        self.conjectures_from(ConjectureSource::Model) || self.conjecturing.stage1_shared
    }

    /// The default run folder: `runs/PRESET-METHOD-seedN`.
    pub fn default_folder(&self, preset: &str) -> PathBuf {
        PathBuf::from("runs").join(format!("{preset}-{}-seed{}", self.method.as_str(), self.seed))
    }
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
    fn a_prover_that_thinks_first_has_room_for_what_its_card_samples() {
        let config = RunConfig::load("kimina-1.5b", None).unwrap();
        assert_eq!(config.sampling.max_proof_tokens, 8096);
        assert!(config.model.max_seq >= 8096 + 1024, "and its prompt");
    }

    #[test]
    fn settings_of_runs_from_before_the_switches_still_load() {
        let (_, text) = PRESETS[0];
        let mut old: toml::Table = text.parse().unwrap();
        for table in ["selection", "control", "repair", "search"] {
            old.remove(table);
        }
        for (table, keys) in [
            (
                "proving",
                &["first_samples", "least_chance", "conjecture_share", "max_proofs_per_statement"][..],
            ),
            ("conjecturing", &["sources", "stage1_shared", "one_seed", "fates", "most_of_fate", "mask"]),
        ] {
            let table = old[table].as_table_mut().unwrap();
            assert!(keys.iter().all(|key| table.remove(*key).is_some()), "the preset has all of them");
        }
        let old: RunConfig = old.try_into().unwrap();
        assert!(
            !old.selection.reweighting && !old.control.balance && !old.repair.enabled && !old.search.enabled
        );
        assert!(
            old.conjectures_from(ConjectureSource::Model)
                && !old.conjectures_from(ConjectureSource::Subgoals)
        );
        let (proving, conjecturing) = (&old.proving, &old.conjecturing);
        assert_eq!(
            (proving.first_samples, proving.conjecture_share, proving.max_proofs_per_statement),
            (0, 1.0, 0)
        );
        assert!(conjecturing.stage1_shared && !conjecturing.fates && !conjecturing.one_seed);
        assert_eq!(conjecturing.mask, stp_conjecturer::Masking::Off);
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
            ("[training]\nengine = \"command\"", "training.command"),
            ("[training]\nengine = \"theirs\"", "command"),
            ("[training]\nprecision = \"f16\"", "bf16"),
            ("[training]\nstate_minutes = -1", "state_minutes"),
            ("[selection]\nlargest_weight = 0.5", "selection.largest_weight"),
            ("[selection]\ntransport = 'fast'", "transport"),
            ("[control]\nfirst_share = 0", "control.first_share"),
            ("[repair]\nshare = 1", "repair.share"),
            ("[prompts]\nlayout = \"llama\"", "prompts.layout"),
            ("[stage1]\nepochs = 0", "model.base"),
            ("[proving]\nconjecture_share = 1.5", "proving.conjecture_share"),
            ("[proving]\nleast_chance = -0.1", "proving.least_chance"),
            ("[proving]\nfirst_samples = 99", "proving.first_samples"),
            ("[conjecturing]\nmask = 'strict'", "brackets"),
            ("rounds = -1", "rounds"),
        ] {
            let message = overlay(text).unwrap_err().to_string();
            assert!(message.contains(hint), "{text}: {message}");
        }
        assert!(RunConfig::load("huge", None).unwrap_err().to_string().contains("tiny"));
    }
}
