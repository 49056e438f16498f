//! Calls that go on where an earlier one stopped, and rows that have changed since.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{brief, pairs, rows, run, said, verify};

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
fn an_edited_row_loses_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("in.jsonl"), folder.path().join("out.jsonl"));
    let args = ["in.jsonl", "-o", "out.jsonl", "--all-must-pass"];
    let write = |second: &str| {
        let row = |id: &str, statement: &str| {
            json!({"id": id, "statement": statement, "proof": "by omega"}).to_string()
        };
        let text = [row("a", ": 1 + 1 = 2"), row("b", second), row("c", ": 2 + 2 = 4")].join("\n");
        std::fs::write(&input, text).unwrap();
    };
    write(": 1 + 2 = 3");
    run(folder.path(), &args);
    let before = rows(&std::fs::read(&out).unwrap());
    assert!(
        run(folder.path(), &args).stderr.windows(5).any(|bytes| bytes == b"there"),
        "all is there already"
    );
    write(": 1 + 2 = 4");
    let edited = verify(folder.path(), &args).output().unwrap();
    assert_eq!(edited.status.code(), Some(1), "{}", said(&edited));
    let after = rows(&std::fs::read(&out).unwrap());
    assert_eq!(brief(&after), pairs(&[("a", "proved"), ("b", "failed"), ("c", "proved")]));
    assert_eq!((&after[0], &after[2]), (&before[0], &before[2]), "what did not change is kept");

    // Rows of an older version say nothing of what they are of.
    std::fs::write(&out, "{\"id\":\"a\",\"verdict\":\"proved\"}\n{\"id\":\"b\",\"verdict\":\"proved\"}\n")
        .unwrap();
    let old = verify(folder.path(), &args).output().unwrap();
    assert_eq!(old.status.code(), Some(1));
    assert!(said(&old).contains("older version"), "{}", said(&old));
    assert_eq!(brief(&rows(&std::fs::read(&out).unwrap())), brief(&after));
}
