//! The proof step with a scripted model and judge.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use stp_datasets::{Attempt, Status};
use tempfile::TempDir;

use super::*;
use crate::config::RunConfig;
use crate::context::Cancel;
use crate::events::{Event, Events};
use crate::records::StagesRecord;
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

/// Three conjectures, of which one is always proved, one was proved by one of two samples and never is again, and one is
/// never proved; half of forty proofs are theirs at most.
fn stages() -> (TempDir, Context) {
    let sampler = ScriptedSampler::new(|prompt, _| if prompt.contains("always") { "by rfl" } else { "by x" });
    let (scratch, context) = context(sampler, |config| {
        config.proving.proofs_per_round = 40;
        config.proving.samples_per_conjecture = 8;
        config.proving.conjecture_share = 0.5;
        config.proving.first_samples = 2;
        config.proving.least_chance = 0.57;
    });
    for (input, signature) in [": always = 10", ": barely = 11", ": never = 12"].into_iter().enumerate() {
        context.ledger.record_conjecture(&test::accepted(1, input as u32, signature)).unwrap();
    }
    for (sample, status) in [(0, Status::Proved), (1, Status::Failed)] {
        let proof = test::attempt(1, Phase::Train, "conjecture_1_1_0", sample, "by luck", status);
        context.ledger.record_attempt(&proof).unwrap();
    }
    (scratch, context)
}

#[tokio::test]
async fn conjectures_are_sampled_on_where_that_tells_something() {
    let (_scratch, context) = stages();
    let record = prove(&context, 1).await.unwrap().stages.unwrap();
    let expected =
        [("a", 14), ("b", 14), ("conjecture_1_0_0", 2), ("conjecture_1_1_0", 8), ("conjecture_1_2_0", 2)];
    assert_eq!(counts(&context, 1), expected.map(|(id, n)| (id.to_owned(), n)).into_iter().collect());
    let expected =
        StagesRecord { conjectures: 3, first_samples: 6, went_on: 1, further_samples: 6, spared: 8 };
    assert_eq!(record, expected, "40 in all, as always");
}

#[tokio::test]
async fn earlier_conjectures_of_the_same_kind_say_what_to_expect() {
    let more = |of_earlier: Status| async move {
        let (_scratch, mut context) = stages();
        context.config.proving.least_chance = 0.25;
        for input in 0..9 {
            context
                .ledger
                .record_conjecture(&test::accepted(1, input + 10, &format!(": never = {input}")))
                .unwrap();
            let name = format!("conjecture_1_{}_0", input + 10);
            for sample in 0..8 {
                let status = if sample < 3 { of_earlier } else { Status::Failed };
                let attempt = test::attempt(1, Phase::Train, &name, sample, "by y", status);
                context.ledger.record_attempt(&attempt).unwrap();
            }
        }
        context.ledger.record_conjecture(&test::accepted(2, 0, ": never = 99")).unwrap();
        prove(&context, 2).await.unwrap();
        count(&context, 2, "conjecture_2_0_0")
    };
    assert_eq!((more(Status::Proved).await, more(Status::Failed).await), (8, 2));
}

#[tokio::test]
async fn conjectures_get_their_share_at_most_also_at_once() {
    let (_scratch, mut context) = stages();
    context.config.proving.first_samples = 0;
    assert_eq!(prove(&context, 1).await.unwrap().stages, None);
    let given = count(&context, 1, "a") + count(&context, 1, "b");
    assert_eq!((given, context.ledger.attempts(1, Phase::Train).unwrap().len()), (20, 40));
}

#[tokio::test]
async fn a_round_in_stages_goes_on_from_wherever_it_stopped() {
    let whole = {
        let (_scratch, context) = stages();
        let record = prove(&context, 1).await.unwrap().stages;
        (record, counts(&context, 1))
    };
    let mut stopped = 0;
    for after in (1..80).step_by(3) {
        let (_scratch, mut context) = stages();
        let (kept, cancel) = (std::sync::atomic::AtomicUsize::new(0), context.cancel.clone());
        context.events = Events::new(move |event| {
            if let Event::Recorded(_) = event
                && kept.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1 == after
            {
                cancel.cancel();
            }
        });
        stopped += usize::from(prove(&context, 1).await.is_err());
        (context.cancel, context.events) = (Cancel::new(), Events::none());
        let record = prove(&context, 1).await.unwrap().stages;
        assert_eq!((record, counts(&context, 1)), whole, "stopped after {after}");
    }
    assert!(stopped > 20, "{stopped}");
}
