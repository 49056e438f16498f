//! The Rust side against programs that speak the protocol, or do not.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::*;

const START: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(30);
const MEMORY: u64 = 1 << 30;

/// `lean --run FILE ANSWERS HEARTBEATS`: `reply` says what is done with a question `q`.
const LEAN: &str = r#"#!/usr/bin/env python3
import json, os, sys, time
file, answers, heartbeats = sys.argv[sys.argv.index("--run") + 1:][:3]
role = "checker" if "namespace Stp.Checker" in open(file).read() else "worker"
out = open(answers, "w")
def say(it):
    out.write(json.dumps(it) + "\n"); out.flush()
def answer(q, **it):
    say({"id": q["id"], "rss": 1, "elapsed_ms": 1, "lean_us": 7, "print_us": 3, **it})
START
for line in sys.stdin:
    q = json.loads(line)
    REPLY
"#;
const READY: &str = "say({'ready': True, 'rss': 1})";

/// A program below a folder.
fn program(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn lean(folder: &Path, start: &str, reply: &str) -> NativeLean {
    let program = program(folder, "lean", &LEAN.replace("START", start).replace("REPLY", reply));
    NativeLean {
        program,
        args: Vec::new(),
        cwd: None,
        lean_path: None,
        version: "Lean (version 4.28.0)".into(),
        source: "a test".into(),
        repl: None,
        kernel: None,
    }
}

fn elaborate(header: &str, proof: &str) -> Question {
    Question::Elaborate {
        header: header.into(),
        signature: ": 1 = 1".into(),
        proof: proof.into(),
        foreign: false,
        messages: 2,
    }
}

async fn started(lean: &NativeLean, role: Role) -> NativeProcess {
    let mut process = NativeProcess::spawn(lean, role, 20_000).unwrap();
    process.ready(START).await.unwrap();
    process
}

/// What a process whose questions are met with `reply` makes of one.
async fn asked(start: &str, reply: &str, limit: Duration) -> Result<Value, Lost> {
    let folder = tempfile::tempdir().unwrap();
    let lean = lean(folder.path(), start, reply);
    let mut process = started(&lean, Role::Elaborator).await;
    let answer = process.ask(&elaborate("", "rfl"), limit, MEMORY).await;
    if answer.is_err() {
        assert!(process.channel.pid().is_none(), "a lost process is gone");
    }
    process.kill().await;
    answer
}

fn died(answer: Result<Value, Lost>) -> String {
    match answer {
        Err(Lost::Died(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_question_gets_its_answer_whatever_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let reply = "print(json.dumps({'id': q['id'], 'outcome': 'forged'}), flush=True); \
                 answer(q, outcome='done', export=role + heartbeats + q['proof'])";
    let lean = lean(folder.path(), READY, reply);
    for (role, word) in [(Role::Elaborator, "worker"), (Role::Checker, "checker")] {
        let mut process = started(&lean, role).await;
        for proof in ["rfl", "by simp\n", "⟨a, \"b\"⟩"] {
            let value = process.ask(&elaborate("", proof), LIMIT, MEMORY).await.unwrap();
            assert_eq!(value["outcome"], "done");
            assert_eq!(value["export"], format!("{word}20000{proof}"));
        }
        assert_eq!((process.answered, process.lean_us, process.print_us), (3, 7, 3));
        assert!(process.rss > 1, "what the system says of the size counts, too");
        process.kill().await;
        assert_eq!(process.pid(), None);
    }
}

#[tokio::test]
async fn a_process_that_does_not_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    for (start, expected) in [
        ("sys.exit(7)", "exit status: 7"),
        ("say({'fatal': 'no Init'})", "no Init"),
        ("say({'hello': 1})", "unexpected"),
        ("out.write('nonsense\\n'); out.flush()", "unreadable"),
        ("print('out of luck', file=sys.stderr); sys.exit(1)", "out of luck"),
    ] {
        let lean = lean(folder.path(), start, "pass");
        let mut process = NativeProcess::spawn(&lean, Role::Checker, 1).unwrap();
        let reason = process.ready(START).await.unwrap_err();
        assert!(reason.contains(expected), "{start}: {reason}");
    }
    let slow = lean(folder.path(), "time.sleep(60)", "pass");
    let mut process = NativeProcess::spawn(&slow, Role::Checker, 1).unwrap();
    assert!(process.ready_by_now().is_none());
    let reason = process.ready(Duration::from_millis(300)).await.unwrap_err();
    assert!(reason.contains("not loaded"), "{reason}");
    let missing = NativeLean { program: "/no/such/lean".into(), ..slow };
    assert!(NativeProcess::spawn(&missing, Role::Checker, 1).unwrap_err().contains("/no/such/lean"));
}

#[tokio::test]
async fn crashes_lies_and_nonsense_lose_the_process() {
    for (reply, expected) in [
        ("os._exit(9)", "exit status: 9"),
        ("os.kill(os.getpid(), 11)", "signal: 11"),
        ("say({'id': q['id'], 'crashed': 'stack overflow'})", "stack overflow"),
        ("say({'id': 'guess', 'outcome': 'done'})", "what was not asked"),
        ("say({'outcome': 'done'})", "what was not asked"),
        ("say({'id': 5, 'outcome': 'done'})", "what was not asked"),
        ("out.write('{\"id\": \\n'); out.flush()", "unreadable"),
        ("out.write('[]\\n'); out.flush()", "unreadable"),
        ("out.write('\\xff\\n'); out.flush()", "unreadable"),
        ("[out.write('x' * (1 << 20)) for _ in range(65)]; out.flush(); time.sleep(60)", "too long"),
        ("out.close(); os.close(int(answers.split('/')[-1])); time.sleep(60)", "ended"),
    ] {
        let reason = died(asked(READY, reply, LIMIT).await);
        assert!(reason.contains(expected), "{reply}: {reason}");
    }
}

#[tokio::test]
async fn an_answer_made_before_the_question_is_none() {
    let ahead = "say({'ready': True}); say({'id': '', 'outcome': 'done', 'export': ''})";
    let reason = died(asked(ahead, "answer(q, outcome='errors', messages=[])", LIMIT).await);
    assert!(reason.contains("what was not asked"), "{reason}");
}

#[tokio::test]
async fn slow_and_greedy_processes_are_ended_with_their_children() {
    let began = Instant::now();
    let slow = "import subprocess; subprocess.run(['sleep', '600'])";
    let lost = asked(READY, slow, Duration::from_millis(500)).await;
    assert_eq!(lost.unwrap_err(), Lost::Timeout);
    assert!(began.elapsed() < LIMIT);
    if cfg!(target_os = "linux") {
        let greedy = "block = bytearray(os.urandom(1) * (1 << 31)); time.sleep(60)";
        let reason = died(asked(READY, greedy, LIMIT).await);
        assert!(reason.contains("out of memory"), "{reason}");
    }
}

#[tokio::test]
async fn new_imports_get_time_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let lean = lean(folder.path(), READY, "time.sleep(1.5); answer(q, outcome='done', export='')");
    let mut process = started(&lean, Role::Elaborator).await;
    let short = Duration::from_millis(200);
    process.ask(&elaborate("import A\nopen Nat", "rfl"), short, MEMORY).await.unwrap();
    process.ask(&elaborate("import B", "rfl"), short, MEMORY).await.unwrap();
    // These are loaded by now.
    let again = process.ask(&elaborate("import A", "rfl"), short, MEMORY).await;
    assert_eq!(again.unwrap_err(), Lost::Timeout);
}

/// A REPL that finds fault with `bad` and prints its answers in several lines.
const REPL: &str = r##"#!/usr/bin/env python3
import json, sys, time
envs, text = 0, ""
for line in sys.stdin:
    if line.strip():
        text += line.rstrip()
        continue
    q, text = json.loads(text), ""
    cmd, answer = q["cmd"], {"env": envs}
    envs += 1
    pos = {"line": cmd[:cmd.find("bad")].count("\n") + 1, "column": 2}
    if "bad" in cmd:
        answer["messages"] = [{"severity": "error", "pos": pos, "endPos": None, "data": "bad\nindeed"}]
    if "sorry" in cmd:
        answer["sorries"] = [{"pos": pos, "endPos": pos, "goal": "⊢ 1 = 1", "proofState": 0}]
    if "noise" in cmd:
        print("noise\n", flush=True)
    if "endless" in cmd:
        print("x" * (17 << 20), end="", flush=True); time.sleep(60)
    if "strange" in cmd:
        answer = {"message": "Unknown environment."}
    print(json.dumps(answer, indent=1) + "\n", flush=True)
"##;

#[tokio::test]
async fn the_repl_makes_proofs_fail_and_never_pass() {
    let folder = tempfile::tempdir().unwrap();
    let repl = program(folder.path(), "repl", REPL);
    let lean = NativeLean {
        repl: Some(repl),
        ..lean(folder.path(), READY, "answer(q, outcome='errors', messages=['from our worker'])")
    };
    let mut process = started(&lean, Role::Elaborator).await;
    // Its errors count.
    let value = process.ask(&elaborate("", "by\n  bad"), LIMIT, MEMORY).await.unwrap();
    assert_eq!(value["messages"], json!(["2:2: error: bad\nindeed"]));
    // Its approval does not: our worker is asked, and would find errors.
    let value = process.ask(&elaborate("open Nat", "rfl"), LIMIT, MEMORY).await.unwrap();
    assert_eq!(value["messages"], json!(["from our worker"]));
    // A header that means nothing by itself goes before the theorem.
    let value = process.ask(&elaborate("bad in", "rfl"), LIMIT, MEMORY).await.unwrap();
    assert_eq!(value["outcome"], "errors");
    let file = Question::File { code: "example : 1 = 1 := sorry".into() };
    let value = process.ask(&file, LIMIT, MEMORY).await.unwrap();
    assert_eq!(value["sorries"][0]["goal"], "⊢ 1 = 1");
    let statement = Question::Statement { header: String::new(), signature: ": bad".into() };
    let value = process.ask(&statement, LIMIT, MEMORY).await.unwrap();
    assert_eq!(value["messages"], json!(["from our worker"]));
    process.kill().await;

    for (proof, expected) in
        [("noise", "unreadable"), ("endless", "too long"), ("strange", "Unknown environment")]
    {
        let mut process = started(&lean, Role::Elaborator).await;
        let reason = died(process.ask(&elaborate("", proof), LIMIT, MEMORY).await);
        assert!(reason.contains(expected), "{proof}: {reason}");
    }
    // The checker has none.
    let checker = started(&lean, Role::Checker).await;
    assert!(checker.first.is_none());
}
