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
        .output()
        .unwrap()
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
    refused(&["--config", "missing.toml"], 2, &["missing.toml"]);
}

#[test]
fn a_corrupt_corpus_line_is_named() {
    refused(&["--corpus", "bad.jsonl"], 1, &["bad.jsonl:2:", "Mend"]);
    refused(&["--corpus", "missing"], 1, &["missing", "--corpus"]);
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
