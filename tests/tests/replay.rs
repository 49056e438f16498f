//! A run whose Lean was written down, played again where there is no Lean.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use stp_datasets::{Attempt, Status};
use stp_tests::played::{smoke_lean, smoke_run};
use stp_tests::{attempts, finish, smoke};

/// Proofs that come with the corpus, which are judged first.
const CORPUS_PROOFS: usize = 49;

#[test]
fn a_run_is_played_again_from_what_lean_said() {
    let folder = tempfile::tempdir().unwrap();
    let [with, without, home] = ["with", "without", "home"].map(|name| folder.path().join(name));
    let lean = folder.path().join("lean.jsonl");
    smoke_run(env!("CARGO_TARGET_TMPDIR"), &with);
    smoke_lean(env!("CARGO_TARGET_TMPDIR"), &lean);
    let lean = lean.display().to_string();
    fs::create_dir(&home).unwrap();
    finish(smoke(&without, &["--replay-lean", &lean]).env("STP_HOME", &home));

    let (recorded, replayed) = (attempts(&with, 2), attempts(&without, 2));
    assert!(recorded.len() > 300, "{}", recorded.len());
    let texts = |all: &BTreeMap<_, Attempt>| -> Vec<_> {
        all.values().map(|it| (it.proof.clone(), it.verdict.as_ref().map(|it| it.status))).collect()
    };
    assert_eq!(texts(&recorded), texts(&replayed));
    assert!(fs::read_dir(&home).unwrap().next().is_none(), "no Lean was installed");

    // What is not in the recording proves nothing: here it has the corpus' own proofs alone.
    let lines = fs::read_to_string(&lean).unwrap();
    let (checks, others): (Vec<_>, Vec<_>) = lines.lines().partition(|line| line.contains("\"check\""));
    assert!(checks.len() > 2 * CORPUS_PROOFS, "{}", checks.len());
    fs::write(&lean, [&checks[..CORPUS_PROOFS], &others].concat().join("\n") + "\n").unwrap();
    let none = folder.path().join("none");
    finish(smoke(&none, &["--replay-lean", &lean]).env("STP_HOME", &home));
    let found = attempts(&none, 2);
    let status = |it: &Attempt| it.verdict.as_ref().map(|it| it.status);
    let crashed = found.values().filter(|it| status(it) == Some(Status::Crashed)).count();
    assert!(crashed > 50, "{crashed}");
    let proofs: BTreeSet<_> = found
        .iter()
        .filter(|(_, it)| status(it) == Some(Status::Proved))
        .map(|((_, _, statement, _), it)| (statement, &it.proof))
        .collect();
    assert!((1..=CORPUS_PROOFS).contains(&proofs.len()), "{}", proofs.len());
}
