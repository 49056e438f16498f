//! A training by `examples/train-transformers.py` in a run with real Lean: it computes what `stp` computes, and goes on after
//! the run was killed.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use stp_tests::manual::repository;
use stp_tests::{abort_at, external, finish, stp, transformers};

/// One batch has all examples, so that their order means nothing.
const SETTINGS: [&str; 10] = [
    "max_valid=1",
    "round.epochs=30",
    "round.batch=1000",
    "round.micro_batch=16",
    "retraining.epochs=0",
    // Weights that differ from proof to proof by more than the tolerance.
    "proving.length_decay=0.05",
    "proving.highest_pass_rate=1",
    "proving.proofs_per_round=60",
    "conjecturing.quota=4",
    "conjecturing.generated_per_round=8",
];
/// How far two losses may be apart.
const TOLERANCE: f64 = 0.02;

fn train(run: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(stp());
    command.args(["train", "--quiet", "--no-cache", "--rounds", "1", "--run-dir"]).arg(run).args(more);
    command
}

/// The numbers of the steps that are told in some lines.
fn steps(text: &str) -> Vec<Value> {
    let rows = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    rows.filter(|row| row["step"].is_u64()).collect()
}

#[test]
fn a_run_trains_by_transformers_as_by_itself() {
    if !external("a_run_trains_by_transformers_as_by_itself") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [own, other] = ["own", "other"].map(|name| folder.path().join(name));
    let mut settings: Vec<_> = SETTINGS.into_iter().flat_map(|setting| ["--set", setting]).collect();
    finish(train(&own, &["--preset", "smoke"]).args(&settings));

    let python = transformers(env!("CARGO_TARGET_TMPDIR"));
    let script = repository().join("examples/train-transformers.py");
    let command = format!("training.command='{}' '{}'", python.display(), script.display());
    settings.extend(["--set", "training.engine=command", "--set", &command]);
    let from = format!("{}:0", own.display());
    abort_at(train(&other, &["--from", &from]).args(&settings), "train-step:2");
    finish(train(&other, &["--from", &from]).args(&settings));

    let place = other.join("training/round-1");
    let log = fs::read_to_string(place.join("log.txt")).unwrap();
    assert!(log.contains("stopped; the state is kept"), "{log}");
    let told = steps(&log);
    let numbers: Vec<_> = told.iter().filter_map(|row| row["step"].as_u64()).collect();
    assert_eq!(numbers, (1..=30).collect::<Vec<_>>(), "every step once");
    let rows = fs::read_to_string(place.join("data.jsonl")).unwrap();
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.iter().any(|row| row["weight"] != rows[0]["weight"]), "the weights say nothing");

    let metrics = fs::read_to_string(own.join("metrics.jsonl")).unwrap();
    let here: Vec<_> = steps(&metrics).into_iter().filter(|row| row["train/loss"].is_f64()).collect();
    let here = &here[here.len() - told.len()..];
    for (here, there) in here.iter().zip(&told) {
        let number = |row: &Value, key: &str| row[key].as_f64().unwrap();
        let (a, b) = (number(here, "train/loss"), number(there, "loss"));
        assert!((a - b).abs() < TOLERANCE * a.max(0.1), "{here} {there}");
        let (a, b) = (number(here, "train/learning_rate"), number(there, "learning_rate"));
        assert!((a - b).abs() < 1e-9, "{here} {there}");
    }
    assert!(other.join("checkpoints/final/model.safetensors").exists() && !place.join("state").exists());
}
