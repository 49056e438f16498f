//! What each step leaves in the ledger for later steps, reports and exports, as types. A damaged record is an error
//! that names the step: nothing goes on with defaults in its place.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stp_datasets::{ConjectureOutcome, Ledger};

use crate::plan::Step;
use crate::spent;

/// Of [`Step::Setup`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetupRecord {
    /// Lean's fingerprint of each statement that the run uses and of each test statement, by name.
    pub fingerprints: BTreeMap<String, String>,
    /// Corpus proofs that hold.
    pub proofs: usize,
}

/// Of [`Step::Conjecture`]: texts of the round by outcome. Runs from before an outcome existed lack it, which reads as 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, usize>", into = "BTreeMap<String, usize>")]
pub struct ConjectureRecord(BTreeMap<ConjectureOutcome, usize>);

impl ConjectureRecord {
    /// Texts with this outcome.
    pub fn count(&self, outcome: ConjectureOutcome) -> usize {
        self.0.get(&outcome).copied().unwrap_or(0)
    }
}

impl FromIterator<(ConjectureOutcome, usize)> for ConjectureRecord {
    fn from_iter<I: IntoIterator<Item = (ConjectureOutcome, usize)>>(counts: I) -> Self {
        Self(counts.into_iter().collect())
    }
}

impl TryFrom<BTreeMap<String, usize>> for ConjectureRecord {
    type Error = String;

    fn try_from(counts: BTreeMap<String, usize>) -> Result<Self, String> {
        let known = |(name, count): (String, usize)| {
            let outcome =
                ConjectureOutcome::parse(&name).ok_or_else(|| format!("unknown outcome `{name}`"))?;
            Ok((outcome, count))
        };
        counts.into_iter().map(known).collect::<Result<_, _>>().map(Self)
    }
}

impl From<ConjectureRecord> for BTreeMap<String, usize> {
    fn from(record: ConjectureRecord) -> Self {
        record.0.into_iter().map(|(outcome, count)| (outcome.as_str().to_owned(), count)).collect()
    }
}

/// What sampling took; of the validation steps, the whole record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampled {
    /// Tokens.
    pub sampled_tokens: u64,
    /// Wall time of the sampler.
    pub sampling_seconds: f64,
}

impl AddAssign for Sampled {
    fn add_assign(&mut self, other: Self) {
        self.sampled_tokens += other.sampled_tokens;
        self.sampling_seconds += other.sampling_seconds;
    }
}

/// Of [`Step::Prove`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProveRecord {
    /// Tokens that were sampled, all parts together.
    pub sampled_tokens: u64,
    /// Wall time of the sampler, all parts together.
    pub sampling_seconds: f64,
    /// What the controller of exploration found and wants next (`control.balance`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<BalanceRecord>,
    /// The value of each topic (`control.curriculum`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curriculum: Option<BTreeMap<String, f64>>,
    /// Samples of each given statement, where a controller shared them out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<BTreeMap<String, u32>>,
    /// Second attempts (`repair.enabled`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<RepairRecord>,
    /// Conjectures in two stages (`proving.first_samples`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<StagesRecord>,
}

/// How a round's conjectures were sampled in two stages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StagesRecord {
    /// Conjectures of the round.
    pub conjectures: usize,
    /// Their first samples, all together.
    pub first_samples: usize,
    /// Conjectures that were sampled on.
    pub went_on: usize,
    /// Their further samples, all together.
    pub further_samples: usize,
    /// Samples that conjectures did not need, which went to the given statements.
    pub spared: usize,
}

/// The number of the check that tries all of Lean's tactics at once, among a goal's checks of a search.
pub const ALL_TACTICS: u32 = 0;

/// Of [`Step::Search`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchRecord {
    /// Failed proofs that Lean was asked for a sketch of.
    pub failed: usize,
    /// Sketches whose goals are tried, those without goals among them.
    pub sketches: usize,
    /// Why the others have none, or why their goals are not tried: how many of each kind.
    pub dropped: BTreeMap<String, usize>,
    /// New goals.
    pub goals: usize,
    /// Of these proved by automation alone.
    pub closed: usize,
    /// Proofs that were put together and judged.
    pub assembled: usize,
    /// Of these proved.
    pub whole: usize,
    /// Proofs that Lean judged in this step, of goals and of wholes.
    pub checks: usize,
    /// Given statements that have a proof now and had none.
    pub proved: Vec<String>,
}

/// What the controller of exploration found in a round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BalanceRecord {
    /// Temperatures that the round's samples were drawn at.
    pub temperatures: Vec<f64>,
    /// See `stp_prover::control::balance`.
    pub exploration: f64,
    /// See `stp_prover::control::balance`.
    pub exploitation: f64,
    /// See `stp_prover::control::balance`.
    pub separation: Option<f64>,
    /// See `stp_prover::control::balance`.
    pub balance: f64,
    /// What the next round is to use.
    pub next: NextSampling,
}

/// How the next round is to sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NextSampling {
    /// Softmax temperature of proofs.
    pub temperature: f64,
    /// Samples of each conjecture.
    pub samples: u32,
}

/// Second attempts of a round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepairRecord {
    /// Second attempts that Lean accepted.
    pub proved: usize,
    /// Statements that have a proof by a second attempt.
    pub statements: usize,
    /// Which attempts were second ones.
    pub attempts: Vec<SecondAttempt>,
}

/// A second attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondAttempt {
    /// The statement.
    pub statement: String,
    /// Its sample number.
    pub sample: u32,
    /// The sample number of the failed proof that it saw.
    pub of: u32,
}

/// Of [`Step::Stage1Train`], [`Step::Train`] and [`Step::FinalTrain`], and what a checkpoint says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainRecord {
    /// Stage 1: parameters of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<usize>,
    /// Pretraining: examples of the library.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examples: Option<usize>,
    /// Rounds and re-training: proofs that were trained on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proofs: Option<usize>,
    /// Rounds: conjectures of this round that were barely provable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conjectures_kept: Option<usize>,
    /// Re-training: conjectures of all rounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conjectures: Option<usize>,
    /// Rounds: the checkpoint that training began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Rounds: the weight of each kept conjecture, by its name (`selection.reweighting`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conjecture_weights: Option<BTreeMap<String, f32>>,
    /// Rounds: the matching that the weights come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<TransportRecord>,
    /// Rounds: conjecture pairs of stage 1 that were shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed_pairs: Option<usize>,
    /// Conjectures that the conjecturer learned from, by what became of them (`conjecturing.fates`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fates: Option<BTreeMap<String, usize>>,
    /// Examples of repair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair_examples: Option<usize>,
    /// The training set's SHA-256, where a command trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_sha256: Option<String>,
    /// Parameters of the adapters, where they alone were trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trained_parameters: Option<usize>,
    /// Mean loss of the last step's tokens, in nats; none where there was nothing to train on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f32>,
    /// Tokens that were trained on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<usize>,
    /// Optimiser steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
}

impl TrainRecord {
    /// The record of a finished training.
    ///
    /// # Errors
    /// If it is damaged: something is missing that every such training leaves.
    pub fn parse(step: Step, detail: serde_json::Value) -> Result<Self> {
        let record: Self = parse(step, detail)?;
        let missing = |name: &str| damaged(step, &format!("missing field `{name}`"));
        if record.loss.is_some() != record.tokens.is_some() {
            return Err(missing(if record.loss.is_some() { "tokens" } else { "loss" }));
        }
        match step {
            Step::Stage1Train if record.parameters.is_none() => Err(missing("parameters")),
            Step::Train(_) if record.conjectures_kept.is_none() => Err(missing("conjectures_kept")),
            Step::Train(_) | Step::FinalTrain if record.proofs.is_none() => Err(missing("proofs")),
            _ => Ok(record),
        }
    }

    /// As [`read`].
    ///
    /// # Errors
    /// As [`Self::parse`], and if the ledger cannot be read.
    pub fn read(ledger: &Ledger, step: Step) -> Result<Option<Self>> {
        ledger.step(&step.name())?.map(|recorded| Self::parse(step, recorded.detail)).transpose()
    }
}

/// A matching of conjectures with unproved statements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransportRecord {
    /// Unproved statements.
    pub statements: usize,
    /// Mean cosine distance.
    pub cost: f64,
    /// Wall time.
    pub seconds: f64,
}

/// The record of a finished step; `None` if the step is not finished.
///
/// # Errors
/// If the ledger cannot be read or the record is damaged.
pub fn read<R: DeserializeOwned>(ledger: &Ledger, step: Step) -> Result<Option<R>> {
    let Some(recorded) = ledger.step(&step.name())? else { return Ok(None) };
    parse(step, recorded.detail).map(Some)
}

/// The record of a step that later steps need.
///
/// # Errors
/// As [`read`], and if the step is not finished.
pub fn require<R: DeserializeOwned>(ledger: &Ledger, step: Step) -> Result<R> {
    read(ledger, step)?.with_context(|| format!("the step `{}` is not finished", step.name()))
}

/// A step's record from its JSON.
///
/// # Errors
/// If it is damaged.
pub fn parse<R: DeserializeOwned>(step: Step, detail: serde_json::Value) -> Result<R> {
    serde_json::from_value(spent::without(detail)).map_err(|error| damaged(step, &error.to_string()))
}

/// The error for a record that cannot be used.
pub fn damaged(step: Step, reason: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "the ledger's record of the step `{}` is damaged ({reason}). Restore the ledger from a copy, or start again in \
         another folder with --run-dir.",
        step.name()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn round_trips<R: DeserializeOwned + Serialize>(record: &Value) {
        let read: R = parse(Step::Setup, record.clone()).unwrap();
        assert_eq!(&serde_json::to_value(read).unwrap(), record);
    }

    #[test]
    fn records_of_earlier_runs_read_as_they_were_written() {
        round_trips::<SetupRecord>(&json!({ "fingerprints": { "a": "f" }, "proofs": 3 }));
        let spent = json!({ "accepted": 4, "spent": { "statements": 4 } });
        let record: ConjectureRecord = parse(Step::Conjecture(1), spent).unwrap();
        assert_eq!(record.count(ConjectureOutcome::Accepted), 4, "what a step took stands beside its record");
        round_trips::<ConjectureRecord>(&json!({ "accepted": 4, "malformed": 2 }));
        round_trips::<ProveRecord>(&json!({ "sampled_tokens": 12, "sampling_seconds": 1.5 }));
        let balance = json!({
            "temperatures": [0.5, 0.75, 1.0], "exploration": 0.25, "exploitation": 0.5, "separation": null,
            "balance": 0.125, "next": { "temperature": 0.75, "samples": 8 },
        });
        round_trips::<ProveRecord>(&json!({
            "sampled_tokens": 12, "sampling_seconds": 1.5, "balance": balance, "curriculum": { "nat": 0.5 },
            "samples": { "a": 3 },
            "repair": { "proved": 1, "statements": 1, "attempts": [{ "statement": "a", "sample": 4, "of": 2 }] },
            "stages": { "conjectures": 3, "first_samples": 6, "went_on": 1, "further_samples": 14, "spared": 28 },
        }));
        round_trips::<TrainRecord>(&json!({
            "proofs": 5, "conjectures_kept": 2, "from": "stage1", "conjecture_weights": { "conjecture_1_0_0": 0.5 },
            "transport": { "statements": 3, "cost": 0.5, "seconds": 0.25 }, "fates": { "open": 4 }, "loss": 0.5, "tokens": 9, "steps": 2,
        }));
    }

    #[test]
    fn damage_names_the_step() {
        let damage: [(Step, Value); 3] = [
            (Step::Train(1), json!({ "conjecture_weights": "x" })),
            (Step::Train(2), json!({ "prooofs": 1 })),
            (Step::Train(3), json!({ "steps": -1 })),
        ];
        for (step, detail) in damage {
            let error = parse::<TrainRecord>(step, detail).unwrap_err().to_string();
            assert!(error.contains(&step.name()) && error.contains("--run-dir"), "{error}");
        }
        for record in [json!({}), json!({ "proofs": 1 }), json!({ "conjectures_kept": 1 })] {
            assert!(TrainRecord::parse(Step::Train(1), record.clone()).is_err(), "{record}");
        }
        let whole = json!({ "proofs": 1, "conjectures_kept": 1, "from": "stage1" });
        assert!(TrainRecord::parse(Step::Train(1), whole).is_ok());
        assert!(parse::<ConjectureRecord>(Step::Conjecture(1), json!({ "acepted": 9 })).is_err());
        let other = json!({ "sampled_tokens": 1, "sampling_seconds": 1.0, "repiar": {} });
        assert!(parse::<ProveRecord>(Step::Prove(1), other).is_err());
        let error = parse::<ProveRecord>(
            Step::Prove(1),
            json!({ "sampled_tokens": 1, "sampling_seconds": 1, "balance": {} }),
        );
        assert!(error.unwrap_err().to_string().contains("round-1/prove"));
    }
}
