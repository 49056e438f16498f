//! Every proof of `tests/honest` is accepted: the walls refuse nothing that people write.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{POOL, RUNTIME};
use serde::Deserialize;
use stp_datasets::Status;
use stp_verifier::{Candidate, gate};

#[derive(Deserialize)]
struct Honest {
    #[serde(default)]
    header: String,
    signature: String,
    proof: String,
}

fn honest() -> Vec<Honest> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/honest");
    let texts =
        ["written.jsonl", "corpus.jsonl"].map(|file| std::fs::read_to_string(folder.join(file)).unwrap());
    let proofs: Vec<Honest> =
        texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(proofs.len() >= 200, "{}", proofs.len());
    proofs
}

#[test]
fn the_gate_lets_honest_proofs_pass() {
    let refused: Vec<_> = honest()
        .into_iter()
        .filter_map(|honest| Some((gate::check_proof(&honest.proof).err()?, honest.proof)))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn honest_proofs_are_proved() {
    let mut wrong = Vec::new();
    for Honest { header, signature, proof } in honest() {
        let candidate = Candidate { header, signature: signature.clone(), proof: proof.clone() };
        let verdict = RUNTIME.block_on(POOL.check(candidate)).unwrap();
        if verdict.status != Status::Proved {
            wrong.push(format!("{signature} := {proof}\n{:?} {:?}", verdict.status, verdict.messages));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
