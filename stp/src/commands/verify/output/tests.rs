use super::*;
use crate::commands::verify::test_units::unit;
use crate::commands::verify::unit::{LeanFile, Place};
use stp_datasets::{Status, Verdict};

/// A unit by name whose text, and so whose hash, is `text`.
fn named(id: &str, text: &str) -> (Unit, Hashes) {
    (unit(id), Hashes { plain: text.to_owned(), timeout: format!("{text} timeout") })
}

/// Judges what is not known, as `stp verify` does; the names of what was judged, or the error.
fn call(path: &Path, rows: &[(&str, &str)]) -> Result<Vec<String>> {
    let mut output = Output::open(Some(path), false)?;
    let mut judged = Vec::new();
    for (id, text) in rows {
        let (unit, hashes) = named(id, text);
        match output.known(&unit, &hashes)? {
            Known::InPlace(_) => {}
            Known::Rows(rows) => output.write(&rows)?,
            Known::No => {
                judged.push((*id).to_owned());
                let verdict = Verdict::new(Status::Failed, *text);
                output.write(&[Row::verdict(&unit, &hashes, verdict, "")])?;
            }
        }
    }
    output.end()?;
    Ok(judged)
}

fn written(path: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Row>(line).unwrap());
    rows.map(|row| (row.name(), row.judged.unwrap().messages.concat())).collect()
}

/// A Lean file, with its hashes.
fn lean(name: &str, text: &str) -> (Unit, Hashes) {
    let file = LeanFile { text: text.to_owned(), named: false };
    let (it, hashes) = named(name, text);
    (Unit { file: Some(name.to_owned()), place: Place::File, work: Ok(Work::File(file)), ..it }, hashes)
}

#[test]
fn a_file_without_a_theorem_is_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let files = [("A.lean", "def a := 1"), ("B.lean", "theorem b : True := trivial"), ("C.lean", "-- c")];
    let call = || {
        let mut output = Output::open(Some(&path), false).unwrap();
        let mut judged = 0;
        for (unit, hashes) in files.map(|(name, text)| lean(name, text)) {
            if output.known(&unit, &hashes).unwrap() == Known::No && unit.id == "B.lean" {
                judged += 1;
                let verdict = Verdict::new(Status::Proved, "");
                let row = Row::verdict(&unit, &hashes, verdict, "").at((1, 0));
                let row = Row { part: Some(1), parts: Some(1), ..row };
                output.write(&[row]).unwrap();
            }
        }
        output.end().unwrap();
        assert_eq!(output.notes(), Vec::<String>::new());
        judged
    };
    assert_eq!((call(), call(), call()), (1, 0, 0));
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
}

#[test]
fn what_was_not_come_to_is_there_after_an_interruption() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    check(&path, &[("a", "1"), ("b", "2"), ("c", "3")], &["a", "b", "c"]);
    let mut output = Output::open(Some(&path), false).unwrap();
    let (unit, hashes) = named("a", "edited");
    assert_eq!(output.known(&unit, &hashes).unwrap(), Known::No);
    output.write(&[Row::verdict(&unit, &hashes, Verdict::new(Status::Failed, "edited"), "")]).unwrap();
    output.stop().unwrap();
    drop(output);
    check(&path, &[("a", "edited"), ("b", "2"), ("c", "3")], &[]);
}

fn check(path: &Path, rows: &[(&str, &str)], judged: &[&str]) {
    assert_eq!(call(path, rows).unwrap(), judged, "{rows:?}");
    let expected: Vec<_> = rows.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
    assert_eq!(written(path), expected);
}

#[test]
fn only_what_is_not_there_yet_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    check(&path, &[("a", "1"), ("b", "2"), ("c", "3")], &["a", "b", "c"]);
    check(&path, &[("a", "1"), ("b", "2"), ("c", "3")], &[]);
    check(&path, &[("a", "1"), ("b", "edited"), ("c", "3")], &["b"]);
    check(&path, &[("a", "changed"), ("b", "edited"), ("c", "3")], &["a"]);
    check(&path, &[("a", "changed"), ("new", "4"), ("b", "edited"), ("c", "3")], &["new"]);
    check(&path, &[("a", "changed"), ("c", "3"), ("b", "edited")], &[]);
    check(&path, &[("a", "changed"), ("renamed", "3"), ("b", "edited")], &[]);
    check(&path, &[("a", "changed")], &[]);
    check(&path, &[("a", "changed"), ("z", "5")], &["z"]);
    assert!(!folder.path().join("out.jsonl.part").exists());
}

#[test]
fn a_half_written_row_is_judged_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    check(&path, &[("a", "1"), ("b", "2")], &["a", "b"]);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, &text[..text.len() - 9]).unwrap();
    check(&path, &[("a", "1"), ("b", "2")], &["b"]);
}

#[test]
fn files_of_other_inputs_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    check(&path, &[("a", "1"), ("b", "2")], &["a", "b"]);
    let before = std::fs::read(&path).unwrap();
    let error = call(&path, &[("z", "9"), ("a", "1")]).unwrap_err();
    assert!(error.downcast_ref::<UsageError>().is_some() && error.to_string().contains("--overwrite"));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    for end in ["\n", ""] {
        std::fs::write(&path, format!("theorem mine : True := trivial{end}")).unwrap();
        assert!(call(&path, &[("a", "1")]).is_err(), "no file of verdicts");
        assert!(std::fs::read_to_string(&path).unwrap().contains("mine"));
    }
}

#[test]
fn rows_without_hashes_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    std::fs::write(&path, "{\"id\":\"a\",\"verdict\":\"proved\",\"messages\":[]}\n").unwrap();
    let (unit, hashes) = named("a", "1");
    let mut output = Output::open(Some(&path), false).unwrap();
    assert_eq!(output.known(&unit, &hashes).unwrap(), Known::No);
    assert!(output.notes().concat().contains("older version"));
    check(&path, &[("a", "1")], &["a"]);
}

#[test]
fn timeouts_hold_for_their_limit_and_crashes_for_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let (unit, hashes) = named("a", "1");
    for (status, later, known) in [
        (Status::Timeout, "1 timeout", true),
        (Status::Timeout, "longer", false),
        (Status::Crashed, "1 timeout", false),
    ] {
        let mut output = Output::open(Some(&path), true).unwrap();
        output.write(&[Row::verdict(&unit, &hashes, Verdict::new(status, ""), "")]).unwrap();
        let hashes = Hashes { timeout: later.to_owned(), ..hashes.clone() };
        let found = Output::open(Some(&path), false).unwrap().known(&unit, &hashes).unwrap();
        assert_eq!(matches!(found, Known::InPlace(_)), known, "{status:?} {later}");
    }
}
