//! Data in and out with the real binary: a run's exports loaded by the Python libraries that people use, and by Lean;
//! files of others imported as a corpus.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use stp_tests::played::smoke_run;
use stp_tests::{clients, external, stp};

fn run(args: &[&str]) -> Output {
    Command::new(stp()).args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    let [out, err] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    out + &err
}

fn succeed(args: &[&str]) -> String {
    let output = run(args);
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const SCRIPT: &str = r#"
import hashlib, json, os, pathlib, sys
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_HOME=sys.argv[2])
import datasets, pandas, polars
facts = {}
for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    name, kind = folder.name.rsplit("-", 1)
    loaded = datasets.load_dataset(str(folder))
    for split, table in loaded.items():
        path = folder / "data" / f"{split}.{kind}"
        if kind == "parquet":
            frame, other = pandas.read_parquet(path), polars.read_parquet(path)
        else:
            frame, other = pandas.read_json(path, lines=True), polars.read_ndjson(path)
        rows = table.to_list()
        assert len(rows) == len(frame) == len(other), (folder, split)
        facts.setdefault(name, {}).setdefault(split, {})[kind] = rows
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, file = line.split("  ")
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest, file
print(json.dumps(facts))
"#;

fn loaded_by_python(folder: &Path) {
    let path = |name: &str| folder.join(name).display().to_string();
    let output = Command::new(clients(env!("CARGO_TARGET_TMPDIR")))
        .args(["-c", SCRIPT, &path("exports"), &path("cache")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let facts: Value =
        serde_json::from_slice(output.stdout.split(|&b| b == b'\n').rfind(|l| !l.is_empty()).unwrap())
            .unwrap();
    for what in ["proofs", "conjectures", "attempts", "training-set", "preferences"] {
        for (split, formats) in facts[what].as_object().unwrap() {
            assert!(!formats["jsonl"].as_array().unwrap().is_empty(), "{what} {split}");
            assert_eq!(
                without_nulls(&formats["jsonl"]),
                without_nulls(&formats["parquet"]),
                "{what} {split}"
            );
        }
    }
    for what in ["training-set", "preferences"] {
        assert_eq!(facts[what].as_object().unwrap().keys().collect::<Vec<_>>(), ["train"]);
    }
    assert!(facts["attempts"]["validation"]["jsonl"][0]["split"] == "valid");

    let stats: Value = serde_json::from_str(&succeed(&["data", "stats", &path("run"), "--json"])).unwrap();
    let attempts: usize = ["train", "validation"]
        .iter()
        .map(|split| facts["attempts"][split]["jsonl"].as_array().unwrap().len())
        .sum();
    assert_eq!(stats["rows"]["attempts"], json!(attempts));
}

#[test]
fn exports_are_loaded_by_python_and_lean() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    smoke_run(env!("CARGO_TARGET_TMPDIR"), &folder.path().join("run"));
    fs::create_dir(folder.path().join("exports")).unwrap();
    for what in ["proofs", "conjectures", "attempts", "training-set", "preferences"] {
        for format in ["jsonl", "parquet"] {
            let target = path(&format!("exports/{what}-{format}"));
            succeed(&["export", &path("run"), "--what", what, "--format", format, "-o", &target]);
        }
    }
    if external("exports_are_loaded_by_python_and_lean, the part of Python") {
        loaded_by_python(folder.path());
    }

    succeed(&["export", &path("run"), "--format", "lean", "-o", &path("project")]);
    let mut files: Vec<_> = fs::read_dir(folder.path().join("project/Proofs"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let imports = fs::read_to_string(folder.path().join("project/Proofs.lean")).unwrap();
    assert_eq!(imports.lines().count(), files.len());
    for file in files {
        succeed(&[
            "verify",
            &file.display().to_string(),
            "--all-must-pass",
            "-o",
            &path("verdicts.jsonl"),
            "--overwrite",
        ]);
    }
    let again = run(&["export", &path("run"), "--format", "lean", "-o", &path("project")]);
    assert!(!again.status.success() && said(&again).contains("is there already"));
}

/// The two libraries agree on everything but whether a column that is always empty is there.
fn without_nulls(rows: &Value) -> Vec<Value> {
    let clean = |row: &Value| {
        let mut row = row.as_object().unwrap().clone();
        row.retain(|_, value| !value.is_null());
        Value::Object(row)
    };
    rows.as_array().unwrap().iter().map(clean).collect()
}

#[test]
fn files_of_others_become_a_corpus() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let rows = [
        json!({"name": "one", "split": "train", "formal_statement": "theorem one (a b : Nat) : a + b = b + a := by\n", "header": ""}),
        json!({"name": "two", "split": "valid", "formal_statement": "theorem two (x y : Nat) : x + y = y + x := by sorry", "header": "open Nat\n"}),
        json!({"name": "far", "split": "test", "formal_statement": "theorem far (x : ℝ) : x = x := by", "header": "import Mathlib\n"}),
    ];
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    fs::write(folder.path().join("set.jsonl"), &text).unwrap();
    let lean =
        "open Nat\ntheorem three (n : Nat) : n + 0 = n := by\n  rfl\n\ntheorem four : 2 + 2 = 4 := sorry\n";
    fs::write(folder.path().join("some.lean"), lean).unwrap();
    let said_of_it =
        succeed(&["data", "import", &path("set.jsonl"), &path("some.lean"), "-o", &path("corpus"), "--json"]);
    let tally: Value = serde_json::from_str(&said_of_it).unwrap();
    assert_eq!(
        (&tally["checked"], &tally["unchecked"], &tally["proofs"], &tally["duplicates"]),
        (&json!(4), &json!(1), &json!(1), &json!([["two", "one"]]))
    );
    let corpus = stp_datasets::Corpus::load(&folder.path().join("corpus")).unwrap();
    let unchecked: Vec<_> =
        corpus.entries.iter().filter(|it| it.unchecked).map(|it| it.statement.id.as_str()).collect();
    assert_eq!(unchecked, ["far"]);

    // What is known from an evaluation set is told, and the exit code says so.
    fs::write(
        folder.path().join("evaluation.jsonl"),
        json!({"id": "e", "statement": "theorem e (p q : Nat) : p + q = q + p := by"}).to_string(),
    )
    .unwrap();
    let check = run(&["data", "check", &path("corpus"), "--against", &path("evaluation.jsonl"), "--json"]);
    assert_eq!(check.status.code(), Some(1), "{}", said(&check));
    assert!(
        said(&check).contains(r#""kind":"contamination","statement":"one","other":"e""#),
        "{}",
        said(&check)
    );

    // Nothing of a file with a bad row comes in.
    fs::write(folder.path().join("half.jsonl"), format!("{}\n{{\"name\": \"x\"", rows[0])).unwrap();
    let half = run(&["data", "import", &path("half.jsonl"), "-o", &path("other")]);
    assert!(!half.status.success() && said(&half).contains("half.jsonl, row 2"), "{}", said(&half));
    fs::write(folder.path().join("wrong.jsonl"), rows[0].to_string().replace("a + b = b + a", "a + b = c"))
        .unwrap();
    let wrong = run(&["data", "import", &path("wrong.jsonl"), "-o", &path("other")]);
    assert!(!wrong.status.success() && said(&wrong).contains("`one` does not elaborate"), "{}", said(&wrong));
    assert!(!folder.path().join("other").exists());

    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/minif2f_valid.jsonl");
    if core.exists() {
        let whole =
            succeed(&["data", "import", &core.display().to_string(), "-o", &path("minif2f"), "--json"]);
        let tally: Value = serde_json::from_str(&whole).unwrap();
        assert_eq!((&tally["unchecked"], &tally["left_out"]), (&json!(244), &json!([])));
    } else {
        eprintln!("skipped: the shared miniF2F file is not here");
    }
}
