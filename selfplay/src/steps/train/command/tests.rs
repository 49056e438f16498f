//! Trainings by small shell commands.

use std::sync::{Arc, Mutex};

use stp_datasets::{Phase, Status};
use tempfile::TempDir;

use super::super::tests::{checkpoint, with_model};
use super::super::{round, stage1};
use super::*;
use crate::config::TrainingEngine;
use crate::context::{Cancel, Checkpoints};
use crate::error::Interrupted;
use crate::test;

/// What begins and what is made are the same model.
const HONEST: &str = r#"cp -r "$STP_TRAIN_BASE"/. "$STP_TRAIN_OUTPUT""#;

fn commanded(command: &str) -> (TempDir, Context, Place) {
    let (scratch, context, _) = with_model(|config| {
        config.selection.highest_pass_rate = 0.25;
        (config.training.engine, config.training.command) = (TrainingEngine::Command, command.to_owned());
    });
    let place = Place::make(context.folder.path(), "round-1").unwrap();
    (scratch, context, place)
}

async fn refusal(context: &Context) -> String {
    let text = format!("{:#}", round(context, 1).await.unwrap_err());
    assert!(text.lines().count() == 1 && text.contains("Nothing is lost"), "{text}");
    assert!(!context.checkpoints.path("round-1").exists());
    assert!(!context.ledger.checkpoints().unwrap().iter().any(|(name, _)| name == "round-1"));
    text
}

#[tokio::test]
async fn a_command_trains_and_its_steps_are_told() {
    let (_scratch, mut context, place) = commanded(&format!(
        r#"{HONEST}; rm "$STP_TRAIN_OUTPUT/tokenizer.json"
        echo hello; echo '{{"step": 1, "loss": 2, "tokens": 5}}'; echo '{{"step": 2, "loss": 0.5, "tokens": 9}}'"#
    ));
    let told = Arc::new(Mutex::new(Vec::new()));
    context.events = Events::new({
        let told = told.clone();
        move |event| {
            if let Event::TrainTold { .. } | Event::TrainLine { .. } | Event::Advanced { .. } = event {
                told.lock().unwrap().push(format!("{event:?}"));
            }
        }
    });
    let record = round(&context, 1).await.unwrap();
    assert_eq!((record.steps, record.loss, record.tokens), (Some(2), Some(0.5), Some(9)));
    context.checkpoints.load("round-1").unwrap();
    context.checkpoints.sampler("round-1").unwrap();
    let told = told.lock().unwrap().join("\n");
    assert!(
        told.contains("hello") && told.contains(r#"step: 2, numbers: [("loss", 0.5), ("tokens", 9.0)]"#),
        "{told}"
    );
    let rows = fs::read_to_string(place.data()).unwrap();
    assert_eq!(rows.lines().count(), 2, "a proof and a conjecture");
    let manifest: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(place.manifest()).unwrap()).unwrap();
    assert_eq!(manifest["data"]["sha256"], record.data_sha256.unwrap());
    assert!(manifest["base"].as_str().unwrap().ends_with("checkpoints/stage1"));
    assert!(fs::read_to_string(place.log()).unwrap().starts_with("hello\n"));
    for gone in [place.state(), place.output(), place.tensorboard().to_owned()] {
        assert!(!gone.exists(), "{}", gone.display());
    }
    // As if the process had been killed before the step was in the ledger.
    context.config.training.command = "exit 1".to_owned();
    assert_eq!(round(&context, 1).await.unwrap().loss, Some(0.5));
}

#[tokio::test]
async fn a_command_that_fails_is_mended_and_goes_on_with_its_state() {
    let first = r#"echo '{"step": 4, "loss": 3, "tokens": 40}'; echo 4 >"$STP_TRAIN_STATE/step"; echo no memory >&2; exit 3"#;
    let (_scratch, mut context, place) = commanded(first);
    let text = refusal(&context).await;
    assert!(
        text.contains("exit status: 3") && text.contains("no memory") && text.contains("log.txt"),
        "{text}"
    );
    context.config.training.command = format!(
        r#"test "$(cat "$STP_TRAIN_STATE/step")" = 4 && {HONEST} && echo '{{"step": 4, "loss": 3, "tokens": 40}}'"#
    );
    let record = round(&context, 1).await.unwrap();
    assert_eq!((record.steps, record.loss, record.tokens), (Some(4), Some(3.0), Some(40)));
    assert!(!place.state().exists());
}

#[tokio::test]
async fn what_cannot_be_used_is_named_and_the_state_is_kept() {
    let (_scratch, mut context, place) = commanded("touch $STP_TRAIN_STATE/x");
    let text = refusal(&context).await;
    assert!(text.contains("nothing was written"), "{text}");
    // A model of another width, by hand.
    let other = context.folder.path().join("other");
    let mut wider = context.config.clone();
    wider.model.ff *= 2;
    checkpoint(&wider).save(&other).unwrap();
    context.config.training.command = format!(r#"cp -r "{}"/. "$STP_TRAIN_OUTPUT""#, other.display());
    let text = refusal(&context).await;
    assert!(text.contains("`intermediate_size`"), "{text}");
    assert!(place.state().join("x").exists());
    context.config.training.command =
        format!(r#"{HONEST}; printf %s {{ >"$STP_TRAIN_OUTPUT/tokenizer.json""#);
    let text = refusal(&context).await;
    assert!(text.contains("tokenizer.json"), "{text}");
    context.config.training.command = HONEST.to_owned();
    let record = round(&context, 1).await.unwrap();
    assert_eq!((record.steps, record.loss, record.tokens), (None, None, None), "nothing was told");
}

#[tokio::test]
async fn weights_that_are_no_numbers_are_not_gone_on_from() {
    let command = format!(
        r#"{HONEST}; touch "$STP_TRAIN_STATE/x"; cd "$STP_TRAIN_OUTPUT"
        printf '\377\377\377\377' | dd of=model.safetensors bs=1 conv=notrunc seek=$(($(wc -c <model.safetensors) - 4))"#
    );
    let (_scratch, mut context, place) = commanded(&command);
    let text = refusal(&context).await;
    assert!(text.contains("no numbers (NaN or infinite)") && text.contains("diverged"), "{text}");
    assert!(text.contains("round.learning_rate") && text.contains("--from"), "{text}");
    assert!(!place.state().exists() && place.state().with_file_name("diverged").join("state/x").exists());
    context.config.training.command = format!(r#"test ! -e "$STP_TRAIN_STATE/x" && {HONEST}"#);
    round(&context, 1).await.unwrap();
}

#[tokio::test]
async fn what_was_looked_at_is_not_trained_again() {
    for moved in [false, true] {
        let (_scratch, context, place) = commanded("exit 1");
        refusal(&context).await;
        fs::remove_dir_all(place.output()).unwrap();
        let written = if moved { context.checkpoints.path("round-1") } else { place.output() };
        context.checkpoints.load("stage1").unwrap().save(&written).unwrap();
        fs::write(place.done(), r#"{"step":7,"loss":0.25,"tokens":70}"#).unwrap();
        let record = round(&context, 1).await.unwrap();
        assert_eq!((record.steps, record.loss, record.tokens), (Some(7), Some(0.25), Some(70)));
        context.checkpoints.load("round-1").unwrap();
    }
}

#[tokio::test]
async fn what_is_left_of_another_training_is_removed() {
    let (_scratch, mut context, place) = commanded("touch $STP_TRAIN_STATE/x; exit 1");
    refusal(&context).await;
    context.config.round.learning_rate *= 2.0;
    context.config.training.command = format!(r#"test ! -e "$STP_TRAIN_STATE/x" && {HONEST}"#);
    fs::write(place.done(), "{}").unwrap();
    round(&context, 1).await.unwrap();
}

#[tokio::test]
async fn an_interrupted_command_is_ended_and_started_again() {
    let (_scratch, mut context, place) =
        commanded(r#"touch "$STP_TRAIN_STATE/x"; echo begun; sleep 600; touch "$STP_TRAIN_STATE/late""#);
    let cancel = context.cancel.clone();
    context.events = Events::new(move |event| {
        if let Event::TrainLine { line: "begun", .. } = event {
            cancel.cancel();
        }
    });
    let error = round(&context, 1).await.unwrap_err();
    assert!(error.downcast_ref::<Interrupted>().is_some());
    assert!(place.state().join("x").exists());
    context.cancel = Cancel::new();
    context.config.training.command = format!(r#"test -e "$STP_TRAIN_STATE/x" && {HONEST}"#);
    round(&context, 1).await.unwrap();
    assert!(!place.state().join("late").exists());
}

#[tokio::test]
async fn stage_1_writes_down_the_random_model_that_it_begins_with() {
    let (_scratch, mut context, _) = commanded(HONEST);
    let device = context.checkpoints.device().clone();
    context.checkpoints =
        Checkpoints::new(context.folder.path(), device).configured(&context.config).unwrap();
    let proof = test::attempt(0, Phase::Corpus, "a", 0, "by rfl", Status::Proved);
    context.ledger.record_attempt(&proof).unwrap();
    let record = stage1(&context).await.unwrap();
    assert!(record.data_sha256.is_some());
    context.checkpoints.load("stage1").unwrap();
    let place = Place::make(context.folder.path(), "stage1").unwrap();
    assert!(place.data().exists() && !place.base().exists());
}

#[tokio::test]
async fn the_runs_longest_sequence_limits_the_training_set() {
    let (_scratch, mut context, place) = commanded("exit 1");
    refusal(&context).await;
    let read = |path| fs::read_to_string(path).unwrap();
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let tokens = |row: &str| -> usize {
        let row = json(row);
        ["prompt_tokens", "completion_tokens"].iter().map(|key| row[key].as_array().unwrap().len()).sum()
    };
    let lengths: Vec<_> = read(place.data()).lines().map(tokens).collect();
    let shortest = lengths.iter().min().unwrap();
    assert!(lengths.len() == 2 && lengths[0] != lengths[1], "{lengths:?}");
    (context.config.model.base, context.config.model.max_seq) = ("elsewhere".to_owned(), shortest - 1);
    let checkpoints = Checkpoints::new(context.folder.path(), context.checkpoints.device().clone());
    context.checkpoints = checkpoints.configured(&context.config).unwrap();
    context.config.training.command = HONEST.to_owned();
    round(&context, 1).await.unwrap();
    assert_eq!(read(place.data()).lines().map(tokens).collect::<Vec<_>>(), [*shortest]);
    let manifest = json(&read(place.manifest()));
    assert_eq!(
        (&manifest["data"]["left_out"], &manifest["settings"]["max_seq"]),
        (&1.into(), &(shortest - 1).into())
    );
}
