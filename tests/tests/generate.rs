//! `stp generate` on the model that a run leaves, and how it refuses what is no model.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use stp_tests::{external, finish, smoke, stp};

fn generate(model: &Path, args: &[&str]) -> Output {
    Command::new(stp()).arg("generate").arg(model).args(args).output().unwrap()
}

fn answers(model: &Path, args: &[&str]) -> Vec<Value> {
    let output = generate(model, args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    rows.sort_by_key(|row| row["sample"].as_u64());
    rows
}

#[test]
fn the_model_of_a_run_answers() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    finish(&mut smoke(&run, &[]));
    let model = run.join("checkpoints/final");
    let ask = ["--statement", "(a b : Nat) : a + b = b + a", "--json"];

    let five = answers(&model, &[&ask[..], &["-n", "5", "--seed", "7"]].concat());
    assert_eq!(five.len(), 5);
    assert!(five.iter().all(|row| row["logprob"].as_f64().unwrap() < 0.0 && row["tokens"].is_u64()));
    let third = answers(&model, &[&ask[..], &["--seed", "9"]].concat());
    assert_eq!(third[0]["text"], five[2]["text"], "a seed says the same in any company");

    let greedy = answers(&model, &[&ask[..], &["-n", "2", "--temperature", "0"]].concat());
    assert_eq!(greedy[0]["text"], greedy[1]["text"]);
    let text = greedy[0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("by") && text.len() > 4,
        "even a small model begins a proof with `by`: {text:?}"
    );
    let stop: String = text.chars().skip(2).take(2).collect();
    let stopped = answers(&model, &[&ask[..], &["--temperature", "0", "--stop", &stop]].concat());
    assert_eq!(stopped[0]["text"], "by");
    let short = answers(&model, &[&ask[..], &["--temperature", "0", "--max-tokens", "1"]].concat());
    assert_eq!((&short[0]["tokens"], &short[0]["finished"]), (&Value::from(1), &Value::from(false)));

    for (args, hint) in [
        (&["x", "--chat"][..], "no chat template"),
        (&["x", "--temperature=-1"], "temperature"),
        (&["x", "--device", "gpu"], "no device `gpu`"),
        (&["x", "-n", "0"], "at least 1"),
    ] {
        let output = generate(&model, args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(hint), "{args:?}: {said}");
    }
    fs::remove_file(model.join("model.safetensors")).unwrap();
    let said = String::from_utf8_lossy(&generate(&model, &["x"]).stderr).into_owned();
    assert!(said.contains("model.safetensors"), "{said}");
}

#[test]
fn a_model_that_is_fetched_is_converted_and_asked_for_a_proof() {
    if !external("a_model_that_is_fetched_is_converted_and_asked_for_a_proof") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let converted = folder.path().join("smollm2");
    let mut convert = Command::new(stp());
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("models-home");
    convert.args(["model", "convert", "smollm2"]).arg(&converted).env("STP_HOME", &home);
    let output = convert.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("134515008 parameters"), "{said}");
    let again = convert.output().unwrap();
    assert_eq!(
        (again.status.code(), converted.join("config.json").is_file()),
        (Some(2), true),
        "nothing is replaced"
    );
    let ask =
        ["--statement", "(a b : Nat) : a + b = b + a", "--json", "--temperature", "0", "--max-tokens", "16"];
    let row = answers(&converted, &ask).remove(0);
    assert!(
        !row["text"].as_str().unwrap().trim().is_empty() && row["logprob"].as_f64().unwrap() < 0.0,
        "{row}"
    );
}

#[test]
fn what_is_no_model_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.gguf");
    fs::write(&file, "no model").unwrap();
    let out = folder.path().join("out").display().to_string();
    for (args, code, hint) in [
        (["model", "convert", file.to_str().unwrap(), &out], 1, "not a GGUF file"),
        (["model", "convert", "/no/such/model", &out], 1, "/no/such/model"),
        (["model", "fetch", "llama", "--home=/tmp"], 2, "smollm2"),
    ] {
        let output = Command::new(stp()).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), said.contains(hint)), (Some(code), true), "{args:?}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    }
}
