//! Batched sampling with a key-value cache.
//!
//! A prompt is read once for all its samples. Finished sequences leave the batch and waiting ones
//! join it, so that the batch stays full. Every sequence has its own random stream, so what it says
//! does not depend on its neighbours.

mod batch;
mod pick;

use std::ops::ControlFlow;
use std::time::Instant;

use batch::{Batch, Sequence};

use crate::{Lm, ModelError};

/// A prompt and how many samples of it to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleRequest {
    /// The prompt's tokens; at least one.
    pub prompt: Vec<u32>,
    /// One sample for each seed.
    pub seeds: Vec<u64>,
}

/// How to sample.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleConfig {
    /// Divides the logits; 0 takes the most likely token.
    pub temperature: f32,
    /// Only the most likely tokens that together have this probability are considered; 1 for all.
    pub top_p: f32,
    /// Longest completion.
    pub max_new_tokens: usize,
    /// Sequences in flight at a time.
    pub batch: usize,
    /// The token that ends a completion.
    pub stop: u32,
}

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// Index of its request.
    pub request: usize,
    /// Index into the request's seeds.
    pub sample: usize,
    /// The tokens after the prompt, without the stop token.
    pub tokens: Vec<u32>,
    /// Log-probability of the tokens, with the stop token, under the model itself: before
    /// temperature and `top_p`.
    pub logprob: f64,
    /// Whether the model ended it; otherwise the length limit did.
    pub finished: bool,
}

/// What sampling did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SampleStats {
    /// Completions delivered.
    pub completions: usize,
    /// Tokens drawn, stop tokens included.
    pub tokens: usize,
    /// Prompt tokens read, each prompt once.
    pub prompt_tokens: usize,
    /// Steps of the batch.
    pub steps: usize,
    /// Wall-clock time.
    pub seconds: f64,
    /// Whether the callback ended it early.
    pub interrupted: bool,
}

impl SampleConfig {
    fn validate(&self) -> Result<(), ModelError> {
        let setting = |name, value: String, remedy| Err(ModelError::Setting { name, value, remedy });
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return setting("temperature", self.temperature.to_string(), "set it to 0 or above");
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return setting("top_p", self.top_p.to_string(), "set it above 0 and at most 1");
        }
        if self.max_new_tokens == 0 {
            return setting("max_new_tokens", "0".to_owned(), "set it to at least 1");
        }
        if self.batch == 0 {
            return setting("batch", "0".to_owned(), "set it to at least 1");
        }
        Ok(())
    }
}

/// Draws one completion for every seed of every request and hands each to `on_completion` as soon
/// as it is done; `Break` ends sampling. The model may be in training or inference mode.
pub fn sample(
    model: &Lm,
    requests: &[SampleRequest],
    config: &SampleConfig,
    on_completion: &mut dyn FnMut(Completion) -> ControlFlow<()>,
) -> Result<SampleStats, ModelError> {
    config.validate()?;
    for (index, request) in requests.iter().enumerate() {
        check_prompt(model, index, &request.prompt)?;
    }
    let started = Instant::now();
    let model = burn::module::Module::valid(model);
    let mut batch = Batch::new(&model, config);
    let mut waiting = queue(requests);
    let mut stats = SampleStats::default();
    while !(batch.is_empty() && waiting.is_empty()) {
        let done = if batch.len() <= config.batch / 2 && !waiting.is_empty() {
            let room = config.batch - batch.len();
            let joining = waiting.split_off(waiting.len().saturating_sub(room));
            stats.prompt_tokens += batch.join(requests, joining)?;
            batch.take_done()
        } else {
            stats.steps += 1;
            batch.step(stats.steps)?;
            batch.take_done()
        };
        for completion in done {
            stats.completions += 1;
            stats.tokens += completion.tokens.len() + usize::from(completion.finished);
            if on_completion(completion).is_break() {
                stats.interrupted = true;
                stats.seconds = started.elapsed().as_secs_f64();
                return Ok(stats);
            }
        }
    }
    stats.seconds = started.elapsed().as_secs_f64();
    Ok(stats)
}

fn check_prompt(model: &Lm, request: usize, prompt: &[u32]) -> Result<(), ModelError> {
    let max_seq = model.config().max_seq;
    let refused = |reason| Err(ModelError::Prompt { request, reason });
    if prompt.is_empty() {
        return refused("it is empty; give it at least one token".to_owned());
    }
    if prompt.len() >= max_seq {
        let len = prompt.len();
        return refused(format!(
            "its {len} tokens leave no room in `max_seq` = {max_seq}; shorten it or raise `max_seq`"
        ));
    }
    check_tokens(model, prompt)
}

/// Refuses ids without an embedding, which a device would otherwise read out of bounds.
pub(crate) fn check_tokens(model: &Lm, tokens: &[u32]) -> Result<(), ModelError> {
    let vocab_size = model.config().vocab_size;
    match tokens.iter().find(|&&token| token as usize >= vocab_size) {
        Some(&token) => Err(ModelError::Token { token, vocab_size }),
        None => Ok(()),
    }
}

/// All sequences, the shortest prompts last because the batch takes them from the end.
fn queue(requests: &[SampleRequest]) -> Vec<Sequence> {
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(requests[index].prompt.len()));
    let sequences = order.into_iter().flat_map(|request| {
        let seeds = requests[request].seeds.iter().enumerate();
        seeds.map(move |(sample, &seed)| Sequence::new(request, sample, seed))
    });
    sequences.collect()
}

#[cfg(test)]
mod tests;
