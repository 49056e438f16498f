//! Configurations that need no running, and ways in which terms would be run.

use crate::gate::{check_proof, check_signature};
use proptest::prelude::*;

#[test]
fn values_that_need_no_running_pass() {
    for proof in [
        "by simp (maxSteps := 5)",
        "by simp (config := { contextual := true, zeta := false })",
        "by simp (config := { contextual := true\n                    zeta := false }) [h]",
        "by simp (config := { toConfig := { zeta := false }, maxSteps := 10 })",
        "by simp +contextual (maxSteps := 1000000) -failIfUnchanged only [h] at h ⊢",
        "by rw (occs := .pos [1, 2]) [h]",
        "by rw (occs := [2]) [h]",
        "by rw (config := { occs := .neg [1] }) [h]",
        "by decide (kernel := true)",
        "by mvcgen (stepLimit := some 5)",
        "by mvcgen (stepLimit := .some 5)",
        "by simp (disch := omega) [h]",
        "by simp (discharger := assumption) only [h]",
        "by apply_rules (transparency := .reducible) [h]",
        "by grind (splits := 5) (gen := 3) only [foo]",
        "by omega (config := {})",
        "by aesop (config := { maxRuleApplications := 300 }) (add norm foo)",
        "by linear_combination (exp := n) h",
    ] {
        check_proof(proof).unwrap_or_else(|reason| panic!("{proof}: {reason}"));
    }
}

#[test]
fn named_arguments_pass() {
    for proof in [
        "foo (n := n + 1)",
        "Nat.le_trans (m := k * 2) h h'",
        "by\n  induction n using Nat.rec (motive := fun n => n = n) with\n  | _ => rfl",
        "by rw [foo (max := k + 1)]; exact bar (index := n + 1) (by simp)",
        "by simp [foo (n := n + 1), bar (exp := k)]",
        "decide_eq_true (p := n = 0) h",
        "by exact decide (p := n < 3)",
        "(have := h; by omega)",
        "(let x := 5; rfl)",
        "(have : T := e; x)",
        "{ x with fst := y + 1, snd := f z }",
        "fun (x : Nat := 5 + 5) => x",
        "match x with | .node (left := l) (right := r) => h (left := l) | _ => g",
        "by constructor; exact symm (a := b + c) h",
    ] {
        check_proof(proof).unwrap_or_else(|reason| panic!("{proof}: {reason}"));
    }
}

const RUN: &[&str] = &[
    "simp (maxSteps := E)",
    "simpa (maxSteps := E)",
    "simp_all (maxSteps := E)",
    "simp? (maxSteps := E)",
    "simp! [foo] (maxSteps := E)",
    "dsimp (decide := E)",
    "dsimp? (zeta := E)",
    "simp (config := E)",
    "simp (config := { E with zeta := true })",
    "simp (config := { zeta := E })",
    "simp (config := { maxSteps := 5, zeta := E })",
    "simp (config := { contextual := true\n  zeta := E })",
    "simp (config := { toConfig := { zeta := E } })",
    "simp (toConfig.zeta := E)",
    "simp +arith (beta := E)",
    "simp -zeta only (beta := E) [foo]",
    "simp (beta := true) (eta := E)",
    "simp (disch := skip) (eta := E)",
    "simp ( maxSteps/- c -/:=\n -- d\n E)",
    "omega (splitNatSub := E)",
    "omega (config := E)",
    "decide (kernel := E)",
    "decide (native := E)",
    "decide (revert := E)",
    "grind (splits := E)",
    "grind? (gen := E)",
    "grind => finish (gen := E)",
    "grind => set_config (gen := E) in finish",
    "lia (config := E)",
    "lia (order := E)",
    "cutsat (splits := E)",
    "grobner (ring := E)",
    "rw (occs := E) [foo]",
    "rw (occs := .pos E) [foo]",
    "rw (occs := .pos [E]) [foo]",
    "rw (occs := .pos (E)) [foo]",
    "rewrite (transparency := E) [foo]",
    "erw (offsetCnstrs := E) [foo]",
    "norm_cast (zeta := E)",
    "push_cast (zeta := E)",
    "extract_lets (merge := E)",
    "lift_lets (types := E)",
    "solve_by_elim* (symm := E)",
    "solve_by_elim (exfalso := E)",
    "apply_rules (symm := E) [foo]",
    "mvcgen (leave := E)",
    "conv => simp (maxSteps := E)",
    "conv => lhs; rw (occs := E) [foo]",
    "norm_num (maxSteps := E)",
    "aesop (config := E)",
    "aesop (add norm foo) (simp_config := E)",
    "linarith (config := { E with })",
    "field_simp (anything := E)",
];

/// `E` is anything that would be run.
#[test]
fn what_would_be_run_is_refused() {
    for run in RUN {
        for term in [
            "f x",
            "id 5",
            "5 + 5",
            "(5)",
            "x",
            "by exact 5",
            "true && true",
            "if p then 1 else 2",
            ".f x",
            ".f (x)",
        ] {
            let proof = format!("by {}", run.replace('E', term));
            assert!(check_proof(&proof).is_err(), "{proof}");
            let signature = format!("(h : a = a := by {}) : True", run.replace('E', term));
            assert!(check_signature(&signature).is_err(), "{signature}");
        }
    }
}

proptest! {
    #[test]
    fn a_term_is_found_wherever_it_stands(
        index in 0..RUN.len(), before in "[a-z ]{0,10}", after in "[a-z ]{0,10}",
    ) {
        let run = RUN[index].replace('E', "f x");
        let proof = format!("by {before}\n  {run}\n  {after}");
        prop_assert!(check_proof(&proof).is_err());
    }
}
