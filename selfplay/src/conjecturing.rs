//! The conjecture phase: seeds and lemmas in, new statements that Lean accepts out.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context, Result};
use stp_conjecturer::{Input, InputLimits, Seed, Sieve, plan_inputs, trigger_lemmas};
use stp_datasets::{Attempt, Conjecture, Outcome, Phase, Split, canonical_text, normalise_spaces};
use stp_model::{Checkpoint, SampleRequest};
use tokio::task::JoinSet;

use crate::run::{Run, checkpoint_of};
use crate::sampling::{self, Kind};
use crate::seeds::{generator_for, seed_for};
use crate::setup::Setup;

/// Pass rate above which a proved statement may be a seed (paper: 0.35).
const SEED_RATE: f64 = 0.35;

/// Generates and filters the round's conjectures.
///
/// # Errors
/// If sampling, Lean or the ledger fails, or the user interrupts.
pub async fn conjecture(run: &mut Run, round: u32) -> Result<serde_json::Value> {
    let seeds = seeds(run, round)?;
    let mut generator = generator_for(run.config.seed, &["inputs", &round.to_string()]);
    let inputs = plan_inputs(
        &seeds,
        run.config.conjecturing.generated_per_round,
        InputLimits::default(),
        &mut generator,
    );
    generate(run, round, &inputs).await?;
    filter(run, round).await
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

/// Proved given statements, with corpus proofs and with sampled ones of statements that are proved often.
fn seeds(run: &Run, round: u32) -> Result<Vec<Seed>> {
    let tallies = run.ledger.tallies(Phase::Train)?;
    let often = |attempt: &Attempt| {
        let tally = tallies.get(&(attempt.round, attempt.statement.clone())).copied().unwrap_or_default();
        attempt.round < round && f64::from(tally.proved) > SEED_RATE * f64::from(tally.judged)
    };
    let given: BTreeSet<_> = run.train.iter().map(|statement| statement.id.as_str()).collect();
    let sampled = run.ledger.proved_attempts(Phase::Train)?.into_iter().filter(often);
    let mut seen = BTreeSet::new();
    let mut seeds = Vec::new();
    for attempt in run.ledger.proved_attempts(Phase::Seed)?.into_iter().chain(sampled) {
        let new = seen.insert((attempt.statement.clone(), attempt.proof.clone()));
        if new && given.contains(attempt.statement.as_str()) {
            let lemmas = lemmas_of(&attempt);
            seeds.push(Seed { statement: attempt.statement, proof: attempt.proof, lemmas });
        }
    }
    Ok(seeds)
}

async fn generate(run: &mut Run, round: u32, inputs: &[Input]) -> Result<()> {
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
        let samples =
            (0..u32::try_from(input.samples)?).filter(|sample| !recorded.contains(&(index, *sample)));
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
    }
}

/// Decides the outcome of every text of the round, in one transaction at the end.
async fn filter(run: &Run, round: u32) -> Result<serde_json::Value> {
    let (earlier, mut conjectures): (Vec<_>, Vec<_>) =
        run.ledger.conjectures()?.into_iter().partition(|conjecture| conjecture.round < round);
    conjectures.retain(|conjecture| conjecture.round == round);
    let mut sieve = sieve(run, &earlier)?;
    for conjecture in conjectures.iter_mut().filter(|c| c.outcome.is_none()) {
        conjecture.outcome = sieve.admit_text(&conjecture.signature);
    }
    elaborate(run, round, &mut conjectures, &mut sieve).await?;
    run.ledger.record_outcomes(&conjectures)?;
    let count = |outcome| conjectures.iter().filter(|c| c.outcome == Some(outcome)).count();
    let counts: serde_json::Map<_, _> =
        Outcome::ALL.iter().map(|outcome| (outcome.as_str().to_owned(), count(*outcome).into())).collect();
    let text: Vec<_> =
        counts.iter().map(|(name, count)| format!("{count} {}", name.replace('_', " "))).collect();
    run.display.line(&format!("round {round}: conjectures: {}", text.join(", ")));
    Ok(counts.into())
}

/// What conjectures are compared with: held-out statements, given ones, and earlier conjectures.
fn sieve(run: &Run, earlier: &[Conjecture]) -> Result<Sieve> {
    let fingerprints = Setup::read(run)?.fingerprints;
    let mut sieve = Sieve::default();
    for entry in &run.corpus.entries {
        let statement = &entry.statement;
        let keys = [Some(canonical_text(&statement.signature)), fingerprints.get(&statement.id).cloned()];
        for key in keys.into_iter().flatten() {
            match statement.split {
                Split::Train => sieve.know(key),
                Split::Valid | Split::Test => sieve.hold_out(key),
            }
        }
    }
    for conjecture in earlier.iter().filter(|c| c.outcome == Some(Outcome::Accepted)) {
        sieve.know(canonical_text(&conjecture.signature));
        conjecture.fingerprint.iter().for_each(|print| sieve.know(print.clone()));
    }
    Ok(sieve)
}

/// Asks Lean about the undecided texts in order, until the quota is full.
async fn elaborate(run: &Run, round: u32, conjectures: &mut [Conjecture], sieve: &mut Sieve) -> Result<()> {
    let undecided: Vec<_> = (0..conjectures.len()).filter(|&i| conjectures[i].outcome.is_none()).collect();
    let progress = run.display.phase(&format!("round {round}: elaborate"), undecided.len() as u64);
    let mut accepted = 0;
    for chunk in undecided.chunks(run.pool.workers() * 8) {
        let reports = statements(run, conjectures, chunk).await?;
        for &index in chunk {
            let report = reports.get(&index).context("a statement got no answer")?;
            let conjecture = &mut conjectures[index];
            conjecture.fingerprint.clone_from(&report.fingerprint);
            let known = report.fingerprint.clone().and_then(|print| sieve.admit(print));
            let full = accepted >= run.config.conjecturing.quota;
            conjecture.outcome = Some(match known {
                _ if full => Outcome::OverQuota,
                _ if !report.ok => Outcome::NotElaborated,
                Some(outcome) => outcome,
                None => Outcome::Accepted,
            });
            if conjecture.outcome == Some(Outcome::Accepted) {
                accepted += 1;
                let id = format!("conjecture_{round}_{}_{}", conjecture.input, conjecture.sample);
                conjecture.statement = Some(id);
            }
            progress.advance(1);
        }
    }
    progress.finish(&format!("{accepted} conjectures accepted"));
    Ok(())
}

async fn statements(
    run: &Run,
    conjectures: &[Conjecture],
    indices: &[usize],
) -> Result<HashMap<usize, stp_verifier::StatementReport>> {
    let mut checks = JoinSet::new();
    for &index in indices {
        let (pool, signature) = (run.pool.clone(), conjectures[index].signature.clone());
        checks.spawn(async move { (index, pool.statement("", &signature).await) });
    }
    let mut reports = HashMap::new();
    while let Some(done) = run.unless_cancelled(checks.join_next()).await? {
        let (index, report) = done?;
        reports.insert(index, report?);
    }
    Ok(reports)
}
