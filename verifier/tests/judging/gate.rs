//! The gate lets honest text through: all of `tests/honest/` and of the corpora.

use std::path::{Path, PathBuf};

use serde_json::Value;
use stp_verifier::gate;

/// The rows of all JSON lines files below a folder of the repository.
fn rows(folder: &str) -> Vec<Value> {
    let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder)];
    let mut rows = Vec::new();
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "jsonl") {
            rows.extend(read_rows(&path));
        }
    }
    rows
}

fn read_rows(path: &PathBuf) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What is refused of a row, and why.
fn refused(row: &Value) -> Vec<String> {
    let text = |key: &str| row[key].as_str().unwrap_or_default();
    let signature = if row["signature"].is_string() { text("signature") } else { text("statement") };
    let proofs = row["proofs"].as_array().cloned().unwrap_or_else(|| vec![row["proof"].clone()]);
    let said = |what: &str, answer: Result<(), String>| {
        answer.err().map(|reason| format!("{}: {what}: {reason}", text("id")))
    };
    let mut reasons: Vec<_> = said("statement", gate::check_signature(signature)).into_iter().collect();
    let proofs = proofs.iter().filter_map(Value::as_str);
    reasons.extend(proofs.filter_map(|proof| said("proof", gate::check_proof(proof))));
    reasons
}

#[test]
fn nothing_honest_is_refused() {
    for (folder, number) in [("tests/honest", 684), ("datasets/corpora", 7647)] {
        let rows = rows(folder);
        assert_eq!(rows.len(), number, "{folder}");
        let reasons: Vec<_> = rows.iter().flat_map(refused).collect();
        assert!(reasons.is_empty(), "{folder}: {} refused: {reasons:#?}", reasons.len());
    }
}
