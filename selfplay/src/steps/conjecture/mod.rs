//! The conjecture step: seeds and lemmas in, new statements that Lean accepts out.

mod generate;
mod screen;
mod seeds;

use anyhow::Result;
use stp_conjecturer::{Budget, InputLimits, mixed_seeds, one_for_each_lemma, plan_inputs};
use stp_datasets::ConjectureOutcome;

use self::generate::generate;
use self::screen::{Seen, screen};
use self::seeds::{proved_seeds, unproved_seeds};
use crate::context::Context;
use crate::events::Event;
use crate::random::generator_for;
use crate::records::ConjectureRecord;

/// Generates and filters the round's conjectures.
///
/// A fixed number of texts is generated at once. Where the quota decides instead, every input is asked once, then once
/// more, and so on, until the quota is full or the inputs have been asked as often as they may be.
///
/// # Errors
/// If sampling, Lean or the ledger fails, or the user interrupts.
pub async fn conjecture(context: &Context, round: u32) -> Result<ConjectureRecord> {
    let settings = &context.config.conjecturing;
    let quota = if settings.quota == 0 { context.statements.train.len() } else { settings.quota };
    let until_full = settings.generated_per_round == 0;
    let budget = if until_full { Budget::Inputs(quota) } else { Budget::Texts(settings.generated_per_round) };
    let limits = InputLimits {
        no_lemma: settings.no_lemma,
        lemma_share: settings.lemma_share,
        most_samples: settings.most_samples,
        one_seed: settings.one_seed,
    };
    let mut generator = generator_for(context.config.seed, &["inputs", &round.to_string()]);
    let mut seeds = proved_seeds(context, round)?;
    if settings.one_seed {
        seeds = one_for_each_lemma(&seeds, settings.no_lemma, &mut generator);
    }
    if settings.unproved_seeds > 0.0 {
        let (Budget::Inputs(most) | Budget::Texts(most)) = budget;
        let open = unproved_seeds(context, round)?;
        seeds = mixed_seeds(seeds, open, settings.unproved_seeds, most, &mut generator);
    }
    let inputs = plan_inputs(&seeds, budget, limits, &mut generator);
    let most = u32::try_from(inputs.iter().map(|input| input.samples).max().unwrap_or(0))?;
    // After some rounds these are hundreds of thousands of texts: they are read once, not in each wave.
    let earlier = Seen::before(context, round)?;
    let mut start = 0;
    while start < most {
        let end = if until_full { start + 1 } else { most };
        generate(context, round, &inputs, start..end).await?;
        if screen(context, &earlier, round, end, quota).await? {
            break;
        }
        start = end;
    }
    count(context, round)
}

/// How many of the round's texts met which fate; also told to whoever listens.
fn count(context: &Context, round: u32) -> Result<ConjectureRecord> {
    let counts = context.ledger.conjecture_counts()?.remove(&round).unwrap_or_default();
    let count = |outcome| (outcome, counts.get(&Some(outcome)).copied().unwrap_or(0));
    let record: ConjectureRecord = ConjectureOutcome::ALL.into_iter().map(count).collect();
    let settings = &context.config.conjecturing;
    let mut off = Vec::new();
    off.extend((!settings.drop_trivial).then_some(ConjectureOutcome::Trivial));
    off.extend((!settings.drop_refuted).then_some(ConjectureOutcome::Refuted));
    context.events.emit(&Event::Screened { round, counts: &record, off: &off });
    Ok(record)
}

#[cfg(test)]
mod tests;
