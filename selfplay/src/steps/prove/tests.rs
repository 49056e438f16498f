//! The proof step with a scripted model and judge.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use stp_datasets::{Attempt, Status};
use tempfile::TempDir;

use super::*;
use crate::config::RunConfig;
use crate::test::{self, ScriptedSampler};

/// A run of which every text of a model is `proof`, without second attempts or controllers.
fn context(sampler: Arc<ScriptedSampler>, change: impl FnOnce(&mut RunConfig)) -> (TempDir, Context) {
    test::context(test::corpus(), test::script(), sampler, |config| {
        config.repair.enabled = false;
        config.control = Default::default();
        config.proving.resample_proved = 0.0;
        config.proving.resample_below = 0.0;
        config.proving.samples_per_conjecture = 2;
        change(config);
    })
}

fn counts(context: &Context, round: u32) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for attempt in context.ledger.attempts(round, Phase::Train).unwrap() {
        *counts.entry(attempt.statement).or_default() += 1;
    }
    counts
}

fn count(context: &Context, round: u32, name: &str) -> usize {
    counts(context, round).get(name).copied().unwrap_or(0)
}

#[tokio::test]
async fn conjectures_take_their_samples_and_the_given_statements_share_the_rest() {
    let (_scratch, context) = context(ScriptedSampler::new(|_, _| "by x"), |_| {});
    context.ledger.record_conjecture(&test::accepted(1, 0, ": 9 = 9")).unwrap();
    let record = prove(&context, 1).await.unwrap();
    let expected = [("a", 3), ("b", 3), ("conjecture_1_0_0", 2)];
    assert_eq!(counts(&context, 1), expected.map(|(id, n)| (id.to_owned(), n)).into_iter().collect());
    assert_eq!(record.sampled_tokens, 8 * "by x".len() as u64);
    assert!(record.balance.is_none() && record.samples.is_none() && record.repair.is_none());
}

#[tokio::test]
async fn what_was_proved_is_not_tried_again() {
    let (_scratch, context) = context(ScriptedSampler::new(|_, _| "by x"), |_| {});
    let proved = test::attempt(1, Phase::Train, "a", 0, "by rfl", Status::Proved);
    context.ledger.record_attempt(&proved).unwrap();
    prove(&context, 2).await.unwrap();
    assert_eq!((count(&context, 2, "a"), count(&context, 2, "b")), (0, 8));
}

#[tokio::test]
async fn an_adaptive_budget_goes_on_where_nothing_is_proved() {
    let sampler = ScriptedSampler::new(|prompt, _| if prompt.contains("1 = 1") { "by rfl" } else { "by x" });
    let (_scratch, context) = context(sampler, |config| {
        config.control.adaptive_budget = true;
        config.control.first_share = 0.5;
    });
    let record = prove(&context, 1).await.unwrap();
    assert_eq!((count(&context, 1, "a"), count(&context, 1, "b")), (2, 6));
    assert_eq!(record.samples.unwrap()["b"], 6);
}

#[tokio::test]
async fn second_attempts_see_a_failed_proof_and_are_recorded() {
    let sampler =
        ScriptedSampler::new(|prompt, _| if prompt.starts_with("repair") { "by simp" } else { "by x" });
    let (_scratch, context) = context(sampler.clone(), |config| {
        config.repair.enabled = true;
        config.repair.share = 0.25;
    });
    let repair = prove(&context, 1).await.unwrap().repair.unwrap();
    assert_eq!((repair.proved, repair.statements, repair.attempts.len()), (2, 2, 2));
    let asked = sampler.asked.lock().unwrap();
    let repairs: Vec<_> = asked.iter().filter(|prompt| prompt.starts_with("repair")).collect();
    assert!(repairs.iter().all(|prompt| prompt.contains("by x | the script does not know")), "{repairs:?}");
    assert!(repair.attempts.iter().all(|second| second.of < second.sample));
}

#[tokio::test]
async fn the_next_round_samples_as_the_last_ones_balance_asks() {
    let texts = ["by rfl", "by x"];
    let sampler = ScriptedSampler::new(move |_, sample| texts[sample % 2]);
    let (_scratch, context) = context(sampler, |config| config.control.balance = true);
    let finish = |round, record: &serde_json::Value| {
        let name = crate::plan::Step::Prove(round).name();
        let step = stp_datasets::Step { name, seconds: 1.0, detail: record.clone() };
        context.ledger.finish_step(&step).unwrap();
    };
    let record = prove(&context, 1).await.unwrap();
    let next = record.balance.clone().unwrap().next;
    finish(1, &serde_json::to_value(&record).unwrap());
    let controls = Controls::of_round(&context, 2, &[]).unwrap();
    assert_eq!(controls.samples_per_conjecture, next.samples);
    assert!((controls.temperatures[1] - next.temperature).abs() < 1e-12);
    let sampled = json!({ "sampled_tokens": 1, "sampling_seconds": 1.0 });
    let damaged = json!({ "sampled_tokens": 1, "sampling_seconds": 1.0, "balance": {} });
    for (round, damage) in [(2, sampled), (3, damaged)] {
        finish(round, &damage);
        let error = Controls::of_round(&context, round + 1, &[]).err().unwrap().to_string();
        assert!(error.contains(&format!("round-{round}/prove")), "{error}");
    }
}

#[tokio::test]
async fn a_round_that_was_interrupted_later_decides_as_before() {
    let (_scratch, context) = context(ScriptedSampler::new(|_, _| "by x"), |config| {
        config.repair.enabled = true;
        config.repair.share = 0.5;
    });
    let first = prove(&context, 1).await.unwrap();
    let again = prove(&context, 1).await.unwrap();
    assert_eq!(first.repair, again.repair);
    assert_eq!(again.sampled_tokens, 0, "all of it was recorded");
    let attempts: Vec<Attempt> = context.ledger.attempts(1, Phase::Train).unwrap();
    assert_eq!(attempts.len(), 8);
}
