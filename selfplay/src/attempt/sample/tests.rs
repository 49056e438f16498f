//! Attempts with a scripted model and a scripted judge.

use stp_verifier::Asked;

use super::*;
use crate::test::{self, Answer, ScriptedSampler, unfinished};

fn plan(temperatures: &[f64]) -> SamplingPlan<'_> {
    let work = Work::Prove { round: 1, part: crate::events::ProvePart::First };
    SamplingPlan { model: "stage1", round: 1, phase: Phase::Train, work, temperatures }
}

fn targets(context: &Context, samples: u32) -> Vec<Target> {
    context.statements.train.iter().map(|statement| Target::new(statement.clone(), samples)).collect()
}

fn statuses(context: &Context) -> Vec<Option<Status>> {
    let attempts = context.ledger.attempts(1, Phase::Train).unwrap();
    attempts.into_iter().map(|attempt| attempt.verdict.map(|verdict| verdict.status)).collect()
}

#[tokio::test]
async fn a_text_that_ran_out_of_tokens_says_nothing_of_the_finished_proof() {
    // Sample 0 is cut off after what sample 1 writes whole.
    let sampler = ScriptedSampler::new(|_, sample| match sample {
        0 => unfinished("by simp"),
        _ => Answer::from("by simp"),
    });
    let (_scratch, context) = test::context(test::corpus(), test::script(), sampler, |_| {});
    attempt_all(&context, &plan(&[]), targets(&context, 2)).await.unwrap();
    let expected = [Status::Unfinished, Status::Proved, Status::Unfinished, Status::Proved].map(Some);
    assert_eq!(statuses(&context), expected);
}

#[tokio::test]
async fn an_answer_without_a_proof_is_malformed_and_no_judge_sees_it() {
    let script = test::script();
    let log = script.log();
    let sampler = ScriptedSampler::new(|_, sample| match sample {
        0 => Answer::from(format!("{}let me think", test::MALFORMED)),
        _ => Answer::from("by simp"),
    });
    let (_scratch, context) = test::context(test::corpus(), script, sampler, |_| {});
    let sampled = attempt_all(&context, &plan(&[]), targets(&context, 2)).await.unwrap();
    assert_eq!(
        statuses(&context),
        [Status::Malformed, Status::Proved, Status::Malformed, Status::Proved].map(Some)
    );
    assert_eq!(log.asked().len(), 2);
    assert!(sampled.sampled_tokens > 0);
    let first = context.ledger.attempts(1, Phase::Train).unwrap().remove(0);
    assert_eq!(first.proof, "well, let me think", "it is kept for people to read");
    assert!(first.verdict.unwrap().messages[0].contains("without a proof"));
}

#[tokio::test]
async fn equal_proofs_of_a_statement_are_asked_about_once() {
    let script = test::script();
    let log = script.log();
    let (_scratch, context) =
        test::context(test::corpus(), script, ScriptedSampler::new(|_, _| "by rfl"), |_| {});
    attempt_all(&context, &plan(&[]), targets(&context, 5)).await.unwrap();
    assert_eq!(statuses(&context).len(), 10);
    assert_eq!(log.asked().len(), 2, "one for each statement");
    attempt_all(&context, &SamplingPlan { round: 2, ..plan(&[]) }, targets(&context, 5)).await.unwrap();
    assert_eq!(log.asked().len(), 2, "and none for what an earlier round has settled");
}

#[tokio::test]
async fn a_time_out_answers_for_equal_proofs_of_its_phase_alone() {
    let script = test::judged(|_| Status::Timeout);
    let log = script.log();
    let (_scratch, context) =
        test::context(test::corpus(), script, ScriptedSampler::new(|_, _| "by loop"), |_| {});
    attempt_all(&context, &plan(&[]), targets(&context, 5)).await.unwrap();
    assert_eq!(statuses(&context), [Some(Status::Timeout); 10]);
    assert_eq!(log.asked().len(), 2);
    attempt_all(&context, &SamplingPlan { round: 2, ..plan(&[]) }, targets(&context, 5)).await.unwrap();
    assert_eq!(log.asked().len(), 4, "another phase asks again");
}

#[tokio::test]
async fn a_resumed_phase_samples_what_is_missing_and_judges_what_is_not() {
    let sampler = ScriptedSampler::new(|_, sample| format!("by x{sample}"));
    let (_scratch, context) = test::context(test::corpus(), test::script(), sampler.clone(), |_| {});
    let sampled = test::attempt(1, Phase::Train, "a", 0, "by rfl", Status::Failed);
    context.ledger.record_attempt(&Attempt { verdict: None, ..sampled }).unwrap();
    context.ledger.record_attempt(&test::attempt(1, Phase::Train, "a", 1, "by y", Status::Failed)).unwrap();
    attempt_all(&context, &plan(&[]), targets(&context, 3)).await.unwrap();
    assert_eq!(sampler.asked.lock().unwrap().len(), 4, "one of `a`, three of `b`");
    assert_eq!(statuses(&context)[0], Some(Status::Proved), "sampled before, judged now");
    assert!(statuses(&context).iter().all(Option::is_some));
}

#[tokio::test]
async fn a_prompt_that_fills_the_context_is_not_sampled() {
    let mut sampler = ScriptedSampler::new(|_, _| "by rfl");
    Arc::get_mut(&mut sampler).unwrap().longest = 5;
    let (_scratch, context) = test::context(test::corpus(), test::script(), sampler.clone(), |_| {});
    attempt_all(&context, &plan(&[]), targets(&context, 2)).await.unwrap();
    assert!(sampler.asked.lock().unwrap().is_empty());
    assert_eq!(statuses(&context), [Some(Status::Unfinished); 4]);
}

#[tokio::test]
async fn temperatures_take_turns() {
    let sampler = ScriptedSampler::new(|_, _| "by rfl");
    let (_scratch, context) = test::context(test::corpus(), test::script(), sampler.clone(), |_| {});
    attempt_all(&context, &plan(&[0.5, 1.0]), targets(&context, 3)).await.unwrap();
    let attempts = context.ledger.attempts(1, Phase::Train).unwrap();
    let samples: Vec<_> = attempts.iter().map(|attempt| attempt.sample).collect();
    assert_eq!(samples, [0, 1, 2, 0, 1, 2]);
}

#[tokio::test]
async fn a_second_attempt_sees_the_failed_proof_and_leans_message() {
    let sampler = ScriptedSampler::new(|_, _| "by rfl");
    let (_scratch, context) = test::context(test::corpus(), test::script(), sampler.clone(), |_| {});
    let failure = super::super::Failure { sample: 0, proof: "by x".into(), message: "unknown tactic".into() };
    let statement = context.statements.train[1].clone();
    let target = Target { statement, samples: 4..5, failure: Some(failure) };
    attempt_all(&context, &plan(&[]), vec![target]).await.unwrap();
    assert_eq!(*sampler.asked.lock().unwrap(), ["repair : 2 = 2 | by x | unknown tactic"]);
}

#[tokio::test]
async fn what_was_thought_before_a_first_attempt_that_holds_is_kept() {
    let sampler = ScriptedSampler::new(|_, sample| match sample {
        0 => format!("Look.{}by simp", test::SO),
        _ => format!("Hm.{}by wrong", test::SO),
    });
    let script = test::judged(|proof| if proof == "by simp" { Status::Proved } else { Status::Failed });
    let (_scratch, context) = test::context(test::corpus(), script, sampler, |_| {});
    let thoughts = || context.ledger.thoughts_of(&["a", "b"]).unwrap();
    let failure = super::super::Failure { sample: 0, proof: "by x".into(), message: "unknown tactic".into() };
    let second = targets(&context, 1).into_iter().map(|it| Target { failure: Some(failure.clone()), ..it });
    attempt_all(&context, &plan(&[]), second.collect()).await.unwrap();
    assert!(thoughts().is_empty(), "a second attempt thinks about the first");
    attempt_all(&context, &SamplingPlan { phase: Phase::Valid, ..plan(&[]) }, targets(&context, 2))
        .await
        .unwrap();
    assert!(thoughts().is_empty(), "nobody learns from these");
    attempt_all(&context, &SamplingPlan { round: 2, ..plan(&[]) }, targets(&context, 2)).await.unwrap();
    let kept: std::collections::BTreeMap<_, _> = thoughts().into_iter().collect();
    let of = |name: &str| ((name.to_owned(), "by simp".to_owned()), "Look.".to_owned());
    assert_eq!(kept, [of("a"), of("b")].into());
}

#[tokio::test]
async fn a_cancelled_phase_keeps_what_is_recorded() {
    let script = test::script().silent_after(1);
    let sampler = ScriptedSampler::new(|_, sample| format!("by x{sample}"));
    let (_scratch, context) = test::context(test::corpus(), script, sampler, |_| {});
    let cancel = context.cancel.clone();
    let stop = async {
        let recorded = || context.ledger.attempts(1, Phase::Train).unwrap();
        while recorded().len() < 4 || recorded().iter().all(|it| it.verdict.is_none()) {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let plan = plan(&[]);
    let (ended, ()) = tokio::join!(attempt_all(&context, &plan, targets(&context, 2)), stop);
    assert!(ended.unwrap_err().downcast_ref::<crate::error::Interrupted>().is_some());
    let judged = statuses(&context).iter().flatten().count();
    assert_eq!((statuses(&context).len(), judged), (4, 1));
}

#[tokio::test]
async fn conjectures_are_judged_as_foreign_text_under_their_header() {
    let script = test::script();
    let log = script.log();
    let (_scratch, context) =
        test::context(test::corpus(), script, ScriptedSampler::new(|_, _| "by rfl"), |_| {});
    let mut conjecture = test::accepted(1, 0, ": 9 = 9");
    conjecture.header = "open Nat".into();
    context.ledger.record_conjecture(&conjecture).unwrap();
    let statement = crate::context::history::as_statement(conjecture).unwrap();
    attempt_all(&context, &plan(&[]), vec![Target::new(statement, 1)]).await.unwrap();
    let Asked::Proof(candidate) = &log.asked()[0] else { panic!("{:?}", log.asked()) };
    assert_eq!((&*candidate.header, candidate.trust), ("open Nat", stp_verifier::Trust::Foreign));
}
