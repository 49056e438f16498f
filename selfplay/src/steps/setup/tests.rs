//! Setup with a scripted judge.

use stp_verifier::{Script, StatementReport};

use super::*;
use crate::test::{self, ScriptedSampler};

fn context(script: Script) -> (tempfile::TempDir, Context) {
    test::context(test::corpus(), script, ScriptedSampler::new(|_, _| "by rfl"), |_| {})
}

#[tokio::test]
async fn every_statement_gets_a_fingerprint_and_every_corpus_proof_a_verdict() {
    let script = test::script();
    let log = script.log();
    let (_scratch, context) = context(script);
    let record = set_up(&context).await.unwrap();
    assert_eq!(record.fingerprints.keys().collect::<Vec<_>>(), ["a", "b", "v"]);
    assert_eq!(record.proofs, 1);
    let attempts = context.ledger.attempts(0, Phase::Corpus).unwrap();
    assert!(attempts.len() == 1 && attempts[0].is_proved());
    let asked = log.asked().len();
    assert_eq!(set_up(&context).await.unwrap(), record, "done again, it comes to the same");
    assert_eq!(log.asked().len() - asked, 3, "and no proof is judged twice");
}

#[tokio::test]
async fn what_a_run_does_not_measure_is_held_out_as_well() {
    let mut corpus = test::corpus();
    corpus.entries.push(test::entry("w", ": 4 = 4", Split::Valid, &[]));
    let sampler = ScriptedSampler::new(|_, _| "by rfl");
    let (_scratch, context) = test::context(corpus, test::script(), sampler, |config| config.max_valid = 1);
    assert_eq!(context.statements.valid.len(), 1);
    let record = set_up(&context).await.unwrap();
    assert_eq!(record.fingerprints.keys().collect::<Vec<_>>(), ["a", "b", "v", "w"]);
}

#[tokio::test]
async fn a_statement_that_does_not_elaborate_is_named() {
    let report = |_: &str, signature: &str| StatementReport {
        ok: signature != ": 2 = 2",
        messages: vec!["unknown identifier".to_owned()],
        fingerprint: None,
    };
    let (_scratch, context) = context(test::script().statements(report));
    let error = set_up(&context).await.unwrap_err().to_string();
    assert!(error.contains("`b`") && error.contains("unknown identifier"), "{error}");
}

#[tokio::test]
async fn few_statements_are_asked_about_at_a_time() {
    let script = test::script().workers(2);
    let log = script.log();
    let mut corpus = test::corpus();
    for number in 10..200 {
        let entry = test::entry(&format!("s{number}"), &format!(": {number} = {number}"), Split::Train, &[]);
        corpus.entries.push(entry);
    }
    let (_scratch, context) = test::context(corpus, script, ScriptedSampler::new(|_, _| "by rfl"), |_| {});
    set_up(&context).await.unwrap();
    assert!(log.most_under_way() <= 2 * AHEAD, "{}", log.most_under_way());
}
