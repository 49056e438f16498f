//! Attempts by servers, in the ledger.

use std::collections::BTreeSet;

use serde_json::json;
use stp_model::{Checkpoint, Device, Lm, ModelConfig, Tokenizer};

use super::*;
use crate::config::Engine;
use crate::context::Checkpoints;
use crate::events::ProvePart;
use crate::served::test::{Fake, Got, Reply};
use crate::test;

fn checkpoint() -> Checkpoint {
    let tokenizer = Tokenizer::train(&[": 1 = 1 := by rfl".to_owned()], Tokenizer::MIN_VOCAB).unwrap();
    let config = ModelConfig::smallest(tokenizer.vocab_size());
    Checkpoint::new(Lm::init(&config, &Device::flex(), 0).unwrap(), tokenizer)
}

/// A proof that tells its seed.
fn proof(got: &Got) -> serde_json::Value {
    let text = format!(" by x{}", got.body["seed"]);
    json!({ "choices": [{ "index": 0, "text": text, "finish_reason": "stop" }] })
}

#[tokio::test]
async fn a_run_goes_on_when_servers_are_there_again_and_keeps_each_attempt_once() {
    let dying = Fake::new(|got, before| if before < 3 { proof(got).into() } else { Reply::HangUp });
    let next = Fake::new(|got, _| proof(got));
    let sampler = test::ScriptedSampler::new(|_, _| "by rfl");
    let (_scratch, mut context) = test::context(test::corpus(), test::script(), sampler, |config| {
        config.prompts.layout = "plain".to_owned();
        config.sampling.engine = Engine::Openai;
        let server = &mut config.sampling.server;
        (server.retries, server.samples_per_request, server.concurrency) = (0, 1, 1);
        server.model = "{checkpoint}".to_owned();
    });
    for (server, kept) in [(&dying, 3), (&next, 8)] {
        context.config.sampling.server.urls = vec![server.url.clone()];
        let checkpoints = Checkpoints::new(context.folder.path(), Device::flex());
        context.checkpoints = checkpoints.configured(&context.config).unwrap();
        context.checkpoints.save("stage1", checkpoint()).unwrap();
        let targets = context.statements.train.iter().map(|it| Target::new(it.clone(), 4)).collect();
        let work = Work::Prove { round: 1, part: ProvePart::First };
        let plan = SamplingPlan { model: "stage1", round: 1, phase: Phase::Train, work, temperatures: &[] };
        let ended = attempt_all(&context, &plan, targets).await;
        assert_eq!(ended.is_ok(), kept == 8, "{ended:?}");
        assert_eq!(context.ledger.attempts(1, Phase::Train).unwrap().len(), kept);
    }
    let attempts = context.ledger.attempts(1, Phase::Train).unwrap();
    let distinct: BTreeSet<_> = attempts.iter().map(|it| (&it.statement, it.sample, &it.proof)).collect();
    assert_eq!(distinct.len(), 8);
    assert!(attempts.iter().all(|it| it.proof.starts_with("by x") && it.verdict.is_some()));
    let asked = [dying.bodies(), next.bodies()].concat();
    let folder = context.folder.path().join("checkpoints").join("stage1");
    assert!(asked.iter().all(|body| body["model"] == *folder.to_string_lossy()));
    // The request that failed was asked again, with the same seed.
    assert_eq!((asked.len(), &asked[3]), (9, &asked[4]));
}
