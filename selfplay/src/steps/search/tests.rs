//! The search step with a scripted judge.

use std::sync::Arc;

use serde_json::json;
use stp_datasets::{
    Conjecture, ConjectureOutcome, Goal, Hole, Sketch, Source, Status, Step as Recorded, Verdict,
};
use stp_verifier::{Asked, Candidate, Script, ScriptLog, SketchReport};
use tempfile::TempDir;

use super::*;
use crate::config::{ConjectureSource, RunConfig};
use crate::events::SearchPart;
use crate::test::{self, ScriptedSampler};

/// A sketch of `by split; A; B …`: a hole for each goal.
fn sketch(goals: &[&str]) -> SketchReport {
    let proof = format!("by split{}", "; sorry".repeat(goals.len()));
    let places = proof.match_indices("sorry").map(|(start, _)| start);
    let hole = |(start, goal): (usize, &&str)| Hole {
        start,
        stop: start + 5,
        column: start,
        goals: 1,
        is_term: false,
        goal: Goal::Statement { signature: (*goal).to_owned(), setup: Vec::new() },
    };
    let holes = places.zip(goals).map(hole).collect();
    SketchReport::Sketch(Sketch { proof, holes, messages: Vec::new() })
}

/// `omega` proves what has a 7, and a whole is proved if all that was put into it is `omega` or `found`.
fn verdict(candidate: &Candidate) -> Status {
    let proof = candidate.proof.as_str();
    let proves = match proof.strip_prefix("by split; ") {
        Some(rest) => rest.split("; ").all(|part| part == "omega" || part == "exact found"),
        None if candidate.signature.contains('7') => proof.contains("first |") || proof == "by omega",
        None => false,
    };
    if proves { Status::Proved } else { Status::Failed }
}

/// A run whose first round left `b` open with these failed proofs.
fn context(failed: &[&str], change: impl FnOnce(&mut RunConfig)) -> (TempDir, Context, Arc<ScriptLog>) {
    let script = Script::new(|candidate| stp_datasets::Verdict::new(verdict(candidate), "no"))
        .statements(|_, text| test::print(text))
        .sketches(|candidate| match candidate.proof.trim() {
            "seven" => sketch(&[": 7 = 7"]),
            "same" => sketch(&[": 7 = 7", ": 9 = 9"]),
            "nine" => sketch(&[": 9 = 9"]),
            "deep" => sketch(&[": 70 = 70"]),
            "itself" => sketch(&[": 2 = 2"]),
            "held" => sketch(&[": 3 = 3"]),
            "given" => sketch(&[": 1 = 1"]),
            "many" => sketch(&[": 4 = 4", ": 5 = 5", ": 6 = 6"]),
            _ => SketchReport::None { reason: "no tactic to cut: x".into() },
        });
    let log = script.log();
    let sampler = ScriptedSampler::new(|_, _| "x");
    let (scratch, context) = test::context(test::corpus(), script, sampler, |config| {
        config.rounds = 2;
        config.search.enabled = true;
        config.conjecturing.sources = vec![ConjectureSource::Model, ConjectureSource::Subgoals];
        change(config);
    });
    for (sample, proof) in (0..).zip(failed) {
        let attempt = test::attempt(1, Phase::Train, "b", sample, proof, Status::Failed);
        context.ledger.record_attempt(&attempt).unwrap();
    }
    let fingerprints = json!({ "a": "print of : 1 = 1", "b": "print of : 2 = 2", "v": "print of : 3 = 3" });
    let detail = json!({ "fingerprints": fingerprints, "proofs": 1 });
    context.ledger.finish_step(&Recorded { name: "setup".into(), seconds: 1.0, detail }).unwrap();
    (scratch, context, log)
}

fn conjectures(context: &Context, round: u32) -> Vec<(String, String, ConjectureOutcome)> {
    let all = context.ledger.conjectures_of(round).unwrap();
    assert!(all.iter().all(|it| it.source == Source::Subgoal && it.seed == "b"));
    all.into_iter().map(|it: Conjecture| (it.statement.unwrap(), it.signature, it.outcome.unwrap())).collect()
}

#[tokio::test]
async fn a_closed_goal_is_put_back_and_what_stays_open_is_tried_next() {
    let (_scratch, context, _) = context(&["seven", "same", "nine", "foo"], |_| {});
    let record = search(&context, 1).await.unwrap();
    assert_eq!((record.failed, record.sketches, record.goals, record.closed), (4, 3, 2, 1));
    assert_eq!((record.assembled, record.whole, record.proved), (1, 1, vec!["b".to_owned()]));
    assert_eq!(record.dropped.into_iter().collect::<Vec<_>>(), [("no tactic to cut".to_owned(), 1)]);
    let proofs = context.ledger.proofs_of(Phase::Search, 1..=1).unwrap();
    let whole = proofs.iter().find(|proof| proof.statement == "b").unwrap();
    assert_eq!(whole.proof, "by split; omega");
    // The tactic that does it is found: the fourth of the list.
    assert!(proofs.iter().any(|proof| proof.proof == "by omega" && proof.statement == "subgoal_1_0_0"));
    assert_eq!(record.checks, context.ledger.attempts(1, Phase::Search).unwrap().len());
    let expected = [
        ("subgoal_1_0_0".to_owned(), ": 7 = 7".to_owned(), ConjectureOutcome::Trivial),
        ("subgoal_1_1_1".to_owned(), ": 9 = 9".to_owned(), ConjectureOutcome::Accepted),
    ];
    assert_eq!(conjectures(&context, 2), expected, "equal goals are one");
}

#[tokio::test]
async fn a_goal_that_a_sample_proves_later_is_put_back_then() {
    let (_scratch, context, _) = context(&["nine"], |_| {});
    assert!(search(&context, 1).await.unwrap().proved.is_empty());
    let found = test::attempt(2, Phase::Train, "subgoal_1_0_0", 0, "found", Status::Proved);
    context.ledger.record_attempt(&found).unwrap();
    let record = search(&context, 2).await.unwrap();
    assert_eq!((record.failed, record.proved), (0, vec!["b".to_owned()]));
    assert_eq!(context.ledger.proofs_of(Phase::Search, 2..=2).unwrap()[0].proof, "by split; exact found");
}

#[tokio::test]
async fn goals_of_goals_are_put_back_from_below() {
    let (_scratch, context, _) = context(&["nine"], |_| {});
    search(&context, 1).await.unwrap();
    let failed = test::attempt(2, Phase::Train, "subgoal_1_0_0", 0, "deep", Status::Failed);
    context.ledger.record_attempt(&failed).unwrap();
    // `by split; omega` proves the goal, and put into its parent's sketch it is no proof that the script knows.
    let record = search(&context, 2).await.unwrap();
    assert_eq!((record.goals, record.closed, record.whole), (1, 1, 1));
    let sketches = context.ledger.sketches_of(2).unwrap();
    assert_eq!((sketches[0].depth, sketches[0].parent.as_str()), (2, "subgoal_1_0_0"));
    let wholes = context.ledger.attempts(2, Phase::Search).unwrap();
    let of_b: Vec<_> = wholes.iter().filter(|it| it.statement == "b").map(|it| it.proof.as_str()).collect();
    assert_eq!(of_b, ["by split; split; omega"]);
    let deeper = test::attempt(2, Phase::Train, "subgoal_2_0_0", 0, "nine", Status::Failed);
    context.ledger.record_attempt(&deeper).unwrap();
    assert_eq!(search(&context, 2).await.unwrap().failed, 1, "depth 2 is the last");
}

#[tokio::test]
async fn what_must_not_be_tried_is_not() {
    let (_scratch, context, log) = context(&["itself", "held", "many", "given"], |_| {});
    let record = search(&context, 1).await.unwrap();
    let reasons: Vec<_> = record.dropped.keys().map(String::as_str).collect();
    assert_eq!(reasons, ["a goal is held out", "a goal is the statement itself", "too many goals are open"]);
    assert_eq!((record.sketches, record.goals), (1, 0), "a given statement is a goal with a name");
    assert!(!log.proofs().iter().any(|it| it.signature == ": 3 = 3"));
    assert_eq!(context.ledger.sketches_of(1).unwrap()[3].goals, ["a"]);
}

#[tokio::test]
async fn search_alone_leaves_no_conjectures() {
    let (_scratch, context, _) = context(&["seven", "nine"], |config| {
        config.conjecturing.sources = vec![ConjectureSource::Model];
    });
    assert_eq!(search(&context, 1).await.unwrap().proved, ["b"]);
    assert!(context.ledger.conjectures_of(2).unwrap().is_empty());
}

#[tokio::test]
async fn wholes_that_a_killed_process_left_are_judged() {
    for automation in [true, false] {
        let (_scratch, context, _) = context(&["seven"], |config| config.search.automation = automation);
        if !automation {
            let found = test::attempt(1, Phase::Train, "subgoal_1_0_0", 0, "omega", Status::Proved);
            failed::sketches(&context, 1).await.unwrap();
            context.ledger.record_attempt(&found).unwrap();
        }
        let left = checks::attempt(1, "b", FIRST_WHOLE, "by split; omega");
        context.ledger.record_attempt(&left).unwrap();
        let record = search(&context, 1).await.unwrap();
        assert_eq!((record.assembled, record.whole), (1, 1), "{automation}");
        assert_eq!(record.proved, ["b"]);
    }
}

#[tokio::test]
async fn lean_took_the_time_of_one_check_for_all_that_waited() {
    let script = Script::new(|_: &Candidate| Verdict { elapsed_ms: 7, ..Verdict::new(Status::Proved, "") });
    let sampler = ScriptedSampler::new(|_, _| "by rfl");
    let (_scratch, context) = test::context(test::corpus(), script, sampler, |_| {});
    let attempts = [1, 2, 3].map(|sample| checks::attempt(1, "b", sample, "by rfl"));
    checks::judge(&context, 1, SearchPart::Goals, &attempts).await.unwrap();
    let times = context.ledger.attempts(1, Phase::Search).unwrap().into_iter();
    assert_eq!(times.map(|it| it.verdict.unwrap().elapsed_ms).collect::<Vec<_>>(), [7, 0, 0]);
}

#[tokio::test]
async fn doing_it_again_asks_nothing_twice() {
    let (_scratch, context, log) = context(&["seven", "same", "foo"], |_| {});
    let first = search(&context, 1).await.unwrap();
    let asked = log.asked().len();
    assert_eq!(search(&context, 1).await.unwrap(), first);
    assert_eq!(log.asked().len(), asked);
    assert_eq!(log.asked().iter().filter(|it| matches!(it, Asked::Sketch(_))).count(), 3);
}
