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
    /// What servers are asked. A prompt that leaves them no room for an answer has no seeds.
    fn request(&self, request: &SampleRequest, longest: usize) -> ServedRequest {
        let own = &request.prompt;
        let (prompt, tokens, read) = match self.sent_as {
            SentAs::Text => {
                let text = self.own.checkpoint.tokenizer.prompt_text(own);
                let read = self.read(&text).unwrap_or_default();
                // What is put before a text is the server's affair.
                let tokens = read.ends_with(own).then_some(own.len());
                (Content::Text(text), tokens, read.len())
            }
            SentAs::Tokens => (Content::Tokens(own.clone()), None, own.len()),
        };
        let room = self.own.longest().saturating_sub(read.max(own.len()));
        let seeds = if room == 0 { Vec::new() } else { request.seeds.clone() };
        ServedRequest { prompt, seeds, max_tokens: longest.min(room).max(1), tokens }
    }

    /// The tokens that a server with our tokenizer makes of a text. They are others than the prompt's, and may be more, where
    /// a value was cut within a character or spells a special token, or where the tokenizer puts its first token before the
    /// one that a chat template wrote out.
    fn read(&self, text: &str) -> Option<Vec<u32>> {
        self.own.checkpoint.tokenizer.encode_prompt(text).ok()
    }

    /// Hands out the samples of prompts that leave no room for an answer: they did not end.
    fn without_room(
        asked: &Asked<'_>,
        requests: &[ServedRequest],
        stats: &mut SampleStats,
        each: &mut dyn FnMut(Sample) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let pairs = asked.requests.iter().zip(requests).enumerate();
        for (request, (wanted, _)) in pairs.filter(|(_, (_, served))| served.seeds.is_empty()) {
            for sample in 0..wanted.seeds.len() {
                stats.completions += 1;
                let text = String::new();
                each(Sample { request, sample, text, tokens: 0, logprob: 0.0, finished: false })?;
            }
        }
        ControlFlow::Continue(())
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

    fn thought<'a>(&self, answer: &'a str) -> Option<&'a str> {
        self.own.thought(answer)
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
        let requests: Vec<_> = asked.requests.iter().map(|request| self.request(request, longest)).collect();
        if Self::without_room(asked, &requests, &mut stats, each).is_break() {
            stats.interrupted = true;
            return Ok(stats);
        }
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
