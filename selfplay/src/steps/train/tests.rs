//! What a training reads, from ledgers of scripted runs; and one real training of a tiny model.

use std::sync::Arc;

use serde_json::{Value, json};
use stp_datasets::{Phase, Status};
use stp_model::{Lm, Tokenizer};
use tempfile::TempDir;

use super::*;
use crate::config::RunConfig;
use crate::context::Checkpoints;
use crate::events::{Event, Events};
use crate::plan::Step;
use crate::test::{self, ScriptedSampler};

fn context(change: impl FnOnce(&mut RunConfig)) -> (TempDir, Context) {
    let (scratch, context) =
        test::context(test::corpus(), test::script(), ScriptedSampler::new(|_, _| "by rfl"), |config| {
            config.repair.enabled = false;
            config.selection.reweighting = false;
            config.proving.replay_rounds = 2;
            config.proving.retrain_every = 0;
            config.conjecturing.replayed_pairs = 0;
            change(config);
        });
    // One conjecture a round; that of round 1 is proved once in four attempts.
    for round in 1..=3 {
        context.ledger.record_conjecture(&test::accepted(round, 0, &format!(": {round} + 9 = 9"))).unwrap();
        for sample in 0..4 {
            let status = if sample == 0 { Status::Proved } else { Status::Failed };
            let (name, proof) = (format!("conjecture_{round}_0_0"), format!("by x{sample}"));
            let attempt = test::attempt(round, Phase::Train, &name, sample, &proof, status);
            context.ledger.record_attempt(&attempt).unwrap();
        }
    }
    (scratch, context)
}

fn finish(context: &Context, step: Step, detail: Value) {
    let step = stp_datasets::Step { name: step.name(), seconds: 1.0, detail };
    context.ledger.finish_step(&step).unwrap();
}

fn statements(context: &Context, set: TrainingSet) -> Vec<String> {
    let given = context.statements.given_names();
    let proofs = select::proofs(&context.ledger, &given, &context.config, set).unwrap();
    proofs.into_iter().map(|proof| proof.statement).collect()
}

#[test]
fn a_round_reads_the_last_rounds_and_a_retraining_all() {
    let (_scratch, context) = context(|_| {});
    assert_eq!(statements(&context, TrainingSet::Round(3)), ["conjecture_2_0_0", "conjecture_3_0_0"]);
    assert_eq!(statements(&context, TrainingSet::All(3)).len(), 3);
    assert_eq!(TrainingSet::of_round(&context.config, 2), TrainingSet::Round(2));
    let mut config = context.config.clone();
    config.proving.retrain_every = 2;
    assert_eq!(TrainingSet::of_round(&config, 2), TrainingSet::All(2));
    assert_eq!(TrainingSet::of_round(&config, 3), TrainingSet::Round(3));
}

#[test]
fn weights_come_from_the_record_and_damage_is_an_error() {
    let weights = |record: Option<&Value>| {
        let (_scratch, context) = context(|config| {
            config.selection.reweighting = true;
            config.selection.highest_pass_rate = 0.25;
        });
        if let Some(record) = record {
            finish(&context, Step::Train(1), record.clone());
        }
        let kept = select::conjectures(&context.ledger, &context.config, 1..=1)?;
        anyhow::Ok(kept.into_iter().map(|kept| kept.weight).collect::<Vec<_>>())
    };
    assert_eq!(weights(None).unwrap(), [1.0], "the round is not finished");
    let with = |weights: Value| json!({ "proofs": 1, "conjectures_kept": 1, "conjecture_weights": weights });
    assert_eq!(weights(Some(&with(json!({ "conjecture_1_0_0": 0.5 })))).unwrap(), [0.5]);
    let none = json!({ "proofs": 1, "conjectures_kept": 1 });
    for damage in [with(json!("x")), with(json!({})), none, json!({})] {
        let error = weights(Some(&damage)).unwrap_err().to_string();
        assert!(error.contains("round-1/train"), "{damage}: {error}");
    }
}

#[tokio::test]
async fn conjectures_near_nothing_unproved_weigh_nothing() {
    let (_scratch, context) = context(|config| {
        config.selection.reweighting = true;
        config.selection.highest_pass_rate = 0.25;
    });
    let kept = select::conjectures(&context.ledger, &context.config, 1..=3).unwrap();
    assert_eq!(kept.len(), 3);
    let weights = weigh::weigh(&context, "round-2", 3, &kept).await.unwrap().unwrap();
    let mut record = TrainRecord::default();
    weights.record(&mut record);
    let by_name = record.conjecture_weights.unwrap();
    assert_eq!(by_name.len(), 3);
    assert!(by_name.values().any(|weight| *weight > 0.0), "{by_name:?}");
    assert_eq!(record.transport.unwrap().statements, 2, "no sampled proof proves `a` or `b`");
}

/// A context with a real checkpoint of a model of one layer.
fn with_model(change: impl FnOnce(&mut RunConfig)) -> (TempDir, Context, Arc<std::sync::Mutex<Vec<String>>>) {
    let (scratch, mut context) = context(|config| {
        config.model.vocab_size = 300;
        config.model.layers = 1;
        config.round.epochs = 1;
        config.round.batch = 2;
        config.round.micro_batch = 0;
        change(config);
    });
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    context.events = Events::new({
        let told = told.clone();
        move |event| {
            if let Event::NothingToTrain { .. } | Event::Finished { .. } = event {
                told.lock().unwrap().push(format!("{event:?}"));
            }
        }
    });
    let device = stp_model::Device::flex();
    context.checkpoints = Checkpoints::new(context.folder.path(), device.clone());
    let tokenizer = Tokenizer::train(&["(a : Nat) : a = a", "by rfl"].map(String::from), 300).unwrap();
    let config = context.config.model.config(tokenizer.vocab_size());
    let model = Lm::init(&config, &device, 0).unwrap();
    context.checkpoints.save("stage1", Checkpoint::new(model, tokenizer)).unwrap();
    (scratch, context, told)
}

#[tokio::test]
async fn a_round_trains_and_keeps_a_checkpoint() {
    let (_scratch, context, told) = with_model(|config| config.selection.highest_pass_rate = 0.25);
    let record = round(&context, 1).await.unwrap();
    assert_eq!((record.proofs, record.conjectures_kept), (Some(1), Some(1)));
    assert_eq!((record.from.as_deref(), record.steps), (Some("stage1"), Some(1)));
    assert!(record.loss.is_some_and(f32::is_finite));
    context.checkpoints.load("round-1").unwrap();
    assert!(context.ledger.checkpoints().unwrap().iter().any(|(name, _)| name == "round-1"));
    assert!(told.lock().unwrap()[0].contains("Trained"), "{told:?}");
}

#[tokio::test]
async fn a_round_without_anything_new_keeps_the_model_as_it_is() {
    let (_scratch, context, told) = with_model(|config| {
        config.proving.highest_pass_rate = 0.0;
        config.selection.highest_pass_rate = 0.0;
    });
    let record = round(&context, 1).await.unwrap();
    assert_eq!((record.proofs, record.loss), (Some(0), None));
    context.checkpoints.load("round-1").unwrap();
    assert!(told.lock().unwrap()[0].contains("NothingToTrain"), "{told:?}");
}

#[tokio::test]
async fn an_interrupted_training_keeps_nothing() {
    let (_scratch, context, _) = with_model(|config| config.selection.highest_pass_rate = 0.25);
    context.cancel.cancel();
    let error = round(&context, 1).await.unwrap_err();
    assert!(error.downcast_ref::<crate::error::Interrupted>().is_some());
    assert!(context.checkpoints.load("round-1").is_err());
}

#[test]
fn repair_is_taught_by_the_likeliest_refused_proof() {
    let (_scratch, context) = context(|_| {});
    let tokenizer = Tokenizer::train(&["(a : Nat) : a = a", "by rfl"].map(String::from), 300).unwrap();
    let signatures = [("conjecture_1_0_0".to_owned(), ": 1 + 9 = 9".to_owned())].into_iter().collect();
    let proof = TrainingProof { statement: "conjecture_1_0_0".into(), proof: "by x0".into(), weight: 0.5 };
    let mut cut_off = test::attempt(1, Phase::Train, "conjecture_1_0_0", 9, "by cut", Status::Unfinished);
    cut_off.logprob = -0.1;
    context.ledger.record_attempt(&cut_off).unwrap();
    let found = repair::examples(&context.ledger, &tokenizer, &signatures, &[proof], 0..=3, 200).unwrap();
    assert_eq!(found.len(), 1);
    let prompt = tokenizer.decode(&found[0].prompt);
    assert!(prompt.contains("by x1") && !prompt.contains("by x2") && !prompt.contains("cut"), "{prompt}");
}
