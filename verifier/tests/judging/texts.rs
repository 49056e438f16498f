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
