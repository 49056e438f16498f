//! `stp verify` with real Lean: rows in and out, interrupted and gone on with, Lean files, the cache.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stp_tests::stp;

/// `stp verify` with one Lean process in that folder.
fn verify(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(stp());
    command.arg("verify").args(args).args(["--workers", "1", "--timeout", "60"]).current_dir(folder);
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let output = verify(folder, args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn rows(text: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(text).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Statements that no other run has asked, each with a proof that holds.
fn write_input(path: &Path, count: u64) {
    let salt = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    let lines: Vec<_> = (0..count)
        .map(|i| {
            let k = u64::from(salt) + i;
            json!({"id": i, "statement": format!("(a : Nat) : a + {k} = {k} + a"), "proof": "by omega"})
                .to_string()
        })
        .collect();
    std::fs::write(path, lines.join("\n")).unwrap();
}

#[test]
fn rows_come_back_in_order_and_a_bad_one_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let statement = "theorem x (a b : Nat) : a + b = b + a := by sorry";
    let input = [
        json!({"id": "good", "statement": statement, "proof": "by\n  omega"}).to_string(),
        "nonsense".to_owned(),
        json!({"id": "wrong", "statement": statement, "proof": "by\n  rfl"}).to_string(),
        json!({"id": "cheat", "statement": statement, "proof": "by sorry"}).to_string(),
        json!({"statement": "(a : Nat) : a = c", "proof": "rfl"}).to_string(),
        json!({"id": "opened", "statement": "(a : Nat) : a ≤ succ a", "proof": "le_succ a", "header": "open Nat"})
            .to_string(),
    ];
    std::fs::write(folder.path().join("in.jsonl"), input.join("\n")).unwrap();
    let output = run(folder.path(), &["in.jsonl", "--no-cache"]);
    let found = rows(&output.stdout);
    let brief: Vec<_> = found.iter().map(|row| (row["id"].clone(), row["verdict"].as_str())).collect();
    assert_eq!(
        brief,
        [
            (json!("good"), Some("proved")),
            (json!(2), None),
            (json!("wrong"), Some("failed")),
            (json!("cheat"), Some("rejected")),
            (json!(5), Some("statement_error")),
            (json!("opened"), Some("proved")),
        ]
    );
    assert!(found[1]["error"].as_str().unwrap().contains("not JSON") && found[1]["line"] == 2);
    assert!(found[0]["seconds"].as_f64().unwrap() > 0.0 && found[0]["messages"] == json!([]));
    assert!(found[2]["messages"][0].as_str().unwrap().contains("rfl"), "{}", found[2]);
    assert!(said(&output).contains("malformed"), "{}", said(&output));
    let strict = verify(folder.path(), &["in.jsonl", "--all-must-pass", "-o", "out.jsonl"]).output().unwrap();
    assert_eq!(strict.status.code(), Some(1));
    assert_eq!(rows(&std::fs::read(folder.path().join("out.jsonl")).unwrap()).len(), 6);
}

#[test]
fn a_killed_call_goes_on_and_known_answers_come_from_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("in.jsonl"), folder.path().join("out.jsonl"));
    write_input(&input, 150);
    let mut child = verify(folder.path(), &["in.jsonl", "-o", "out.jsonl", "--no-cache"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let count = || std::fs::read_to_string(&out).unwrap_or_default().lines().count();
    let deadline = Instant::now() + Duration::from_secs(300);
    while count() < 5 {
        assert!(Instant::now() < deadline, "no rows came");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = std::fs::read(&out).unwrap();
    assert!(count() < 150, "it was killed in the middle");
    run(folder.path(), &["in.jsonl", "-o", "out.jsonl"]);
    let after = std::fs::read(&out).unwrap();
    let whole = before.iter().rposition(|byte| *byte == b'\n').unwrap();
    assert_eq!(after[..=whole], before[..=whole], "what was written stays");
    let ids: Vec<_> = rows(&after).iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (0..150).collect::<Vec<_>>());
    assert!(rows(&after).iter().all(|row| row["verdict"] == "proved"));

    let again = run(folder.path(), &["in.jsonl", "-o", "again.jsonl"]);
    let hits = 150 - rows(&before[..=whole]).len();
    let text = said(&again);
    assert!(text.contains(&format!("{hits} of them from the cache")), "{hits}: {text}");

    write_input(&input, 3);
    std::fs::write(folder.path().join("other.jsonl"), "{\"id\":\"x\",\"verdict\":\"proved\"}\n").unwrap();
    let other = verify(folder.path(), &["in.jsonl", "-o", "other.jsonl"]).output().unwrap();
    assert_eq!(other.status.code(), Some(2), "results of another input are not mixed with these");
}

#[test]
fn a_lean_file_is_judged_theorem_by_theorem() {
    let folder = tempfile::tempdir().unwrap();
    let text = "import Std\nopen Nat\n\n/-- doc -/\ntheorem one (a b : Nat) : a + b = b + a := by\n  omega\n\nnamespace Foo\ndef twice (n : Nat) := n + n\nvariable (m : Nat)\ntheorem two : twice m = 2 * m := by\n  unfold twice; omega\nend Foo\n\ntheorem wrong : 1 = 2 := by decide\ntheorem cheat : 1 = 2 := by native_decide\naxiom bad : 1 = 2\ntheorem useful (x y : Nat) (h : x + y = 3) : y + x = 3 := by rw [one]; exact h\ntheorem byAxiom : 2 = 1 := bad.symm\ntheorem pat : ∀ n : Nat, n = n\n  | _ => rfl\n";
    std::fs::write(folder.path().join("File.lean"), text).unwrap();
    let found = rows(&run(folder.path(), &["File.lean", "--no-cache"]).stdout);
    let brief: Vec<_> =
        found.iter().map(|row| (row["id"].as_str().unwrap(), row["verdict"].as_str())).collect();
    assert_eq!(
        brief,
        [
            ("one", Some("proved")),
            ("two", Some("proved")),
            ("wrong", Some("failed")),
            ("cheat", Some("rejected")),
            ("useful", Some("proved")),
            ("byAxiom", Some("rejected")),
            ("pat", None),
        ],
        "{found:?}"
    );
}
