//! Texts that eat the machine: each ends in a verdict in bounded time, and the pool is whole afterwards.
//!
//! They go past the gate, which refuses most of them, so that what stands behind it is tested.

use std::time::{Duration, Instant};

use Status::{Crashed, Failed, Proved, Rejected, Timeout};
use stp_datasets::{Status, Verdict};
use stp_verifier::{Candidate, Pool, Script};

use crate::common::{self, RUNTIME, candidate};

const WORKERS: usize = 2;
const LIMIT: Duration = Duration::from_secs(10);
/// A verdict of the limit, and the start of a new process if the last text cost one.
const BOUND: Duration = Duration::from_secs(60);

/// Runs a program while the text is elaborated.
fn runs(program: &str) -> Candidate {
    let proof = format!("by run_tac {program}; Lean.Elab.Tactic.evalTactic (← `(tactic| trivial))");
    Candidate { header: "import Lean".into(), ..candidate(": True", &proof) }
}

/// What it tries, the text, and the verdicts it may end in.
fn texts() -> Vec<(&'static str, Candidate, &'static [Status])> {
    let nested = |open: &str, count| format!("{}trivial{}", open.repeat(count), ")".repeat(count));
    let lines = format!("by\n  have : 1 = 1 := rfl{}\n  trivial", "\n  have : 1 = 1 := rfl".repeat(500_000));
    let comment = format!("by\n  /- {} -/\n  trivial", "x".repeat(10_000_000));
    let growing = "(f : Nat → Nat) (h : ∀ x, f x = f (f x + 1) + f (x + 2)) : f 0 = f 1 + 1";
    vec![
        (
            "nothing: it shows that such programs run",
            runs("(pure () : Lean.Elab.Tactic.TacticM Unit)"),
            &[Proved],
        ),
        (
            "runaway elaboration",
            candidate(growing, "by grind (splits := 1000) (ematch := 1000) (gen := 1000)"),
            &[Failed, Timeout],
        ),
        (
            "runaway kernel",
            candidate(": ∀ a b c d : Fin 64, a + b + c + d = d + c + b + a", "by decide +kernel"),
            &[Timeout],
        ),
        (
            "a list of a billion items",
            runs("(match List.range 1000000000 with | [] => IO.println \"\" | _ => pure ())"),
            &[Crashed, Timeout],
        ),
        ("four gigabytes at once", runs("(do IO.println (Array.replicate 1000000000 0).size)"), &[Crashed]),
        (
            "a number of a hundred million bits",
            candidate(": 2 ^ 100000000 % 3 = 1", "by decide +kernel"),
            &[Crashed, Failed, Timeout],
        ),
        ("100,000 parentheses", candidate(": True", &nested("(", 100_000)), &[Crashed, Failed, Timeout]),
        ("5,000 applications", candidate(": True", &nested("id (", 5_000)), &[Crashed, Failed, Timeout]),
        (
            "a recursion of the kernel's",
            candidate(": (List.replicate 100000000 0).length = 100000000", "by decide +kernel"),
            &[Crashed, Failed, Timeout],
        ),
        ("ten megabytes of tactics", candidate(": True", &lines), &[Crashed, Failed, Timeout]),
        ("ten megabytes of comment", candidate(": True", &comment), &[Proved]),
        (
            "a gigabyte of output",
            runs(&format!(
                "(do let s := \"xxxxxxxx\"{}; {})",
                "; let s := s ++ s".repeat(21),
                ["IO.println s"; 64].join("; ")
            )),
            &[Proved, Crashed, Timeout],
        ),
        ("a process of its own", runs("(do let _ ← IO.Process.spawn { cmd := \"/bin/sh\" })"), &[Failed]),
        ("the end of the process", runs("(do IO.Process.exit 0)"), &[Crashed]),
    ]
}

fn ask(pool: &Pool, candidate: Candidate) -> tokio::task::JoinHandle<(Status, Vec<String>, Duration)> {
    let pool = pool.clone();
    RUNTIME.spawn(async move {
        let began = Instant::now();
        let verdict = pool.check_ungated(candidate).await.unwrap();
        let messages = verdict.messages.iter().map(|text| text.chars().take(200).collect()).collect();
        (verdict.status, messages, began.elapsed())
    })
}

#[test]
fn each_ends_in_a_verdict_and_the_pool_stays_whole() {
    let pool = common::pool(WORKERS, LIMIT);
    for (name, text, allowed) in texts() {
        let hostile = ask(&pool, text);
        // A neighbour, which the other process judges meanwhile.
        let neighbour = ask(&pool, candidate("(a b : Nat) : a + b = b + a", "by omega"));
        assert_eq!(RUNTIME.block_on(neighbour).unwrap().0, Proved, "beside {name}");
        let (status, messages, took) = RUNTIME.block_on(hostile).unwrap();
        println!("{name}: {status:?} after {took:.1?} {messages:?}");
        assert!(allowed.contains(&status), "{name}: {status:?} {messages:?}");
        assert!(took < BOUND, "{name} took {took:?}");
    }
    // Both processes are there and work: each is held up by one of two, and both come to an end.
    let hang = || candidate(": ∀ a b c d : Fin 64, a + b + c + d = d + c + b + a", "by decide +kernel");
    for good in [false, true] {
        let began = Instant::now();
        let both = [(); WORKERS]
            .map(|()| ask(&pool, if good { candidate("(a : Nat) : a + 0 = a", "by simp") } else { hang() }));
        for one in both {
            assert_eq!(RUNTIME.block_on(one).unwrap().0, if good { Proved } else { Timeout });
        }
        assert!(began.elapsed() < LIMIT * 2 + BOUND, "they worked side by side");
    }
    RUNTIME.block_on(pool.shutdown());
}

#[test]
fn the_gate_refuses_what_runs_and_what_is_too_long() {
    // What passed it would be proved.
    let pool = Pool::scripted(Script::new(|_| Verdict::new(Proved, "")));
    assert_eq!(common::check_with(&pool, ": True", "trivial").status, Proved);
    for (name, text, _) in texts() {
        let runs = text.proof.contains("run_tac");
        if runs || text.proof.len() > 1_000_000 {
            let verdict = common::check_with(&pool, ": True", &text.proof);
            assert_eq!(verdict.status, Rejected, "{name}");
        }
    }
}
