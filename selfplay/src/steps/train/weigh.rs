//! How much each kept conjecture weighs: transport to the statements that are not proved yet.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::{Context, Result};
use rand::seq::SliceRandom;
use serde_json::{Value, json};
use stp_conjecturer::transport::{self, Costs};
use stp_datasets::{Ledger, Phase};
use stp_model::{Checkpoint, Tokenizer};

use crate::plan::{self, Step};
use crate::run::Run;
use crate::seeds::generator_for;
use crate::selecting::Chosen;

/// Pairs of a statement and a conjecture that are compared at most, four bytes each, twice; of more statements as many
/// are drawn as keep to it.
const MOST_PAIRS: usize = 1 << 27;
const KEY: &str = "conjecture_weights";

/// The weights of a round's conjectures.
pub struct Weights {
    by_id: HashMap<String, f32>,
    statements: usize,
    cost: f64,
    seconds: f64,
}

/// The weights of the kept conjectures of a round, by their embeddings under `checkpoint`; `None` if the settings do not
/// ask for them or there are no conjectures.
///
/// # Errors
/// If the model or the ledger fails.
pub async fn weigh(
    run: &Run,
    checkpoint: Checkpoint,
    round: u32,
    kept: &[Chosen],
) -> Result<Option<Weights>> {
    let settings = &run.config.selection;
    if !settings.reweighting || kept.is_empty() {
        return Ok(None);
    }
    let started = Instant::now();
    let mut unproved = unproved(run, round)?;
    unproved.shuffle(&mut generator_for(run.config.seed, &["transport", &round.to_string()]));
    let unproved = plan::spread(&unproved, (MOST_PAIRS / kept.len()).max(1));
    let own: Vec<_> = kept.iter().map(|chosen| chosen.conjecture.signature.clone()).collect();
    let (statements, batch) = (unproved.len(), run.config.sampling.batch);
    let (method, largest, exact) = (settings.transport, settings.largest_weight, settings.exact_pairs);
    let work = move || -> Result<transport::Weights> {
        let embed = |signatures: &[String]| {
            let longest = checkpoint.model.config().max_seq;
            let tokens: Vec<_> =
                signatures.iter().map(|text| tokens(&checkpoint.tokenizer, text, longest)).collect();
            stp_model::embed(&checkpoint.model, &tokens, batch)
        };
        let costs = Costs::cosine(&embed(&unproved)?, &embed(&own)?);
        Ok(transport::weigh(&costs, method, largest, exact))
    };
    let found = tokio::task::spawn_blocking(work).await.context("the matching broke down")??;
    let ids = kept.iter().filter_map(|chosen| chosen.conjecture.statement.clone());
    let weights = Weights {
        by_id: ids.zip(found.weights.iter().map(|weight| *weight as f32)).collect(),
        statements,
        cost: found.cost,
        seconds: started.elapsed().as_secs_f64(),
    };
    run.display.line(&format!(
        "round {round}: {} of {} conjectures matched with {statements} unproved statements, mean distance {:.4}, {:.1} s",
        weights.by_id.values().filter(|weight| **weight > 0.0).count(),
        kept.len(),
        weights.cost,
        weights.seconds
    ));
    Ok(Some(weights))
}

impl Weights {
    /// Gives the conjectures of the round their weights.
    pub fn apply(&self, kept: &mut [Chosen]) {
        for chosen in kept {
            let weight = chosen.conjecture.statement.as_ref().and_then(|id| self.by_id.get(id));
            weight.iter().for_each(|weight| chosen.weight = **weight);
        }
    }

    /// Adds them to what the step leaves in the ledger.
    pub fn record(&self, detail: &mut Value) {
        detail[KEY] = json!(self.by_id);
        detail["transport"] =
            json!({ "statements": self.statements, "cost": self.cost, "seconds": self.seconds });
    }
}

/// The weights that a finished round gave its conjectures.
///
/// # Errors
/// If the ledger cannot be read.
pub fn recorded_weights(ledger: &Ledger, round: u32) -> Result<HashMap<String, f32>> {
    let step = ledger.step(&Step::Train(round).name())?;
    let weights = step.and_then(|step| serde_json::from_value(step.detail[KEY].clone()).ok());
    Ok(weights.unwrap_or_default())
}

/// Signatures of the given statements that no sampled proof up to this round proves.
fn unproved(run: &Run, round: u32) -> Result<Vec<String>> {
    let proved = run.ledger.proved_attempts(Phase::Train)?;
    let proved: std::collections::HashSet<_> =
        proved.iter().filter(|attempt| attempt.round <= round).map(|attempt| &attempt.statement).collect();
    let open = run.train.iter().filter(|statement| !proved.contains(&statement.id));
    Ok(open.map(|statement| statement.signature.clone()).collect())
}

/// As the prover reads it.
fn tokens(tokenizer: &Tokenizer, signature: &str, longest: usize) -> Vec<u32> {
    let mut tokens = stp_prover::prompt(tokenizer, signature);
    tokens.truncate(longest);
    tokens
}
