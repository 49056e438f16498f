//! `stp prove` with real Lean: statements, files with `sorry`s, and what cannot be searched.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use stp_tests::stp;

/// No single tactic closes it, and no skeleton does: what induction leaves open is a goal that a sketch names.
const NEEDS_A_SKETCH: &str = "(f : Nat → Nat) (h : ∀ n, f (n + 1) = f n) : (∀ n, f n = f 0) ∧ f 7 = f 0";

fn prove(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(stp());
    command
        .arg("prove")
        .args(args)
        .args(["--no-cache", "--workers", "1", "--timeout", "60", "--quiet"])
        .current_dir(folder);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_statement_is_proved_by_automation_or_by_what_a_sketch_leaves_open() {
    let folder = tempfile::tempdir().unwrap();
    let output = prove(folder.path(), &["theorem t (a b : Nat) : a + b = b + a", "--no-model"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "theorem t (a b : Nat) : a + b = b + a := by omega\n");
    let output = prove(folder.path(), &[NEEDS_A_SKETCH, "--no-model", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let row: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&row["status"], &row["statement"]), (&"proved".into(), &NEEDS_A_SKETCH.into()));
    assert!(row["proof"].as_str().unwrap().contains("induction"), "{row}");
    assert!(row["checks"].as_u64().unwrap() > 2 && row["sketches"].as_u64().unwrap() > 0, "{row}");
    assert!(row.get("partial").is_none());
}

const FILE: &str = "def twice (n : Nat) := n + n\n\nnamespace A\n  /-- It is even. -/\n  theorem one (n : Nat) : twice n % 2 = 0 :=\n    sorry\nend A\n\ntheorem two (p : Prop) : p ∨ 1 + 1 = 3 := by\n  sorry\n\ntheorem three (p q : Prop) (hp : p) (hq : q) : q ∧ p := by\n  constructor\n  · sorry\n  · exact hp\n\ndef four : Nat := sorry\n";

#[test]
fn a_file_is_filled_as_far_as_it_can_be_and_written_only_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("F.lean");
    fs::write(&path, FILE).unwrap();
    let output = prove(folder.path(), &["F.lean", "--no-model", "--checks", "40", "--in-place", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let row: Value = serde_json::from_slice(&output.stdout).unwrap();
    let brief: Vec<_> = row["theorems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["name"].as_str().unwrap(), it["status"].as_str().unwrap()))
        .collect();
    assert_eq!(brief, [("one", "proved"), ("two", "open"), ("three", "proved")], "{row:#}");
    assert_eq!(row["out_of_reach"][0][0], 17, "a `sorry` that is data");
    let written = fs::read_to_string(&path).unwrap();
    assert_eq!(row["text"], written.as_str());
    let proof = row["theorems"][0]["proof"].as_str().unwrap();
    assert!(
        written.contains(&format!("twice n % 2 = 0 := {}\nend A", proof.replace('\n', "\n  "))),
        "{written}"
    );
    assert!(
        written.contains("1 + 1 = 3 := by\n  sorry\n") && written.contains("  constructor\n  · "),
        "{written}"
    );
    assert_eq!(written.matches("sorry").count(), 2);

    // What is left stays as it is: nothing is written without the judge.
    let output = prove(folder.path(), &["F.lean", "--no-model", "--checks", "3", "--in-place"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&path).unwrap(), written);
    let said = text(&output.stderr);
    assert!(said.contains("`two` stays open") && said.contains("this `sorry` is not searched"), "{said}");
}

/// One line with a step that is the user's; and a proof that is to come under a comment.
const LINES: &str = "theorem one (p q : Prop) (hp : p) (hq : q) : p ∧ q := by constructor; exact hp; sorry\n\
    theorem two : 1 + 1 = 2 := by\n  -- easy\n  admit\n";

#[test]
fn a_diff_touches_no_more_than_each_sorry_and_names_the_file_from_here() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("One.lean");
    fs::write(&path, LINES).unwrap();
    let whole = path.display().to_string();
    let output = prove(folder.path(), &[&whole, "--no-model", "--checks", "40", "--diff"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let diff = text(&output.stdout);
    let removed = lines_with(&diff, '-', "--- a/One.lean");
    assert_eq!(removed, [LINES.split_inclusive('\n').next().unwrap(), "  admit\n"], "{diff}");
    let added = lines_with(&diff, '+', "+++ b/One.lean");
    assert!(added[0].starts_with(&removed[0][..removed[0].len() - "sorry\n".len()]), "{diff}");
    assert!(!diff.contains("+  -- easy") && !added.iter().any(|line| line.contains("sorry")), "{diff}");
}

/// The first proof makes the text longer, so what is said of the second tells whose lines are counted.
const TWO: &str = "theorem one (p q : Prop) (hp : p) (hq : q) : q ∧ p := by\n  constructor\n  · sorry\n  · sorry\n\n\
    theorem two (p : Prop) : p ∨ 1 + 1 = 3 := by\n  sorry\n";

#[test]
fn a_file_keeps_its_name_its_link_and_its_line_ends() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real file.lean");
    let before = TWO.replace('\n', "\r\n");
    fs::write(&real, &before).unwrap();
    std::os::unix::fs::symlink("real file.lean", folder.path().join("a link.lean")).unwrap();
    let output = prove(folder.path(), &["a link.lean", "--no-model", "--checks", "20", "--diff"]);
    assert_eq!(fs::read_to_string(&real).unwrap(), before, "a diff changes nothing");
    let diff = text(&output.stdout);
    let (removed, added): (Vec<&str>, Vec<&str>) =
        (lines_with(&diff, '-', "--- a/a link.lean"), lines_with(&diff, '+', "+++ b/a link.lean"));
    assert!(!added.is_empty() && added.iter().all(|line| line.ends_with("\r\n")), "{diff:?}");
    assert!(removed.iter().all(|line| line.ends_with("sorry\r\n")), "{diff:?}");

    let output = prove(folder.path(), &["a link.lean", "--no-model", "--checks", "20", "--in-place"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("a link.lean:1: `one` is proved."), "{said}");
    assert!(said.contains("a link.lean:6: `two` stays open"), "{said}");
    let link = fs::symlink_metadata(folder.path().join("a link.lean")).unwrap();
    assert!(link.file_type().is_symlink(), "it is a link as before");
    let after = fs::read_to_string(&real).unwrap();
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count(), "{after:?}");
    assert_eq!(after.matches("sorry").count(), 1, "{after}");
    assert!(added.iter().all(|line| after.contains(line)), "{diff}{after}");
}

/// The lines of a diff with that mark, below the line that names their file.
fn lines_with<'a>(diff: &'a str, mark: char, header: &str) -> Vec<&'a str> {
    let mut found: Vec<_> =
        diff.split_inclusive('\n').filter(|line| line.starts_with(mark)).map(|line| &line[1..]).collect();
    assert_eq!(found.remove(0).trim_end(), &header[1..]);
    found
}

#[test]
fn what_cannot_be_searched_is_said_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let says = |args: &[&str], code: i32, part: &str| {
        let output = prove(folder.path(), args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(part), "{args:?}: {said}");
    };
    says(&[": 1 = 1", "--checks", "0"], 2, "--checks 0");
    says(&[": 1 = 1", "--seconds", "0"], 2, "--seconds");
    says(&["Missing.lean"], 2, "Missing.lean cannot be read");
    says(&["hello"], 2, "neither a file nor a statement");
    for wrong in ["-1", "nan", "inf"] {
        says(&[": 1 = 1", "--temperature", wrong], 2, "--temperature is a number from 0 on");
    }
    says(&["∀ n : Nat, n = n", "--no-model"], 0, "");
    says(&[": 1 = 1", "--in-place"], 2, "for a file");
    says(&[": 1 = 1", "--model", "nowhere"], 2, "nowhere has no model");
    let recursive =
        "theorem r : ∀ n : Nat, n = n\n  | 0 => rfl\n  | n + 1 => by\n    have := r n\n    sorry\n";
    fs::write(folder.path().join("Recursive.lean"), recursive).unwrap();
    says(&["Recursive.lean", "--no-model"], 1, "calls the theorem itself");
    fs::write(folder.path().join("Done.lean"), "theorem a : True := trivial\n").unwrap();
    says(&["Done.lean"], 0, "holds no `sorry`");
    says(&["(x : ℝ) : x = x"], 2, "does not elaborate");
    let broken = "import Mathlib\ntheorem a : True := sorry\n";
    fs::write(folder.path().join("Broken.lean"), broken).unwrap();
    says(&["Broken.lean", "--in-place"], 2, "Mathlib");
    assert_eq!(fs::read_to_string(folder.path().join("Broken.lean")).unwrap(), broken);
}
