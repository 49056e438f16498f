//! A run's order, its corpus and its settings, with scripted parts.

use std::sync::Mutex;

use stp_datasets::{Phase, Status};
use tempfile::TempDir;

use super::*;
use crate::config::Method;
use crate::error::{Interrupted, UsageError};
use crate::test::{self, ScriptedSampler};

fn parts(path: &Path, events: Events) -> RunParts {
    RunParts {
        verifier: Pool::scripted(test::script()),
        judge: "a script".to_owned(),
        checkpoints: Checkpoints::scripted(path, ScriptedSampler::new(|_, _| "by rfl")),
        events,
        cancel: Cancel::new(),
        cpu: CpuMeter::none(),
    }
}

fn open(scratch: &TempDir, config: &RunConfig, corpus: Corpus) -> Result<Run> {
    let path = scratch.path().join("run");
    let folder = RunFolder::open(&path, config)?;
    Run::open(folder, config.clone(), corpus, parts(&path, Events::none()))
}

/// Settings of a run that needs no model: it samples and trains nothing.
fn config() -> RunConfig {
    RunConfig { method: Method::Plain, rounds: 2, ..test::config() }
}

/// Has every step but those named finished, as an earlier process would have left it.
fn finish(run: &Run, except: &[Step]) {
    let config = &run.context().config;
    for step in plan::steps(config) {
        if !except.contains(&step) {
            let step = stp_datasets::Step { name: step.name(), seconds: 1.0, detail: json!({}) };
            run.context().ledger.finish_step(&step).unwrap();
        }
    }
}

#[tokio::test]
async fn finished_steps_are_passed_over_and_the_others_are_done_in_order() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("run");
    let told = Arc::new(Mutex::new(Vec::new()));
    let events = Events::new({
        let told = told.clone();
        move |event| {
            if let Event::StepStarted(step) = event {
                told.lock().unwrap().push(step.name());
            }
        }
    });
    let folder = RunFolder::open(&path, &config()).unwrap();
    let run = Run::open(folder, config(), test::corpus(), parts(&path, events)).unwrap();
    finish(&run, &[Step::Prove(1), Step::Valid(2)]);
    assert_eq!(Run::is_finished(&path, &config()).unwrap(), Finished::No);
    run.play().await.unwrap();
    assert_eq!(*told.lock().unwrap(), ["round-1/prove", "round-2/valid"]);
    assert_eq!(Run::is_finished(&path, &config()).unwrap(), Finished::Yes);
    let ledger = &run.context().ledger;
    assert_eq!(ledger.attempts(1, Phase::Train).unwrap().len(), 8);
    assert!(ledger.attempts(1, Phase::Valid).unwrap().is_empty(), "its step was finished");
    run.play().await.unwrap();
    assert_eq!(told.lock().unwrap().len(), 2, "nothing is left");
}

#[tokio::test]
async fn a_run_that_is_stopped_says_so_in_its_ledger() {
    let scratch = tempfile::tempdir().unwrap();
    let run = open(&scratch, &config(), test::corpus()).unwrap();
    run.context().cancel.cancel();
    let error = run.play().await.unwrap_err();
    assert!(error.downcast_ref::<Interrupted>().is_some());
    let kinds: Vec<_> = run.context().ledger.events().unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["started", "stopped"]);
}

#[test]
fn a_run_with_other_settings_is_not_finished_but_says_which_differ() {
    let scratch = tempfile::tempdir().unwrap();
    let run = open(&scratch, &config(), test::corpus()).unwrap();
    finish(&run, &[]);
    let other = RunConfig { rounds: 1, ..config() };
    let found = Run::is_finished(&scratch.path().join("run"), &other).unwrap();
    assert_eq!(found, Finished::OtherSettings(vec!["rounds: 2 -> 1".to_owned()]));
    assert_eq!(Run::is_finished(&scratch.path().join("none"), &other).unwrap(), Finished::No);
}

#[test]
fn a_run_goes_on_with_no_other_corpus() {
    type Change = fn(&mut Corpus);
    let changes: [(&str, &str, Change); 4] = [
        ("`b`", "another statement", |corpus| corpus.entries[1].statement.signature = ": 4 = 4".into()),
        ("`a`", "other proofs", |corpus| corpus.entries[0].proofs = vec!["by simp".into()]),
        ("`b`", "gone", |corpus| drop(corpus.entries.remove(1))),
        ("`new`", "new", |corpus| {
            corpus.entries.push(test::entry("new", ": 5 = 5", stp_datasets::Split::Train, &[]));
        }),
    ];
    for (name, what, change) in changes {
        let scratch = tempfile::tempdir().unwrap();
        drop(open(&scratch, &config(), test::corpus()).unwrap());
        drop(open(&scratch, &config(), test::corpus()).unwrap());
        let mut corpus = test::corpus();
        change(&mut corpus);
        let error = open(&scratch, &config(), corpus).unwrap_err();
        assert!(error.downcast_ref::<UsageError>().is_some(), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(name) && text.contains(what) && text.contains("--run-dir"), "{text}");
    }
}

#[tokio::test]
async fn a_killed_step_goes_on_with_what_is_recorded() {
    let scratch = tempfile::tempdir().unwrap();
    let run = open(&scratch, &config(), test::corpus()).unwrap();
    finish(&run, &[Step::Prove(2)]);
    let earlier = test::attempt(2, Phase::Train, "a", 0, "by rfl", Status::Proved);
    run.context().ledger.record_attempt(&earlier).unwrap();
    run.play().await.unwrap();
    let attempts = run.context().ledger.attempts(2, Phase::Train).unwrap();
    assert_eq!(attempts.len(), 8);
    assert_eq!(attempts.iter().find(|it| it.statement == "a" && it.sample == 0), Some(&earlier));
}
