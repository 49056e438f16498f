//! Whole runs of the real binary on real Lean: uninterrupted, killed at several points, and without conjectures.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use stp_datasets::{
    ConjectureOutcome, Corpus, Ledger, LedgerSketch, Phase, Source, Split, Verdict, canonical_text,
};
use stp_tests::played::smoke_run;
use stp_tests::{abort_at, attempts, children_of, counts, finish, is_running, smoke, start_until};

const ROUNDS: u32 = 2;
const PROOFS_PER_ROUND: usize = 120;
const VALID: usize = 12 * 2;
const GENERATED: usize = 48;

fn assert_whole(folder: &Path, conjectures: bool) {
    let ledger = Ledger::open(&folder.join("ledger.sqlite")).unwrap();
    let steps: Vec<_> = ledger.steps().unwrap().into_iter().map(|step| step.name).collect();
    let distinct: BTreeSet<_> = steps.iter().collect();
    assert_eq!(distinct.len(), steps.len());
    let per_round = if conjectures { 5 } else { 4 };
    assert_eq!(steps.len(), 5 + per_round * ROUNDS as usize, "{steps:?}");
    for step in ledger.steps().unwrap() {
        let seconds = step.detail["spent"]["cpu_seconds"].as_f64();
        assert!(seconds.is_some_and(|it| it >= 0.0) || cfg!(not(target_os = "linux")), "{}", step.name);
    }
    let attempts = attempts(folder, ROUNDS);
    assert!(attempts.values().all(|attempt| attempt.verdict.is_some()), "every attempt has a verdict");
    let counts = counts(&attempts);
    for round in 1..=ROUNDS {
        assert_eq!(counts[&(round, "train")], PROOFS_PER_ROUND, "round {round}");
    }
    for round in 0..=ROUNDS + 1 {
        assert_eq!(counts[&(round, "valid")], VALID, "round {round}");
    }
    let all = stp_tests::conjectures(&ledger, ROUNDS);
    assert!(all.iter().all(|conjecture| conjecture.outcome.is_some()), "every conjecture has an outcome");
    for round in 1..=ROUNDS {
        let of_model = |source| source == Source::Model;
        let of_round = all.iter().filter(|it| it.round == round && of_model(it.source)).count();
        // An input whose prompt is too long for the model is left out.
        let expected = if conjectures { GENERATED * 3 / 4..=GENERATED } else { 0..=0 };
        assert!(expected.contains(&of_round), "round {round}: {of_round}");
    }
    let held_out: BTreeSet<_> = Corpus::practice()
        .unwrap()
        .entries
        .iter()
        .filter(|entry| entry.statement.split != Split::Train)
        .map(|entry| canonical_text(&entry.statement.signature))
        .collect();
    let accepted = all.iter().filter(|conjecture| conjecture.outcome == Some(ConjectureOutcome::Accepted));
    assert!(accepted.clone().all(|conjecture| !held_out.contains(&canonical_text(&conjecture.signature))));
    let ids: Vec<_> = accepted.map(|conjecture| conjecture.statement.clone().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    for name in ["stage1", "round-1", "round-2", "final"] {
        assert!(folder.join("checkpoints").join(name).join("model.safetensors").is_file(), "{name}");
    }
    let report = std::fs::read_to_string(folder.join("report.md")).unwrap();
    assert!(["stage 1", "round 1", "round 2", "final"].iter().all(|row| report.contains(row)), "{report}");
}

/// Every failed proof that was looked at, by round and number.
fn sketches(ledger: &Ledger) -> Vec<LedgerSketch> {
    (1..=ROUNDS).flat_map(|round| ledger.sketches_of(round).unwrap()).collect()
}

/// `smoke` is to go through every step, and each step is to have something to do.
fn every_step_left_something(folder: &Path) {
    let ledger = Ledger::open(&folder.join("ledger.sqlite")).unwrap();
    let details: BTreeMap<_, _> =
        ledger.steps().unwrap().into_iter().map(|step| (step.name, step.detail)).collect();
    let of =
        |step: &str| (1..=ROUNDS).map(|round| &details[&format!("round-{round}/{step}")]).collect::<Vec<_>>();
    let sum =
        |details: &[&Value], key: &str| -> u64 { details.iter().filter_map(|it| it[key].as_u64()).sum() };

    let accepted: BTreeSet<_> = stp_tests::conjectures(&ledger, ROUNDS)
        .into_iter()
        .filter(|it| it.source == Source::Model && it.outcome == Some(ConjectureOutcome::Accepted))
        .filter_map(|conjecture| conjecture.statement)
        .collect();
    assert!(!accepted.is_empty(), "conjectures are accepted");
    let attempts = attempts(folder, ROUNDS);
    let proved: BTreeSet<_> = attempts
        .values()
        .filter(|it| it.is_proved() && it.round > 0)
        .map(|it| it.statement.clone())
        .collect();
    let given = |id: &&String| !id.starts_with("conjecture_") && !id.starts_with("subgoal_");
    assert!(!proved.is_disjoint(&accepted), "conjectures are proved");
    assert!(proved.iter().filter(given).count() > 0, "given statements are proved");
    let repairs =
        of("prove").iter().map(|it| it["repair"]["attempts"].as_array().unwrap().len()).sum::<usize>();
    assert!(repairs > 0, "second attempts are made");

    assert!(
        sketches(&ledger).iter().any(|sketch| !sketch.goals.is_empty()),
        "failed proofs leave goals: {:?}",
        sketches(&ledger)
    );
    let searched: Vec<_> =
        (1..=ROUNDS).flat_map(|round| ledger.attempts(round, Phase::Search).unwrap()).collect();
    let closed = |goal: bool| {
        searched.iter().filter(|it| it.is_proved() && it.statement.starts_with("subgoal_") == goal).count()
    };
    assert!(closed(true) > 0, "goals are closed: {searched:?}");
    assert!(closed(false) > 0, "and the wholes hold: {searched:?}");

    assert!(sum(&of("train"), "proofs") > 0, "the prover learns: {details:?}");
    let conjectures = sum(&of("train"), "conjectures_kept") + sum(&of("train"), "replayed_pairs");
    assert!(conjectures > 0, "the conjecturer learns: {details:?}");
    let last = &details["final/train"];
    assert!(last["proofs"].as_u64() > Some(0) && last["conjectures"].as_u64() > Some(0), "{last}");
}

#[test]
fn a_run_plays_to_the_end() {
    let scratch = tempfile::tempdir().unwrap();
    let whole = scratch.path().join("whole");
    smoke_run(env!("CARGO_TARGET_TMPDIR"), &whole);
    assert_whole(&whole, true);
    let proved =
        attempts(&whole, ROUNDS).into_values().filter(|a| a.verdict.as_ref().is_some_and(Verdict::is_proved));
    assert!(proved.filter(|attempt| attempt.round > 0).count() > 0, "the model proves something");
    every_step_left_something(&whole);
    a_finished_run_does_nothing_more(&whole);
    a_training_that_was_killed_goes_on(&whole, &scratch.path().join("training"));
}

#[test]
fn a_run_without_conjectures_plays_to_the_end() {
    let scratch = tempfile::tempdir().unwrap();
    let plain = scratch.path().join("plain");
    finish(&mut smoke(&plain, &["--method", "expert-iteration"]));
    assert_whole(&plain, false);
}

/// A run that was stopped does not go on with another corpus, and says which statement is not as it was.
#[test]
fn an_edited_corpus_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let scratch = scratch.path();
    let (folder, corpus) = (scratch.join("edited"), scratch.join("corpus.jsonl"));
    let row = |id: &str, split: &str, number: u32| {
        let signature = format!("(n : Nat) (h : n = {number}) : n < {}", number + 1);
        serde_json::json!({ "id": id, "split": split, "topics": ["x"], "signature": signature, "proofs": ["by omega"] })
            .to_string()
    };
    let write = |number| {
        let rows = [row("one", "train", 1), row("two", "train", number), row("three", "valid", 3)];
        std::fs::write(&corpus, rows.join("\n")).unwrap();
    };
    let options = ["--set", &format!("corpus={}", corpus.display())];
    write(2);
    abort_at(&mut smoke(&folder, &options), "started:stage1/train:1");
    write(5);
    let refused = smoke(&folder, &options).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("`two`") && said.contains("another statement"), "{said}");
}

fn a_finished_run_does_nothing_more(folder: &Path) {
    let before = attempts(folder, ROUNDS);
    let text = finish(&mut smoke(folder, &[]));
    assert!(!text.contains("proofs judged"), "{text}");
    assert_eq!(attempts(folder, ROUNDS), before);
    let other = smoke(folder, &["--seed", "7"]).output().unwrap();
    assert_eq!(other.status.code(), Some(2), "other settings are refused");
}

/// Ctrl-C or SIGTERM while Lean works: the exit code of each, one line of what to do, and all children ended.
#[test]
fn interrupted_runs_say_so_and_leave_no_process() {
    let scratch = tempfile::tempdir().unwrap();
    for (signal, code, name) in [("-INT", 130, "interrupted"), ("-TERM", 143, "terminated")] {
        let folder = scratch.path().join(name);
        let (mut child, pid) = start_until(&mut smoke(&folder, &[]), "setup: corpus proofs:");
        let lean = children_of(pid);
        assert!(!lean.is_empty(), "Lean runs");
        assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(lean.iter().all(|pid| !is_running(*pid)), "no Lean process is left");
        let kept = Ledger::open(&folder.join("ledger.sqlite")).unwrap().events().unwrap();
        assert_eq!(kept.last().unwrap().kind, "stopped");
    }
}

/// Killed three times in the middle of stage 1: the training goes on from its state and ends with the weights of the run
/// that was left alone.
fn a_training_that_was_killed_goes_on(whole: &Path, folder: &Path) {
    // There is a new state after each step; the step at which a process ends has none yet.
    let options = ["--set", "training.state_minutes=0.000001"];
    let checkpoints = folder.join("checkpoints");
    for event in ["train-step:5", "train-step:40", "train-step:2"] {
        abort_at(&mut smoke(folder, &options), event);
        assert!(checkpoints.join("stage1.state.safetensors").exists(), "{event}");
        assert!(!checkpoints.join("stage1").exists(), "{event}: it was killed in the middle");
    }
    let said = abort_at(&mut smoke(folder, &options), "checkpoint:1");
    assert!(said.contains("(44 of them before it was stopped)"), "{said}");
    let weights =
        |run: &Path| std::fs::read(run.join("checkpoints").join("stage1").join("model.safetensors")).unwrap();
    assert_eq!(weights(folder), weights(whole));
}

#[test]
fn killed_runs_lose_nothing_and_count_nothing_twice() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = &scratch.path().join("killed");
    let mut kept = Vec::new();
    let options = ["--set", "search.proofs_per_statement=1"];
    // Each process goes on where the one before was stopped, to its own event.
    let events = [
        "verdict:5",
        "train-step:3",
        "checkpoint:1",
        "attempt:10",
        "conjecture:10",
        "outcomes:1",
        "attempt:50",
        "started:round-1/search:1",
        "sketch:3",
        "started:round-2/conjecture:1",
        "verdict:30",
        "train-step:2",
        "started:final/train:1",
    ];
    for event in events {
        abort_at(&mut smoke(folder, &options), event);
        let before = attempts(folder, ROUNDS);
        let ledger = Ledger::open(&folder.join("ledger.sqlite")).unwrap();
        kept.push((before, ledger.steps().unwrap(), sketches(&ledger)));
    }
    finish(&mut smoke(folder, &options));
    let after = attempts(folder, ROUNDS);
    let ledger = Ledger::open(&folder.join("ledger.sqlite")).unwrap();
    let (all_steps, all_sketches) = (ledger.steps().unwrap(), sketches(&ledger));
    let counted = kept.iter().map(|(.., sketches)| sketches.len());
    assert_eq!(counted.filter(|count| *count == 3).count(), 1, "one process was killed among its sketches");
    for (event, (before, steps, sketches)) in events.into_iter().zip(kept) {
        for (key, attempt) in before {
            let now = &after[&key];
            assert_eq!((&attempt.proof, attempt.tokens), (&now.proof, now.tokens), "{event}: {key:?}");
            assert!(attempt.verdict.is_none() || attempt.verdict == now.verdict, "{event}: {key:?}");
        }
        assert_eq!(all_steps[..steps.len()], steps[..], "{event}");
        assert_eq!(all_sketches[..sketches.len()], sketches[..], "{event}");
    }
    assert!(all_sketches.len() > 3);
    assert_whole(folder, true);
}
