//! Proof phases: the round's own (statements and conjectures) and the measurement on `valid`.

use std::collections::HashMap;

use anyhow::Result;
use serde_json::{Value, json};
use stp_datasets::{CONJECTURE, Outcome, Phase, Split, Statement};
use stp_prover::{PassRate, Retry, choose_statements, control};

use crate::attempting::{Sitting, attempt_all};
use crate::judging::Target;
use crate::plan::{self, Step};
use crate::repairing;
use crate::run::{Run, checkpoint_of};
use crate::seeds::generator_for;
use crate::steering::{self, Steering};

/// Samples and judges the round's proofs: first attempts, and what the settings ask for beyond them.
///
/// # Errors
/// If sampling, Lean or the ledger fails, or the user interrupts.
pub async fn prove(run: &mut Run, round: u32) -> Result<Value> {
    let given = chosen_statements(run, round)?;
    let conjectures = accepted_conjectures(run, round)?;
    let steering = Steering::of_round(run, round, &given)?;
    let (for_given, for_conjectures) = plan::allocate(
        run.config.proving.proofs_in(round),
        given.len(),
        conjectures.len(),
        steering.samples_per_conjecture,
    );
    let all = for_given.iter().map(|&samples| samples as usize).sum();
    let parts = plan::Parts::of(all, &run.config);
    let mut counts = control::share(parts.first, &steering.weights);
    let first = given.iter().cloned().zip(counts.iter().copied());
    let targets = first.chain(conjectures.into_iter().zip(for_conjectures));
    let targets = targets.map(|(statement, samples)| Target::new(statement, samples)).collect();
    let model = run.model_after(round - 1);
    let sit = |title| Sitting {
        model: &model,
        round,
        phase: Phase::Train,
        title,
        temperatures: &steering.temperatures,
    };
    let mut spent = Spent::default();
    spent.add(attempt_all(run, &sit(format!("round {round}: prove")), targets).await?);
    if parts.later > 0 {
        let extra = steering::border(run, round, &given, &counts, parts.later)?;
        let targets = more(&given, &mut counts, &extra);
        spent.add(attempt_all(run, &sit(format!("round {round}: prove on")), targets).await?);
    }
    let mut detail = spent.detail();
    steering.record(run, round, &given, &counts, &mut detail)?;
    if parts.repairs > 0 {
        let targets = repairing::plan(run, round, &given, &mut counts, parts.repairs)?;
        spent.add(attempt_all(run, &sit(format!("round {round}: repair")), targets.clone()).await?);
        spent.write(&mut detail);
        repairing::record(run, round, &targets, &mut detail)?;
    }
    Ok(detail)
}

/// Targets for more samples of statements, which are counted.
fn more(given: &[Statement], counts: &mut [u32], extra: &[u32]) -> Vec<Target> {
    let more = |((statement, count), extra): ((&Statement, &mut u32), &u32)| {
        let samples = *count..*count + extra;
        *count += extra;
        Target { statement: statement.clone(), samples, failure: None }
    };
    given.iter().zip(counts).zip(extra).map(more).collect()
}

/// What sampling took.
#[derive(Default)]
struct Spent {
    tokens: f64,
    seconds: f64,
}

impl Spent {
    fn add(&mut self, detail: Value) {
        self.tokens += detail["sampled_tokens"].as_f64().unwrap_or_default();
        self.seconds += detail["sampling_seconds"].as_f64().unwrap_or_default();
    }

    fn detail(&self) -> Value {
        let mut detail = json!({});
        self.write(&mut detail);
        detail
    }

    fn write(&self, detail: &mut Value) {
        detail["sampled_tokens"] = (self.tokens as u64).into();
        detail["sampling_seconds"] = self.seconds.into();
    }
}

/// Samples and judges proofs of the validation statements.
///
/// # Errors
/// As [`prove`].
pub async fn validate(run: &mut Run, step: Step) -> Result<Value> {
    let rounds = run.config.rounds;
    let round = step.round(rounds);
    let title = format!("{}: valid", checkpoint_of(round, rounds));
    let (model, samples) = (run.model_after(round), run.config.proving.valid_samples);
    held_out(run, &model, round, samples, &title).await
}

/// Samples and judges proofs of the held-out statements from any checkpoint, outside the rounds.
///
/// # Errors
/// As [`prove`].
pub async fn evaluate(run: &mut Run, model: &str, samples: u32, title: &str) -> Result<Value> {
    held_out(run, model, 0, samples, title).await
}

async fn held_out(run: &mut Run, model: &str, round: u32, samples: u32, title: &str) -> Result<Value> {
    let targets = run.valid.iter().map(|statement| Target::new(statement.clone(), samples)).collect();
    let sitting = Sitting { model, round, phase: Phase::Valid, title: title.to_owned(), temperatures: &[] };
    attempt_all(run, &sitting, targets).await
}

/// The conjectures of a round that are to be proved.
///
/// # Errors
/// If the ledger cannot be read.
pub fn accepted_conjectures(run: &Run, round: u32) -> Result<Vec<Statement>> {
    let all = run.ledger.conjectures()?;
    let accepted = all.into_iter().filter(|c| c.round == round && c.outcome == Some(Outcome::Accepted));
    Ok(accepted
        .filter_map(|conjecture| {
            Some(Statement {
                id: conjecture.statement?,
                signature: conjecture.signature,
                header: String::new(),
                topics: vec![CONJECTURE.to_owned()],
                split: Split::Train,
            })
        })
        .collect())
}

/// The best pass rate of each statement in the rounds before this one.
///
/// # Errors
/// If the ledger cannot be read.
pub fn best_rates(run: &Run, round: u32) -> Result<HashMap<String, PassRate>> {
    let mut best: HashMap<String, PassRate> = HashMap::new();
    for ((of_round, id), tally) in run.ledger.tallies(Phase::Train)? {
        let rate = PassRate { correct: tally.proved, attempts: tally.judged };
        let best = best.entry(id).or_default();
        if of_round < round && rate.rate() > best.rate() {
            *best = rate;
        }
    }
    Ok(best)
}

/// The given statements that are tried in a round.
fn chosen_statements(run: &Run, round: u32) -> Result<Vec<Statement>> {
    let best = best_rates(run, round)?;
    let ids: Vec<_> = run.train.iter().map(|statement| statement.id.clone()).collect();
    let retry =
        Retry { below: run.config.proving.resample_below, probability: run.config.proving.resample_proved };
    let mut generator = generator_for(run.config.seed, &["choose", &round.to_string()]);
    let chosen = choose_statements(&ids, &best, retry, &mut generator);
    let by_id: HashMap<_, _> = run.train.iter().map(|statement| (&statement.id, statement)).collect();
    Ok(chosen.iter().filter_map(|id| by_id.get(id)).map(|statement| (*statement).clone()).collect())
}
