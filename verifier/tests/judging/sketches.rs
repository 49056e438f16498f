//! Sketches of proofs that fail: the goals that are left, and proofs of them put back.

use stp_datasets::{Goal, Sketch, Status};
use stp_verifier::toolchain::Toolchain;
use stp_verifier::{Candidate, Pool, PoolConfig, SketchReport, command_line};

use crate::common::{POOL, RUNTIME, managed};

/// What is asked, what becomes of it, and a proof for each of its holes.
struct Case {
    header: &'static str,
    signature: &'static str,
    proof: &'static str,
    sketch: &'static str,
    goals: &'static [&'static str],
    proofs: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        header: "",
        signature: "(a b : Nat) : a + b = b + a ∧ a * 0 = 0",
        proof: "by\n  constructor\n  · rw [Nat.mul_comm]\n  · simp",
        sketch: "by\n  constructor\n  · sorry\n  · simp",
        goals: &["(a b : Nat) : a + b = b + a"],
        proofs: &["by omega"],
    },
    // The rules before the failing one are kept, and so is what stands before a combinator.
    Case {
        header: "",
        signature: "(a m n : Nat) : a ^ (m * n) = (a ^ m) ^ n",
        proof: "by\n  induction n with\n  | zero => simp\n  | succ k ih => rw [Nat.mul_succ, Nat.foo]; simp",
        sketch: "by\n  induction n with\n  | zero => simp\n  | succ k ih => rw [Nat.mul_succ]\n                 sorry",
        goals: &["(a m k : Nat) (ih : a ^ (m * k) = (a ^ m) ^ k) : a ^ (m * k + m) = (a ^ m) ^ (k + 1)"],
        proofs: &["by rw [Nat.pow_add, ih, Nat.pow_succ]"],
    },
    Case {
        header: "",
        signature: "(p q : Prop) (h : p ∨ q) : q ∨ p",
        proof: "by\n  cases h <;> exact Or.inl (by assumption)",
        sketch: "by\n  cases h\n  sorry\n  sorry",
        goals: &["(p q : Prop) (h : p) : q ∨ p", "(p q : Prop) (h : q) : q ∨ p"],
        proofs: &["by\n  exact Or.inr h", "Or.inl h"],
    },
    // Inaccessible and shadowed names, instances, universes.
    Case {
        header: "universe u",
        signature: "{α : Type u} [BEq α] [LawfulBEq α] (a : α) (l : List α) (h : a ∈ l) : l ≠ []",
        proof: "by\n  intro h2\n  rw [h2] at h\n  omega",
        sketch: "by\n  intro h2\n  rw [h2] at h\n  sorry",
        goals: &[
            "{α : Type u} [inst_1 : BEq α] [inst : LawfulBEq α] (a : α) (l : List α) (h : a ∈ []) (h2 : l = []) : False",
        ],
        proofs: &["by simp at h"],
    },
    Case {
        header: "",
        signature: "(f : Nat → Nat) (h : ∀ x, f x = x) : f (f 2) = 2",
        proof: "by\n  have h := h (f 2)\n  omega",
        sketch: "by\n  have h := h (f 2)\n  sorry",
        goals: &["(f : Nat → Nat) (h_1 : ∀ (x : Nat), f x = x) (h : f (f 2) = f 2) : f (f 2) = 2"],
        proofs: &["by rw [h, h_1]"],
    },
    // What a goal is said of for all is no hypothesis.
    Case {
        header: "",
        signature: "(p : Nat → Prop) (h : ∀ n, p n) : (∀ n, p (n + 1)) ∧ True",
        proof: "by\n  constructor\n  · foo\n  · trivial",
        sketch: "by\n  constructor\n  · sorry\n  · trivial",
        goals: &["(p : Nat → Prop) (h : ∀ (n : Nat), p n) : ∀ (n : Nat), p (n + 1)"],
        proofs: &["by\n  intro k\n  exact h (k + 1)"],
    },
    // `let` is abstracted again; `have`, `calc`, `show … from` have blocks of their own.
    Case {
        header: "",
        signature: "(n : Nat) : ∃ m, m > n",
        proof: "by\n  have h : n < n + 1 := by rfl\n  let k := n + 1\n  have : k = n + 1 := by exact 5\n  exact ⟨k, h⟩",
        sketch: "by\n  have h : n < n + 1 := by sorry\n  let k := n + 1\n  have : k = n + 1 := by sorry\n  exact ⟨k, h⟩",
        goals: &["(n : Nat) : n < n + 1", "(n : Nat) (h : n < n + 1) : (let k := n + 1; k = n + 1)"],
        proofs: &["by omega", "by\n  intro k\n  rfl"],
    },
    Case {
        header: "",
        signature: "(a b c : Nat) (h : a = b) (h2 : b = c) : a = c",
        proof: "by\n  calc a = b := by omega\n    _ = c := by exact h",
        sketch: "by\n  calc a = b := by omega\n    _ = c := by sorry",
        goals: &["(a b c : Nat) (h : a = b) (h2 : b = c) : b = c"],
        proofs: &["h2"],
    },
    // A `match` in a statement is a definition of each theorem's own.
    Case {
        header: "",
        signature: "(s : Nat × Nat) : (match s with | (a, b) => a + b) = s.1 + s.2",
        proof: "by\n  cases s with\n  | mk a b => exact foo",
        sketch: "by\n  cases s with\n  | mk a b => sorry",
        goals: &["(a b : Nat) : (match (a, b) with | (a, b) => a + b) = (a, b).fst + (a, b).snd"],
        proofs: &["by rfl"],
    },
    Case {
        header: "theorem foo (n : Nat) : n = n := rfl\nnamespace A\ndef f (n : Nat) := n",
        signature: "(n : Nat) : A.f n = n ∧ A.f n = n",
        proof: "by\n  constructor\n  · unfold A.f; omega; rfl\n  · rw [foo (A.f n)]; simp [A.g]",
        sketch: "by\n  constructor\n  · unfold A.f; omega\n  · rw [foo (A.f n)]; sorry",
        goals: &["(n : Nat) : f n = n"],
        proofs: &["by rfl"],
    },
    // What goes too far is dropped; what nobody knows ends what can be read.
    Case {
        header: "open Nat in",
        signature: "(n : Nat) (h : succ n > 2) : n + n > 3 ∧ n > 1",
        proof: "by\n  constructor\n  · nlinarith [h,\n      h]\n  · omega\n    rfl",
        sketch: "by\n  constructor\n  · sorry\n  · omega",
        goals: &["(n : Nat) (h : n.succ > 2) : n + n > 3"],
        proofs: &["by omega"],
    },
    // A parser passes over what is no Lean, and finds the theorem whole before it.
    Case {
        header: "",
        signature: ": 1 = 1",
        proof: "by\n  have h : 2 = 2 := by foo := by omega\n  |",
        sketch: "by\n  have h : 2 = 2 := by sorry\n  sorry",
        goals: &[": 2 = 2", "(h : 2 = 2) : 1 = 1"],
        proofs: &["rfl", "by rfl"],
    },
    // Several goals in one place, and a goal for each `sorry` that stands in the text.
    Case {
        header: "",
        signature: "(n : Nat) (h : n > 2) : n + n > 4 ∧ n = n ∧ n > 1",
        proof: "by\n  refine ⟨?_, ?_, ?_⟩\n  all_goals rfl",
        sketch: "by\n  refine ⟨?_, ?_, ?_⟩\n  sorry\n  sorry\n  sorry",
        goals: &[
            "(n : Nat) (h : n > 2) : n + n > 4",
            "(n : Nat) (h : n > 2) : n = n",
            "(n : Nat) (h : n > 2) : n > 1",
        ],
        proofs: &["by omega", "rfl", "by\n  omega"],
    },
    Case {
        header: "",
        signature: "(n : Nat) (h : n > 2) : n + n > 4 ∧ n = n ∧ n > 1",
        proof: "by\n  refine ⟨sorry, rfl, by sorry⟩",
        sketch: "by\n  refine ⟨sorry, rfl, by sorry⟩",
        goals: &["(n : Nat) (h : n > 2) : n + n > 4", "(n : Nat) (h : n > 2) : n > 1"],
        proofs: &["by omega", "by omega"],
    },
    // Steps of one line: goals are asked for in that line, and their proofs keep to themselves.
    Case {
        header: "",
        signature: "(p q : Prop) (hp : p) (hq : q) : p ∧ q",
        proof: "by constructor; rfl",
        sketch: "by constructor; sorry; sorry",
        goals: &["(p q : Prop) (hp : p) (hq : q) : p", "(p q : Prop) (hp : p) (hq : q) : q"],
        proofs: &["by assumption", "hq"],
    },
    Case {
        header: "",
        signature: "(p q : Prop) (hp : p) (hq : q) : p ∧ q",
        proof: "by constructor; try exact hp",
        sketch: "by constructor; (try exact hp); sorry",
        goals: &["(p q : Prop) (hp : p) (hq : q) : q"],
        proofs: &["hq"],
    },
    Case {
        header: "",
        signature: "(p q : Prop) (h : p ∨ q) : q ∨ p",
        proof: "by cases h with | inl a => sorry | inr b => sorry",
        sketch: "by cases h with | inl a => sorry | inr b => sorry",
        goals: &["(p q : Prop) (a : p) : q ∨ p", "(p q : Prop) (b : q) : q ∨ p"],
        proofs: &["by\n  right\n  exact a", "by left; exact b"],
    },
];

fn sketch(pool: &Pool, header: &str, signature: &str, proof: &str) -> SketchReport {
    RUNTIME.block_on(pool.sketch(Candidate::new(header, signature, proof))).unwrap()
}

fn goals(sketch: &Sketch) -> Vec<&str> {
    sketch.holes.iter().map(|hole| hole.signature().unwrap_or_else(|| panic!("{hole:?}"))).collect()
}

#[test]
fn goals_are_statements_and_their_proofs_fit_in() {
    for case in CASES {
        let Case { header, signature, proof, .. } = *case;
        let report = sketch(&POOL, header, signature, proof);
        let SketchReport::Sketch(sketch) = report else { panic!("{signature}: {report:?}") };
        assert_eq!(sketch.proof, case.sketch, "{signature}");
        assert_eq!(goals(&sketch), case.goals, "{signature}");
        for (goal, proof) in case.goals.iter().zip(case.proofs) {
            let verdict = RUNTIME.block_on(POOL.check(Candidate::new(header, *goal, *proof))).unwrap();
            assert!(verdict.is_proved(), "{goal} {proof}: {verdict:?}");
        }
        let whole = sketch.filled(|index| Some(case.proofs[index])).unwrap();
        let verdict = RUNTIME.block_on(POOL.check(Candidate::new(header, signature, &whole))).unwrap();
        assert!(verdict.is_proved(), "{signature}\n{whole}\n{verdict:?}");
        let open = RUNTIME.block_on(POOL.check(Candidate::new(header, signature, &sketch.proof))).unwrap();
        assert_eq!(open.status, Status::Rejected, "a sketch proves nothing");
    }
}

#[test]
fn what_has_no_sketch_says_why() {
    let reasons = [
        (": 1 = 1", "foo", "no tactic to cut"),
        ("(n : Nat) : n = m", "by simp", "m"),
        (": 1 = 1", "by\n  exact (rfl", "missing"),
        (": 1 = 1", "by\n  rfl\n\ntheorem more : 2 = 2 := rfl", "belongs to commands"),
        (": 1 = 1", "by\n  run_tac foo\n  simp", "run_tac"),
        (": 1 = 1 := by simp", "by simp", ":="),
        (": 1 = 1", "by\n  have h : 2 = 2 := by omega := by omega\n  |", "does not parse"),
        (": 1 = 1", "", "empty"),
    ];
    for (signature, proof, reason) in reasons {
        match sketch(&POOL, "", signature, proof) {
            SketchReport::None { reason: said } => {
                assert!(said.contains(reason), "{signature} {proof}: {said}")
            }
            sketch => panic!("{signature} {proof}: {sketch:?}"),
        }
    }
    let data = sketch(&POOL, "", "(n : Nat) : ∃ m, m > n", "by\n  refine ⟨?_, ?_⟩\n  · foo\n  · omega");
    let Some(data) = data.sketch() else { panic!() };
    assert!(matches!(&data.holes[0].goal, Goal::Refused { reason } if reason.contains("data")), "{data:?}");
    for proof in ["by apply sorry", "by simpa using sorry"] {
        let untyped = sketch(&POOL, "", "(n : Nat) (h : n > 2) : n > 1", proof);
        let Some(untyped) = untyped.sketch() else { panic!("{proof}") };
        let said = untyped.holes.iter().any(
            |hole| matches!(&hole.goal, Goal::Refused { reason } if reason.contains("what is to be proved")),
        );
        assert!(said, "{untyped:?}");
    }
}

#[test]
fn a_proof_that_holds_has_no_holes() {
    let report = sketch(&POOL, "", "(n : Nat) : n + 0 = n", "by simp");
    assert_eq!(report, SketchReport::Sketch(Sketch { proof: "by simp".into(), ..Sketch::default() }));
}

/// Three sketches together take more than the limit, and none alone.
#[test]
fn the_limit_is_that_of_one_sketch() {
    let config = PoolConfig { workers: 1, max_heartbeats: 1_000, ..PoolConfig::default() };
    let pool = {
        let _inside = RUNTIME.enter();
        Pool::start(&Toolchain::Managed(managed()), config)
    };
    let case = &CASES[1];
    for _ in 0..8 {
        let report = sketch(&pool, case.header, case.signature, case.proof);
        let SketchReport::Sketch(sketch) = report else { panic!("{report:?}") };
        assert_eq!(goals(&sketch), case.goals);
    }
}

/// Beside the scripts, where the next process finds it.
#[test]
fn the_program_of_sketches_is_compiled() {
    let report = sketch(&POOL, "", "(n : Nat) : n + 0 = n", "by simp");
    assert!(matches!(report, SketchReport::Sketch(_)), "{report:?}");
    let lean = command_line(&managed()).unwrap();
    let folder = std::path::Path::new(&lean.args[1]).parent().unwrap();
    let compiled = folder.join("sketch.compiled").metadata().unwrap();
    assert!(compiled.len() > 1_000_000, "{compiled:?}");
}
