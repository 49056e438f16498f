//! The conjecture phase: seeds and lemmas in, new statements that Lean accepts out.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use anyhow::Result;
use stp_conjecturer::{Input, InputLimits, Seed, Wanted, mixed_seeds, plan_inputs, trigger_lemmas};
use stp_datasets::{Attempt, Conjecture, Outcome, Phase, Statement, normalise_spaces};
use stp_model::{Checkpoint, SampleRequest};

use crate::proving;
use crate::run::{Run, checkpoint_of};
use crate::sampling::{self, Kind};
use crate::screening;
use crate::seeds::{generator_for, seed_for};

/// Generates and filters the round's conjectures.
///
/// A fixed number of texts is generated at once. Where the quota decides instead, every input is asked once, then once
/// more, and so on, until the quota is full or the inputs have been asked as often as they may be.
///
/// # Errors
/// If sampling, Lean or the ledger fails, or the user interrupts.
pub async fn conjecture(run: &mut Run, round: u32) -> Result<serde_json::Value> {
    let settings = run.config.conjecturing.clone();
    let quota = if settings.quota == 0 { run.train.len() } else { settings.quota };
    let until_full = settings.generated_per_round == 0;
    let wanted = if until_full { Wanted::Inputs(quota) } else { Wanted::Texts(settings.generated_per_round) };
    let limits = InputLimits {
        no_lemma: settings.no_lemma,
        lemma_share: settings.lemma_share,
        most_samples: settings.most_samples,
    };
    let mut generator = generator_for(run.config.seed, &["inputs", &round.to_string()]);
    let mut seeds = seeds(run, round)?;
    if settings.unproved_seeds > 0.0 {
        let (Wanted::Inputs(most) | Wanted::Texts(most)) = wanted;
        let open = unproved_seeds(run, round)?;
        seeds = mixed_seeds(seeds, open, settings.unproved_seeds, most, &mut generator);
    }
    let inputs = plan_inputs(&seeds, wanted, limits, &mut generator);
    let most = u32::try_from(inputs.iter().map(|input| input.samples).max().unwrap_or(0))?;
    let mut start = 0;
    while start < most {
        let end = if until_full { start + 1 } else { most };
        generate(run, round, &inputs, start..end).await?;
        if screening::screen(run, round, end, quota).await? {
            break;
        }
        start = end;
    }
    screening::summary(run, round)
}

/// Signatures of all trigger lemmas of the given statements' proofs, by name.
///
/// # Errors
/// If Lean fails.
pub async fn lemma_signatures(run: &Run, names: BTreeSet<String>) -> Result<HashMap<String, String>> {
    let names: Vec<_> = names.into_iter().collect();
    let signatures = run.unless_cancelled(run.pool.signatures(&names)).await??;
    Ok(names.into_iter().zip(signatures).filter_map(|(name, signature)| Some((name, signature?))).collect())
}

/// The trigger lemmas of an attempt's proof.
pub fn lemmas_of(attempt: &Attempt) -> Vec<String> {
    let Some(verdict) = &attempt.verdict else { return Vec::new() };
    let premises: Vec<_> = verdict.premises.iter().chain(&verdict.implicit_premises).cloned().collect();
    trigger_lemmas(&premises, &attempt.proof)
}

/// Proved given statements: their corpus proofs, and sampled ones where the best pass rate so far is high enough.
fn seeds(run: &Run, round: u32) -> Result<Vec<Seed>> {
    let best = proving::best_rates(run, round)?;
    let often = |attempt: &Attempt| {
        let rate = best.get(&attempt.statement).copied().unwrap_or_default().rate();
        attempt.round < round && rate > run.config.conjecturing.seed_rate
    };
    let mut given = run.given();
    if run.config.conjecturing.hard_seeds {
        for entry in run.corpus.entries.iter().filter(|entry| !entry.is_hard()) {
            given.remove(&entry.statement.id);
        }
    }
    let sampled = run.ledger.proved_attempts(Phase::Train)?.into_iter().filter(often);
    let mut seen = BTreeSet::new();
    let mut seeds = Vec::new();
    for attempt in run.ledger.proved_attempts(Phase::Seed)?.into_iter().chain(sampled) {
        let new = seen.insert((attempt.statement.clone(), attempt.proof.clone()));
        if new && given.contains(&attempt.statement) {
            let lemmas = lemmas_of(&attempt);
            seeds.push(Seed { statement: attempt.statement, proof: attempt.proof, lemmas });
        }
    }
    Ok(seeds)
}

/// The given statements without any proof so far.
fn unproved_seeds(run: &Run, round: u32) -> Result<Vec<Seed>> {
    let shown = run.ledger.proved_attempts(Phase::Seed)?;
    let sampled =
        run.ledger.proved_attempts(Phase::Train)?.into_iter().filter(|attempt| attempt.round < round);
    let proved: BTreeSet<_> = shown.into_iter().chain(sampled).map(|attempt| attempt.statement).collect();
    let open = run.train.iter().filter(|statement| !proved.contains(&statement.id));
    let seed = |it: &Statement| Seed { statement: it.id.clone(), proof: String::new(), lemmas: Vec::new() };
    Ok(open.map(seed).collect())
}

/// Samples those texts of each input that are not recorded yet.
async fn generate(run: &mut Run, round: u32, inputs: &[Input], wave: Range<u32>) -> Result<()> {
    let recorded: BTreeSet<_> = run
        .ledger
        .conjectures()?
        .into_iter()
        .filter(|conjecture| conjecture.round == round)
        .map(|conjecture| (conjecture.input, conjecture.sample))
        .collect();
    let names = inputs.iter().filter_map(|input| input.lemma.clone()).collect();
    let lemmas = lemma_signatures(run, names).await?;
    let checkpoint = run.language.load(&run.folder, &checkpoint_of(round - 1, run.config.rounds))?;
    let (mut requests, mut owners) = (Vec::new(), Vec::new());
    for (index, input) in inputs.iter().enumerate() {
        let prompt = input_prompt(run, &checkpoint, input, &lemmas);
        if prompt.len() + run.config.sampling.max_conjecture_tokens > checkpoint.model.config().max_seq {
            continue;
        }
        let index = u32::try_from(index)?;
        let end = wave.end.min(u32::try_from(input.samples)?);
        let samples = (wave.start..end).filter(|sample| !recorded.contains(&(index, *sample)));
        let blanks: Vec<_> = samples.map(|sample| blank(round, index, sample, input)).collect();
        let seed = |blank: &Conjecture| {
            let [round, input, sample] = [round, blank.input, blank.sample].map(|n| n.to_string());
            seed_for(run.config.seed, &["conjecture", &round, &input, &sample])
        };
        if !blanks.is_empty() {
            requests.push(SampleRequest { prompt, seeds: blanks.iter().map(seed).collect() });
            owners.push(blanks);
        }
    }
    let total: usize = owners.iter().map(Vec::len).sum();
    if total == 0 {
        return Ok(());
    }
    let progress = Arc::new(run.display.phase(&format!("round {round}: conjecture"), total as u64));
    let (ledger, counter) = (run.ledger.clone(), progress.clone());
    let settings = sampling::settings(&run.config.sampling, Kind::Conjecture);
    sampling::sample(checkpoint, requests, settings, run.cancel.clone(), move |completion, text| {
        let mut conjecture = owners[completion.request][completion.sample].clone();
        conjecture.signature = normalise_spaces(&text);
        if !completion.finished {
            conjecture.outcome = Some(Outcome::Malformed);
        }
        ledger.record_conjecture(&conjecture)?;
        counter.tokens(completion.tokens.len() as u64);
        counter.advance(1);
        Ok(())
    })
    .await?;
    run.cancel.check()?;
    if let Some(progress) = Arc::into_inner(progress) {
        progress.finish(&format!("{total} texts"));
    }
    Ok(())
}

fn input_prompt(
    run: &Run,
    checkpoint: &Checkpoint,
    input: &Input,
    lemmas: &HashMap<String, String>,
) -> Vec<u32> {
    let lemma = input.lemma.as_ref().and_then(|name| lemmas.get(name)).map(String::as_str);
    let seed = run.train.iter().find(|statement| statement.id == input.seed.statement);
    let signature = seed.map_or("", |statement| statement.signature.as_str());
    stp_conjecturer::prompt(&checkpoint.tokenizer, lemma, signature, &input.seed.proof)
}

fn blank(round: u32, input: u32, sample: u32, asked: &Input) -> Conjecture {
    Conjecture {
        round,
        input,
        sample,
        seed: asked.seed.statement.clone(),
        seed_proof: asked.seed.proof.clone(),
        lemma: asked.lemma.clone(),
        signature: String::new(),
        outcome: None,
        fingerprint: None,
        statement: None,
        header: String::new(),
    }
}
