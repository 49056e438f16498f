use std::fs;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::{
    Attempt, Conjecture, ConjectureOutcome, Ledger, LedgerSketch, Phase, Source, Statement, Status, Verdict,
};

fn ledger(folder: &Path) -> Ledger {
    let ledger = Ledger::open(&folder.join("ledger.sqlite")).unwrap();
    let statement = |id: &str, split| Statement {
        id: id.to_owned(),
        signature: format!("(a : Nat) : a = a + {}", id.len()),
        header: if split == Split::Valid { "import Std\nopen Nat".to_owned() } else { String::new() },
        topics: vec![],
        split,
    };
    ledger.record_statements(&[statement("t", Split::Train), statement("vv", Split::Valid)]).unwrap();
    let attempt = |name: &str, phase, sample, proof: &str, status| {
        let verdict = Verdict { axioms: vec!["propext".to_owned()], ..Verdict::new(status, "no \"way\"") };
        Attempt {
            round: 1,
            phase,
            statement: name.to_owned(),
            sample,
            proof: proof.to_owned(),
            tokens: 3,
            logprob: -0.25,
            verdict: Some(verdict),
        }
    };
    ledger
        .record_attempts(&[
            attempt("t", Phase::Train, 0, "by\n  simp; simp", Status::Proved),
            attempt("t", Phase::Train, 1, "by simp", Status::Proved),
            attempt("t", Phase::Train, 2, "by rfl", Status::Failed),
            attempt("t", Phase::Train, 3, "by omega", Status::Timeout),
            attempt("t", Phase::Train, 4, "by simp", Status::Proved),
            attempt("vv", Phase::Valid, 0, "by simp", Status::Proved),
            attempt("vv", Phase::Valid, 1, "by rfl", Status::Failed),
        ])
        .unwrap();
    ledger
}

fn origins() -> Provenance {
    Provenance { corpus: "core".to_owned(), licence: "mit".to_owned(), ..Provenance::default() }
}

#[test]
fn proofs_are_distinct_and_keep_their_splits() {
    let folder = tempfile::tempdir().unwrap();
    let table = proofs(&ledger(folder.path())).unwrap();
    let count = |split| table.rows[&split].len();
    assert_eq!((count(Split::Train), count(Split::Valid)), (2, 1));
    let row = &table.rows[&Split::Valid][0];
    assert_eq!((row["statement"].as_str(), row["axioms"][0].as_str()), (Some("vv"), Some("propext")));
}

#[test]
fn a_proof_has_the_round_that_found_it_first() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    let first = ledger.attempts(1, Phase::Train).unwrap().remove(1);
    let by_search = Attempt { round: 2, phase: Phase::Search, proof: "by found".to_owned(), ..first.clone() };
    let later = Attempt { round: 3, phase: Phase::Train, proof: "by found".to_owned(), ..first };
    ledger.record_attempts(&[by_search, later]).unwrap();
    let table = proofs(&ledger).unwrap();
    let found = table.rows[&Split::Train].iter().filter(|row| row["proof"] == "by found");
    assert_eq!(found.map(|row| row["round"].as_u64()).collect::<Vec<_>>(), [Some(2)]);
}

#[test]
fn what_is_for_training_has_nothing_that_is_held_out() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    let mut table = preferences(&ledger, 4).unwrap();
    assert_eq!(table.rows.keys().collect::<Vec<_>>(), [&Split::Train]);
    let pair = &table.rows[&Split::Train][0];
    assert_eq!(
        (pair["chosen"].as_str(), pair["rejected"].as_str()),
        (Some("by\n  simp; simp"), Some("by rfl"))
    );
    assert_eq!(table.rows[&Split::Train].len(), 1, "a time-out is no wrong proof");
    table.rows.insert(Split::Test, vec![json!({ "statement": "x" })]);
    let target = folder.path().join("out");
    let error = write_folder(&table, Format::Jsonl, &origins(), &target).unwrap_err();
    assert!(matches!(error, ExportError::HeldOut { .. }) && !target.exists(), "{error}");
}

#[test]
fn what_was_not_judged_is_no_evidence_and_hides_none() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
    let attempts: Vec<_> = [
        ("p", Status::Unfinished),
        ("p", Status::Proved),
        ("q", Status::Unfinished),
        ("q", Status::Failed),
        ("r", Status::Unfinished),
        ("s", Status::Timeout),
        ("s", Status::Failed),
    ]
    .into_iter()
    .enumerate()
    .map(|(sample, (proof, status))| Attempt {
        round: 1,
        phase: Phase::Train,
        statement: "t".to_owned(),
        sample: u32::try_from(sample).unwrap(),
        proof: proof.to_owned(),
        tokens: 3,
        logprob: -0.25,
        verdict: Some(Verdict::new(status, "m")),
    })
    .collect();
    ledger.record_attempts(&attempts).unwrap();
    let table = preferences(&ledger, 9).unwrap();
    let pairs: Vec<_> =
        table.all().map(|(_, row)| (row["chosen"].clone(), row["rejected"].clone())).collect();
    assert_eq!(pairs, [(json!("p"), json!("q")), (json!("p"), json!("s"))]);
}

#[test]
fn conjectures_are_exported_with_their_headers() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
    let conjecture = Conjecture {
        round: 1,
        input: 0,
        sample: 0,
        seed: "t".to_owned(),
        seed_proof: String::new(),
        lemma: None,
        signature: ": succ 0 = 1".to_owned(),
        outcome: Some(ConjectureOutcome::Accepted),
        fingerprint: None,
        statement: Some("c".to_owned()),
        header: "open Nat".to_owned(),
        source: Source::Model,
    };
    ledger.record_conjecture(&conjecture).unwrap();
    ledger.record_outcomes(&[conjecture]).unwrap();
    let attempt = Attempt {
        round: 1,
        phase: Phase::Train,
        statement: "c".to_owned(),
        sample: 0,
        proof: "rfl".to_owned(),
        tokens: 3,
        logprob: -0.25,
        verdict: Some(Verdict::new(Status::Proved, "")),
    };
    ledger.record_attempt(&attempt).unwrap();
    for table in [conjectures(&ledger).unwrap(), proofs(&ledger).unwrap(), super::attempts(&ledger).unwrap()]
    {
        assert_eq!(table.rows[&Split::Train][0]["header"], "open Nat", "{}", table.title);
    }
}

#[test]
fn goals_of_failed_proofs_are_exported_where_the_model_wrote_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
    let goal = |round: u32, name: &str, parent: &str| Conjecture {
        round,
        input: 1 << 30,
        sample: 0,
        seed: parent.to_owned(),
        seed_proof: "by foo".to_owned(),
        lemma: None,
        signature: format!(": {name} = 1"),
        outcome: Some(ConjectureOutcome::Accepted),
        fingerprint: None,
        statement: Some(name.to_owned()),
        header: String::new(),
        source: Source::Subgoal,
    };
    let by_model =
        Conjecture { input: 0, statement: Some("c".to_owned()), source: Source::Model, ..goal(3, "c", "t") };
    let goals = [goal(2, "subgoal_1_0_0", "t"), goal(3, "subgoal_2_0_0", "subgoal_1_0_0")];
    for (round, depth, goal) in [(1, 1, &goals[0]), (2, 2, &goals[1])] {
        let sketch = LedgerSketch {
            round,
            number: 0,
            parent: goal.seed.clone(),
            depth,
            failed: goal.seed_proof.clone(),
            sketch: None,
            reason: None,
            goals: vec![goal.statement.clone().unwrap()],
        };
        ledger.record_sketch(&sketch).unwrap();
    }
    for conjecture in goals.into_iter().chain([by_model]) {
        ledger.record_conjecture(&conjecture).unwrap();
    }
    let table = conjectures(&ledger).unwrap();
    let brief: Vec<_> = table.rows[&Split::Train]
        .iter()
        .map(|row| ["statement", "source", "parent", "depth"].map(|name| row[name].clone()))
        .collect();
    assert_eq!(
        brief,
        [
            [json!("subgoal_1_0_0"), json!("subgoal"), json!("t"), json!(1)],
            [json!("c"), json!("model"), json!(null), json!(null)],
            [json!("subgoal_2_0_0"), json!("subgoal"), json!("subgoal_1_0_0"), json!(2)],
        ]
    );
    write_folder(&table, Format::Parquet, &origins(), &folder.path().join("out")).unwrap();
}

#[test]
fn the_same_ledger_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    for format in [Format::Jsonl, Format::Parquet] {
        let sums = ["a", "b"].map(|name| {
            let target = folder.path().join(format!("{name}{}", format.ending()));
            write_folder(&attempts(&ledger).unwrap(), format, &origins(), &target).unwrap();
            fs::read_to_string(target.join("SHA256SUMS")).unwrap()
        });
        assert_eq!(sums[0], sums[1]);
        assert_eq!(sums[0].lines().count(), 3, "{}", sums[0]);
    }
    let taken = folder.path().join("ajsonl");
    let again = write_folder(&attempts(&ledger).unwrap(), Format::Jsonl, &origins(), &taken);
    assert!(matches!(again, Err(ExportError::Taken(_))));
}

#[test]
fn an_export_of_proofs_can_be_imported() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    for format in [Format::Jsonl, Format::Parquet] {
        let target = folder.path().join(format.ending());
        write_folder(&proofs(&ledger).unwrap(), format, &origins(), &target).unwrap();
        let mut layout = crate::Layout::named("corpus").unwrap();
        layout.map("id=statement").unwrap();
        layout.map("proof=proof").unwrap();
        let options = crate::ImportOptions { layout, split: Split::Train, skip_bad: false };
        let file = target.join("data").join(format!("train.{}", format.ending()));
        let found = crate::import_file(&file, &options, &mut Default::default()).unwrap().entries;
        assert_eq!(found[0].proofs, ["by\n  simp; simp"]);
        assert_eq!((found[1].statement.id.as_str(), found[1].proofs[0].as_str()), ("t_2", "by simp"));
    }
}

#[test]
fn a_value_of_another_kind_than_its_column_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for (row, column) in [
        (json!({"a": 1}), "`a`"),
        (json!({"b": "x"}), "`b`"),
        (json!({"c": [1]}), "`c`"),
        (json!({"c": {}}), "`c`"),
    ] {
        let table = Table {
            title: "",
            for_training: false,
            columns: &[
                Column { name: "a", kind: Kind::Text, meaning: "" },
                Column { name: "b", kind: Kind::Integer, meaning: "" },
                Column { name: "c", kind: Kind::Texts, meaning: "" },
            ],
            rows: [(Split::Train, vec![row])].into(),
        };
        let target = folder.path().join("out");
        let error = write_folder(&table, Format::Parquet, &origins(), &target).unwrap_err().to_string();
        assert!(error.contains(column) && !target.exists(), "{error}");
    }
}

#[test]
fn a_lake_project_has_the_shortest_proof_of_each_statement() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("project");
    let count = write_lean_project(&proofs(&ledger(folder.path())).unwrap(), &origins(), &target).unwrap();
    assert_eq!(count, 2);
    let read = |name: &str| fs::read_to_string(target.join(name)).unwrap();
    assert_eq!(read("Proofs/Train001.lean"), "\ntheorem stp_t (a : Nat) : a = a + 1 := by simp\n");
    let valid = read("Proofs/Validation001.lean");
    assert!(valid.starts_with("import Std\n\nnamespace Stp0\nopen Nat\n\ntheorem stp_vv"), "{valid}");
    assert_eq!(read("Proofs.lean"), "import Proofs.Train001\nimport Proofs.Validation001\n");
    assert!(
        read("lean-toolchain").starts_with("leanprover/lean4:")
            && read("SHA256SUMS").contains("lakefile.toml")
    );
}
