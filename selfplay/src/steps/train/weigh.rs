//! How much each kept conjecture weighs: transport to the statements that are not proved yet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use rand::seq::SliceRandom;
use stp_conjecturer::transport::{self, Costs};
use stp_datasets::Statement;

use super::select::TrainingConjecture;
use crate::context::Context;
use crate::context::history::{CorpusProofs, as_statement, unproved};
use crate::context::prompts::goal;
use crate::context::sampler::{Prompt, Sampler};
use crate::context::statements::spread;
use crate::events::Event;
use crate::random::generator_for;
use crate::records::{TrainRecord, TransportRecord};

/// Pairs of a statement and a conjecture that are compared at most, four bytes each, twice; of more statements as many
/// are drawn as keep to it.
const MOST_PAIRS: usize = 1 << 27;

/// The weights of a round's conjectures.
pub struct Weights {
    by_id: BTreeMap<String, f32>,
    transport: TransportRecord,
}

/// The weights of the kept conjectures of a round, by their embeddings under a model; `None` if the settings do not ask
/// for them or there are no conjectures.
///
/// # Errors
/// If the model or the ledger fails.
pub async fn weigh(
    context: &Context,
    model: &str,
    round: u32,
    kept: &[TrainingConjecture],
) -> Result<Option<Weights>> {
    let settings = &context.config.selection;
    if !settings.reweighting || kept.is_empty() {
        return Ok(None);
    }
    let started = Instant::now();
    let open = unproved(&context.ledger, &context.statements, round + 1, CorpusProofs::DoNotCount)?;
    let mut open: Vec<_> = open.into_iter().cloned().collect();
    open.shuffle(&mut generator_for(context.config.seed, &["transport", &round.to_string()]));
    let open = spread(&open, (MOST_PAIRS / kept.len()).max(1));
    let own: Vec<_> = kept.iter().filter_map(|kept| as_statement(kept.conjecture.clone())).collect();
    let (statements, batch) = (open.len(), context.config.sampling.batch);
    let (method, largest, exact) = (settings.transport, settings.largest_weight, settings.exact_pairs);
    let sampler = context.checkpoints.sampler(model)?;
    let work = move || -> Result<transport::Weights> {
        let costs = Costs::cosine(&embed(&sampler, &open, batch)?, &embed(&sampler, &own, batch)?);
        Ok(transport::weigh(&costs, method, largest, exact))
    };
    let found = tokio::task::spawn_blocking(work).await.context("the matching broke down")??;
    let ids = kept.iter().filter_map(|kept| kept.conjecture.statement.clone());
    let by_id: BTreeMap<_, _> = ids.zip(found.weights.iter().map(|weight| *weight as f32)).collect();
    let seconds = started.elapsed().as_secs_f64();
    let matched = by_id.values().filter(|weight| **weight > 0.0).count();
    let (kept, cost) = (kept.len(), found.cost);
    context.events.emit(&Event::Weighed { round, matched, kept, statements, cost, seconds });
    Ok(Some(Weights { by_id, transport: TransportRecord { statements, cost, seconds } }))
}

/// Statements as the prover reads them, cut to what the model takes.
fn embed(sampler: &Arc<dyn Sampler>, statements: &[Statement], batch: usize) -> Result<Vec<Vec<f32>>> {
    let tokens = |statement: &Statement| {
        let mut tokens = sampler.encode(&Prompt::Prove { goal: goal(statement) })?;
        tokens.truncate(sampler.longest());
        Ok(tokens)
    };
    let prompts = statements.iter().map(tokens).collect::<Result<Vec<_>>>()?;
    Ok(sampler.embed(&prompts, batch)?)
}

impl Weights {
    /// Gives the conjectures of the round their weights.
    pub fn apply(&self, kept: &mut [TrainingConjecture]) {
        for kept in kept {
            let weight = kept.conjecture.statement.as_ref().and_then(|id| self.by_id.get(id));
            weight.iter().for_each(|weight| kept.weight = **weight);
        }
    }

    /// Adds them to what the step leaves in the ledger.
    pub fn record(self, record: &mut TrainRecord) {
        record.conjecture_weights = Some(self.by_id);
        record.transport = Some(self.transport);
    }
}
