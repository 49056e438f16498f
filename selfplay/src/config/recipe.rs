//! Settings of the parts of the recipe that can be switched, in tables of their own: what comes before stage 1, which
//! conjectures are trained on, controllers of the samples, and second attempts. By default a run does what runs did before
//! there were these settings.

use serde::{Deserialize, Serialize};
use stp_conjecturer::{SelectionLimits, Transport};

/// One rule of a setting: whether it holds, and what to tell the user if it does not.
pub type Check = (bool, &'static str);

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

impl Pretraining {
    pub(crate) fn checks(&self) -> Vec<Check> {
        let asked = self.corpus.is_empty() || self.epochs > 0;
        vec![(asked, "pretraining.epochs must be at least 1 where pretraining.corpus is given")]
    }
}

/// Which conjectures the conjecturer is trained on, and how much each weighs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// Keep only conjectures that are barely provable; otherwise all that were proved.
    pub pass_rate_window: bool,
    /// Highest pass rate of a barely provable conjecture (paper: 1/4).
    pub highest_pass_rate: f64,
    /// Label conjectures whose found proofs do without their trigger lemma as asked without one; otherwise every
    /// conjecture keeps the lemma it was asked with.
    pub trigger_lemma: bool,
    /// Drop the conjectures of each trigger lemma that have the shortest proofs for their length.
    pub elegance: bool,
    /// Part of each lemma's conjectures that the elegance filter drops (paper: 20 %).
    pub inelegant_share: f64,
    /// Weigh conjectures by how near they are to the statements that are not proved yet.
    pub reweighting: bool,
    /// How the weights are found: `auto`, `exact`, `sinkhorn`, or `nearest` as the paper's code does.
    pub transport: Transport,
    /// Largest weight of a conjecture, where the mean is 1 (paper: 4).
    pub largest_weight: f64,
    /// `auto` is exact up to this many pairs of a statement and a conjecture, and Sinkhorn above.
    pub exact_pairs: usize,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            pass_rate_window: true,
            highest_pass_rate: 0.25,
            trigger_lemma: true,
            elegance: true,
            inelegant_share: 0.2,
            reweighting: false,
            transport: Transport::Auto,
            largest_weight: 4.0,
            exact_pairs: 16_000_000,
        }
    }
}

impl Selection {
    /// The limits that the conjecturer's choice takes.
    pub fn limits(&self) -> SelectionLimits {
        SelectionLimits {
            highest_rate: if self.pass_rate_window { self.highest_pass_rate } else { 1.0 },
            check_lemma: self.trigger_lemma,
            inelegant_share: if self.elegance { self.inelegant_share } else { 0.0 },
            ..SelectionLimits::default()
        }
    }

    pub(crate) fn checks(&self) -> Vec<Check> {
        vec![
            (
                self.highest_pass_rate > 0.0 && self.highest_pass_rate <= 1.0,
                "selection.highest_pass_rate must be above 0 and at most 1",
            ),
            (
                (0.0..1.0).contains(&self.inelegant_share),
                "selection.inelegant_share must be at least 0 and below 1",
            ),
            (self.largest_weight >= 1.0, "selection.largest_weight must be at least 1"),
        ]
    }
}

/// Controllers, which decide where a round's samples go and how they are drawn. All are off by default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Control {
    /// B-STaR: temperature and samples of a conjecture follow the balance of exploration and exploitation.
    pub balance: bool,
    /// Distinct correct proofs of a statement in a round that count as enough exploration.
    pub balance_proofs: u32,
    /// Distance of the temperatures that are compared.
    pub temperature_step: f64,
    /// Self-evolving curriculum: a bandit over topics gives more samples to those that are learned from most.
    pub curriculum: bool,
    /// Weight of a round's reward against earlier rounds'.
    pub curriculum_rate: f64,
    /// Softmax temperature of the choice among topics.
    pub curriculum_temperature: f64,
    /// `eva`: statements whose best attempt is far above their mean get more samples.
    pub regret: bool,
    /// Stop sampling a given statement once it is proved, and spend the rest on those that seem nearest to being proved.
    pub adaptive_budget: bool,
    /// Part of the given statements' samples that is drawn before that is decided.
    pub first_share: f64,
}

impl Default for Control {
    fn default() -> Self {
        Self {
            balance: false,
            balance_proofs: 2,
            temperature_step: 0.2,
            curriculum: false,
            curriculum_rate: 0.5,
            curriculum_temperature: 0.1,
            regret: false,
            adaptive_budget: false,
            first_share: 0.5,
        }
    }
}

impl Control {
    pub(crate) fn checks(&self) -> Vec<Check> {
        let share = 0.0..=1.0;
        vec![
            (self.balance_proofs > 0, "control.balance_proofs must be at least 1"),
            (self.temperature_step > 0.0, "control.temperature_step must be above 0"),
            (share.contains(&self.curriculum_rate), "control.curriculum_rate must be between 0 and 1"),
            (self.curriculum_temperature > 0.0, "control.curriculum_temperature must be above 0"),
            (
                self.first_share > 0.0 && self.first_share <= 1.0,
                "control.first_share must be above 0 and at most 1",
            ),
        ]
    }
}

/// Search after the samples of a round: failed proofs become sketches, Lean's automation tries the goals that they leave
/// open, and what is closed is put back into its proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Search {
    /// Whether there is any.
    pub enabled: bool,
    /// Failed proofs of a statement that are looked at in a round, those with the fewest errors first.
    pub proofs_per_statement: usize,
    /// Goals that a sketch may leave open: 1 if all others must be closed, 2 if one more may be open.
    pub most_open: usize,
    /// How deep goals of goals go.
    pub depth: u32,
    /// Whether Lean's automation is asked for each goal before any model is.
    pub automation: bool,
}

impl Default for Search {
    fn default() -> Self {
        Self { enabled: false, proofs_per_statement: 8, most_open: 2, depth: 2, automation: true }
    }
}

impl Search {
    pub(crate) fn checks(&self) -> Vec<Check> {
        vec![
            (self.proofs_per_statement > 0, "search.proofs_per_statement must be at least 1"),
            (self.most_open > 0, "search.most_open must be at least 1"),
            (self.depth > 0, "search.depth must be at least 1"),
        ]
    }
}

/// Second attempts that see the first one and Lean's message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Repair {
    /// Whether there are any.
    pub enabled: bool,
    /// Part of the given statements' samples that goes to them.
    pub share: f64,
}

impl Default for Repair {
    fn default() -> Self {
        Self { enabled: false, share: 0.25 }
    }
}

impl Repair {
    pub(crate) fn checks(&self) -> Vec<Check> {
        vec![((0.0..1.0).contains(&self.share), "repair.share must be at least 0 and below 1")]
    }
}
