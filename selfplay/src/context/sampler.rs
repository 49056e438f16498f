//! What samples: a model of a checkpoint, or a script in tests. Proofs and conjectures alike, on a thread of its own.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Context, Result};
use stp_conjecturer::Masking;
use stp_datasets::normalise_spaces;
use stp_model::{
    Checkpoint, Completion, Mask, ModelError, SampleConfig, SampleRequest, SampleStats, StopWhen,
};
use stp_prover::normalise_proof;

use super::Cancel;
use super::prompts::Prompts;
pub use super::prompts::{Prompt, SampleKind};
use crate::config::SamplingSettings;

/// A model that writes texts: one of a checkpoint, or a script.
pub trait Sampler: Send + Sync {
    /// The longest sequence in tokens, prompt and answer together.
    fn longest(&self) -> usize;

    /// A prompt as tokens.
    ///
    /// # Errors
    /// If the prompt's template does not take these texts.
    fn encode(&self, prompt: &Prompt<'_>) -> Result<Vec<u32>, ModelError>;

    /// The text of a completion's tokens, up to what ended it.
    fn decode(&self, kind: SampleKind, tokens: &[u32]) -> String;

    /// What ends a completion: tokens, and texts that are none.
    fn stops(&self, _kind: SampleKind) -> (Vec<u32>, Option<StopWhen>) {
        (Vec::new(), None)
    }

    /// What of an answer that ended is the proof of the theorem of that name.
    ///
    /// # Errors
    /// What the answer should have had.
    fn proof(&self, answer: &str, _name: &str) -> Result<String, &'static str> {
        Ok(normalise_proof(answer))
    }

    /// What of an answer that ended is the statement.
    fn statement(&self, answer: &str) -> Option<String> {
        Some(normalise_spaces(answer))
    }

    /// What texts of conjectures keep to in this sampler's tokens, if it can be told so.
    fn mask(&self, _: Masking) -> Option<Mask> {
        None
    }

    /// Samples every request's seeds; each completion is handed out when it ends.
    ///
    /// # Errors
    /// If the model fails.
    fn sample(
        &self,
        requests: &[SampleRequest],
        settings: &SampleConfig,
        on_completion: &mut dyn FnMut(Completion) -> ControlFlow<()>,
    ) -> Result<SampleStats, ModelError>;

    /// An embedding of each prompt, `batch` at a time.
    ///
    /// # Errors
    /// If the model fails.
    fn embed(&self, prompts: &[Vec<u32>], batch: usize) -> Result<Vec<Vec<f32>>, ModelError>;
}

/// The model of a checkpoint, asked by the prompts of a run.
pub struct ModelSampler {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Its prompts.
    pub prompts: Prompts,
    /// The longest sequence that the run may make.
    pub longest: usize,
}

impl Sampler for ModelSampler {
    fn longest(&self) -> usize {
        self.longest
    }

    fn encode(&self, prompt: &Prompt<'_>) -> Result<Vec<u32>, ModelError> {
        self.prompts.encode(prompt)
    }

    fn decode(&self, kind: SampleKind, tokens: &[u32]) -> String {
        self.prompts.read(kind, tokens)
    }

    fn stops(&self, kind: SampleKind) -> (Vec<u32>, Option<StopWhen>) {
        self.prompts.stops(kind)
    }

    fn proof(&self, answer: &str, name: &str) -> Result<String, &'static str> {
        self.prompts.proof(answer, name)
    }

    fn statement(&self, answer: &str) -> Option<String> {
        self.prompts.statement(answer)
    }

    fn mask(&self, level: Masking) -> Option<Mask> {
        stp_conjecturer::mask(&self.checkpoint.tokenizer, level)
    }

    fn sample(
        &self,
        requests: &[SampleRequest],
        settings: &SampleConfig,
        on_completion: &mut dyn FnMut(Completion) -> ControlFlow<()>,
    ) -> Result<SampleStats, ModelError> {
        stp_model::sample(&self.checkpoint.model, requests, settings, on_completion)
    }

    fn embed(&self, prompts: &[Vec<u32>], batch: usize) -> Result<Vec<Vec<f32>>, ModelError> {
        stp_model::embed(&self.checkpoint.model, prompts, batch)
    }
}

/// The model's settings for one kind; what ends a completion is the sampler's to say.
pub fn settings(sampling: &SamplingSettings, kind: SampleKind) -> SampleConfig {
    let (temperature, max_new_tokens) = match kind {
        SampleKind::Proof => (sampling.temperature, sampling.max_proof_tokens),
        SampleKind::Conjecture => (sampling.conjecture_temperature, sampling.max_conjecture_tokens),
    };
    SampleConfig {
        temperature,
        top_p: sampling.top_p,
        max_new_tokens,
        batch: sampling.batch,
        cache_mb: sampling.cache_mb,
        ..SampleConfig::default()
    }
}

/// Samples in a blocking thread; `each` gets every completion with its text, there.
///
/// # Errors
/// If the model fails, or `each` does.
pub async fn sample(
    sampler: Arc<dyn Sampler>,
    kind: SampleKind,
    requests: Vec<SampleRequest>,
    settings: SampleConfig,
    cancel: Cancel,
    mut each: impl FnMut(&Completion, String) -> Result<()> + Send + 'static,
) -> Result<SampleStats> {
    let work = move || -> Result<SampleStats> {
        let (stop, stop_when) = sampler.stops(kind);
        let settings = SampleConfig { stop, stop_when, ..settings };
        let mut outcome = Ok(());
        let stats = sampler.sample(&requests, &settings, &mut |completion| {
            outcome = each(&completion, sampler.decode(kind, &completion.tokens));
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
