//! The command line without Lean: wrong input ends with one paragraph and the right exit code.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

fn stp(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stp"))
        .args(args)
        .current_dir(folder)
        .env("STP_HOME", folder.join("home"))
        .env_remove("STP_LEAN")
        // As from a shell: cargo, which runs these tests, tells programs that it runs them.
        .env_remove("CARGO")
        .output()
        .unwrap()
}

/// What is printed on standard output by a command that must succeed.
fn printed(folder: &Path, args: &[&str]) -> String {
    let output = stp(folder, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(args: &[&str], code: i32, hints: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("bad.jsonl"),
        "{\"id\":\"a\",\"signature\":\": True\",\"split\":\"train\"}\nnonsense\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    std::fs::write(folder.path().join("bad.toml"), "rounds = \"many\"\n").unwrap();
    let output = stp(folder.path(), args);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    for hint in hints {
        assert!(text.contains(hint), "{args:?}: {hint:?} is not in: {text}");
    }
    assert!(!text.contains("panicked") && text.trim().lines().count() <= 2, "{args:?}: {text}");
}

#[test]
fn unknown_names_are_usage_errors_that_list_the_known_ones() {
    refused(&["--preset", "huge"], 2, &["`huge`", "tiny", "--config"]);
    refused(&["--device", "abacus"], 2, &["`abacus`", "cpu"]);
    refused(&["--device", "cuda"], 2, &["--features cuda"]);
    refused(&["--config", "bad.toml"], 2, &["bad.toml", "rounds"]);
    refused(&["prove", "theorem t : 1 = 1", "--layout", "nope"], 2, &["`nope`", "kimina-prover"]);
    refused(&["--config", "missing.toml"], 2, &["missing.toml"]);
}

#[test]
fn a_corrupt_corpus_line_is_named() {
    refused(&["--corpus", "bad.jsonl"], 1, &["bad.jsonl:2:", "Mend"]);
    refused(&["--corpus", "missing"], 2, &["missing", "--corpus"]);
}

#[test]
fn a_wrong_lean_is_named() {
    refused(&["--lean", "/no/such/lean", "--run-dir", "run"], 1, &["/no/such/lean", "--lean"]);
    refused(&["toolchain", "--project", ".", "status"], 1, &["not a Lake project"]);
}

#[test]
fn an_unwritable_run_folder_is_named() {
    refused(&["--run-dir", "file/run"], 1, &["file/run", "--run-dir"]);
}

#[test]
fn a_damaged_ledger_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    std::fs::create_dir(&run).unwrap();
    let junk = "not a database, whatever it may look like ".repeat(50);
    std::fs::write(run.join("ledger.sqlite"), &junk).unwrap();
    let output = stp(folder.path(), &["--run-dir", "run"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("ledger.sqlite is damaged"), "{text}");
    assert_eq!(std::fs::read_to_string(run.join("ledger.sqlite")).unwrap(), junk);
}

#[test]
fn status_says_what_would_be_installed() {
    let folder = tempfile::tempdir().unwrap();
    let output = stp(folder.path(), &["toolchain", "status"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("not installed") && text.contains("stp toolchain install"),
        "{text}"
    );
}

#[test]
fn a_clap_error_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(stp(folder.path(), &["--rounds", "few"]).status.code(), Some(2));
}

#[test]
fn shells_get_their_completions_and_man_its_pages() {
    let folder = tempfile::tempdir().unwrap();
    let printed = |args: &[&str]| {
        let output = stp(folder.path(), args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]);
        assert!(script.contains("verify") && script.contains("all-must-pass"), "{shell}");
    }
    // Bash itself has nothing against the script.
    std::fs::write(folder.path().join("stp.bash"), printed(&["completions", "bash"])).unwrap();
    let checked = Command::new("bash").args(["-n", "stp.bash"]).current_dir(folder.path()).status().unwrap();
    assert!(checked.success());
    assert!(
        printed(&["man"]).contains(".TH stp 1")
            && printed(&["man", "data", "import"]).contains("stp data import")
    );
    refused(&["man", "nothing"], 2, &["`stp nothing`", "--help"]);
}

#[test]
fn alone_it_helps_and_under_cargo_run_it_trains() {
    let folder = tempfile::tempdir().unwrap();
    let help = printed(folder.path(), &[]);
    assert!(help.starts_with("Three things to type:\n  stp verify"), "{help}");
    assert!(help.contains("Usage:") && help.contains("cargo run"), "{help}");
    assert!(!folder.path().join("runs").exists(), "nothing was begun");
    assert!(printed(folder.path(), &["runs"]).contains("`stp train` begins one"));
    let trains = Command::new(env!("CARGO_BIN_EXE_stp"))
        .current_dir(folder.path())
        .envs([("CARGO", "cargo"), ("CARGO_PKG_NAME", "stp"), ("STP_PRESET", "no-such")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&trains.stderr);
    assert!(trains.status.code() == Some(2) && said.contains("no preset `no-such`"), "{said}");
}

#[test]
fn a_slip_is_told_what_was_meant() {
    refused(&["--preset", "tniy"], 2, &["Did you mean `tiny`?"]);
    refused(&["train", "--set", "sampling.temprature=1"], 2, &["Did you mean `sampling.temperature`?"]);
    let folder = tempfile::tempdir().unwrap();
    for (args, meant) in [
        (&["trian"][..], "train"),
        (&["train", "--sed", "3"], "--seed"),
        (&["train", "--method", "expert"], "expert-iteration"),
        (&["verify", "--all-must-pas"], "--all-must-pass"),
    ] {
        let output = stp(folder.path(), args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(meant), "{args:?}: {said}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_stp"))
        .args(["config", "show"])
        .env("STP_PRSET", "smoke")
        .env("STP_CONFIG_SEED", "3")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("mean STP_PRESET?"), "{said}");
    assert!(said.contains("mean STP_CONFIG__SEED?"), "{said}");
}

#[test]
fn settings_are_explained_in_a_file_that_config_takes() {
    let folder = tempfile::tempdir().unwrap();
    let shown = printed(folder.path(), &["config", "show", "--seed", "7"]);
    assert!(shown.contains("# Seed of all randomness.\nseed = 7"), "{shown}");
    assert!(shown.lines().filter(|line| line.starts_with('#')).all(|line| line.chars().count() <= 80));
    std::fs::write(folder.path().join("mine.toml"), &shown).unwrap();
    let again = printed(folder.path(), &["config", "show", "--config", "mine.toml", "--json"]);
    assert!(again.contains("\"value\": 7") && again.contains("\"meaning\": \"Seed of all"), "{again}");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
    assert_eq!(printed(folder.path(), &["config", "docs"]), std::fs::read_to_string(page).unwrap());
}

#[test]
fn a_plan_fits_eighty_columns() {
    let folder = tempfile::tempdir().unwrap();
    let plan = printed(folder.path(), &["train", "--preset", "kimina-1.5b", "--plan"]);
    let table: Vec<_> = plan.lines().take_while(|line| !line.starts_with("data:")).collect();
    assert!(table.iter().any(|line| line.contains("disk: checkpoints")), "{plan}");
    assert!(table.len() > 20 && table.iter().all(|line| line.chars().count() <= 80), "{plan}");
}

#[test]
fn what_a_run_begins_with_is_looked_at_before_it_has_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    for (setting, hint) in [
        ("model.base=none", "There is no checkpoint none"),
        ("prompts.prove={{ signatur }}", "The template `prompts.prove` cannot be used"),
    ] {
        for plan in [&[][..], &["--plan"][..]] {
            let args = [&["train", "--run-dir", "run", "--set", setting][..], plan].concat();
            let output = stp(folder.path(), &args);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.code() == Some(2) && said.contains(hint), "{args:?}: {said}");
            assert!(!folder.path().join("run").exists(), "{args:?}");
        }
    }
    // What a preset names may come later.
    let plan = printed(folder.path(), &["train", "--preset", "kimina-1.5b", "--plan"]);
    assert!(plan.contains("is not there (yet)") && plan.contains("reads each checkpoint, too"), "{plan}");
}

#[test]
fn every_arm_is_looked_at_before_the_first_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = r#"
title = "Two arms"
preset = "smoke"
seeds = [0]
[[arms]]
name = "good"
[[arms]]
name = "bad"
set = { "prompts.prove" = "{{ signatur }}" }
[[claims]]
title = "Proved"
metric = "train-proved"
"#;
    std::fs::write(folder.path().join("two.toml"), experiment).unwrap();
    let output = stp(folder.path(), &["experiment", "two.toml", "--lean", "/no/such/lean"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("The arm `bad`"), "{said}");
    assert!(said.contains("`signature`") && !folder.path().join("runs").exists(), "{said}");
}

/// A run that was begun and stopped for want of a Lean.
fn begun(folder: &Path, more: &[&str]) -> Output {
    stp(folder, &[&["train", "--run-dir", "run", "--lean", "/no/such/lean"], more].concat())
}

#[test]
fn a_run_goes_on_with_what_it_is_and_says_what_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(begun(folder.path(), &[]).status.code(), Some(1));
    let said = |more: &[&str]| String::from_utf8_lossy(&begun(folder.path(), more).stderr).into_owned();
    assert!(said(&["--seed", "7"]).contains("seed: 0 -> 7"), "{}", said(&["--seed", "7"]));
    assert_eq!(begun(folder.path(), &["--seed", "7"]).status.code(), Some(2));
    assert!(said(&["--rounds", "9"]).contains("goes on with rounds: 4 -> 9"));
    let runs: serde_json::Value =
        serde_json::from_str(&printed(folder.path(), &["runs", ".", "--json"])).unwrap();
    assert_eq!(
        (&runs[0]["name"], &runs[0]["state"], &runs[0]["rounds"]),
        (&"run".into(), &"stopped".into(), &9.into())
    );
    assert!(printed(folder.path(), &["runs", "."]).contains("stopped"));
    for (args, hints) in [
        (&["train", "--from", "run"][..], &["stage 1"][..]),
        (&["train", "--from", "none:2"], &["no run in none"]),
        (&["eval", "--run", "run", "--checkpoint", "final"], &["no checkpoint `final`", "none yet"]),
        (&["eval", "--model", "run"], &["run has no model", "checkpoints/final"]),
        (&["show", "x", "--run", "run"], &["no statement `x`"]),
        (&["runs", "none"], &["no folder none"]),
    ] {
        let output = stp(folder.path(), args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(2) && hints.iter().all(|hint| said.contains(hint)),
            "{args:?}: {said}"
        );
    }
}

#[test]
fn servers_are_not_measured_with_whatever_they_have_nor_taken_from_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/prover");
    let urls = "[sampling]\nengine = \"openai\"\n[sampling.server]\nurls = [\"http://127.0.0.1:9\"]\n";
    std::fs::write(folder.path().join("kept.toml"), urls).unwrap();
    std::fs::write(folder.path().join("given.toml"), format!("{urls}reload = \"touch told\"\n")).unwrap();
    begun(folder.path(), &["--config", "given.toml"]);
    let kept = folder.path().join("run/checkpoints/round-1");
    std::fs::create_dir_all(&kept).unwrap();
    for file in std::fs::read_dir(model).unwrap().flatten() {
        std::fs::copy(file.path(), kept.join(file.file_name())).unwrap();
    }
    let lock = std::fs::File::create(folder.path().join("run/lock")).unwrap();
    lock.lock().unwrap();
    for (args, hint) in [
        (&["--model", model, "--config", "kept.toml"][..], "it would be whatever"),
        (&["--model", model, "--config", "given.toml", "--precision", "f16"], "leave --precision out"),
        (&["--run", "run", "--checkpoint", "round-1"], "A process plays this run"),
    ] {
        let output = stp(folder.path(), &[&["eval", "--lean", "/no/such/lean"], args].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(hint), "{args:?}: {said}");
    }
    assert!(!folder.path().join("told").exists());
}

#[test]
fn a_run_without_its_ledger_is_not_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    begun(folder.path(), &[]);
    let ledger = folder.path().join("run").join("ledger.sqlite");
    std::fs::remove_file(&ledger).unwrap();
    for args in [
        &["train", "--run-dir", "run"][..],
        &["data", "stats", "run"],
        &["report", "run"],
        &["export", "run"],
    ] {
        let output = stp(folder.path(), args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains("ledger.sqlite"), "{args:?}: {said}");
        assert!(!ledger.exists(), "{args:?}");
    }
}
