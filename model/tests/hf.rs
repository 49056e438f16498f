//! Checkpoints of `transformers` in this crate and back: the same tokens, logits and greedy continuations.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use burn::tensor::{Int, Tensor, TensorData};
use serde_json::{Value, json};
use stp_model::{Checkpoint, Device, Lm, Message, ModelConfig, SampleConfig, SampleRequest, Tokenizer};
use stp_tests::{external, transformers};

#[path = "hf/gguf.rs"]
mod gguf;

/// What logits may differ by; they are about as large as 10.
const TOLERANCE: f64 = 1e-3;

fn script(name: &str, arguments: &[&Path]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hf").join(name);
    let mut command = Command::new(transformers(env!("CARGO_TARGET_TMPDIR")));
    command.arg(path).args(arguments).env("HF_HUB_OFFLINE", "1");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn ids(case: &Value, key: &str) -> Vec<u32> {
    serde_json::from_value(case[key].clone()).unwrap()
}

fn logits(model: &Lm, ids: &[u32]) -> Vec<f32> {
    let ids: Vec<i64> = ids.iter().map(|&id| i64::from(id)).collect();
    let shape = [1, ids.len()];
    let tokens = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &Device::flex());
    model.forward(tokens, None).into_data().try_to_vec().unwrap()
}

/// Greedy continuations of all prompts, in one batch with a cache.
fn greedy(checkpoint: &Checkpoint, cases: &[Value]) -> BTreeMap<usize, Vec<u32>> {
    let requests: Vec<_> =
        cases.iter().map(|case| SampleRequest { prompt: ids(case, "ids"), seeds: vec![0] }).collect();
    let settings = SampleConfig {
        temperature: 0.0,
        max_new_tokens: ids(&cases[0], "greedy").len(),
        stop: Vec::new(),
        ..SampleConfig::default()
    };
    let mut found = BTreeMap::new();
    stp_model::sample(&checkpoint.model, &requests, &settings, &mut |completion| {
        found.insert(completion.request, completion.tokens);
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

/// The largest difference from the logits of `transformers`.
fn compare(name: &str, checkpoint: &Checkpoint, cases: &[Value]) -> f64 {
    let mut worst: f64 = 0.0;
    for case in cases {
        let tokens = ids(case, "ids");
        assert_eq!(
            checkpoint.tokenizer.encode_prompt(case["prompt"].as_str().unwrap()).unwrap(),
            tokens,
            "{name}"
        );
        let expected: Vec<Vec<f64>> = serde_json::from_value(case["logits"].clone()).unwrap();
        let found = logits(&checkpoint.model, &tokens);
        assert_eq!(found.len(), expected.iter().map(Vec::len).sum::<usize>(), "{name}");
        for (a, b) in found.iter().zip(expected.iter().flatten()) {
            worst = worst.max((f64::from(*a) - b).abs());
        }
    }
    for (index, tokens) in greedy(checkpoint, cases) {
        assert_eq!(tokens, ids(&cases[index], "greedy"), "{name}, continuation {index}");
    }
    worst
}

#[test]
fn transformers_and_this_crate_compute_the_same() {
    if !external("transformers_and_this_crate_compute_the_same") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (given, written) = (folder.path().join("given"), folder.path().join("written"));
    fs::create_dir_all(&given).unwrap();
    script("make.py", &[&given]);
    let facts: BTreeMap<String, Vec<Value>> =
        serde_json::from_str(&fs::read_to_string(given.join("facts.json")).unwrap()).unwrap();
    assert_eq!(facts.len(), 18);
    for (name, cases) in &facts {
        let checkpoint = Checkpoint::load(&given.join(name), &Device::flex()).unwrap();
        let worst = compare(name, &checkpoint, cases);
        println!("{name}: logits differ by {worst:.1e} at most");
        assert!(worst < TOLERANCE, "{name}: {worst}");
        assert_eq!(checkpoint.end_tokens, [1], "{name}");
        same_chats(&checkpoint, &given.join("chats.json"));
        checkpoint.save(&written.join(name)).unwrap();
    }
    own_model(&written.join("own"));
    let back: BTreeMap<String, f64> =
        serde_json::from_str(script("load.py", &[&given, &written]).trim()).unwrap();
    assert_eq!(back.len(), facts.len() + 1);
    for (name, worst) in back {
        println!("{name}, written by this crate: {worst:.1e}");
        assert!(worst < TOLERANCE, "{name}: {worst}");
    }
}

/// Conversations become the same prompts.
fn same_chats(checkpoint: &Checkpoint, expected: &Path) {
    let chats: Vec<Value> = serde_json::from_str(&fs::read_to_string(expected).unwrap()).unwrap();
    for chat in chats {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let messages: Vec<_> = chat["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| Message { role: text(&message["role"]), content: text(&message["content"]) })
            .collect();
        assert_eq!(checkpoint.chat_prompt(&messages).unwrap().unwrap(), text(&chat["text"]));
    }
}

/// A model that was never a checkpoint of anything else.
fn own_model(dir: &Path) {
    let text = "by\n  induction n with simp_all [Nat.add_comm] ≤";
    let tokenizer = Tokenizer::train(&[text.repeat(3)], 300).unwrap();
    let config = ModelConfig {
        vocab_size: tokenizer.vocab_size(),
        layers: 2,
        width: 32,
        heads: 4,
        ff: 40,
        ..ModelConfig::default()
    };
    let model = Lm::init(&config, &Device::flex(), 4).unwrap();
    let ids = tokenizer.encode(text);
    let expected = json!({ "text": text, "ids": ids, "logits": logits(&model, &ids) });
    Checkpoint::new(model, tokenizer).save(dir).unwrap();
    fs::write(dir.join("expected.json"), expected.to_string()).unwrap();
}
