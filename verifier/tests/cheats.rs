//! No cheat of `tests/cheats` is ever `proved`: not with the text gate, and not without it, where the second
//! wall (axioms, statement, one declaration, the kernel's second look) stands alone.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{POOL, RUNTIME, candidate};
use stp_datasets::{Status, Verdict};
use stp_verifier::gate;

struct Cheat {
    file: String,
    signature: String,
    proof: String,
}

fn cheats() -> Vec<Cheat> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cheats");
    let mut cheats: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "lean"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut lines = text.splitn(3, '\n');
            assert!(lines.next().unwrap().starts_with("-- cheat: "), "{}", path.display());
            let signature = lines.next().unwrap().strip_prefix("-- statement: ").unwrap().to_owned();
            let proof = lines.next().unwrap().to_owned();
            Cheat { file: path.file_name().unwrap().to_string_lossy().into_owned(), signature, proof }
        })
        .collect();
    cheats.sort_by(|a, b| a.file.cmp(&b.file));
    assert!(cheats.len() >= 80, "{}", cheats.len());
    cheats
}

fn ungated(signature: &str, proof: &str) -> Verdict {
    RUNTIME.block_on(POOL.check_ungated(candidate(signature, proof))).unwrap()
}

/// What is no cheat by its text: it is what a wrong proof looks like, and Lean says so.
fn is_lean_business(file: &str) -> bool {
    file.starts_with("statement_")
}

#[test]
fn the_gate_alone_refuses_all_that_shows_in_the_text() {
    let passed: Vec<_> = cheats()
        .into_iter()
        .filter(|cheat| !is_lean_business(&cheat.file) && gate::check_proof(&cheat.proof).is_ok())
        .map(|cheat| cheat.file)
        .collect();
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn the_second_wall_alone_lets_no_cheat_pass() {
    let mut wrong = Vec::new();
    for Cheat { file, signature, proof } in cheats() {
        let verdict = ungated(&signature, &proof);
        if verdict.is_proved() {
            wrong.push(format!("{file}: {verdict:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The very proof that the kernel never saw is caught by the kernel.
#[test]
fn a_proof_that_skipped_the_kernel_is_caught_by_its_second_look() {
    let verdict = ungated(": 1 = 2", "by set_option debug.skipKernelTC true in decide +kernel");
    assert_eq!(verdict.status, Status::Rejected);
    assert!(verdict.messages[0].starts_with("the kernel refuses "), "{verdict:?}");
    assert!(verdict.axioms.is_empty(), "no axiom shows it: {verdict:?}");
    // The same option on a true statement changes nothing.
    let verdict = ungated(": 1 + 1 = 2", "by set_option debug.skipKernelTC true in decide +kernel");
    assert_eq!(verdict.status, Status::Proved, "{verdict:?}");
}
