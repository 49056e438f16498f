//! A finished run gets another round, a fork is killed and made, and both come to the same: real Lean, one small model.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use stp_datasets::{Ledger, Phase, Status};
use stp_tests::{abort_at, attempts, finish, smoke, stp};

/// Fewer samples than `smoke` has.
const SMALL: [&str; 2] = ["--set", "proving.proofs_per_round=60"];

fn call(folder: &Path, args: &[&str]) -> Output {
    Command::new(stp()).args(args).current_dir(folder).output().unwrap()
}

fn json(folder: &Path, args: &[&str]) -> Value {
    let output = call(folder, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_run_gets_more_rounds_and_a_fork_of_it_comes_to_the_same() {
    let scratch = tempfile::tempdir().unwrap();
    let (base, fork) = (scratch.path().join("base"), scratch.path().join("fork"));
    finish(smoke(&base, &["--rounds", "1"]).args(SMALL));
    let before = attempts(&base, 1);
    let said = finish(smoke(&base, &["--rounds", "2"]).args(SMALL));
    assert!(said.contains("the run goes on with rounds: 1 -> 2"), "{said}");
    a_longer_run_keeps_what_was_recorded(&base, &before);
    forks(&base, &fork);
    lists_and_histories(scratch.path());
    any_model_is_measured(scratch.path());
}

fn a_longer_run_keeps_what_was_recorded(
    base: &Path,
    before: &std::collections::BTreeMap<(u32, &'static str, String, u32), stp_datasets::Attempt>,
) {
    let after = attempts(base, 2);
    for (key, attempt) in before.iter().filter(|((round, ..), _)| *round < 2) {
        assert_eq!(&after[key], attempt);
    }
    let ledger = Ledger::open(&base.join("ledger.sqlite")).unwrap();
    let earlier = ledger.attempts(1_000_001, Phase::Valid).unwrap();
    let was_final: Vec<_> = before.iter().filter(|((round, ..), _)| *round == 2).map(|(_, it)| it).collect();
    assert_eq!(earlier.len(), was_final.len());
    assert!(
        earlier
            .iter()
            .zip(was_final)
            .all(|(now, then)| (&now.proof, &now.verdict) == (&then.proof, &then.verdict))
    );
    for name in ["stage1", "round-1", "final-1", "round-2", "final"] {
        assert!(base.join("checkpoints").join(name).join("model.safetensors").is_file(), "{name}");
    }
    let report = std::fs::read_to_string(base.join("report.md")).unwrap();
    let rows = ["| stage 1", "| round 1", "| final after 1", "| round 2", "| final  "];
    let places: Vec<_> =
        rows.iter().map(|row| report.find(row).unwrap_or_else(|| panic!("{row}: {report}"))).collect();
    assert!(places.is_sorted(), "{report}");
    let fewer = smoke(base, &["--rounds", "1"]).args(SMALL).output().unwrap();
    let said = String::from_utf8_lossy(&fewer.stderr);
    assert!(fewer.status.code() == Some(2) && said.contains("rounds: 2 -> 1"), "{said}");
}

/// Round, phase, statement, sample, proof and status of an attempt.
type Outcome = (u32, &'static str, String, u32, String, Option<Status>);

/// What was sampled and judged, without the times that it took.
fn outcomes(run: &Path) -> Vec<Outcome> {
    let all = attempts(run, 2).into_iter();
    all.map(|((round, phase, statement, sample), it)| {
        (round, phase, statement, sample, it.proof, it.verdict.map(|verdict| verdict.status))
    })
    .collect()
}

fn forks(base: &Path, fork: &Path) {
    let from = format!("{}:1", base.display());
    let options = ["--from", &from, "--rounds", "2"];
    abort_at(&mut smoke(fork, &options), "fork:1");
    assert!(!fork.exists(), "half a fork is no run");
    let said = finish(&mut smoke(fork, &options));
    assert!(said.contains("forked from base after round 1") && !said.contains("stage1: train"), "{said}");
    // The same settings after the same round: what a fork has taken over is all that counts.
    assert_eq!(outcomes(fork), outcomes(base));
    let said = finish(&mut smoke(fork, &options));
    assert!(!said.contains("proofs judged"), "the same command goes on: {said}");
    let other = smoke(fork, &options).args(["--set", "sampling.top_p=0.5"]).output().unwrap();
    let said = String::from_utf8_lossy(&other.stderr);
    assert!(other.status.code() == Some(2) && said.contains("sampling.top_p: 0.9"), "{said}");
}

fn lists_and_histories(scratch: &Path) {
    let runs = json(scratch, &["runs", ".", "--json"]);
    let named = |name: &str| runs.as_array().unwrap().iter().find(|run| run["name"] == name).unwrap().clone();
    let (base, fork) = (named("base"), named("fork"));
    assert_eq!(
        (&base["state"], &base["preset"], &base["rounds_done"]),
        (&"finished".into(), &"smoke".into(), &2.into())
    );
    assert_eq!((&fork["forked_from"]["run"], &fork["forked_from"]["round"]), (&"base".into(), &1.into()));
    let proved = attempts(&scratch.join("base"), 2).into_values().find(|it| it.is_proved()).unwrap();
    let history = json(scratch, &["show", &proved.statement, "--run", "base", "--json"]);
    assert_eq!(history["id"], proved.statement.as_str());
    assert!(history["proof"]["proof"].is_string() && !history["rounds"].as_array().unwrap().is_empty());
    let text = call(scratch, &["show", &proved.statement, "--run", "base"]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("attempts proved"));
}

/// A model's folder that no run is known of, on a file of statements.
fn any_model_is_measured(scratch: &Path) {
    let model = scratch.join("elsewhere");
    std::fs::rename(scratch.join("base/checkpoints/round-1"), &model).unwrap();
    let statement = "{\"id\": \"x\", \"signature\": \"(n : Nat) : n = n\", \"split\": \"test\"}\n";
    std::fs::write(scratch.join("set.jsonl"), statement).unwrap();
    let ask = ["eval", "--model", "elsewhere", "--set", "set.jsonl", "-k", "1", "--workers", "1", "--json"];
    let result = json(scratch, &ask);
    assert_eq!((&result["checkpoint"], &result["run"]), (&"elsewhere".into(), &"".into()));
    assert_eq!((&result["all"]["statements"], &result["samples"]), (&1.into(), &1.into()));
    let kept: Vec<_> = std::fs::read_dir(scratch.join("evals")).unwrap().flatten().collect();
    assert_eq!(kept.len(), 1);
    assert!(!model.join("evals").exists(), "nothing is written beside the model");
    let refused = call(scratch, &["eval", "--model", "base", "--set", "set.jsonl"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(2) && said.contains("final-1"), "{said}");
}
