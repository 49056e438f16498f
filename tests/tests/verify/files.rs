//! Lean files, folders and standard input.

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use super::common::{brief, pairs, rows, run, said, verify};

const FILE: &str = "import Std\nopen Nat\n\n/-- doc -/\ntheorem one (a b : Nat) : a + b = b + a := by\n  omega\n\nnamespace Foo\ndef twice (n : Nat) := n + n\nvariable (m : Nat)\ntheorem two : twice m = 2 * m := by\n  unfold twice; omega\nend Foo\n\ntheorem wrong : 1 = 2 := by decide\nexample : 2 = 1 := wrong.symm\ntheorem cheat : 1 = 2 := by native_decide\naxiom bad : 1 = 2\ntheorem useful (x y : Nat) (h : x + y = 3) : y + x = 3 := by rw [one]; exact h\ntheorem byAxiom : 2 = 1 := bad.symm\ntheorem pat : ∀ n : Nat, n = n\n  | _ => rfl\ndef broken : Nat := true\ntheorem open_end : 1 = 2 := sorry\ntheorem rung (a : Int) : a * 2 = 2 * a := by\n  ring\nopen Nat in theorem last (a : Nat) : a ≤ succ a := le_succ a\n";

/// A call that gets that text on standard input.
fn piped(folder: &Path, args: &[&str], text: &str) -> Output {
    let mut command = verify(folder, args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_lean_file_is_judged_theorem_by_theorem() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("File.lean"), FILE).unwrap();
    let found = rows(&run(folder.path(), &["File.lean", "--no-cache"]).stdout);
    let expected = pairs(&[
        ("one", "proved"),
        ("Foo.two", "proved"),
        ("wrong", "failed"),
        ("line 16", "failed"),
        ("cheat", "rejected"),
        ("useful", "proved"),
        ("byAxiom", "rejected"),
        ("pat", "proved"),
        ("line 23", "error"),
        ("open_end", "rejected"),
        ("rung", "failed"),
        ("last", "proved"),
    ]);
    assert_eq!(brief(&found), expected, "{found:#?}");
    let message = |row: usize| found[row]["messages"][0].as_str().unwrap().to_owned();
    assert!(message(2).starts_with("File.lean:15:"), "{}", message(2));
    assert!(
        message(3).starts_with("File.lean:16:") && message(3).contains("depends on `wrong`, which failed"),
        "{}",
        message(3)
    );
    assert!(found[8]["error"].as_str().unwrap().starts_with("File.lean:23:20: "), "{}", found[8]);
    assert!(message(10).starts_with("File.lean:26:"), "{}", message(10));
    let hint = found[10]["hint"].as_str().unwrap();
    assert!(hint.contains("`ring` is a tactic of Mathlib") && hint.contains("--project"), "{hint}");
    assert_eq!(
        (&found[10]["line"], &found[10]["part"], &found[10]["parts"]),
        (&json!(25), &json!(11), &json!(12))
    );
}

#[test]
fn several_files_folders_and_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("proofs/inner");
    std::fs::create_dir_all(&inner).unwrap();
    std::fs::write(inner.join("A.lean"), "theorem a : 1 + 1 = 2 := rfl\n").unwrap();
    std::fs::write(inner.join("Defs.lean"), "def two := 2\n").unwrap();
    std::fs::write(
        folder.path().join("proofs/b.json"),
        "[{\"id\": \"b\", \"signature\": \": True\", \"proofs\": [\"trivial\", \"by simp\"]}]",
    )
    .unwrap();
    let row = "{\"id\": \"c\", \"statement\": \": True\", \"proof\": \"trivial\"}\n";
    let args = ["-", "proofs", "--all-must-pass"];
    let output = piped(folder.path(), &args, row);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let found = rows(&output.stdout);
    assert_eq!(brief(&found), pairs(&[("c", "proved"), ("b", "proved"), ("b", "proved"), ("a", "proved")]));
    assert_eq!(
        (&found[0]["file"], &found[2]["file"], &found[2]["part"]),
        (&Value::Null, &json!("proofs/b.json"), &json!(2))
    );
    assert_eq!(found[3]["file"], json!("proofs/inner/A.lean"));
    assert!(said(&output).contains("Defs.lean holds no theorem"), "{}", said(&output));

    let lean = piped(folder.path(), &["--quiet"], "/-- Standard input -/\ntheorem s : True := trivial\n");
    assert_eq!(brief(&rows(&lean.stdout)), pairs(&[("s", "proved")]));
    assert_eq!(said(&lean), "", "--quiet");
    let told = piped(folder.path(), &["--lean-text"], "#guard 1 = 1\ntheorem s : True := trivial\n");
    assert_eq!(brief(&rows(&told.stdout)), pairs(&[("s", "proved")]));
}

#[test]
fn a_folder_that_holds_the_output_is_judged_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("A.lean"), "def two := 2\n").unwrap();
    std::fs::write(folder.path().join("B.lean"), "theorem b : 1 + 1 = 2 := rfl\n").unwrap();
    let args = [".", "-o", "verdicts.jsonl", "--all-must-pass", "--no-cache"];
    let first = verify(folder.path(), &args).output().unwrap();
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let written = std::fs::read(folder.path().join("verdicts.jsonl")).unwrap();
    let again = verify(folder.path(), &args).output().unwrap();
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert!(!said(&again).contains("differs from the input"), "{}", said(&again));
    assert_eq!(std::fs::read(folder.path().join("verdicts.jsonl")).unwrap(), written);
}

#[test]
fn no_theorem_of_a_file_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = ": (1 : Nat) = 2 := sorry";
    let text = format!(
        "theorem stp_example_1 : True := trivial\ntheorem _b {wrong}\ntheorem c.eq_1 {wrong}\nexample {wrong}\n\
         theorem «d.e» {wrong}\ntheorem d.e : True := trivial\nexample : Nat := 5\n"
    );
    std::fs::write(folder.path().join("F.lean"), text).unwrap();
    let output = verify(folder.path(), &["F.lean", "--all-must-pass", "--no-cache"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let found = rows(&output.stdout);
    let proved: Vec<_> =
        found.iter().filter(|row| row["verdict"] == "proved").map(|row| &row["id"]).collect();
    assert_eq!(found.len(), 6, "{found:#?}");
    // Two theorems that are printed alike are told apart from nobody, so neither counts.
    assert_eq!(proved, [&json!("stp_example_1")], "{found:#?}");
}
