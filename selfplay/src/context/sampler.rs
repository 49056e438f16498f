//! What samples: a model of a checkpoint, servers that have it, or a script in tests. Proofs and conjectures alike, on a
//! thread of its own.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Context, Result};
use stp_conjecturer::Masking;
use stp_datasets::normalise_spaces;
use stp_model::{Checkpoint, Mask, ModelError, SampleConfig, SampleRequest, SampleStats};
use stp_prover::normalise_proof;

use super::Cancel;
use super::prompts::Prompts;
pub use super::prompts::{Prompt, SampleKind};
use crate::config::SamplingSettings;

/// What a sampler is asked.
pub struct Asked<'a> {
    /// Proofs or conjectures.
    pub kind: SampleKind,
    /// The prompts, with a seed for each sample.
    pub requests: &'a [SampleRequest],
    /// How to sample; what ends a text is the sampler's to say.
    pub settings: &'a SampleConfig,
    /// The wish to stop, for a sampler that waits for others.
    pub cancel: &'a Cancel,
}

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Index of its request.
    pub request: usize,
    /// Index into the request's seeds.
    pub sample: usize,
    /// The text, up to what ended it.
    pub text: String,
    /// Its tokens.
    pub tokens: usize,
    /// Their log-probability under the model itself; 0 if nobody says it.
    pub logprob: f64,
    /// Whether the model ended it; otherwise the length limit did.
    pub finished: bool,
}

/// A model that writes texts: one of a checkpoint, or a script.
pub trait Sampler: Send + Sync {
    /// The longest sequence in tokens, prompt and answer together.
    fn longest(&self) -> usize;

    /// A prompt as tokens.
    ///
    /// # Errors
    /// If the prompt's template does not take these texts.
    fn encode(&self, prompt: &Prompt<'_>) -> Result<Vec<u32>, ModelError>;

    /// What of an answer that ended is the proof of the theorem of that name.
    ///
    /// # Errors
    /// What the answer should have had.
    fn proof(&self, answer: &str, _name: &str) -> Result<String, &'static str> {
        Ok(normalise_proof(answer))
    }

    /// What stands before the proof of such an answer, where that is learned, too.
    fn thought<'a>(&self, _answer: &'a str) -> Option<&'a str> {
        None
    }

    /// What of an answer that ended is the statement.
    fn statement(&self, answer: &str) -> Option<String> {
        Some(normalise_spaces(answer))
    }

    /// What texts of conjectures keep to in this sampler's tokens, if it can be told so.
    fn mask(&self, _: Masking) -> Option<Mask> {
        None
    }

    /// Samples every request's seeds; each sample is handed out once, when it ends.
    ///
    /// # Errors
    /// If the model fails.
    fn sample(
        &self,
        asked: &Asked<'_>,
        each: &mut dyn FnMut(Sample) -> ControlFlow<()>,
    ) -> Result<SampleStats>;

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

    fn proof(&self, answer: &str, name: &str) -> Result<String, &'static str> {
        self.prompts.proof(answer, name)
    }

    fn thought<'a>(&self, answer: &'a str) -> Option<&'a str> {
        self.prompts.thought(answer)
    }

    fn statement(&self, answer: &str) -> Option<String> {
        self.prompts.statement(answer)
    }

    fn mask(&self, level: Masking) -> Option<Mask> {
        stp_conjecturer::mask(&self.checkpoint.tokenizer, level)
    }

    fn sample(
        &self,
        asked: &Asked<'_>,
        each: &mut dyn FnMut(Sample) -> ControlFlow<()>,
    ) -> Result<SampleStats> {
        let (stop, stop_when) = self.prompts.stops(asked.kind);
        let settings = SampleConfig { stop, stop_when, max_seq: self.longest, ..asked.settings.clone() };
        let stats =
            stp_model::sample(&self.checkpoint.model, asked.requests, &settings, &mut |completion| {
                each(Sample {
                    request: completion.request,
                    sample: completion.sample,
                    text: self.prompts.read(asked.kind, &completion.tokens),
                    tokens: completion.tokens.len(),
                    logprob: completion.logprob,
                    finished: completion.finished,
                })
            })?;
        Ok(stats)
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
        precision: sampling.precision,
        ..SampleConfig::default()
    }
}

/// Samples in a blocking thread; `each` gets every sample, there.
///
/// # Errors
/// If the model fails, or `each` does.
pub async fn sample(
    sampler: Arc<dyn Sampler>,
    kind: SampleKind,
    requests: Vec<SampleRequest>,
    settings: SampleConfig,
    cancel: Cancel,
    mut each: impl FnMut(Sample) -> Result<()> + Send + 'static,
) -> Result<SampleStats> {
    let work = move || -> Result<SampleStats> {
        let asked = Asked { kind, requests: &requests, settings: &settings, cancel: &cancel };
        let mut outcome = Ok(());
        let stats = sampler.sample(&asked, &mut |sample| {
            outcome = each(sample);
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

#[cfg(test)]
mod tests {
    use stp_model::{Device, Lm, ModelConfig, Tokenizer};

    use super::*;
    use crate::config::Layout;

    #[test]
    fn an_answer_ends_at_the_longest_sequence_of_the_run() {
        let tokenizer = Tokenizer::train(&["by rfl".to_owned()], Tokenizer::MIN_VOCAB).unwrap();
        let config = ModelConfig::smallest(tokenizer.vocab_size());
        let checkpoint = Checkpoint::new(Lm::init(&config, &Device::flex(), 0).unwrap(), tokenizer);
        let prompts = Prompts::new(&checkpoint, &Layout::named("markers").unwrap()).unwrap();
        let sampler = ModelSampler { checkpoint, prompts, longest: 10 };
        let requests = [SampleRequest { prompt: vec![9; 6], seeds: (0..20).collect() }];
        let (settings, cancel) = (SampleConfig::default(), Cancel::new());
        let asked =
            Asked { kind: SampleKind::Proof, requests: &requests, settings: &settings, cancel: &cancel };
        let mut tokens = Vec::new();
        let sampled = sampler.sample(&asked, &mut |sample| {
            tokens.push(sample.tokens);
            ControlFlow::Continue(())
        });
        assert_eq!((sampled.unwrap().completions, tokens.into_iter().max()), (20, Some(4)));
    }
}
