//! `stp verify` with real Lean: rows in all their forms, interrupted and gone on with, Lean files, formats, exit codes.
#![allow(clippy::unwrap_used)]

use std::io::Write;
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

/// Id and verdict of each row; `error` where there is no verdict.
fn brief(rows: &[Value]) -> Vec<(String, String)> {
    let name = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    rows.iter().map(|row| (name(&row["id"]), row["verdict"].as_str().unwrap_or("error").to_owned())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, verdict)| ((*id).to_owned(), (*verdict).to_owned())).collect()
}

/// A call that gets that text on standard input.
fn piped(folder: &Path, args: &[&str], text: &str) -> Output {
    let mut command = verify(folder, args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
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
    let error = found[17]["error"].as_str().unwrap();
    assert!(error.contains("Did you mean `statement` by `stament`?"), "{error}");
    assert_eq!((&found[0]["file"], &found[0]["row"]), (&json!("in.json"), &json!(1)));
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

const FILE: &str = "import Std\nopen Nat\n\n/-- doc -/\ntheorem one (a b : Nat) : a + b = b + a := by\n  omega\n\nnamespace Foo\ndef twice (n : Nat) := n + n\nvariable (m : Nat)\ntheorem two : twice m = 2 * m := by\n  unfold twice; omega\nend Foo\n\ntheorem wrong : 1 = 2 := by decide\nexample : 2 = 1 := wrong.symm\ntheorem cheat : 1 = 2 := by native_decide\naxiom bad : 1 = 2\ntheorem useful (x y : Nat) (h : x + y = 3) : y + x = 3 := by rw [one]; exact h\ntheorem byAxiom : 2 = 1 := bad.symm\ntheorem pat : ∀ n : Nat, n = n\n  | _ => rfl\ndef broken : Nat := true\ntheorem open_end : 1 = 2 := sorry\ntheorem rung (a : Int) : a * 2 = 2 * a := by\n  ring\nopen Nat in theorem last (a : Nat) : a ≤ succ a := le_succ a\n";

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
        ("cheat", "failed"),
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
fn nothing_to_judge_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Empty.lean"), "").unwrap();
    std::fs::write(folder.path().join("Defs.lean"), "def two := 2\n").unwrap();
    std::fs::write(folder.path().join("empty.jsonl"), "\n").unwrap();
    std::fs::write(folder.path().join("good.jsonl"), "{\"statement\": \": True\", \"proof\": \"trivial\"}")
        .unwrap();
    for (files, hint) in [
        (&["Empty.lean"][..], "Empty.lean holds no theorem"),
        (&["Defs.lean"], "Defs.lean holds no theorem"),
        (&["empty.jsonl"], "empty.jsonl holds no row"),
        (&["good.jsonl", "Defs.lean"], "Defs.lean holds no theorem"),
    ] {
        let output = verify(folder.path(), &[files, &["--all-must-pass"]].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{files:?}");
        assert!(
            said(&output).contains(hint) && said(&output).contains("--all-must-pass"),
            "{}",
            said(&output)
        );
    }
    assert!(said(&run(folder.path(), &["Empty.lean"])).contains("holds no theorem"));
    for args in [
        &["missing.lean"][..],
        &["good.jsonl", "--map", "x=y"],
        &["good.jsonl", "--timeout", "0"],
        &["--header", "no", "good.jsonl"],
    ] {
        let mut command = Command::new(stp());
        let output = command.arg("verify").args(args).current_dir(folder.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?} {}", said(&output));
    }
}

#[test]
fn reports_for_other_programs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("F.lean"),
        "theorem good : True := trivial\n\ntheorem bad : 1 = 2 :=\n  rfl\n",
    )
    .unwrap();
    std::fs::write(
        folder.path().join("in.jsonl"),
        "{\"id\": \"r\", \"statement\": \": True\", \"proof\": \"trivial\"}\n{\"id\": 7}\n",
    )
    .unwrap();
    let call = |format: &str| {
        let output =
            verify(folder.path(), &["F.lean", "in.jsonl", "--all-must-pass", "--quiet", "--format", format])
                .output()
                .unwrap();
        assert_eq!((output.status.code(), said(&output)), (Some(1), String::new()));
        String::from_utf8(output.stdout).unwrap()
    };
    let github = call("github");
    let lines: Vec<_> = github.lines().collect();
    assert!(lines[0].starts_with("::error file=F.lean,line=4,col=3,title=bad%3A failed::"), "{github}");
    assert!(
        lines.last().unwrap().starts_with("::error file=in.jsonl,line=2,title=7%3A malformed::no column"),
        "{github}"
    );
    let junit = call("junit");
    assert!(junit.contains("tests=\"4\" skipped=\"0\" failures=\"1\" errors=\"1\""), "{junit}");
    assert!(junit.contains("<testsuite name=\"F.lean\"") && junit.contains("F.lean:4:2: "), "{junit}");
    let sarif: Value = serde_json::from_str(&call("sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let region = &results[0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!(
        (&results[0]["ruleId"], region),
        (&json!("failed"), &json!({"startLine": 4, "startColumn": 3}))
    );
    assert_eq!(results.last().unwrap()["ruleId"], "malformed");
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
fn whole_texts_cannot_pass_an_axiom_for_another_nor_spoil_the_next_row() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = ": (1 : Nat) = 2";
    let two = "axiom «x.y» : False\ndef x.y : Nat := 5\ntheorem x : (1 : Nat) = 2 := (fun (_ : Nat) => «x.y».elim) x.y\n";
    let tokens = "(Lean.Parser.builtinTokenTable.set {} : IO Unit)";
    let input = [
        json!({"id": "quot", "statement": wrong, "code": "axiom «Quot.sound» : False\ntheorem x : (1 : Nat) = 2 := «Quot.sound».elim\n"}),
        json!({"id": "two", "statement": wrong, "code": two}),
        // Code in a statement is refused; code in a header of the row's own stays in a process of its own.
        json!({"id": "statement", "header": "import Lean\nopen Lean", "statement": format!(": by\n  run_tac {tokens}\n  exact True"), "code": "theorem x : True := trivial\n"}),
        json!({"id": "after 1", "header": "import Init", "statement": ": (1 : Nat) = 1", "proof": "rfl"}),
        json!({"id": "header", "header": format!("import Lean\nopen Lean\nrun_cmd {tokens}"), "statement": ": True", "proof": "trivial"}),
        json!({"id": "after 2", "header": "import Init\nimport Init", "statement": ": (1 : Nat) = 1", "proof": "rfl"}),
    ];
    let found = verdicts(folder.path(), &input);
    let of = |id: &str| found.iter().find(|(found, _)| found == id).unwrap().1.as_str();
    assert_eq!((of("quot"), of("two")), ("rejected", "rejected"));
    assert_eq!(of("statement"), "statement_error");
    assert_eq!((of("after 1"), of("after 2")), ("proved", "proved"));
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
