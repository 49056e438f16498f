//! The search with a scripted judge and a scripted model.

use std::sync::Mutex;

use stp_datasets::{Status, Verdict};
use stp_verifier::{Asked, Candidate, Pool, Script, SketchReport};

use super::test::sketch;
use super::*;
use crate::context::Cancel;
use crate::test::ScriptedSampler;

/// What a search comes to, and what was asked.
async fn run(
    problem: &Problem,
    limits: &Limits,
    script: Script,
    answer: Option<fn(&str, usize) -> &'static str>,
) -> (Found, Vec<Asked>) {
    let log = script.log();
    let sampler = answer.map(ScriptedSampler::new);
    let load = || {
        let sampler = sampler.clone().ok_or_else(|| anyhow::anyhow!("there is none"))?;
        Ok(Model { sampler, settings: stp_model::SampleConfig { max_new_tokens: 100, ..Default::default() } })
    };
    let seen = Mutex::new(0);
    let told = |spent: &Spent, _: usize| *seen.lock().unwrap() = spent.checks;
    let model: &(dyn Fn() -> anyhow::Result<Model> + Send + Sync) = &load;
    let tools = Tools {
        pool: Pool::scripted(script),
        model: answer.is_some().then_some(model),
        cancel: Cancel::new(),
        told: &told,
    };
    let found = solve(problem, limits, &tools).await.unwrap();
    assert_eq!(found.spent.checks, log.proofs().len() as u64, "every check counts");
    assert_eq!(*seen.lock().unwrap(), found.spent.checks, "and is told");
    (found, log.asked())
}

fn statement(signature: &str) -> Problem {
    Problem { signature: signature.to_owned(), ..Problem::default() }
}

fn judged(proves: impl Fn(&Candidate) -> bool + Send + Sync + 'static) -> Script {
    Script::new(move |it| {
        let status = if proves(it) { Status::Proved } else { Status::Failed };
        Verdict::new(status, "unsolved goals")
    })
}

#[tokio::test]
async fn automation_is_one_check_and_is_shortened() {
    let script = judged(|it| it.proof.contains("omega"));
    let (found, asked) = run(&statement("(n : Nat) : n = n"), &Limits::default(), script, None).await;
    assert_eq!((found.outcome, found.proof.as_str()), (Outcome::Proved, "by omega"));
    assert!(found.open.is_empty() && asked.len() < 8, "{asked:?}");
    let keep = Limits { shortening: 0, ..Limits::default() };
    let script = judged(|it| it.proof.contains("omega"));
    let (found, asked) = run(&statement(": 1 = 1"), &keep, script, None).await;
    assert_eq!((found.outcome, asked.len()), (Outcome::Proved, 1));
}

/// `A` is open but for its skeleton `induction n`, of which `B` is left; `B` needs a sketch `C`, which is closed.
fn deep(of_c: &'static str) -> Script {
    judged(move |it| match it.signature.as_str() {
        ": C" => it.proof == of_c,
        "(n : Nat) : B n" => it.proof == "by two; simp",
        _ => it.proof.starts_with("by one; two; "),
    })
    .sketches(|it| match it.signature.as_str() {
        "(n : Nat) : A n" => SketchReport::Sketch(sketch("one", &["(n : Nat) : B n"])),
        "(n : Nat) : B n" => SketchReport::Sketch(sketch("two", &[": C"])),
        _ => SketchReport::None { reason: "no tactic to cut".into() },
    })
}

#[tokio::test]
async fn goals_of_goals_are_put_together_by_what_the_model_finds() {
    let answer: fn(&str, usize) -> &'static str =
        |prompt, _| if prompt.starts_with("repair : C") { "by simp" } else { "by foo" };
    let limits = Limits { shortening: 0, ..Limits::default() };
    let (found, asked) = run(&statement("(n : Nat) : A n"), &limits, deep("by simp"), Some(answer)).await;
    assert_eq!((found.outcome, found.proof.as_str()), (Outcome::Proved, "by one; two; simp"));
    assert!(found.spent.samples > 8 && found.spent.sketches >= 2);
    let trust = |it: &Asked| matches!(it, Asked::Proof(it) if it.signature == ": C" && it.trust == stp_verifier::Trust::Trusted);
    assert!(!asked.iter().any(trust), "what a sketch says is not trusted");
    let flat = Limits { depth: 1, ..limits };
    let (found, _) = run(&statement("(n : Nat) : A n"), &flat, deep("by simp"), Some(answer)).await;
    assert_eq!(found.outcome, Outcome::Exhausted, "C lies at depth 2");
    assert_eq!((found.proof.as_str(), found.open), ("by one; sorry", vec!["(n : Nat) : B n".to_owned()]));
}

#[tokio::test]
async fn without_a_model_it_ends_and_shows_what_is_open() {
    let (found, asked) = run(&statement("(n : Nat) : A n"), &Limits::default(), deep("-"), None).await;
    assert_eq!((found.outcome, found.spent.samples), (Outcome::Exhausted, 0));
    assert_eq!((found.proof.as_str(), found.open), ("by one; two; sorry", vec![": C".to_owned()]));
    assert!(asked.len() < 20);
}

#[tokio::test]
async fn a_given_proof_keeps_its_text() {
    let script = judged(|it| match it.signature.as_str() {
        ": B" => it.proof.contains("omega"),
        ": A" => it.proof == "by mine; omega; rfl",
        _ => it.proof == "by rfl",
    });
    let given = |goals: &'static [&str]| move |_: &Candidate| SketchReport::Sketch(sketch("mine", goals));
    let problem = Problem { given: Some("by mine\n  sorry".into()), ..statement(": A") };
    let (found, asked) =
        run(&problem, &Limits::default(), script.sketches(given(&[": B", ": C"])), None).await;
    assert_eq!(
        (found.outcome, found.proof.as_str(), found.open.len()),
        (Outcome::Exhausted, "by mine; omega; sorry", 1)
    );
    assert!(!asked.iter().any(|it| matches!(it, Asked::Proof(it) if it.signature == ": A")));
    let script = judged(|it| it.proof.contains("omega")).sketches(given(&[": B"]));
    let (found, _) = run(&problem, &Limits::default(), script, None).await;
    assert_eq!((found.outcome, found.proof.as_str()), (Outcome::Proved, "by mine; omega"));
    let (found, _) = run(&problem, &Limits::default(), judged(|_| true), None).await;
    assert_eq!(found.outcome, Outcome::Refused("the script has no sketches".into()));
    assert_eq!(found.proof, "by mine\n  sorry", "nothing is lost");
}

#[tokio::test]
async fn what_was_not_judged_is_tried_of_a_shorter_proof() {
    const LONG: &str = "by\n  have h : p := by\n    simp\n    foo\n  exact h";
    const SHORTER: &str = "by\n  have h : p := by\n    simp\n  exact h";
    const SHORTEST: &str = "by\n  exact h";
    // Of the longest one the shortest comes behind the shorter one, at which the judge stops.
    let script = judged(|it| [LONG, SHORTER, SHORTEST].iter().any(|text| it.proof == *text));
    let answer: fn(&str, usize) -> &'static str = |_, _| LONG;
    let (found, _) = run(&statement(": p"), &Limits::default(), script, Some(answer)).await;
    assert_eq!((found.outcome, found.proof.as_str()), (Outcome::Proved, SHORTEST));
}

#[tokio::test]
async fn a_given_proof_with_errors_is_refused_with_the_first_message() {
    let cut = |_: &Candidate| {
        let messages = vec!["after a cut".to_owned(), "of the proof itself".to_owned()];
        SketchReport::Sketch(stp_datasets::Sketch { messages, ..sketch("mine", &[": B"]) })
    };
    let problem = Problem { given: Some("by mine\n  sorry".into()), ..statement(": A") };
    let (found, _) = run(&problem, &Limits::default(), judged(|_| true).sketches(cut), None).await;
    let reason = "the proof has an error beside its `sorry`: of the proof itself";
    assert_eq!(found.outcome, Outcome::Refused(reason.into()));
}

#[tokio::test]
async fn equations_fill_no_hole() {
    let script = judged(|it| match it.signature.as_str() {
        ": B" => it.proof.starts_with('|') || it.proof == "by simp",
        _ => it.proof == "by mine; simp",
    });
    let script = script.sketches(|_| SketchReport::Sketch(sketch("mine", &[": B"])));
    let problem = Problem { given: Some("by mine\n  sorry".into()), ..statement(": A") };
    let answer: fn(&str, usize) -> &'static str =
        |_, sample| if sample == 0 { "| 0 => rfl" } else { "by simp" };
    let (found, _) = run(&problem, &Limits::default(), script, Some(answer)).await;
    assert_eq!((found.outcome, found.proof.as_str()), (Outcome::Proved, "by mine; simp"));
}

#[tokio::test]
async fn a_given_proof_is_not_lost_when_its_whole_is_refused() {
    let given = |goals: &'static [&str]| move |_: &Candidate| SketchReport::Sketch(sketch("mine", goals));
    let problem = Problem { given: Some("by mine\n  sorry".into()), ..statement(": A") };
    let script = judged(|it| it.signature != ": A").sketches(given(&[": B"]));
    let (found, _) = run(&problem, &Limits::default(), script, None).await;
    assert_eq!((found.outcome, found.proof.as_str()), (Outcome::Exhausted, "by mine\n  sorry"));
    // What is open may be the statement itself.
    let script = judged(|it| it.proof.contains("omega")).sketches(given(&[": A"]));
    let (found, _) = run(&problem, &Limits::default(), script, None).await;
    assert_eq!((found.outcome, found.proof.as_str()), (Outcome::Proved, "by mine; omega"));
}

#[tokio::test]
async fn a_budget_and_a_wish_to_stop_end_it() {
    let limits = Limits { budget: Budget { checks: Some(0), deadline: None }, ..Limits::default() };
    let (found, asked) = run(&statement(": 1 = 2"), &limits, judged(|_| true), None).await;
    assert_eq!((found.outcome, asked.len()), (Outcome::Open, 0));
    let deadline = Some(tokio::time::Instant::now() + std::time::Duration::from_millis(50));
    let limits = Limits { budget: Budget { checks: None, deadline }, ..Limits::default() };
    let script = judged(|_| false).silent_after(1);
    let problem = statement("(n : Nat) : n = 2");
    let (found, _) = run(&problem, &limits, script, None).await;
    assert_eq!((found.outcome, found.proof.as_str()), (Outcome::Open, "by\n  sorry"));
    let cancel = Cancel::new();
    cancel.cancel();
    let told = |_: &Spent, _: usize| {};
    let tools = Tools { pool: Pool::scripted(judged(|_| true)), model: None, cancel, told: &told };
    let found = solve(&problem, &Limits::default(), &tools).await.unwrap();
    assert_eq!(found.outcome, Outcome::Interrupted);
}

#[test]
fn one_line_gets_a_line_of_its_own() {
    use super::solve::on_lines_of_its_own;
    assert_eq!(on_lines_of_its_own("by simp; sorry"), "by\n  simp; sorry");
    assert_eq!(on_lines_of_its_own("fun h => sorry"), "\n  fun h => sorry");
    assert_eq!(on_lines_of_its_own("by\n  simp"), "by\n  simp");
}
