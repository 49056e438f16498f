//! An experiment of two arms from its file to its tables, with real Lean, stopped in the middle; then a checkpoint of it
//! measured on statements of others.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use stp_datasets::Ledger;
use stp_tests::{abort_at, finish, stp};

/// The shortest that goes through everything. The portfolio proves the first statement of `test`, if any.
const EXPERIMENT: &str = r#"
title = "Two arms"
preset = "smoke"
seeds = [3]
set = { rounds = 1, max_supervised = 40, "proving.proofs_per_round" = 90, "conjecturing.sources" = ["model"], "search.enabled" = false, "repair.enabled" = false }
[[arms]]
name = "plain"
set = { method = "plain" }
[[arms]]
name = "expert iteration"
set = { method = "expert-iteration", "round.epochs" = 2 }
[automation]
sets = ["valid", "missing.jsonl"]
tactics = ["omega", "first | rfl | omega | grind"]
max = 20
[[evaluate]]
set = "valid"
samples = 2
k = [1, 2]
max = 20
[[claims]]
title = "Proved"
metric = "train-proved"
[[claims]]
title = "Measured"
metric = "pass-at-k"
set = "valid"
k = 2
"#;

fn experiment(folder: &Path, extra: &[&str]) -> Command {
    let mut command = Command::new(stp());
    command.args(["experiment", "two.toml", "--quiet", "--workers", "1"]).args(extra).current_dir(folder);
    command
}

fn results(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("two/results.json")).unwrap()).unwrap()
}

#[test]
fn an_experiment_is_played_and_measured_and_goes_on() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    std::fs::write(folder.join("two.toml"), EXPERIMENT).unwrap();
    abort_at(&mut experiment(folder, &[]), "verdict:3");
    let said = finish(&mut experiment(folder, &[]));
    assert!(said.contains("to do: 2 runs with 1 stages 1, 180 verified samples"), "{said}");
    // Tactics that were tried before the interruption are not tried again.
    assert!(!said.contains("by omega"), "{said}");
    // A line of its own comes with the end of each training; others tell how far it is.
    let trained = said.lines().filter(|it| it.starts_with("stage1: train:") && it.contains("steps, loss"));
    assert_eq!(trained.count(), 1, "one stage 1 for both arms: {said}");

    let found = results(folder);
    let runs = found["runs"].as_array().unwrap();
    let arms: Vec<_> = runs.iter().map(|run| run["arm"].as_str().unwrap()).collect();
    assert_eq!(arms, ["plain", "expert iteration"]);
    for run in runs {
        assert_eq!(run["points"][1]["samples"], 90, "equal numbers of verified samples");
        assert_eq!(run["outcomes"][0]["all"]["statements"], 12);
        let name = run["outcomes"][0]["run"].as_str().unwrap();
        assert!(!name.contains('/'), "a result that is published names no folder of a machine: {name}");
    }
    // The same model, the same statements and the same random numbers in the first round.
    assert_eq!(runs[0]["points"][1]["train_proved"], runs[1]["points"][1]["train_proved"]);
    let tactics = found["automation"].as_array().unwrap();
    let proved = |tactic: usize| tactics[tactic]["proved"].as_array().unwrap().len();
    assert!(proved(0) > 0 && proved(1) >= proved(0) && tactics[0]["lean_seconds"].as_f64() > Some(0.0));
    let text = std::fs::read_to_string(folder.join("two/README.md")).unwrap();
    let parts = ["2 of 2 runs", "against plain", "claim-2.svg", "one seed", "`missing.jsonl` was not there"];
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    for plot in ["two/claim-1.svg", "two/claim-2.svg"] {
        assert!(std::fs::read_to_string(folder.join(plot)).unwrap().contains("expert iteration"), "{plot}");
    }

    let said = finish(&mut experiment(folder, &["--report"]));
    assert!(said.contains("2 of 2 runs finished") && !said.contains("proofs judged"), "{said}");
    assert_eq!(results(folder)["runs"], found["runs"]);
    checkpoints_are_measured_on_statements_of_others(&folder.join("runs/two/expert-iteration-seed3"));
}

fn checkpoints_are_measured_on_statements_of_others(run: &Path) {
    let ledger = || Ledger::open(&run.join("ledger.sqlite")).unwrap();
    let before = (ledger().stats().unwrap().rows, ledger().events().unwrap());
    let known = ledger().statements().unwrap().remove(0).statement.signature;
    let row = |id: &str, text: &str| {
        serde_json::json!({"id": id, "split": "valid", "statement": format!("theorem {id} {text} := by")})
            .to_string()
    };
    let file = run.join("others.jsonl");
    let rows =
        [row("one", "(n : Nat) : n * 12345 % 5 = 0"), row("seen", &known), row("none", ": Nat.noSuchThing")];
    std::fs::write(&file, rows.join("\n")).unwrap();
    let eval = |extra: &[&str]| {
        let mut command = Command::new(stp());
        command
            .args(["eval", "--json", "--workers", "1", "--run"])
            .arg(run)
            .arg("--set")
            .arg(&file)
            .args(extra);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let first = eval(&["-k", "1,3"]);
    assert_eq!(
        (&first["checkpoint"], &first["samples"], &first["in_training"]),
        (&"final".into(), &3.into(), &1.into())
    );
    assert_eq!(first["not_elaborated"], serde_json::json!(["none"]));
    assert_eq!(first["all"]["statements"], 3);
    // More samples go on from those that are there.
    let more = eval(&["-k", "1,2", "--samples", "5", "--checkpoint", "final"]);
    assert!(more["tokens"].as_u64() > first["tokens"].as_u64() && first["tokens"].as_u64() > Some(0));
    assert_eq!(
        eval(&["-k", "1,3"]),
        Value::Object({
            let mut same = first.as_object().unwrap().clone();
            same.insert("sampling_seconds".into(), more["sampling_seconds"].clone());
            same
        })
    );
    assert_eq!(
        (ledger().stats().unwrap().rows, ledger().events().unwrap()),
        before,
        "the run's ledger is as it was"
    );
}
