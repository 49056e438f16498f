//! Validation with a scripted model and judge.

use super::*;
use crate::test::{self, ScriptedSampler};

#[tokio::test]
async fn each_model_is_measured_under_a_round_of_its_own() {
    let (_scratch, context) =
        test::context(test::corpus(), test::script(), ScriptedSampler::new(|_, _| "by rfl"), |_| {});
    let rounds = context.config.rounds;
    for step in [Step::Stage1Valid, Step::Valid(1), Step::FinalValid] {
        validate(&context, step).await.unwrap();
        let attempts = context.ledger.attempts(step.round(rounds), Phase::Valid).unwrap();
        assert_eq!(attempts.len(), 2, "{step:?}");
        assert!(attempts.iter().all(|attempt| attempt.statement == "v" && attempt.is_proved()));
    }
    assert!(context.ledger.attempts(0, Phase::Train).unwrap().is_empty());
}
