//! Exit codes, and reports for other programs.

use std::process::Command;

use serde_json::{Value, json};
use stp_tests::stp;

use super::common::{run, said, verify};

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
