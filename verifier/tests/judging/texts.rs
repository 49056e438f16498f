//! Whole texts: which of them prove a statement, and what in them is a theorem.

use crate::common::{POOL, RUNTIME};
use stp_datasets::Status;
use stp_verifier::{FileJudgement, Trust};

#[test]
fn a_text_proves_a_statement_whatever_it_calls_things() {
    // Lean makes a function of the pattern, named after the first theorem that needs it.
    let pairs = "(xs : List (Nat × Nat)) : (xs.map fun (a, b) => (a, b)) = xs";
    let own = format!("theorem x {pairs} := by simp");
    let shared = format!("theorem first {pairs} := by simp\nprivate theorem x {pairs} := first xs");
    let same = "(α : Type u) (a : α) : a = a";
    let universe = "theorem y.{v} (α : Type v) (a : α) : a = a := rfl";
    for (header, signature, text) in
        [("", pairs, own.as_str()), ("", pairs, shared.as_str()), ("universe u", same, universe)]
    {
        let statement = Some((header, signature, Trust::Trusted));
        let verdict = RUNTIME.block_on(POOL.judge_source(text, None, statement)).unwrap();
        assert_eq!(verdict.status, Status::Proved, "{text}: {verdict:?}");
    }
}

#[test]
fn examples_are_theorems_where_they_have_a_proposition() {
    let layout = " ".repeat("example : 1 = 1 ∧ 2 = 2 := by ".chars().count());
    let text = format!(
        "variable (p : Prop) (hp : p)\n/-- An example of a theorem. -/\nexample : p := hp\n\
         example := Nat.add_comm\nexample : Nat := 3\n\
         example : 1 = 1 ∧ 2 = 2 := by constructor\n{layout}all_goals rfl\nexample : 1 = 2 := rfl\n"
    );
    let judgement = RUNTIME.block_on(POOL.judge_file(&text)).unwrap();
    let FileJudgement::Done(file) = judgement else { panic!("{judgement:?}") };
    let found: Vec<_> =
        file.theorems.iter().map(|it| (it.pos.line, it.name.as_str(), it.verdict.status)).collect();
    let expected = [(2, "", Status::Proved), (6, "", Status::Proved), (8, "", Status::Failed)];
    assert_eq!(found, expected, "{file:#?}");
}

/// A proof that declares a theorem of its own under that name, silences Lean's errors and ends the command.
fn planting(name: &str) -> String {
    format!(
        ":= by\n  run_tac do\n    addDecl (.thmDecl {{ name := `{name}, levelParams := [], type := mkConst ``True, \
         value := mkConst ``True.intro }})\n    Lean.Elab.Command.lintersRef.modify (fun a => a.push \
         {{ run := fun _ => fun _ s => s.modify fun st => {{ st with messages := {{}} }}, name := `x }})\n    \
         (throw (.internal abortCommandExceptionId) : TacticM Unit)\n"
    )
}

#[test]
fn code_in_a_proof_makes_nothing_true() {
    let lead = "import Lean\nopen Lean Elab Tactic Meta Command\n";
    for (keyword, planted) in [("example", "stp_example_1"), ("theorem foo", "foo"), ("theorem foo", "aa")] {
        let text = format!("{lead}{keyword} : 1 = 2 {}theorem b : 1 = 1 := rfl\n", planting(planted));
        let judgement = RUNTIME.block_on(POOL.judge_file(&text)).unwrap();
        let FileJudgement::Done(file) = judgement else { panic!("{judgement:?}") };
        let found: Vec<_> = file.theorems.iter().map(|it| (it.pos.line, it.verdict.status)).collect();
        assert_eq!(found, [(3, Status::Rejected), (8, Status::Proved)], "{file:#?}");
        let alone = text.split("theorem b").next().unwrap();
        let verdict = RUNTIME.block_on(POOL.judge_source(alone, None, None)).unwrap();
        assert_eq!(verdict.status, Status::Rejected, "{verdict:?}");
    }
    // A command is the author's: what it defines is a part of the text.
    let tactic = format!(
        "{lead}elab \"easy\" : tactic => do evalTactic (← `(tactic| rfl))\nexample : 2 = 2 := by easy"
    );
    let verdict = RUNTIME.block_on(POOL.judge_source(&tactic, None, None)).unwrap();
    assert_eq!(verdict.status, Status::Proved, "{verdict:?}");
}

#[test]
fn examples_may_have_modifiers() {
    let text = "noncomputable example : 1 = 1 := rfl\nprivate example : 2 = 2 := rfl\nprivate example : 2 = 3 := rfl";
    let FileJudgement::Done(file) = RUNTIME.block_on(POOL.judge_file(text)).unwrap() else { panic!() };
    let found: Vec<_> = file.theorems.iter().map(|it| it.verdict.status).collect();
    assert_eq!(found, [Status::Proved, Status::Proved, Status::Failed], "{file:#?}");
}
