//! What is asked of sampling, and what comes back.

use std::sync::Arc;

use super::mask::Mask;
use crate::{Lm, ModelError, Precision, Special, Tokenizer, memory};

/// A prompt and how many samples of it to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleRequest {
    /// The prompt's tokens; at least one.
    pub prompt: Vec<u32>,
    /// One sample for each seed.
    pub seeds: Vec<u64>,
}

/// How to sample. The limits on tokens hold all together, as in `transformers`.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleConfig {
    /// Divides the logits; 0 takes the most likely token.
    pub temperature: f32,
    /// Only the most likely tokens that together have this probability are considered; 1 for all.
    pub top_p: f32,
    /// Only so many of the most likely tokens are considered; 0 for all.
    pub top_k: usize,
    /// Only tokens that are at least this part as likely as the most likely one are considered; 0 for all.
    pub min_p: f32,
    /// Longest completion.
    pub max_new_tokens: usize,
    /// Longest sequence, prompt and completion together; the model's own at most.
    pub max_seq: usize,
    /// Sequences in flight at a time.
    pub batch: usize,
    /// Memory for their keys and values in MiB; 0 for half of what is available. With too little of it some
    /// sequences wait.
    pub cache_mb: usize,
    /// Numbers that the processor multiplies; their sums have 32 bits. Other devices multiply the model's own.
    pub precision: Precision,
    /// Tokens that end a completion.
    pub stop: Vec<u32>,
    /// Ends a completion by its text.
    pub stop_when: Option<StopWhen>,
    /// What completions keep to. Tokens that it does not allow are drawn again among those that it does.
    pub mask: Option<Mask>,
}

impl Default for SampleConfig {
    /// From all tokens, with the model's own probabilities.
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            max_new_tokens: 256,
            max_seq: usize::MAX,
            batch: 64,
            cache_mb: 0,
            precision: Precision::F32,
            stop: vec![Special::End.id()],
            stop_when: None,
            mask: None,
        }
    }
}

type Ends = dyn Fn(&[u32]) -> bool + Send + Sync;

/// Whether a completion's tokens so far end it.
#[derive(Clone)]
pub struct StopWhen(Arc<Ends>);

impl StopWhen {
    /// When one of these strings stands at or near the end of the text.
    pub fn text_ends_with(tokenizer: &Tokenizer, strings: Vec<String>) -> Self {
        // A token is a byte at least, and what came before was looked at before.
        let longest = strings.iter().map(String::len).max().unwrap_or_default();
        let tokenizer = tokenizer.clone();
        Self(Arc::new(move |tokens| {
            let text = tokenizer.decode(&tokens[tokens.len().saturating_sub(longest + 1)..]);
            strings.iter().any(|string| text.contains(string))
        }))
    }

    /// Whether these tokens end a completion.
    pub(super) fn ends(&self, tokens: &[u32]) -> bool {
        (self.0)(tokens)
    }
}

impl std::fmt::Debug for StopWhen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StopWhen")
    }
}

impl PartialEq for StopWhen {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
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
    /// Prompt tokens read; a prompt counts once for each time that sequences of it join a batch.
    pub prompt_tokens: usize,
    /// Steps of the batch.
    pub steps: usize,
    /// Wall-clock time.
    pub seconds: f64,
    /// Whether the callback ended it early.
    pub interrupted: bool,
}

impl SampleConfig {
    /// Checks what types cannot.
    pub(super) fn validate(&self) -> Result<(), ModelError> {
        let setting = |name, value: String, remedy| Err(ModelError::Setting { name, value, remedy });
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return setting("temperature", self.temperature.to_string(), "set it to 0 or above");
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return setting("top_p", self.top_p.to_string(), "set it above 0 and at most 1");
        }
        if !(0.0..=1.0).contains(&self.min_p) {
            return setting("min_p", self.min_p.to_string(), "set it to at least 0 and at most 1");
        }
        ModelError::require_some("max_new_tokens", self.max_new_tokens)?;
        ModelError::require_some("batch", self.batch)
    }

    /// The longest sequence of a model.
    pub(super) fn longest(&self, model: &Lm) -> usize {
        self.max_seq.min(model.config().max_seq)
    }

    /// Bytes that keys and values may take in the processor's memory.
    pub(super) fn cache_bytes(&self) -> usize {
        match self.cache_mb {
            0 => memory::available().map_or(CACHE_UNKNOWN, |bytes| bytes as usize / 2),
            mb => mb.saturating_mul(1 << 20),
        }
    }

    /// Bytes that they may take on another device, which does not tell how much memory it has.
    pub(super) fn device_cache_bytes(&self) -> usize {
        if self.cache_mb == 0 { CACHE_UNKNOWN } else { self.cache_bytes() }
    }
}

/// Memory for keys and values where the system does not tell how much there is.
const CACHE_UNKNOWN: usize = 4 << 30;
