use std::fs;

use super::parquet::sample::{Leaf, Values, file};
use super::*;
use crate::Split;

fn options(layout: &str) -> ImportOptions {
    ImportOptions { layout: Layout::named(layout).unwrap(), split: Split::Train, skip_bad: false }
}

fn import(name: &str, content: impl AsRef<[u8]>, options: &ImportOptions) -> Result<Imported, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    import_file(&path, options, &mut HashSet::new())
}

fn refusal(name: &str, content: impl AsRef<[u8]>) -> String {
    let text = import(name, content, &options("auto")).unwrap_err().to_string();
    assert!(text.contains(name), "{text}");
    text
}

const MINIF2F: &str = r#"{"name": "algebra_1", "split": "valid", "informal_prefix": "/-- x -/\n", "formal_statement": "theorem algebra_1 (a b : Nat) (h : a = b) :\n  a + b = b + a := by\n", "goal": "…", "header": "import Mathlib\n\nopen Nat Real\n\n"}"#;

#[test]
fn the_layout_of_provers_repositories() {
    let text = format!("{MINIF2F}\n\n{}\n", MINIF2F.replace("valid", "test"));
    let found = import("x.jsonl", text, &options("prover")).unwrap().entries;
    let statement = &found[0].statement;
    assert_eq!((statement.id.as_str(), statement.split), ("algebra_1", Split::Valid));
    assert_eq!(statement.signature, "(a b : Nat) (h : a = b) :\n  a + b = b + a");
    assert_eq!(statement.header, "import Mathlib\n\nopen Nat Real");
    assert!(found[0].unchecked && found[0].proofs.is_empty());
    assert_eq!((found[1].statement.id.as_str(), found[1].statement.split), ("algebra_1_2", Split::Test));
}

#[test]
fn what_is_imported_reads_as_a_corpus() {
    let found = import("x.jsonl", MINIF2F, &options("auto")).unwrap().entries;
    let folder = tempfile::tempdir().unwrap();
    let line = serde_json::to_string(&found[0]).unwrap();
    fs::write(folder.path().join("y.jsonl"), &line).unwrap();
    let corpus = crate::Corpus::load(folder.path()).unwrap();
    assert_eq!(corpus.entries, found);
    let again = import("y.jsonl", line, &options("corpus")).unwrap().entries;
    assert_eq!(again, found, "our own format is a layout, too");
}

#[test]
fn proofs_come_as_tactics_terms_and_whole_texts() {
    let row = |statement: &str, proof: &str| {
        serde_json::json!({ "id": "a-1", "formal_statement": statement, "proof": proof }).to_string()
    };
    let by = "theorem x (a : Nat) : a = a := by";
    for (statement, proof, expected) in [
        (by, "rfl", "by\n  rfl"),
        (by, "  intro\n  rfl", "by\n  intro\n  rfl"),
        (by, "by rfl", "by rfl"),
        (by, ":= by rfl", "by rfl"),
        (by, "theorem other (a : Nat) :  a = a := Eq.refl a", "Eq.refl a"),
        ("theorem x (a : Nat) : a = a := by sorry", "by simp", "by simp"),
        ("theorem x (a : Nat) : a = a", "rfl", "rfl"),
        ("(a : Nat) : a = a", "rfl", "rfl"),
    ] {
        let found = import("x.jsonl", row(statement, proof), &options("leanworkbook")).unwrap().entries;
        assert_eq!(found[0].proofs, [expected], "{statement} {proof}");
        assert_eq!(
            (found[0].statement.id.as_str(), found[0].statement.signature.as_str()),
            ("a_1", "(a : Nat) : a = a")
        );
    }
    let other = import("x.jsonl", row(by, "theorem y : True := trivial"), &options("auto")).unwrap_err();
    assert!(
        other.to_string().contains("another statement") && other.to_string().contains("`proof`"),
        "{other}"
    );
}

#[test]
fn prompts_and_whole_proofs() {
    let prompt = "Complete the following Lean 4 code:\n\n```lean4\nimport Mathlib\nopen Nat\n\ntheorem y (a : Nat) : a = a := by\n";
    let row = serde_json::json!({ "prompt": prompt, "target": "  rfl" }).to_string();
    let found = import("x.jsonl", row, &options("stp")).unwrap().entries;
    assert_eq!(
        (found[0].proofs[0].as_str(), found[0].statement.header.as_str()),
        ("by\n  rfl", "import Mathlib\nopen Nat")
    );
    let row = serde_json::json!({
        "problem_id": "p", "full_proof": "import Mathlib\n\ntheorem z (a : Nat) : a = a := by\n  rfl\n"
    });
    let found = import("x.jsonl", row.to_string(), &options("goedel")).unwrap().entries;
    assert_eq!((found[0].statement.id.as_str(), found[0].proofs[0].as_str()), ("p", "by\n  rfl"));
}

const NUMINA: &str = "message schema {
    optional binary uuid (STRING);
    optional group unused (LIST) { repeated group list { optional int32 element; } }
    optional binary formal_statement (STRING);
    optional binary formal_proof (STRING);
    optional binary problem_type (STRING);
}";

fn numina() -> Vec<u8> {
    let statements =
        ["import Mathlib\ntheorem a : 1 = 1 := by sorry", "theorem b : 2 = 2 := by sorry"].map(Some);
    file(
        NUMINA,
        [
            Leaf::texts(&["0a-1", "0b"].map(Some)),
            Leaf { values: Values::Int32(vec![1]), levels: vec![3, 0], repeats: vec![0, 0] },
            Leaf::texts(&statements),
            Leaf::texts(&[None, Some("theorem b : 2 = 2 := by\n  rfl")]),
            Leaf::texts(&[Some("Algebra"), None]),
        ],
    )
}

#[test]
fn parquet_files_with_columns_that_are_not_needed() {
    let found = import("x.parquet", numina(), &options("numina")).unwrap().entries;
    assert_eq!(found[0].statement.id, "s_0a_1");
    assert_eq!(found[0].statement.topics, ["Algebra"]);
    assert!(found[0].proofs.is_empty());
    assert_eq!(found[1].proofs, ["by\n  rfl"]);
}

#[test]
fn parquet_rows_are_claims() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    fs::write(&path, numina()).unwrap();
    let mut found = Vec::new();
    let layout = Layout::named("auto").unwrap();
    read_claims(&path, RowSource::Parquet, &layout, "", &mut |row| {
        found.push(row);
        true
    })
    .unwrap();
    assert_eq!((found[0].row, found[0].id.as_ref().unwrap()), (1, &Value::from("0a-1")));
    assert!(found[0].claims.as_ref().unwrap_err().contains("no column holds the proof"));
    let claim = &found[1].claims.as_ref().unwrap()[0];
    let Claim::Text { text, statement, .. } = claim else { panic!("{claim:?}") };
    assert!(text.contains("theorem b") && statement.as_ref().unwrap().1 == ": 2 = 2");
}

#[test]
fn a_header_that_only_later_rows_have_is_not_lost() {
    let text = "{\"statement\": \": True\"}\n{\"statement\": \": True\", \"header\": \"open Nat\"}";
    let found = import("x.jsonl", text, &options("auto")).unwrap().entries;
    assert_eq!((found[0].statement.header.as_str(), found[1].statement.header.as_str()), ("", "open Nat"));
}

#[test]
fn a_misspelt_column_is_named() {
    let text = refusal("x.jsonl", r#"{"formal_statment": ": True"}"#);
    assert!(text.contains("Did you mean `formal_statement` by `formal_statment`?"), "{text}");
}

#[test]
fn a_folder_of_lean_files() {
    let folder = tempfile::tempdir().unwrap();
    let test = folder.path().join("src").join("Test");
    fs::create_dir_all(&test).unwrap();
    let text = "import Mathlib\nopen Nat\nnamespace P\nvariable (n : Nat)\n\ntheorem putnam_1 : n = n := sorry\n\nlemma two : 1 = 1 := by\n  rfl\nend P\n";
    fs::write(test.join("putnam.lean"), text).unwrap();
    fs::write(folder.path().join("notes.txt"), "").unwrap();
    let files = import_files(folder.path()).unwrap();
    let found = import_file(&files[0], &options("auto"), &mut HashSet::new()).unwrap().entries;
    assert_eq!((files.len(), found.len()), (1, 2));
    assert_eq!((found[0].statement.id.as_str(), found[0].statement.split), ("putnam_1", Split::Test));
    assert!(
        found[0].statement.header.ends_with("namespace P\nvariable (n : Nat)"),
        "{}",
        found[0].statement.header
    );
    assert_eq!((found[0].proofs.len(), found[1].proofs[0].as_str()), (0, "by\n  rfl"));
}

#[test]
fn bad_input_is_named_by_file_row_and_column() {
    let good = MINIF2F;
    let half = refusal("x.jsonl", format!("{good}\n{}", &good[..80]));
    assert!(half.contains("row 2") && half.contains("not JSON"), "{half}");
    let columns = refusal("x.jsonl", r#"{"question": "?"}"#);
    assert!(columns.contains("--map statement=COLUMN") && columns.contains("question"), "{columns}");
    let bytes = refusal("x.jsonl", [good.as_bytes(), b"\n{\"name\": \"\xff\"}"].concat());
    assert!(bytes.contains("row 2") && bytes.contains("UTF-8 (byte 11"), "{bytes}");
    let kind = refusal("x.jsonl", format!("{good}\n{}", good.replace("\"valid\"", "7")));
    assert!(kind.contains("row 2, column `split`") && kind.contains("a number"), "{kind}");
    let split = refusal("x.jsonl", good.replace("\"valid\"", "\"dev2\""));
    assert!(split.contains("column `split`") && split.contains("dev2"), "{split}");
    let statement = refusal("x.jsonl", good.replace("theorem algebra_1", "def algebra_1"));
    assert!(statement.contains("column `formal_statement`"), "{statement}");
    let json = refusal("x.json", "[1]");
    assert!(json.contains("row 1") && json.contains("object"), "{json}");
    let cut = numina();
    let cut = refusal("x.parquet", &cut[..cut.len() / 2]);
    assert!(cut.contains("no whole Parquet file"), "{cut}");
    let numbers = Leaf { values: Values::Int64(vec![1, 2]), levels: vec![1, 1], repeats: vec![] };
    let numbers = file("message schema { optional int64 formal_statement; }", [numbers]);
    let schema = refusal("x.parquet", numbers);
    assert!(schema.contains("row 1, column `formal_statement`") && schema.contains("a number"), "{schema}");
    assert!(refusal("x.csv", "").contains(".parquet"));
    assert!(
        refusal("x.lean", [b"theorem a : True := trivial\n-- ".as_slice(), b"\xff"].concat())
            .contains("row 2")
    );
}

/// Not a gigabyte, but more than may be held: what lies over the limit is not kept.
#[test]
fn a_line_that_is_too_long_is_refused_or_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.jsonl");
    let mut text = MINIF2F.to_owned();
    text.push_str("\n\"");
    text.extend(std::iter::repeat_n('x', rows::MAX_LINE + 10));
    text.push_str("\"\n");
    text.push_str(&MINIF2F.replace("algebra_1", "algebra_3"));
    fs::write(&path, text).unwrap();
    let error = import_file(&path, &options("auto"), &mut HashSet::new()).unwrap_err().to_string();
    assert!(error.contains("row 2") && error.contains("64 MiB"), "{error}");
    let skip = ImportOptions { skip_bad: true, ..options("auto") };
    let found = import_file(&path, &skip, &mut HashSet::new()).unwrap();
    assert_eq!((found.entries.len(), found.skipped.len()), (2, 1));
    assert_eq!(found.entries[1].statement.id, "algebra_3");
}

#[test]
fn a_refused_file_takes_no_ids() {
    let mut taken = HashSet::from(["x".to_owned()]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.jsonl");
    fs::write(&path, format!("{MINIF2F}\n{{")).unwrap();
    import_file(&path, &options("auto"), &mut taken).unwrap_err();
    assert_eq!(taken.len(), 1);
}

proptest::proptest! {
    #[test]
    fn any_file_is_imported_or_refused_in_words(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        ending in "jsonl|json|parquet|lean",
    ) {
        if let Err(error) = import(&format!("x.{ending}"), bytes, &options("auto")) {
            proptest::prop_assert!(error.to_string().contains("x."));
        }
    }
}
