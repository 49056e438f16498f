//! Rows in the forms that data sets have, and whole texts that cheat.

use std::path::Path;

use serde_json::{Value, json};

use super::common::{brief, pairs, rows, run, said, verify};

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
fn rows_of_data_sets_are_judged_as_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let by = "theorem x (a b : Nat) (h : a = b) : b + 0 = a := by";
    let sorry = format!("{by} sorry");
    let fenced = "The idea is `omega`.\n\n```lean4\ntheorem x (a b : Nat) (h : a = b) : b + 0 = a := by\n  omega\n```\nDone.";
    let whole = "open Nat\n\ntheorem h (a : Nat) : a + 0 = a := rfl\n\ntheorem x (a b : Nat) (h : a = b) : b + 0 = a := by\n  subst h\n  exact _root_.h a\n";
    let rows_in = [
        json!({"id": "tactic", "statement": by, "proof": "omega"}),
        json!({"id": "lines", "statement": by, "proof": "subst h\nrfl"}),
        json!({"id": "indented", "formal_statement": format!("{by}\n"), "formal_proof": "  subst h\n  rfl\n"}),
        json!({"id": "cut", "formal_statement": by, "proof": "subst h\n  rfl"}),
        json!({"id": "cases", "statement": "theorem x (n : Nat) : n = n := by", "proof": "induction n with\n| zero => rfl\n| succ n ih =>\n  rfl"}),
        json!({"id": "sorry", "statement": sorry, "proof": ["omega"]}),
        json!({"id": "term", "statement": sorry, "proof": "h.symm"}),
        json!({"id": "assign", "statement": "theorem x (a : Nat) : a = a :=", "proof": "rfl"}),
        json!({"id": "equations", "statement": "theorem x : ∀ n : Nat, n = n", "proof": "| 0 => rfl\n| _ + 1 => rfl"}),
        json!({"id": "recursion", "statement": "theorem x : ∀ n : Nat, n = n", "proof": "| 0 => rfl\n| n + 1 => by\n  have := x n\n  rfl"}),
        json!({"id": "lemma", "header": "theorem mine : 1 = 1 := rfl", "statement": ": 1 = 1", "proof": "mine.symm"}),
        json!({"id": "let", "statement": "theorem x (n : Nat) : let m := n + 1; m = n + 1 := by sorry", "proof": "by\n  intro m\n  rfl"}),
        json!({"id": "opened for one", "statement": "open List in\ntheorem x.{u} {α : Type u} (xs : List α) : length xs = length xs := by sorry", "proof": "rfl"}),
        json!({"id": "its own name", "statement": "theorem Int.add_comm (a b : Int) : a + b = b + a := by sorry", "proof": "by\n  have := Int.add_comm 1 2\n  omega"}),
        json!({"id": "fence", "statement": sorry, "proof": fenced}),
        json!({"id": "repeated", "statement": sorry, "proof": whole}),
        json!({"id": "other", "statement": sorry, "proof": "theorem x (a b : Nat) : a + b = b + a := by omega"}),
        json!({"id": "code", "code": whole}),
        json!({"id": "code and statement", "statement": sorry, "full_code": whole}),
        json!({"id": "opened", "statement": "theorem x (a : Nat) : a ≤ succ a := by", "header": "open Nat\n", "proof": "exact le_succ a"}),
        json!({"id": "wrong", "statement": by, "proof": "simp"}),
        json!({"id": "cheat", "statement": by, "proof": "sorry"}),
        json!({"id": "misspelt", "stament": by, "proof": "omega"}),
    ];
    std::fs::write(folder.path().join("in.json"), Value::from(rows_in.to_vec()).to_string()).unwrap();
    let found = rows(&run(folder.path(), &["in.json", "--no-cache"]).stdout);
    let proved = [
        "tactic",
        "lines",
        "indented",
        "cut",
        "cases",
        "sorry",
        "term",
        "assign",
        "equations",
        "recursion",
        "lemma",
        "let",
        "opened for one",
        "its own name",
        "fence",
        "repeated",
    ];
    let mut expected: Vec<_> = proved.iter().map(|id| (*id, "proved")).collect();
    expected.extend([
        ("other", "rejected"),
        ("code", "proved"),
        ("code and statement", "proved"),
        ("opened", "proved"),
        ("wrong", "failed"),
        ("cheat", "rejected"),
        ("misspelt", "error"),
    ]);
    assert_eq!(brief(&found), pairs(&expected), "{found:#?}");
    let error = found[22]["error"].as_str().unwrap();
    assert!(error.contains("Did you mean `statement` by `stament`?"), "{error}");
    assert_eq!((&found[0]["file"], &found[0]["row"]), (&json!("in.json"), &json!(1)));
}

/// The verdicts on rows, by their ids, of one process for each kind.
fn verdicts(folder: &Path, input: &[Value]) -> Vec<(String, String)> {
    let lines: Vec<_> = input.iter().map(Value::to_string).collect();
    std::fs::write(folder.join("in.jsonl"), lines.join("\n")).unwrap();
    let output = run(folder, &["in.jsonl", "--no-cache"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rows(&output.stdout).iter().map(|row| (text(&row["id"]), text(&row["verdict"]))).collect()
}

#[test]
fn a_header_keeps_the_commands_that_stand_in_others() {
    let folder = tempfile::tempdir().unwrap();
    let zero = "local instance : Add Nat := ⟨fun _ _ => 0⟩";
    let setup = "macro \"setup\" : command => `(instance : Add Nat := ⟨fun _ _ => 0⟩)\n";
    let headers = [
        format!("#check Nat\n {zero}"),
        format!("#check Nat {zero}"),
        format!("#guard_msgs(drop all) in\n#check Nat\n {zero}"),
        format!("example : True := trivial\n {zero}"),
        format!("theorem a : True := trivial {zero}"),
        format!("/-- doc -/ theorem a : True := trivial variable (n : Nat) {zero}"),
        format!("theorem a : True := trivial /-/- -/ {zero} --/"),
        format!("{setup}#check Nat\nsetup"),
        format!("{setup}example : True := trivial\nsetup"),
        format!("{setup}theorem a : True := trivial\n setup"),
    ];
    let row = |(id, header): (usize, &String)| json!({"id": id.to_string(), "header": header, "statement": "theorem x : (1 : Nat) + 1 = 2 := by sorry", "proof": "rfl"});
    let mut input: Vec<_> = headers.iter().enumerate().map(row).collect();
    // A row that cannot be read ends nothing.
    input.push(json!({"id": "unread", "statement": "theorem x.} : True := by sorry", "proof": "trivial"}));
    input.push(json!({"id": "last", "header": "def xs : Array Nat :=\n#[1, 2]", "statement": ": xs.size = 2", "proof": "rfl"}));
    let found = verdicts(folder.path(), &input);
    assert_eq!(found.len(), input.len());
    for ((id, verdict), header) in found.iter().zip(&headers) {
        assert_ne!(verdict, "proved", "{id}: in that text 1 + 1 is 0: {header}");
    }
    let last = |back: usize| found[found.len() - back].1.as_str();
    assert_eq!((last(2), last(1)), ("", "proved"));
}

#[test]
fn whole_texts_cannot_pass_an_axiom_for_another_nor_spoil_the_next_row() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = ": (1 : Nat) = 2";
    let two = "axiom «x.y» : False\ndef x.y : Nat := 5\ntheorem x : (1 : Nat) = 2 := (fun (_ : Nat) => «x.y».elim) x.y\n";
    let tokens = "(Lean.Parser.builtinTokenTable.set {} : IO Unit)";
    let input = [
        json!({"id": "quot", "statement": wrong, "code": "axiom «Quot.sound» : False\ntheorem x : (1 : Nat) = 2 := «Quot.sound».elim\n"}),
        json!({"id": "two", "statement": wrong, "code": two}),
        json!({"id": "hidden", "header": "section\n  theorem helper : True := trivial\n  local instance : Add Nat := ⟨fun _ _ => 0⟩\n", "statement": ": 1 + 1 = 2", "proof": "by rfl"}),
        // Code in a statement is refused; code in a header of the row's own stays in a process of its own.
        json!({"id": "statement", "header": "import Lean\nopen Lean", "statement": format!(": by\n  run_tac {tokens}\n  exact True"), "code": "theorem x : True := trivial\n"}),
        json!({"id": "after 1", "header": "import Init", "statement": ": (1 : Nat) = 1", "proof": "rfl"}),
        json!({"id": "header", "header": format!("import Lean\nopen Lean\nrun_cmd {tokens}"), "statement": ": True", "proof": "trivial"}),
        json!({"id": "after 2", "header": "import Init\nimport Init", "statement": ": (1 : Nat) = 1", "proof": "rfl"}),
    ];
    let found = verdicts(folder.path(), &input);
    let of = |id: &str| found.iter().find(|(found, _)| found == id).unwrap().1.as_str();
    assert_eq!((of("quot"), of("two")), ("rejected", "rejected"));
    assert_ne!(of("hidden"), "proved", "in that text 1 + 1 is 0");
    assert_eq!(of("statement"), "statement_error");
    assert_eq!((of("after 1"), of("after 2")), ("proved", "proved"));
}
