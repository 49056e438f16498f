//! Calls that go on where an earlier one stopped, and rows that have changed since.

use std::io::Write;
use std::path::Path;

use serde_json::json;
use stp_tests::abort_at;

use super::common::{brief, pairs, rows, run, said, verify};

const ROWS: u64 = 60;
/// How many of them are written when the call is killed.
const WRITTEN: usize = 20;

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
    write_input(&input, ROWS);
    abort_at(
        &mut verify(folder.path(), &["in.jsonl", "-o", "out.jsonl", "--no-cache"]),
        &format!("row:{WRITTEN}"),
    );
    let before = std::fs::read(&out).unwrap();
    assert_eq!(rows(&before).len(), WRITTEN);
    // A machine that stops may leave half a row behind.
    let half = br#"{"id":20,"verdict":"pro"#;
    std::fs::OpenOptions::new().append(true).open(&out).unwrap().write_all(half).unwrap();
    run(folder.path(), &["in.jsonl", "-o", "out.jsonl"]);
    let after = std::fs::read(&out).unwrap();
    assert_eq!(after[..before.len()], before, "what was written stays");
    let ids: Vec<_> = rows(&after).iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (0..ROWS).collect::<Vec<_>>());
    assert!(rows(&after).iter().all(|row| row["verdict"] == "proved"));

    let again = run(folder.path(), &["in.jsonl", "-o", "again.jsonl"]);
    let hits = ROWS - WRITTEN as u64;
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
