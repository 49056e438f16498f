//! What samples: a model of a checkpoint, or a script in tests. Proofs and conjectures alike, on a thread of its own.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Context, Result};
use stp_conjecturer::Masking;
use stp_model::{
    Checkpoint, Completion, Mask, ModelError, SampleConfig, SampleRequest, SampleStats, Special,
};

use super::Cancel;
use crate::config::SamplingSettings;

/// What is sampled: proofs or conjectures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleKind {
    /// Proofs of statements.
    Proof,
    /// Statements.
    Conjecture,
}

/// What a model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt<'a> {
    /// A proof.
    Prove {
        /// The statement's binders and type.
        signature: &'a str,
    },
    /// A proof, after one that failed.
    Repair {
        /// The statement's binders and type.
        signature: &'a str,
        /// What failed.
        proof: &'a str,
        /// What Lean said of it.
        message: &'a str,
        /// Tokens that the prompt may take.
        room: usize,
    },
    /// A statement.
    Conjecture {
        /// The signature of a lemma to use.
        lemma: Option<&'a str>,
        /// The seed's signature.
        signature: &'a str,
        /// The seed's proof; empty for a seed that nobody has proved.
        proof: &'a str,
    },
}

/// A model that writes texts: one of a checkpoint, or a script.
pub trait Sampler: Send + Sync {
    /// The longest sequence in tokens, prompt and answer together.
    fn longest(&self) -> usize;

    /// A prompt as tokens.
    fn encode(&self, prompt: &Prompt<'_>) -> Vec<u32>;

    /// The text of a completion's tokens.
    fn decode(&self, tokens: &[u32]) -> String;

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

/// The model of a checkpoint.
pub struct ModelSampler(pub Checkpoint);

impl Sampler for ModelSampler {
    fn longest(&self) -> usize {
        self.0.model.config().max_seq
    }

    fn encode(&self, prompt: &Prompt<'_>) -> Vec<u32> {
        let tokenizer = &self.0.tokenizer;
        match *prompt {
            Prompt::Prove { signature } => stp_prover::prompt(tokenizer, signature),
            Prompt::Repair { signature, proof, message, room } => {
                stp_prover::repair_prompt(tokenizer, signature, proof, message, room)
            }
            Prompt::Conjecture { lemma, signature, proof } => {
                stp_conjecturer::prompt(tokenizer, lemma, signature, proof)
            }
        }
    }

    fn decode(&self, tokens: &[u32]) -> String {
        self.0.tokenizer.decode(tokens)
    }

    fn mask(&self, level: Masking) -> Option<Mask> {
        stp_conjecturer::mask(&self.0.tokenizer, level)
    }

    fn sample(
        &self,
        requests: &[SampleRequest],
        settings: &SampleConfig,
        on_completion: &mut dyn FnMut(Completion) -> ControlFlow<()>,
    ) -> Result<SampleStats, ModelError> {
        stp_model::sample(&self.0.model, requests, settings, on_completion)
    }

    fn embed(&self, prompts: &[Vec<u32>], batch: usize) -> Result<Vec<Vec<f32>>, ModelError> {
        stp_model::embed(&self.0.model, prompts, batch)
    }
}

/// The model's settings for one kind.
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
        stop: vec![Special::End.id()],
        ..SampleConfig::default()
    }
}

/// Samples in a blocking thread; `each` gets every completion with its text, there.
///
/// # Errors
/// If the model fails, or `each` does.
pub async fn sample(
    sampler: Arc<dyn Sampler>,
    requests: Vec<SampleRequest>,
    settings: SampleConfig,
    cancel: Cancel,
    mut each: impl FnMut(&Completion, String) -> Result<()> + Send + 'static,
) -> Result<SampleStats> {
    let work = move || -> Result<SampleStats> {
        let mut outcome = Ok(());
        let stats = sampler.sample(&requests, &settings, &mut |completion| {
            outcome = each(&completion, sampler.decode(&completion.tokens));
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
