//! Which given statements a round tries.

use anyhow::Result;
use stp_datasets::Statement;
use stp_prover::{Resampling, choose_statements};

use crate::context::Context;
use crate::random::generator_for;

/// The given statements that are tried in a round: those that are not proved often enough, and by chance some others.
pub fn chosen_statements(context: &Context, round: u32) -> Result<Vec<Statement>> {
    let best = context.ledger.best_rates(round)?;
    let train = &context.statements.train;
    let ids: Vec<_> = train.iter().map(|statement| statement.id.clone()).collect();
    let settings = &context.config.proving;
    let resampling = Resampling { below: settings.resample_below, probability: settings.resample_proved };
    let mut generator = generator_for(context.config.seed, &["choose", &round.to_string()]);
    let chosen = choose_statements(&ids, &best, resampling, &mut generator);
    Ok(chosen.iter().filter_map(|id| context.statements.given(id)).cloned().collect())
}
