//! Verdicts of the managed Lean: every kind, and the cheats that give no error.

use crate::common::{POOL, RUNTIME, candidate, check, check_with, pool, status};
use std::time::Duration;
use stp_datasets::Status;

#[test]
fn proofs_of_the_statement_are_proved() {
    for (signature, proof) in [
        ("(a b : Nat) : a + b = b + a", "by\n  rw [Nat.add_comm]"),
        ("(a b : Nat) : a + b = b + a", "Nat.add_comm a b"),
        ("(p q : Prop) (h : p ∧ q) : q ∧ p", "by\n  obtain ⟨hp, hq⟩ := h\n  exact ⟨hq, hp⟩"),
        (
            "(n : Nat) : 0 + n = n",
            "by\n  induction n with\n  | zero => rfl\n  | succ n ih => rw [← Nat.add_assoc, ih]",
        ),
        (": 2 ^ 10 = 1024", "by decide"),
        ("{α : Type} (xs : List α) : xs ++ [] = xs", "by\n  simp -- end of the sorry"),
        ("(p : Prop) : p ∨ ¬p", "Classical.em p"),
    ] {
        let verdict = check(signature, proof);
        assert_eq!(verdict.status, Status::Proved, "{proof}: {verdict:?}");
        assert!(verdict.messages.is_empty());
    }
}

#[test]
fn axioms_and_premises_are_named() {
    let verdict =
        check("(xs ys : List Nat) : (xs ++ ys).length = ys.length + xs.length", "by\n  simp [Nat.add_comm]");
    assert_eq!(verdict.axioms, ["propext"]);
    assert_eq!(verdict.premises, ["Nat.add_comm"]);
    assert_eq!(verdict.implicit_premises, ["List.length_append"]);
}

#[test]
fn wrong_proofs_fail_with_leans_words() {
    let verdict = check("(a b : Nat) : a + b = b + a", "by\n  rw [Nat.mul_comm]");
    assert_eq!(verdict.status, Status::Failed);
    assert!(verdict.messages[0].starts_with("2:6: error: Tactic `rewrite` failed"), "{:?}", verdict.messages);
    assert_eq!(status("(a : Nat) : a = a + 1", "by\n  omega"), Status::Failed);
    assert_eq!(status("(a b : Nat) : a + b = b + a", "Nat.add_comm b"), Status::Failed);
    assert_eq!(status("(a b : Nat) : a + b = b + a", "by\n  skip"), Status::Failed);
}

#[test]
fn bad_statements_are_told_from_bad_proofs() {
    for signature in ["(a : Nat) : a + c = a", ": 3", ": ∀ x, x ="] {
        assert_eq!(status(signature, "by simp"), Status::StatementError, "{signature}");
    }
}

#[test]
fn cheats_without_an_error_are_rejected() {
    for (signature, proof) in [
        (": False", "by sorry"),
        (": False", "sorryAx _ false"),
        (": 2 ^ 64 % 7 = 2", "by native_decide"),
        (": 1 = 2", "by set_option debug.skipKernelTC true in decide +kernel"),
        (": False", "h\naxiom h : False"),
        (": 1 = 2", "by decide +native"),
        (": 1 + 1 = 3", "rfl\nlocal infixl:65 \" + \" => fun _ _ => 3"),
        (": False", "h\nvariable (h : False)\ninclude h"),
        (": False", "by trivial\nlocal macro_rules | `(tactic| trivial) => `(tactic| sorry)"),
        (": False", "stp_target"),
        (": True", "trivial\n#eval 1"),
    ] {
        assert_eq!(status(signature, proof), Status::Rejected, "{proof}");
    }
}

#[test]
fn an_earlier_proof_does_not_help_a_later_one() {
    assert_eq!(
        status(
            "(n : Nat) (h : n * n = 49) (g : n < 9) : n = 7",
            "by\n  have : n < 9 := g\n  match n, g, h with\n  | 7, _, _ => rfl\n  | 0, _, h | 1, _, h | 2, _, h | 3, _, h | 4, _, h | 5, _, h | 6, _, h | 8, _, h => simp at h"
        ),
        Status::Proved
    );
    // Were the theorem before still there, its name would be known.
    assert_eq!(status(": True", "(fun _ => trivial) earlier"), Status::Failed);
}

#[test]
fn a_hanging_and_a_crashing_candidate_cost_their_neighbours_nothing() {
    let pool = pool(1, Duration::from_secs(8));
    let hang = (": ∀ a b c d : Fin 64, a + b + c + d = d + c + b + a", "by decide +kernel");
    let deep = format!("by exact {}trivial{}", "(".repeat(190), ")".repeat(190));
    let good = ("(a b : Nat) : a + b = b + a", "by omega");
    let jobs = [good, hang, good, (": True", deep.as_str()), good];
    let checks: Vec<_> = jobs
        .map(|(s, p)| {
            RUNTIME.spawn({
                let pool = pool.clone();
                let c = candidate(s, p);
                async move { pool.check(c).await }
            })
        })
        .into();
    let statuses: Vec<_> =
        checks.into_iter().map(|check| RUNTIME.block_on(check).unwrap().unwrap().status).collect();
    assert_eq!((statuses[0], statuses[2], statuses[4]), (Status::Proved, Status::Proved, Status::Proved));
    assert_eq!(statuses[1], Status::Timeout);
    assert_eq!(statuses[3], Status::Proved);
    // The replacement of the killed process is up when it has judged something.
    assert_eq!(RUNTIME.block_on(pool.check(candidate(": 1 + 1 = 2", "rfl"))).unwrap().status, Status::Proved);
    let stats = pool.stats();
    // The checker, an elaborator, and the one that replaced it.
    assert_eq!((stats.timeouts, stats.starts), (1, 3), "{stats:?}");
    assert!(stats.peak_rss > 0);
    RUNTIME.block_on(pool.shutdown());
    assert!(RUNTIME.block_on(pool.check(candidate(": True", "trivial"))).is_err());
}

#[test]
fn order_and_neighbours_change_no_verdict() {
    let batch = [
        ("(a b : Nat) : a * b = b * a", "by\n  rw [Nat.mul_comm]"),
        ("(a b : Nat) : a * b = b + a", "by\n  omega"),
        (": False", "by sorry"),
        ("(xs : List Nat) : xs.reverse.reverse = xs", "by\n  simp"),
        ("(a : Nat) : a = b", "rfl"),
        ("(p q : Prop) (hp : p) (hq : q) : p ∧ q", "by exact ⟨hp, hq⟩"),
    ];
    let forward: Vec<_> = batch.iter().map(|(s, p)| status(s, p)).collect();
    let backward: Vec<_> = batch.iter().rev().map(|(s, p)| status(s, p)).collect();
    assert_eq!(forward, backward.into_iter().rev().collect::<Vec<_>>());
    assert_eq!(forward[5], Status::Proved);
}

#[test]
fn fingerprints_ignore_names_and_spaces_only() {
    let print =
        |signature: &str| RUNTIME.block_on(POOL.statement("", signature)).unwrap().fingerprint.unwrap();
    assert_eq!(print("(a b : Nat) : a + b = b + a"), print("(x   y : Nat) : x + y = y + x"));
    assert_eq!(print("(a b : Nat) : a + b = b + a"), print(": ∀ x y : Nat, x + y = y + x"));
    assert_ne!(print("(a b : Nat) : a + b = b + a"), print("(a b : Int) : a + b = b + a"));
    assert_ne!(print(": 2 + 2 = 4"), print(": 2 + 3 = 5"));
    // What the header declares counts by what it is, and so do universes.
    let below = |header: &str, signature: &str| {
        RUNTIME.block_on(POOL.statement(header, signature)).unwrap().fingerprint.unwrap()
    };
    let same = |u: &str, v: &str| format!("(α : Type {u}) (β : Type {v}) : α = α ∧ β = β");
    assert_eq!(below("universe u v", &same("u", "v")), below("universe w t", &same("w", "t")));
    assert_ne!(below("universe u v", &same("u", "v")), below("universe u", &same("u", "u")));
    let twins = "inductive A | x\ninductive B | x";
    assert_eq!(below(twins, ": A = B"), below("inductive C | y\ninductive D | y", ": C = D"));
    assert_ne!(below(twins, ": A = B"), below(twins, ": A = A"));
    let kind = |first: &str, second: &str| {
        let function =
            "noncomputable def f (t : T) : Nat := @T.rec (fun _ => Nat) Nat.zero (Nat.succ Nat.zero) t";
        format!("inductive T | {first} | {second}\n{function}")
    };
    assert_ne!(below(&kind("a", "b"), ": f T.a = 1"), below(&kind("b", "a"), ": f T.a = 1"));
    assert_eq!(below(&kind("a", "b"), ": f T.a = 1"), below(&kind("b", "a"), ": f T.b = 1"));
    let report = RUNTIME.block_on(POOL.statement("", "(a : Nat) : b = a")).unwrap();
    assert!(!report.ok && report.messages[0].contains("Unknown identifier `b`"), "{report:?}");
}

#[test]
fn signatures_of_library_theorems() {
    let names = ["Nat.add_comm".to_owned(), "No.such".to_owned()];
    let found = RUNTIME.block_on(POOL.signatures(&names)).unwrap();
    assert_eq!(found, [Some("(n m : Nat) : n + m = m + n".to_owned()), None]);
}

#[test]
fn the_library_lists_its_theorems() {
    let names = RUNTIME.block_on(POOL.theorems()).unwrap();
    assert!(names.len() > 10_000 && names.is_sorted(), "{}", names.len());
    for known in ["Nat.add_comm", "List.append_assoc", "and_comm"] {
        assert!(names.iter().any(|name| name == known), "{known}");
    }
    let strange = |name: &&String| name.starts_with("_private") || *name == "Nat.rec" || *name == "Nat.add";
    assert_eq!(names.iter().find(strange), None);
}

#[test]
fn a_header_brings_its_imports_and_opens() {
    let with_header = stp_verifier::Candidate::new(
        "import Std.Data.HashMap\nopen Nat",
        "(a b : Nat) (h : a < b) : a + 1 ≤ b",
        "by\n  have := (∅ : Std.HashMap Nat Nat)\n  exact succ_le_of_lt h",
    );
    let verdict = RUNTIME.block_on(POOL.check(with_header)).unwrap();
    assert_eq!(verdict.status, Status::Proved, "{verdict:?}");
    assert_eq!(
        check_with(&POOL, "(a b : Nat) (h : a < b) : a + 1 ≤ b", "succ_le_of_lt h").status,
        Status::Failed
    );
}

#[test]
fn a_header_is_divided_where_lean_divides_it() {
    let opened = "/-\nimport No.Such\n-/ import Init import Init -- x\r\nopen Nat";
    for (header, signature, proof, expected) in [
        ("import Init def two := 2", ": two = 2", "rfl", Status::Proved),
        ("import Init local instance : Add Nat := ⟨fun _ _ => 0⟩", ": 1 + 1 = 2", "by rfl", Status::Failed),
        (opened, "(a b : Nat) (h : a < b) : a + 1 ≤ b", "succ_le_of_lt h", Status::Proved),
        ("open Nat\nimport Init", ": True", "trivial", Status::StatementError),
        ("import", ": True", "trivial", Status::StatementError),
        ("module\nimport Init", ": True", "trivial", Status::StatementError),
    ] {
        let candidate = stp_verifier::Candidate::new(header, signature, proof);
        for candidate in [candidate.clone(), candidate.foreign()] {
            let verdict = RUNTIME.block_on(POOL.check(candidate)).unwrap();
            assert_eq!(verdict.status, expected, "{header}: {verdict:?}");
        }
    }
}

#[test]
fn deep_texts_have_a_verdict_and_cost_no_process() {
    let arrows = format!(": {}True", "True → ".repeat(5_000));
    let verdict = check(&arrows, "by intros; trivial");
    assert!(!matches!(verdict.status, Status::Crashed | Status::Timeout), "{verdict:?}");
    let steps: String = (0..300)
        .map(|i| format!("  have h{i} : {i} ≤ n + {i} := by\n    · exact Nat.le_add_left {i} n\n"))
        .collect();
    let verdict = check("(n : Nat) : 299 ≤ n + 299", &format!("by\n{steps}  exact h299"));
    assert_eq!(verdict.status, Status::Proved, "{verdict:?}");
}
