//! Sampling the texts of conjectures.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use anyhow::Result;
use stp_conjecturer::{Fate, Input, SeedTheorem, proof_with_fate};
use stp_datasets::{Conjecture, ConjectureOutcome, Source, normalise_spaces};
use stp_model::{SampleConfig, SampleRequest};

use crate::context::Context;
use crate::context::lemmas::lemma_signatures;
use crate::context::sampler::{self, Prompt, SampleKind, Sampler};
use crate::events::{Done, Recorded, Work};
use crate::plan::checkpoint_of;
use crate::random::seed_for;

/// Samples those texts of each input that are not recorded yet.
///
/// # Errors
/// If sampling, Lean or the ledger fails, or the user interrupts.
pub async fn generate(context: &Context, round: u32, inputs: &[Input], wave: Range<u32>) -> Result<()> {
    let names = inputs.iter().filter_map(|input| input.lemma.clone()).collect();
    let lemmas = lemma_signatures(&context.verifier, &context.cancel, names).await?;
    let sampler = context.checkpoints.sampler(&checkpoint_of(round - 1, context.config.rounds))?;
    let recorded = context.ledger.conjecture_keys(round)?;
    let (mut requests, mut owners) = (Vec::new(), Vec::new());
    for (index, input) in inputs.iter().enumerate() {
        let blanks = blanks(context, round, u32::try_from(index)?, input, &wave, &recorded)?;
        let prompt = prompt(context, sampler.as_ref(), input, &lemmas)?;
        let fits = prompt.len() + context.config.sampling.max_conjecture_tokens <= sampler.longest();
        if fits && !blanks.is_empty() {
            let seeds = blanks.iter().map(|blank| seed(context.config.seed, blank)).collect();
            requests.push(SampleRequest { prompt, seeds });
            owners.push(blanks);
        }
    }
    sample(context, round, sampler, requests, owners).await
}

async fn sample(
    context: &Context,
    round: u32,
    sampler: Arc<dyn Sampler>,
    requests: Vec<SampleRequest>,
    owners: Vec<Vec<Conjecture>>,
) -> Result<()> {
    let texts: usize = owners.iter().map(Vec::len).sum();
    if texts == 0 {
        return Ok(());
    }
    let progress = Arc::new(context.events.work(&Work::Conjecture { round }, texts as u64));
    let (ledger, events, counter) = (context.ledger.clone(), context.events.clone(), progress.clone());
    let kind = SampleKind::Conjecture;
    let mask = sampler.mask(context.config.conjecturing.mask);
    let settings = SampleConfig { mask, ..context.sampling(kind) };
    let reader = sampler.clone();
    let stats = sampler::sample(sampler, kind, requests, settings, context.cancel.clone(), move |sample| {
        let mut conjecture = owners[sample.request][sample.sample].clone();
        match reader.statement(&sample.text).filter(|_| sample.finished) {
            Some(signature) => conjecture.signature = signature,
            None => {
                conjecture.signature = normalise_spaces(&sample.text);
                conjecture.outcome = Some(ConjectureOutcome::Malformed);
            }
        }
        ledger.record_conjecture(&conjecture)?;
        events.recorded(Recorded::Conjecture);
        counter.tokens(sample.tokens as u64);
        counter.advance(1);
        Ok(())
    })
    .await?;
    context.spending.count(|spent| spent.tokens += stats.tokens as u64);
    context.cancel.check()?;
    if let Some(progress) = Arc::into_inner(progress) {
        progress.finish(Done::Texts { texts });
    }
    Ok(())
}

fn prompt(
    context: &Context,
    sampler: &dyn Sampler,
    input: &Input,
    lemmas: &HashMap<String, String>,
) -> Result<Vec<u32>> {
    let lemma = input.lemma.as_ref().and_then(|name| lemmas.get(name)).map(String::as_str);
    let seed = context.statements.given(&input.seed.statement);
    let (header, signature) = seed.map_or(("", ""), |it| (it.header.as_str(), it.signature.as_str()));
    let fate = context.config.conjecturing.fates.then_some(Fate::Barely);
    let proof = &*proof_with_fate(&input.seed.proof, fate);
    let seed = SeedTheorem { lemma, name: &input.seed.statement, header, signature, proof };
    Ok(sampler.encode(&Prompt::Conjecture { seed })?)
}

/// The texts of an input that a wave asks for and nobody has recorded, yet without text.
fn blanks(
    context: &Context,
    round: u32,
    index: u32,
    input: &Input,
    wave: &Range<u32>,
    recorded: &HashSet<(u32, u32)>,
) -> Result<Vec<Conjecture>> {
    let end = wave.end.min(u32::try_from(input.samples)?);
    let header = context.statements.header_of(&input.seed.statement);
    let blank = |sample| Conjecture {
        round,
        input: index,
        sample,
        seed: input.seed.statement.clone(),
        seed_proof: input.seed.proof.clone(),
        header: header.to_owned(),
        lemma: input.lemma.clone(),
        signature: String::new(),
        outcome: None,
        fingerprint: None,
        statement: None,
        source: Source::Model,
    };
    Ok((wave.start..end).filter(|sample| !recorded.contains(&(index, *sample))).map(blank).collect())
}

fn seed(run_seed: u64, blank: &Conjecture) -> u64 {
    let [round, input, sample] = [blank.round, blank.input, blank.sample].map(|number| number.to_string());
    seed_for(run_seed, &["conjecture", &round, &input, &sample])
}
