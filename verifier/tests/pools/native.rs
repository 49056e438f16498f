//! Native Lean: our worker and checker in Lean, run by a real Lean. It is the managed one under the command line of `lean --run`, so
//! the programs, the protocol and the kernel are what a native Lean would run; only the machine code is not.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use stp_datasets::{Status, Verdict};
use stp_verifier::export::Export;
use stp_verifier::toolchain::{self, Located, Toolchain, ToolchainOptions};
use stp_verifier::{Candidate, FileJudgement, FileOutcome, Pool, PoolConfig, SketchReport};
use tempfile::TempDir;

use crate::common::{self, RUNTIME, candidate};

const LIMIT: Duration = Duration::from_secs(120);

/// The folder with what Lean makes of our programs, which is found by their content; elaborating them takes most of a start.
static COMPILED: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("native-programs");
    // What an earlier build compiled.
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    let compile = |(number, text): (usize, String)| {
        let file = folder.join(format!("{number}.lean"));
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(&common::managed().node);
        command.arg("--stack-size=4000").args(managed_lean(&folder)).arg(&file).arg("--compile");
        command.spawn().unwrap()
    };
    let compilers: Vec<_> = stp_verifier::native_programs().into_iter().enumerate().map(compile).collect();
    for mut compiler in compilers {
        assert!(compiler.wait().unwrap().success(), "a program in Lean does not compile");
    }
    folder
});

/// What node is given to run a program in Lean.
fn managed_lean(compiled: &Path) -> [PathBuf; 5] {
    let lean = common::managed();
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    [
        own.join("tests").join("managed-lean.js"),
        own.join("src").join("managed").join("runtime.js"),
        lean.lean_js,
        lean.library,
        compiled.to_owned(),
    ]
}

/// A `lean` program below a folder: a shell script with a line that may run something else in its place.
fn lean_program(folder: &Path, instead: &str) -> PathBuf {
    let lean = common::managed();
    let run = managed_lean(&COMPILED).map(|part| format!("'{}'", part.display())).join(" ");
    let script = format!(
        "#!/bin/sh\n{instead}\nnode() {{ exec '{node}' --stack-size=4000 \"$@\"; }}\nif [ \"$1\" = --run ]; then\n  shift\n  node {run} \
         \"$@\" --proofless\nfi\nnode '{cli}' '{js}' '{library}' \"$@\"\n",
        node = lean.node.display(),
        cli = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/managed/lean-cli.js").display(),
        js = lean.lean_js.display(),
        library = lean.library.display(),
    );
    program(folder, "lean", &script)
}

fn program(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn located(options: &ToolchainOptions) -> Toolchain {
    let Located::Ready(toolchain) = toolchain::locate(options).unwrap() else {
        panic!("an explicit lean is always ready")
    };
    toolchain
}

fn start(options: &ToolchainOptions) -> Pool {
    let config = PoolConfig { workers: 1, check_timeout: LIMIT, ..PoolConfig::default() };
    let _inside = RUNTIME.enter();
    Pool::start(&located(options), config)
}

/// A pool of one worker and one checker for all tests that need no other.
static NATIVE: LazyLock<(TempDir, Pool)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let lean = Some(lean_program(folder.path(), ""));
    let pool = start(&ToolchainOptions { lean, ..Default::default() });
    (folder, pool)
});

fn judged(pool: &Pool, candidate: Candidate) -> Verdict {
    RUNTIME.block_on(pool.check_ungated(candidate)).unwrap()
}

#[test]
fn verdicts_are_those_of_the_managed_judge() {
    let pool = &NATIVE.1;
    let twins = "inductive A | x\ninductive B | x";
    let expected = [
        ("", "(a b : Nat) : a + b = b + a", "by\n  rw [Nat.add_comm]", Status::Proved),
        ("", "(a b : Nat) : a + b = b + a", "by omega", Status::Proved),
        ("", "(a b : Nat) : a + b = b + a", "by\n  rw [Nat.mul_comm]", Status::Failed),
        ("", "(a : Nat) : a = b", "rfl", Status::StatementError),
        ("", "(p : Prop) : p ∨ ¬p", "by\n  exact Classical.em p", Status::Proved),
        ("", ": False", "by sorry", Status::Rejected),
        ("", "(n : Nat) : n = n", "by\n  induction n with\n  | zero => rfl", Status::Failed),
        ("", "(xs : List Nat) : xs ++ [] = xs", "by simp", Status::Proved),
        ("", ": 2 ^ 64 = 18446744073709551616", "by decide", Status::Proved),
        ("", ": (n : Nat) → n = n", "\n| 0 => rfl\n| n + 1 => rfl", Status::Proved),
        ("", ": 1 = 1", "rfl\ntheorem more : 2 = 2 := rfl", Status::Rejected),
        ("", ": \"λ\\n\" = \"λ\\n\"", "rfl", Status::Proved),
        ("def f (n : Nat) := n + 1", ": f 1 = 2", "rfl", Status::Proved),
        ("open Nat in", "(n : Nat) : succ n = n + 1", "rfl", Status::Proved),
        ("axiom cheat (n : Nat) : n = 0", "(n : Nat) : n = 0", "cheat n", Status::Rejected),
        ("inductive T | a | b (t : T)", "(t : T) : t = t", "by cases t <;> rfl", Status::Proved),
        (twins, ": A = A", "rfl", Status::Proved),
        (twins, ": A = B", "rfl", Status::Failed),
        ("import Init def two := 2", ": two = 2", "rfl", Status::Proved),
        ("/-\nimport No.Such\n-/", ": 1 = 1", "rfl", Status::Proved),
    ];
    for (header, signature, proof, expected) in expected {
        let trusted = Candidate::new(header, signature, proof);
        let verdict = judged(pool, trusted.clone());
        assert_eq!(verdict.status, expected, "{signature} {proof}: {verdict:?}");
        // What a foreign header declares comes as data as well.
        if header.is_empty() {
            continue;
        }
        let verdict = judged(pool, trusted.foreign());
        assert_eq!(verdict.status, expected, "foreign {signature} {proof}: {verdict:?}");
    }
    let verdict = judged(pool, candidate("(a b : Nat) : a + b = b + a", "Nat.add_comm a b"));
    assert_eq!(verdict.premises, ["Nat.add_comm"]);
    let verdict = judged(pool, candidate(": 1 = 1", "by\n  simp [foo]"));
    assert!(verdict.messages[0].starts_with("2:8: error: Unknown identifier `foo`"), "{verdict:?}");
}

#[test]
fn statements_have_fingerprints_and_the_library_names() {
    let pool = &NATIVE.1;
    let of = |header: &str, signature: &str| {
        let trusted = RUNTIME.block_on(pool.statement(header, signature)).unwrap();
        let foreign = RUNTIME.block_on(pool.foreign_statement(header, signature)).unwrap();
        assert_eq!(trusted.ok, foreign.ok, "{signature}: {trusted:?} {foreign:?}");
        (trusted.fingerprint, foreign.fingerprint)
    };
    let (one, foreign) = of("", "(a b : Nat) : a + b = b + a");
    assert_eq!((one.as_ref().map(String::len), &one), (Some(32), &foreign));
    assert_eq!(of("", "(x y : Nat) : x + y = y + x").0, one, "bound names make no difference");
    assert_ne!(of("", "(a b : Nat) : a * b = b * a").0, one);
    assert_eq!(of("", "(a : Nat) : a = b"), (None, None));
    // What a foreign header declares counts by its content, each thing by itself.
    let header = "opaque c : Nat\nopaque d : Nat\ndef two := 2";
    let foreign = |signature: &str| of(header, signature).1;
    assert_ne!(foreign(": c = d"), foreign(": c = c"));
    assert_eq!(foreign(": c = d"), of(&header.replace('d', "e").replace("eef", "def"), ": c = e").1);
    assert_ne!(foreign(": two = 2"), of("def two := 3", ": two = 2").1);

    let names = ["Nat.add_comm".to_owned(), "No.such".to_owned(), "Nat\n#eval 1".to_owned()];
    let signatures = RUNTIME.block_on(pool.signatures(&names)).unwrap();
    assert_eq!(signatures, [Some("(n m : Nat) : n + m = m + n".to_owned()), None, None]);
    let theorems = RUNTIME.block_on(pool.theorems()).unwrap();
    assert!(theorems.is_sorted() && theorems.contains(&"Nat.add_comm".to_owned()));
}

/// The goals that a failed proof leaves open, and the whole once their proofs are put back.
#[test]
fn a_failed_proof_is_cut_where_it_fails() {
    let pool = &NATIVE.1;
    let signature = "(p q : Prop) (hp : p) (hq : q) : p ∧ q";
    for (proof, wanted) in [
        ("by\n  constructor\n  · rfl\n  · exact hq", "by\n  constructor\n  · sorry\n  · exact hq"),
        ("by constructor; rfl", "by constructor; sorry; sorry"),
    ] {
        let report = RUNTIME.block_on(pool.sketch(Candidate::new("", signature, proof))).unwrap();
        let SketchReport::Sketch(sketch) = report else { panic!("{proof}: {report:?}") };
        assert_eq!(sketch.proof, wanted);
        let goals: Vec<_> = sketch.holes.iter().map(|hole| hole.signature().unwrap()).collect();
        assert_eq!(goals[0], "(p q : Prop) (hp : p) (hq : q) : p");
        assert!(!judged(pool, Candidate::new("", signature, &sketch.proof)).is_proved());
        let whole = sketch.filled(|_| Some("by assumption")).unwrap();
        let verdict = judged(pool, Candidate::new("", signature, &whole));
        assert!(verdict.is_proved(), "{whole}: {verdict:?}");
    }
}

const TEXT: &str = "/-- A text. -/
theorem a : 1 = 1 := rfl
theorem b : 1 = 2 := rfl
theorem c : 1 = 2 := b
axiom ax : 1 = 2
theorem d : 1 = 2 := ax
private theorem e : 2 = 2 := rfl
namespace N
mutual
theorem p : 1 = 1 := rfl
theorem q : 1 = 1 := p
end
end N
example : 1 = 1 := rfl
example : Nat := 3
example : 1 = 3 := rfl
set_option maxRecDepth 300 in
@[simp] theorem N.r (x : Nat) : x + 0 = x := by rfl
instance foo : Nonempty Nat := ⟨1⟩
def g := 5
theorem «weird name» : g = 5 := rfl
theorem wf (n : Nat) : n ≥ 0 := by
  if h : n = 0 then omega else
  have := wf (n / 2)
  omega
termination_by n
theorem missing : Nope := trivial
section
variable (p : Prop) (hp : p)
/-- An example of a theorem. -/
example : p := hp
example := Nat.add_comm
end
";

#[test]
fn each_theorem_of_a_text_has_its_verdict() {
    let pool = &NATIVE.1;
    let judgement = RUNTIME.block_on(pool.judge_file(TEXT)).unwrap();
    let FileJudgement::Done(file) = judgement else { panic!("{judgement:?}") };
    let found: Vec<_> =
        file.theorems.iter().map(|it| (it.pos.line, it.name.as_str(), it.verdict.status)).collect();
    let expected = [
        (1, "a", Status::Proved),
        (3, "b", Status::Failed),
        (4, "c", Status::Failed),
        (6, "d", Status::Rejected),
        (7, "e", Status::Proved),
        (9, "N.p", Status::Proved),
        (9, "N.q", Status::Proved),
        (14, "", Status::Proved),
        (16, "", Status::Failed),
        (17, "N.r", Status::Proved),
        (19, "foo", Status::Proved),
        (21, "weird name", Status::Proved),
        (22, "wf", Status::Proved),
        (27, "missing", Status::Failed),
        (30, "", Status::Proved),
    ];
    assert_eq!(found, expected, "{file:#?}");
    let messages = |name: &str| {
        let theorem = file.theorems.iter().find(|it| it.name == name).unwrap();
        theorem.verdict.messages.join("\n")
    };
    assert!(messages("b").starts_with("3:21: error: "), "{}", messages("b"));
    assert_eq!(messages("c"), "it depends on `b`, which failed");
    assert_eq!(messages("d"), "it depends on ax");
    let text = "theorem x : 1 = 2 := by\n  sorry\n#check Nat\nexample : 1 = 2 := rfl";
    let outcome = RUNTIME.block_on(pool.run_file(text, LIMIT)).unwrap();
    let FileOutcome::Done(report) = outcome else { panic!("{outcome:?}") };
    let said: Vec<_> = report.messages.iter().map(|m| (m.severity.as_str(), m.pos.line)).collect();
    assert_eq!(said, [("warning", 1), ("info", 3), ("error", 4)], "{report:?}");
    assert_eq!((report.sorries.len(), report.sorries[0].pos.line), (1, 1));
}

/// A worker that hands out what a file says, whatever it is asked.
const LIAR: &str = r#"#!/usr/bin/env python3
import json, sys
answers, data = sys.argv[1:]
out = open(answers, "w")
out.write('{"ready":true}\n'); out.flush()
for line in sys.stdin:
    q = json.loads(line)
    out.write(json.dumps({"id": q["id"], "outcome": "done", "export": open(data).read()}) + "\n"); out.flush()
"#;

#[test]
fn no_lie_of_an_elaborator_becomes_a_proof() {
    let pool = &NATIVE.1;
    let honest = |header: &str, signature: &str, proof: &str| {
        RUNTIME.block_on(pool.export(Candidate::new(header, signature, proof))).unwrap().unwrap()
    };
    let one = honest("", ": 1 = 1", "rfl");
    let identity = honest("", "(p : Prop) (h : p) : p", "h");
    let twins = "inductive A | x\ninductive B | x";
    let same = honest(twins, ": A = A", "rfl");
    let meta = one.lines().next().unwrap();
    let rows = |rows: &[&str]| [&[meta], rows].concat().join("\n");
    let absurd = [
        r#"{"in":1,"str":{"pre":0,"str":"stp_target"}}"#,
        r#"{"in":2,"str":{"pre":0,"str":"False"}}"#,
        r#"{"ie":0,"const":{"name":2,"us":[]}}"#,
    ];
    let target = |kind: &str, value: u32| {
        let rest = match kind {
            "axiom" => r#""isUnsafe":false"#.to_owned(),
            "def" => format!(r#""value":{value},"hints":"abbrev","safety":"unsafe","all":[1]"#),
            _ => format!(r#""value":{value},"all":[1]"#),
        };
        format!(r#"{{"{kind}":{{"name":1,"levelParams":[],"type":0,{rest}}}}}"#)
    };
    let falsehood =
        |more: &[&str], kind: &str, value: u32| rows(&[&absurd[..], more, &[&target(kind, value)]].concat());
    let reduce = [
        r#"{"in":3,"str":{"pre":0,"str":"Lean"}}"#,
        r#"{"in":4,"str":{"pre":3,"str":"reduceBool"}}"#,
        r#"{"ie":1,"const":{"name":4,"us":[]}}"#,
    ];
    let redefined = [
        r#"{"in":3,"str":{"pre":0,"str":"True"}}"#,
        r#"{"in":4,"str":{"pre":3,"str":"intro"}}"#,
        r#"{"axiom":{"name":4,"levelParams":[],"type":0,"isUnsafe":false}}"#,
        r#"{"ie":1,"const":{"name":4,"us":[]}}"#,
    ];
    let own = [
        r#"{"in":3,"str":{"pre":0,"str":"my_axiom"}}"#,
        r#"{"axiom":{"name":3,"levelParams":[],"type":0,"isUnsafe":false}}"#,
        r#"{"ie":1,"const":{"name":3,"us":[]}}"#,
    ];
    // It is printed as a standard axiom is, and is another.
    let alike = [
        r#"{"in":3,"str":{"pre":0,"str":"Quot.sound"}}"#,
        r#"{"axiom":{"name":3,"levelParams":[],"type":0,"isUnsafe":false}}"#,
        r#"{"ie":1,"const":{"name":3,"us":[]}}"#,
    ];
    let loose = [r#"{"ie":1,"bvar":0}"#];
    let lies = [
        ("", ": 1 = 2", one.clone(), "not the statement asked for"),
        ("", "(p : Prop) : p", identity, "not the statement asked for"),
        (twins, ": A = B", same, "not the statement asked for"),
        ("", ": False", falsehood(&[], "axiom", 0), "does not declare a theorem"),
        ("", ": False", falsehood(&[], "thm", 0), "declaration type mismatch"),
        ("", ": False", falsehood(&[], "def", 0), "unsafe or partial"),
        ("", ": False", falsehood(&loose, "thm", 1), "open ends"),
        ("", ": False", falsehood(&reduce, "thm", 1), "runs compiled code"),
        // The library's own `True.intro` counts, not the one handed over.
        ("", ": False", falsehood(&redefined, "thm", 1), "declaration type mismatch"),
        ("", ": False", falsehood(&own, "thm", 1), "it depends on my_axiom"),
        ("", ": False", falsehood(&alike, "thm", 1), "it depends on Quot.sound"),
        ("", ": False", rows(&absurd), "declares no theorem"),
        ("", ": 1 = 1", one[..one.len() - 9].to_owned(), "malformed"),
        ("", ": 1 = 1", one.replacen("\"in\":2", "\"in\":7", 1), "out of order"),
        ("", ": 1 = 1", one.replacen("\"pre\":0", "\"pre\":1e9", 1), "malformed"),
        ("", ": 1 = 1", one.replacen("\"pre\":0", "\"pre\":-1", 1), "malformed"),
        ("", ": 1 = 1", "".to_owned(), "malformed"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let liar = program(folder.path(), "liar", LIAR);
    let data = folder.path().join("data");
    let instead = format!(
        "if [ \"$1\" = --run ] && grep -q 'namespace Stp.Worker' \"$2\"; then exec '{}' \"$3\" '{}'; fi",
        liar.display(),
        data.display()
    );
    let lean = Some(lean_program(folder.path(), &instead));
    let lying = start(&ToolchainOptions { lean, ..Default::default() });
    for (header, signature, export, reason) in lies {
        std::fs::write(&data, &export).unwrap();
        let verdict = judged(&lying, Candidate::new(header, signature, "by whatever"));
        assert_ne!(verdict.status, Status::Proved, "{signature}: {verdict:?}");
        let said = verdict.messages.join(" ");
        assert!(said.contains(reason), "{signature} should be refused because {reason}: {verdict:?}");
    }
    RUNTIME.block_on(lying.shutdown());
}

#[test]
fn declarations_come_out_in_the_format_of_other_kernels() {
    let pool = &NATIVE.1;
    let header = "structure P where\n  x : Nat\n  h : x > 0\ndef one : P := ⟨1, by decide⟩";
    let candidate = Candidate::new(header, ": one.x = 1", "rfl");
    let text = RUNTIME.block_on(pool.export(candidate)).unwrap().unwrap();
    let export = Export::read(text.as_bytes()).unwrap();
    for name in ["stp_target", "one", "P", "P.mk", "P.rec", "P.x"] {
        assert!(export.declares(name), "{name}");
    }
    let missing = export.missing();
    assert!(missing.contains(&"Nat".to_owned()) && !missing.contains(&"P".to_owned()), "{missing:?}");
    // Others read what we write, and we read what we wrote.
    let again = Export::read(export.to_text().as_bytes()).unwrap();
    assert_eq!(again.declarations().len(), export.declarations().len());
}

#[test]
fn a_checker_that_has_worked_for_long_is_replaced_before_it_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let lean = Some(lean_program(folder.path(), ""));
    let config =
        PoolConfig { workers: 1, check_timeout: LIMIT, max_heartbeats: 500, ..PoolConfig::default() };
    let pool = {
        let _inside = RUNTIME.enter();
        Pool::start(&located(&ToolchainOptions { lean, ..Default::default() }), config)
    };
    // The check in which the checker is replaced is answered by the new one.
    let mut number = 0;
    while number < 40 && pool.stats().starts <= 2 {
        let signature = format!("(a b : Fin {}) : a + b = b + a", 8 + number % 3);
        let verdict = judged(&pool, candidate(&signature, "by\n  revert a b\n  decide"));
        assert_eq!(verdict.status, Status::Proved, "check {number}: {verdict:?}");
        number += 1;
    }
    assert!(pool.stats().starts > 2, "together they take more than the limit: {:?}", pool.stats());
    RUNTIME.block_on(pool.shutdown());
}
