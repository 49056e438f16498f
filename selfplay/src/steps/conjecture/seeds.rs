//! What conjectures begin with: statements with a proof, and, where the settings ask for it, without.

use std::collections::HashSet;

use anyhow::Result;
use stp_conjecturer::Seed;
use stp_datasets::{Attempt, Phase};

use crate::context::Context;
use crate::context::history::{CorpusProofs, unproved};
use crate::context::lemmas::lemmas_of;

/// Proved given statements: their corpus proofs, and sampled ones where the best pass rate so far is high enough.
pub fn proved_seeds(context: &Context, round: u32) -> Result<Vec<Seed>> {
    let best = context.ledger.best_rates(round)?;
    let often = |attempt: &Attempt| {
        let rate = best.get(&attempt.statement).copied().unwrap_or_default().rate();
        rate > context.config.conjecturing.seed_rate
    };
    let mut given = context.statements.given_names();
    if context.config.conjecturing.hard_seeds {
        for entry in context.statements.corpus.entries.iter().filter(|entry| !entry.is_hard()) {
            given.remove(&entry.statement.id);
        }
    }
    let mut seen = HashSet::new();
    let mut seeds = Vec::new();
    let mut add = |attempt: Attempt| {
        if given.contains(&attempt.statement)
            && seen.insert((attempt.statement.clone(), attempt.proof.clone()))
        {
            let lemmas = lemmas_of(&attempt);
            seeds.push(Seed { statement: attempt.statement, proof: attempt.proof, lemmas });
        }
    };
    context.ledger.each_proof(Phase::Corpus, 0..=0, &mut add)?;
    context.ledger.each_proof(Phase::Train, 0..=round.saturating_sub(1), |attempt| {
        if often(&attempt) {
            add(attempt);
        }
    })?;
    Ok(seeds)
}

/// The given statements without any proof so far.
pub fn unproved_seeds(context: &Context, round: u32) -> Result<Vec<Seed>> {
    let open = unproved(&context.ledger, &context.statements, round, CorpusProofs::Count)?;
    let seed = |id: &String| Seed { statement: id.clone(), proof: String::new(), lemmas: Vec::new() };
    Ok(open.into_iter().map(|statement| seed(&statement.id)).collect())
}
