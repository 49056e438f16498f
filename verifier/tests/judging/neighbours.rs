//! One candidate changes no other's verdict, and what passes the gate stays within its own declaration.
//! Hostile candidates go around the gate here: Lean must see them for their neighbours to be in danger.

use std::path::Path;

use crate::common::{POOL, RUNTIME, candidate};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use stp_datasets::Status;
use stp_verifier::gate;

const SUM: &str = "(a b : Nat) : a + b = b + a";

/// (statement, proof, its verdict alone)
const BATCH: &[(&str, &str, Status)] = &[
    (SUM, "by omega", Status::Proved),
    (SUM, "Nat.add_comm a b", Status::Proved),
    (SUM, "by simp [Nat.add_comm]", Status::Proved),
    (SUM, "by\n  rw [Nat.mul_comm]", Status::Failed),
    ("(n : Nat) : n + 0 = n", "by simp", Status::Proved),
    ("(n : Nat) : n + 0 = n", "leaked n", Status::Failed),
    (": 1 + 1 = 3", "rfl", Status::Failed),
    (": False", "by trivial", Status::Failed),
    (": (default : Nat) = 0", "by decide", Status::Proved),
    ("(xs : List Nat) : xs ++ [] = xs", "by simp", Status::Proved),
    ("(a : Nat) : a = b", "rfl", Status::StatementError),
    // Things meant to stay behind.
    ("(n : Nat) : n + 0 = n", "rfl\ntheorem leaked (n : Nat) : n + 0 = n := rfl", Status::Rejected),
    (": True", "trivial\nattribute [-simp] Nat.add_zero List.append_nil", Status::Rejected),
    (": True", "trivial\ninstance : Inhabited Nat := ⟨7⟩", Status::Rejected),
    (": True", "trivial\nset_option maxHeartbeats 1", Status::Rejected),
    (": True", "trivial\nmacro_rules | `(tactic| trivial) => `(tactic| sorry)", Status::Rejected),
    (": 1 + 1 = 3", "rfl\ninfixl:65 \" + \" => fun _ _ => 3", Status::Failed),
    (": 1 = 2", "by set_option debug.skipKernelTC true in decide +kernel", Status::Failed),
    (": True", "by set_option maxRecDepth 50 in exact ((((((((trivial))))))))", Status::Proved),
    (": False", "by sorry", Status::Rejected),
];

/// The statuses of the candidates with these places in `BATCH`, all waiting in the queue at once.
fn judge(order: &[usize]) -> Vec<Status> {
    let checks: Vec<_> = order
        .iter()
        .map(|&place| {
            let candidate = candidate(BATCH[place].0, BATCH[place].1);
            RUNTIME.spawn(async move { POOL.check_ungated(candidate).await })
        })
        .collect();
    checks.into_iter().map(|check| RUNTIME.block_on(check).unwrap().unwrap().status).collect()
}

#[test]
fn no_batch_changes_a_verdict() {
    let orders = Just((0..BATCH.len()).collect::<Vec<_>>()).prop_shuffle();
    let batches = (orders, 1..=BATCH.len()).prop_map(|(mut order, size)| {
        order.truncate(size.max(10));
        order
    });
    TestRunner::new(Config {
        cases: 8,
        max_shrink_iters: 20,
        failure_persistence: None,
        ..Config::default()
    })
    .run(&batches, |order| {
        for (place, status) in order.iter().zip(judge(&order)) {
            prop_assert_eq!(status, BATCH[*place].2, "{}", BATCH[*place].1);
        }
        Ok(())
    })
    .unwrap();
}

/// Statement and proof of a file of `tests/cheats/`.
fn cheat(name: &str) -> (String, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/cheats/{name}.lean"));
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("\n-- statement: ").unwrap();
    let (statement, proof) = rest.split_once('\n').unwrap();
    (statement.to_owned(), proof.trim_end().to_owned())
}

/// Each of these changes the type of a library theorem in the memory of its process to `False`.
const POISONS: [&str; 6] =
    ["neighbour_1_write", "config_simp", "config_omega", "memory_align_3", "memory_scan", "memory_float"];

#[test]
fn a_poisoned_process_proves_nothing_false() {
    let use_it: Vec<_> = (1..=3).map(|number| cheat(&format!("neighbour_2_use_{number}"))).collect();
    for poison in POISONS {
        let (statement, proof) = cheat(poison);
        let poisoned = RUNTIME.block_on(POOL.check_ungated(candidate(&statement, &proof))).unwrap();
        assert_ne!(poisoned.status, Status::Proved, "{poison}");
        // As many as reach every process, all at once.
        let after: Vec<_> = use_it
            .iter()
            .cycle()
            .take(12)
            .map(|(statement, proof)| {
                let candidate = candidate(statement, proof);
                RUNTIME.spawn(async move { POOL.check(candidate).await })
            })
            .collect();
        for check in after {
            let verdict = RUNTIME.block_on(check).unwrap().unwrap();
            assert_eq!(verdict.status, Status::Failed, "after {poison}: {verdict:?}");
        }
        let honest = RUNTIME.block_on(POOL.check(candidate(SUM, "by omega"))).unwrap();
        assert_eq!(honest.status, Status::Proved, "after {poison}: {honest:?}");
    }
}

/// Pieces of proofs and of commands, to be strung together at random after `trivial`.
const PIECES: &[&str] = &[
    "\n",
    "\n  ",
    " ",
    " ",
    "(",
    ")",
    "[",
    "]",
    ".",
    ",",
    ":=",
    "|",
    "=>",
    "--",
    "/-",
    "-/",
    "/--",
    "'",
    "\"",
    "\\",
    "<-",
    "//",
    "#",
    "@",
    "r\"",
    "1",
    "1r\"",
    "in",
    "x",
    "_",
    "at",
    "where",
    "with",
    "then",
    "fun x =>",
    "open Nat in",
    "open Nat",
    "set_option maxRecDepth 100 in",
    "set_option maxRecDepth 100",
    "scoped",
    "trivial",
    "by",
    "exact",
    "theorem t : True :=",
    "axiom h : False",
    "#eval 1",
    "#check Nat",
    "example : True :=",
    "end",
    "variable (n : Nat)",
    "section",
    "namespace A",
    "def f := 1",
    "deriving instance Repr for Nat",
    "mutual",
    "instance",
    "universe u",
    "import Lean",
    "initialize",
    "export Nat (add)",
    "attribute [simp] f",
    "/-! x -/",
    "''",
    "/-/- -/",
    "--/",
    "0x",
    "1e",
    "1.",
    "]'",
    "⁻¹'",
    "‖",
    "é",
    "≃o",
    "#v[1]",
    "0#w",
    "_root_.x",
    "termination_by 1",
    "decreasing_by omega",
    "stop",
    "native",
    "(maxSteps := 5)",
    "simp",
    "«x»",
];

#[test]
fn what_passes_the_gate_is_one_declaration() {
    let texts = prop::collection::vec(prop::sample::select(PIECES), 1..5)
        .prop_map(|pieces| {
            format!("trivial{}{}", if pieces.len() % 2 == 0 { "\n" } else { " " }, pieces.join(" "))
        })
        .prop_filter("refused by the gate", |text| gate::check_proof(text).is_ok());
    TestRunner::new(Config {
        cases: 150,
        max_shrink_iters: 50,
        max_local_rejects: 100_000,
        max_global_rejects: 100_000,
        failure_persistence: None,
        ..Config::default()
    })
    .run(&texts, |text| {
        let verdict = RUNTIME.block_on(POOL.check_ungated(candidate(": True", &text))).unwrap();
        // Lean may refuse the text, but it may never find a second declaration in it.
        prop_assert!(verdict.status != Status::Rejected, "{}: {:?}", text, verdict);
        Ok(())
    })
    .unwrap();
}
