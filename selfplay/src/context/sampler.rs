//! Sampling on a thread of its own, for proofs and conjectures alike.

use std::ops::ControlFlow;

use anyhow::{Context, Result};
use stp_model::{Checkpoint, Completion, SampleConfig, SampleRequest, SampleStats, Special};

use crate::cancel::Cancel;
use crate::config::Sampling;

/// What is sampled: proofs or conjectures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Proofs of statements.
    Proof,
    /// Statements.
    Conjecture,
}

/// The model's settings for one kind.
pub fn settings(sampling: &Sampling, kind: Kind) -> SampleConfig {
    let (temperature, max_new_tokens) = match kind {
        Kind::Proof => (sampling.temperature, sampling.max_proof_tokens),
        Kind::Conjecture => (sampling.conjecture_temperature, sampling.max_conjecture_tokens),
    };
    SampleConfig {
        temperature,
        top_p: sampling.top_p,
        max_new_tokens,
        batch: sampling.batch,
        cache_mb: sampling.cache_mb,
        stop: vec![Special::End.id()],
        ..SampleConfig::default()
    }
}

/// Samples in a blocking thread; `each` gets every completion with its text, there.
///
/// # Errors
/// If the model fails, or `each` does.
pub async fn sample(
    checkpoint: Checkpoint,
    requests: Vec<SampleRequest>,
    settings: SampleConfig,
    cancel: Cancel,
    mut each: impl FnMut(&Completion, String) -> Result<()> + Send + 'static,
) -> Result<SampleStats> {
    let work = move || -> Result<SampleStats> {
        let mut outcome = Ok(());
        let stats = stp_model::sample(&checkpoint.model, &requests, &settings, &mut |completion| {
            outcome = each(&completion, checkpoint.tokenizer.decode(&completion.tokens));
            if outcome.is_err() || cancel.is_cancelled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        outcome.map(|()| stats)
    };
    tokio::task::spawn_blocking(work).await.context("the sampler's thread broke down")?
}
