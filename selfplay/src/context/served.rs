//! Servers as a sampler: the prompts and the tokenizer are the run's, the texts are theirs.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use stp_model::{ModelError, SampleRequest, SampleStats};

use super::sampler::{Asked, ModelSampler, Prompt, Sample, Sampler};
use crate::config::SentAs;
use crate::served::{Content, SamplingParameters, Served, ServedModel, ServedRequest, ServedSample};

/// Servers that sample from a checkpoint.
pub struct ServedSampler {
    /// The servers.
    pub served: Arc<Served>,
    /// The checkpoint, as they are told of it.
    pub model: ServedModel,
    /// The checkpoint here: what its prompts and its answers mean.
    pub own: ModelSampler,
    /// How prompts are sent.
    pub sent_as: SentAs,
}

impl ServedSampler {
    fn request(&self, request: &SampleRequest, longest: usize) -> ServedRequest {
        let own = &request.prompt;
        let room = self.own.longest().saturating_sub(own.len());
        let (prompt, tokens) = match self.sent_as {
            SentAs::Text => {
                let text = self.own.checkpoint.tokenizer.prompt_text(own);
                let tokens = self.is_read_alike(&text, own).then_some(own.len());
                (Content::Text(text), tokens)
            }
            SentAs::Tokens => (Content::Tokens(own.clone()), None),
        };
        let (seeds, max_tokens) = (request.seeds.clone(), longest.min(room).max(1));
        ServedRequest { prompt, seeds, max_tokens, tokens }
    }

    /// Whether our tokenizer makes these tokens of a text, which are others where a value was cut or spells a special token.
    /// What it puts before a text is the server's affair.
    fn is_read_alike(&self, text: &str, tokens: &[u32]) -> bool {
        let read = self.own.checkpoint.tokenizer.encode_prompt(text);
        read.is_ok_and(|read| read.ends_with(tokens))
    }

    fn sample_of(&self, asked: &Asked<'_>, said: ServedSample) -> Sample {
        let ServedSample { request, sample, choice } = said;
        let text = self.own.prompts.cut(asked.kind, &choice.text);
        let count = || self.own.checkpoint.tokenizer.encode(&text).len();
        Sample {
            request,
            sample,
            tokens: choice.tokens.unwrap_or_else(count),
            logprob: choice.logprob.unwrap_or_default(),
            // Some servers stop at a text only at the end of a token, which may have been the last.
            finished: choice.finished || text.len() < choice.text.len(),
            text,
        }
    }
}

impl Sampler for ServedSampler {
    fn longest(&self) -> usize {
        self.own.longest()
    }

    fn encode(&self, prompt: &Prompt<'_>) -> Result<Vec<u32>, ModelError> {
        self.own.encode(prompt)
    }

    fn proof(&self, answer: &str, name: &str) -> Result<String, &'static str> {
        self.own.proof(answer, name)
    }

    fn statement(&self, answer: &str) -> Option<String> {
        self.own.statement(answer)
    }

    fn sample(
        &self,
        asked: &Asked<'_>,
        each: &mut dyn FnMut(Sample) -> ControlFlow<()>,
    ) -> Result<SampleStats> {
        let started = Instant::now();
        let mut stats = SampleStats::default();
        let longest = asked.settings.max_new_tokens;
        let requests = asked.requests.iter().map(|request| self.request(request, longest)).collect();
        let parameters = SamplingParameters {
            temperature: asked.settings.temperature,
            top_p: asked.settings.top_p,
            stop: self.own.prompts.stop_texts(asked.kind),
            show_special: self.own.prompts.stops_at_special(asked.kind),
        };
        let is_cancelled = || asked.cancel.is_cancelled();
        let ended = self.served.sample(&self.model, requests, parameters, &is_cancelled, &mut |said| {
            let sample = self.sample_of(asked, said);
            stats.completions += 1;
            stats.tokens += sample.tokens;
            each(sample)
        })?;
        stats.interrupted = ended.is_break();
        stats.seconds = started.elapsed().as_secs_f64();
        Ok(stats)
    }

    fn embed(&self, prompts: &[Vec<u32>], batch: usize) -> Result<Vec<Vec<f32>>, ModelError> {
        self.own.embed(prompts, batch)
    }
}

#[cfg(test)]
mod tests;
