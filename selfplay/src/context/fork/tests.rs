//! Forks of a scripted run that was played to its end.

use stp_datasets::{Phase, Status};
use tempfile::TempDir;

use super::*;
use crate::config::Method;
use crate::spent::without;
use crate::test;

/// A finished run of two rounds in `a`.
fn played() -> (TempDir, PathBuf, RunConfig) {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("a");
    let config = RunConfig { rounds: 2, ..test::config() };
    let folder = RunFolder::open(&path, &config).unwrap();
    let ledger = Ledger::open(&folder.ledger()).unwrap();
    ledger.keep_corpus(&test::corpus()).unwrap();
    for step in plan::steps(&config) {
        let round = step.round(2);
        let detail = serde_json::json!({});
        ledger.finish_step(&stp_datasets::Step { name: step.name(), seconds: 1.0, detail }).unwrap();
        if step.completes_row() {
            let name = checkpoint_of(round, 2);
            let models = path.join("checkpoints").join(&name);
            fs::create_dir_all(&models).unwrap();
            fs::write(models.join("model.safetensors"), &name).unwrap();
            ledger.record_checkpoint(&name, &serde_json::json!({})).unwrap();
            let attempt = test::attempt(round, Phase::Train, "a", 0, "by rfl", Status::Proved);
            ledger.record_attempt(&attempt).unwrap();
        }
    }
    (scratch, path, config)
}

fn source(path: &Path, round: &str) -> Result<Source> {
    Source::parse(&format!("{}{round}", path.display()), None)
}

#[test]
fn a_fork_keeps_its_round_when_its_run_has_gone_on() {
    let (scratch, path, config) = played();
    let target = scratch.path().join("b");
    drop(source(&path, ":1").unwrap().open_fork(&target, &config, &Events::none()).unwrap());
    let again = |folder: Option<&Path>| Source::parse(&path.display().to_string(), folder).unwrap();
    assert_eq!((again(Some(&target)).from().round, again(None).from().round), (1, 2));
    assert_eq!(again(Some(&scratch.path().join("none"))).from().round, 2);
    assert_eq!(again(None).earlier_fork(), None);
    let other = scratch.path().join("a-fork1");
    fs::create_dir(&other).unwrap();
    assert_eq!(again(None).earlier_fork(), Some((other, 1)));
}

#[test]
fn a_fork_holds_the_first_rounds_and_the_new_settings() {
    let (scratch, path, config) = played();
    let source = source(&path, ":1").unwrap();
    assert_eq!(source.default_folder(), scratch.path().join("a-fork1"));
    let mut other = RunConfig { rounds: 4, seed: 9, ..config };
    other.sampling.temperature = 0.5;
    let target = scratch.path().join("deeper/b");
    let opened = source.open_fork(&target, &other, &Events::none()).unwrap();
    assert_eq!(opened.path(), target);
    let ledger = Ledger::open(&opened.ledger()).unwrap();
    assert_eq!((rounds_done(&ledger).unwrap(), run_config(&target).unwrap().0), (1, other.clone()));
    assert_eq!(forked_from(&ledger).unwrap(), Some(ForkedFrom { run: "a".to_owned(), round: 1 }));
    assert_eq!(ledger.events().unwrap()[0].kind, "forked");
    assert_eq!(ledger.corpus_differs(&test::corpus()).unwrap(), None);
    assert_eq!([1, 2].map(|round| ledger.attempts(round, Phase::Train).unwrap().len()), [1, 0]);
    for (name, there) in [("stage1", true), ("round-1", true), ("round-2", false), ("final", false)] {
        assert_eq!(target.join("checkpoints").join(name).exists(), there, "{name}");
    }
    assert!(RunFolder::open(&target, &other).unwrap_err().to_string().contains("another process"));
    drop(opened);
    // The same command goes on; another one is refused.
    assert!(source.open_fork(&target, &other, &Events::none()).is_ok());
    let error = source.open_fork(&target, &RunConfig { seed: 8, ..other }, &Events::none()).unwrap_err();
    assert!(error.to_string().contains("seed: 9 -> 8"), "{error}");
}

#[test]
fn without_a_round_the_last_finished_one_is_meant() {
    let (scratch, path, config) = played();
    let source = source(&path, "").unwrap();
    assert_eq!(source.from().round, 2);
    let target = scratch.path().join("b");
    drop(source.open_fork(&target, &config, &Events::none()).unwrap());
    let steps = Ledger::open(&target.join("ledger.sqlite")).unwrap().steps().unwrap();
    assert_eq!(steps.last().unwrap().name, "round-2/valid", "the final model is made anew");
}

#[test]
fn what_cannot_be_forked_is_said() {
    let (scratch, path, config) = played();
    for (text, hint) in [("/none", "no run"), (":7", "has finished 2 rounds"), (":x", "`x` in --from")] {
        let error = source(&path, text).unwrap_err();
        assert!(error.to_string().contains(hint) && error.downcast_ref::<UsageError>().is_some(), "{error}");
    }
    let target = scratch.path().join("b");
    let refused = |change: fn(&mut RunConfig)| {
        let mut config = config.clone();
        change(&mut config);
        let fork = source(&path, ":2").unwrap().open_fork(&target, &config, &Events::none());
        fork.unwrap_err().to_string()
    };
    let said = refused(|config| config.model.layers = 7);
    assert!(said.contains("model.layers: 2 -> 7"), "{said}");
    assert!(refused(|config| config.rounds = 1).contains("--rounds 2"));
    assert!(!target.exists(), "nothing was made");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("other"), "").unwrap();
    assert!(refused(|_| ()).contains("something else"));
    assert!(refused(|config| config.seed = 1).contains("--run-dir"));
}

#[test]
fn a_fork_may_begin_to_search() {
    let (scratch, path, mut config) = played();
    config.search.enabled = true;
    let fork = source(&path, ":1").unwrap();
    let opened = fork.open_fork(&scratch.path().join("b"), &config, &Events::none()).unwrap();
    let ledger = Ledger::open(&opened.ledger()).unwrap();
    let record = ledger.step(&Step::Search(1).name()).unwrap().unwrap();
    let spent = Spent::of(&record.detail).unwrap().unwrap();
    assert_eq!((spent.cpu_seconds, spent.statements), (Some(0.0), 0), "what it took is known: nothing");
    let record: SearchRecord = serde_json::from_value(without(record.detail)).unwrap();
    assert_eq!(record, SearchRecord::default());
    assert_eq!(ledger.step(&Step::Search(2).name()).unwrap(), None, "it searches from round 2 on");
}

#[test]
fn a_fork_of_a_fork_keeps_what_was_done_before_both() {
    let (scratch, path, mut config) = played();
    config.search.enabled = true;
    let with_search = scratch.path().join("b");
    drop(source(&path, ":1").unwrap().open_fork(&with_search, &config, &Events::none()).unwrap());
    let searched = |run: &Path| {
        let ledger = Ledger::open(&run.join("ledger.sqlite")).unwrap();
        ledger.steps().unwrap().into_iter().any(|step| step.name == "round-1/search")
    };
    config.search.enabled = false;
    let without = scratch.path().join("c");
    drop(source(&with_search, ":1").unwrap().open_fork(&without, &config, &Events::none()).unwrap());
    config.search.enabled = true;
    let again = scratch.path().join("d");
    drop(source(&without, ":1").unwrap().open_fork(&again, &config, &Events::none()).unwrap());
    assert!([with_search, without, again].iter().all(|run| searched(run)));
}

#[test]
fn a_method_that_needs_other_steps_begins_after_stage_1() {
    let (scratch, path, config) = played();
    let ledger = Ledger::open(&path.join("ledger.sqlite")).unwrap();
    let steps = plan::steps(&RunConfig { method: Method::ExpertIteration, ..config.clone() })
        .into_iter()
        .map(Step::name)
        .collect::<Vec<_>>();
    let checkpoints = ["stage1", "round-1"].map(String::from);
    let other = scratch.path().join("ei");
    fs::create_dir(&other).unwrap();
    let note = ("x", String::new());
    let cut = Cut { last_round: 9, steps: &steps, checkpoints: &checkpoints, with_open_goals: false, note };
    ledger.copy_cut(&other.join("ledger.sqlite"), &cut).unwrap();
    let text = toml::to_string(&RunConfig { method: Method::ExpertIteration, ..config.clone() }).unwrap();
    fs::write(other.join("config.toml"), text).unwrap();
    let fork = |round: &str| {
        source(&other, round).unwrap().open_fork(&scratch.path().join("b"), &config, &Events::none())
    };
    let said = fork(":1").unwrap_err().to_string();
    assert!(said.contains("round-1/conjecture") && said.contains("expert-iteration"), "{said}");
}

#[test]
fn what_a_killed_process_has_left_is_no_run_and_is_replaced() {
    let (scratch, path, config) = played();
    let (draft, target) = (scratch.path().join(".b.fork"), scratch.path().join("b"));
    fs::create_dir_all(draft.join("checkpoints/half")).unwrap();
    fs::write(draft.join("ledger.sqlite"), "half").unwrap();
    fs::remove_file(path.join("checkpoints/round-1/model.safetensors")).unwrap();
    fs::remove_dir(path.join("checkpoints/round-1")).unwrap();
    let fork = |round| source(&path, round).unwrap().open_fork(&target, &config, &Events::none());
    assert!(fork(":1").is_err() && !target.exists(), "a model is missing");
    drop(fork(":0").unwrap());
    assert!(!draft.exists() && target.join("checkpoints/stage1").exists());
    assert!(!target.join("checkpoints/half").exists());
}

#[test]
fn a_fork_of_a_fork_remembers_the_nearer_one() {
    let (scratch, path, config) = played();
    let (b, c) = (scratch.path().join("b"), scratch.path().join("c"));
    drop(source(&path, ":2").unwrap().open_fork(&b, &config, &Events::none()).unwrap());
    drop(source(&b, ":1").unwrap().open_fork(&c, &config, &Events::none()).unwrap());
    let ledger = Ledger::open(&c.join("ledger.sqlite")).unwrap();
    assert_eq!(forked_from(&ledger).unwrap(), Some(ForkedFrom { run: "b".to_owned(), round: 1 }));
    assert_eq!(last_round_taken_over(&ledger).unwrap(), 1);
}
