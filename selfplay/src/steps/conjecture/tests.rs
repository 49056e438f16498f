//! The conjecture step with a scripted model and judge.

use std::sync::Arc;

use serde_json::json;
use stp_datasets::{Attempt, Conjecture, Corpus, Phase, Split, Status, Step as Recorded};
use stp_verifier::{Asked, Script, StatementReport};
use tempfile::TempDir;

use super::*;
use crate::config::RunConfig;
use crate::test::{self, ScriptedSampler};

/// A run whose setup is finished, with corpus proofs as seeds.
fn context(
    corpus: Corpus,
    script: Script,
    sampler: Arc<ScriptedSampler>,
    change: impl FnOnce(&mut RunConfig),
) -> (TempDir, Context) {
    let (scratch, context) = test::context(corpus, script, sampler, |config| {
        config.conjecturing.drop_trivial = false;
        config.conjecturing.drop_refuted = false;
        config.conjecturing.unproved_seeds = 0.0;
        config.conjecturing.hard_seeds = false;
        config.conjecturing.generated_per_round = 4;
        config.conjecturing.quota = 0;
        config.conjecturing.most_alike = 0;
        change(config);
    });
    for entry in context.statements.corpus.entries.iter().filter(|entry| !entry.proofs.is_empty()) {
        let id = &entry.statement.id;
        let proof = test::attempt(0, Phase::Corpus, id, 0, &entry.proofs[0], Status::Proved);
        context.ledger.record_attempt(&proof).unwrap();
    }
    let fingerprints = json!({ "a": "print of : 1 = 1", "b": "print of : 2 = 2", "v": "print of : 3 = 3" });
    let detail = json!({ "fingerprints": fingerprints, "proofs": 1 });
    context.ledger.finish_step(&Recorded { name: "setup".into(), seconds: 1.0, detail }).unwrap();
    (scratch, context)
}

fn outcomes(context: &Context) -> Vec<(String, ConjectureOutcome)> {
    let all = context.ledger.conjectures_of(1).unwrap();
    all.into_iter().map(|it: Conjecture| (it.signature, it.outcome.unwrap())).collect()
}

#[tokio::test]
async fn each_text_meets_its_fate() {
    let texts = [": 5 = 5", ": 3 = 3", ": 1 = 1", ": bad", ": 5 = 5", "not a signature ("];
    let sampler = ScriptedSampler::new(move |_, sample| texts[sample]);
    let report = |_: &str, signature: &str| match signature.contains("bad") {
        true => StatementReport { ok: false, messages: Vec::new(), fingerprint: None },
        false => test::print(signature),
    };
    let script = test::script().statements(report);
    let (_scratch, context) = context(test::corpus(), script, sampler, |config| {
        config.conjecturing.generated_per_round = 6;
        config.conjecturing.most_samples = 6;
        config.conjecturing.quota = 10;
    });
    let record = conjecture(&context, 1).await.unwrap();
    let expected = [
        ConjectureOutcome::Accepted,
        ConjectureOutcome::HeldOut,
        ConjectureOutcome::Duplicate,
        ConjectureOutcome::NotElaborated,
        ConjectureOutcome::Duplicate,
        ConjectureOutcome::Malformed,
    ];
    let found: Vec<_> = outcomes(&context).into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(found, expected);
    assert_eq!(
        (record.count(ConjectureOutcome::Accepted), record.count(ConjectureOutcome::Duplicate)),
        (1, 2)
    );
}

#[tokio::test]
async fn trivial_and_false_conjectures_are_dropped() {
    let texts = [": 7 = 7", ": 8 = 9", ": hard = 1"];
    let sampler = ScriptedSampler::new(move |_, sample| texts[sample]);
    let verdict = |candidate: &stp_verifier::Candidate| {
        let trivial = candidate.signature == ": 7 = 7";
        let refuted = candidate.signature.contains("¬") && candidate.signature.contains("8 = 9");
        let status = if trivial || refuted { Status::Proved } else { Status::Failed };
        stp_datasets::Verdict::new(status, "")
    };
    let (_scratch, context) = context(
        test::corpus(),
        Script::new(verdict).statements(|_, text| test::print(text)),
        sampler,
        |config| {
            config.conjecturing.generated_per_round = 3;
            config.conjecturing.drop_trivial = true;
            config.conjecturing.drop_refuted = true;
        },
    );
    conjecture(&context, 1).await.unwrap();
    let found: Vec<_> = outcomes(&context).into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(found, [ConjectureOutcome::Trivial, ConjectureOutcome::Refuted, ConjectureOutcome::Accepted]);
    let spent = context.spending.finish(&context.ledger).unwrap();
    assert_eq!((spent.statements, spent.refutations.all, spent.trivialities.all), (3, 3, 2));
    assert_eq!(spent.refutations.known, 3, "the script takes no time, as the cache");
}

#[tokio::test]
async fn waves_stop_at_the_quota_and_a_resumed_one_asks_nothing_twice() {
    let sampler =
        ScriptedSampler::new(|prompt, sample| format!(": {} = {sample}", prompt.len() * 100 + sample));
    let (_scratch, context) = context(test::corpus(), test::script(), sampler.clone(), |config| {
        config.conjecturing.generated_per_round = 0;
        config.conjecturing.quota = 1;
        config.conjecturing.most_samples = 8;
    });
    let record = conjecture(&context, 1).await.unwrap();
    assert_eq!(record.count(ConjectureOutcome::Accepted), 1);
    let asked = sampler.asked.lock().unwrap().len();
    assert_eq!(conjecture(&context, 1).await.unwrap(), record);
    assert_eq!(sampler.asked.lock().unwrap().len(), asked);
}

#[tokio::test]
async fn a_conjecture_inherits_its_seeds_header_everywhere() {
    let mut corpus = test::corpus();
    corpus.entries[0].statement.header = "open Nat".into();
    let report = |header: &str, signature: &str| StatementReport {
        ok: header == "open Nat",
        ..test::print(signature)
    };
    let script = test::judged(|_| Status::Failed).statements(report);
    let log = script.log();
    let sampler = ScriptedSampler::new(|_, sample| format!(": {sample} = 5"));
    let (_scratch, context) = context(corpus, script, sampler, |config| {
        config.conjecturing.drop_trivial = true;
        config.conjecturing.drop_refuted = true;
    });
    let record = conjecture(&context, 1).await.unwrap();
    assert!(record.count(ConjectureOutcome::Accepted) > 0, "{record:?}");
    for asked in log.asked() {
        match asked {
            Asked::Proof(candidate) => assert_eq!(&*candidate.header, "open Nat"),
            Asked::Statement { header, .. } => assert_eq!(header, "open Nat"),
            _ => {}
        }
    }
    let accepted = context.ledger.accepted_of(1..=1).unwrap();
    assert!(accepted.iter().all(|conjecture| conjecture.header == "open Nat"));
    let names: Vec<_> = accepted.iter().filter_map(|it| it.statement.as_deref()).collect();
    let statements = context.ledger.statements_of(&names).unwrap();
    assert!(statements.len() == names.len() && statements.values().all(|it| it.header == "open Nat"));
}

#[tokio::test]
async fn seeds_are_what_was_proved_often_enough() {
    let sampler = ScriptedSampler::new(|_, _| ": 1 = 2");
    let (_scratch, context) =
        context(test::corpus(), test::script(), sampler, |config| config.conjecturing.seed_rate = 0.35);
    let record = |sample, proof: &str, status| {
        let attempt: Attempt = test::attempt(1, Phase::Train, "b", sample, proof, status);
        context.ledger.record_attempt(&attempt).unwrap();
    };
    record(0, "by simp", Status::Proved);
    record(1, "by x", Status::Failed);
    let ids = |round| {
        let seeds = proved_seeds(&context, round).unwrap();
        seeds.into_iter().map(|seed| seed.statement).collect::<Vec<_>>()
    };
    assert_eq!(ids(1), ["a"], "of earlier rounds alone");
    assert_eq!(ids(2), ["a", "b"]);
    record(2, "by y", Status::Failed);
    assert_eq!(ids(2), ["a"], "one of three is too rare");
    let open: Vec<_> = unproved_seeds(&context, 1).unwrap().into_iter().map(|seed| seed.statement).collect();
    assert_eq!(open, ["b"]);
    assert!(unproved_seeds(&context, 2).unwrap().is_empty());
    assert_eq!(context.statements.corpus.split(Split::Valid).count(), 1);
}

#[tokio::test]
async fn the_conjecturer_is_asked_for_what_is_barely_provable() {
    for fates in [false, true] {
        let sampler = ScriptedSampler::new(|_, sample| format!(": {sample} = 5"));
        let (_scratch, context) = context(test::corpus(), test::script(), sampler.clone(), |config| {
            config.conjecturing.fates = fates;
        });
        conjecture(&context, 1).await.unwrap();
        let asked = sampler.asked.lock().unwrap();
        let expected = if fates { "by rfl\n-- barely" } else { "by rfl" };
        assert!(asked.iter().all(|prompt| prompt.ends_with(expected)), "{asked:?}");
        let texts = context.ledger.conjectures_of(1).unwrap();
        assert!(texts.iter().all(|it| it.seed_proof == "by rfl"), "the ledger keeps the proof alone");
    }
}

#[tokio::test]
async fn a_statement_with_many_proofs_may_be_one_seed() {
    let inputs = async |one_seed| {
        let sampler = ScriptedSampler::new(|_, sample| format!(": {sample} = 5"));
        let (_scratch, context) = context(test::corpus(), test::script(), sampler, |config| {
            config.conjecturing.one_seed = one_seed;
            config.conjecturing.generated_per_round = 40;
            config.conjecturing.most_samples = 4;
        });
        for sample in 0..6 {
            let proof = format!("by simp{sample}");
            let attempt: Attempt = test::attempt(1, Phase::Train, "b", sample, &proof, Status::Proved);
            context.ledger.record_attempt(&attempt).unwrap();
        }
        conjecture(&context, 2).await.unwrap();
        let texts = context.ledger.conjectures_of(2).unwrap();
        let mut seeds: Vec<_> = texts.into_iter().map(|it| (it.input, it.seed)).collect();
        seeds.sort();
        seeds.dedup();
        seeds.iter().filter(|(_, seed)| seed == "b").count()
    };
    assert_eq!((inputs(false).await, inputs(true).await), (6, 1));
}
