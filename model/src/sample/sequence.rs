//! One sample on its way.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::mask::{Mask, Reader};
use super::pick::{Picked, Picker};
use super::{Completion, SampleConfig};
use crate::ModelError;

/// A sample being drawn.
pub(super) struct Sequence {
    pub request: usize,
    pub sample: usize,
    /// What was drawn so far.
    pub tokens: Vec<u32>,
    rng: ChaCha8Rng,
    logprob: f64,
    state: State,
    /// What the completion keeps to, if anything.
    reader: Option<Box<dyn Reader>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Stopped,
    Full,
    Delivered,
}

impl Sequence {
    pub(super) fn new(request: usize, sample: usize, seed: u64, config: &SampleConfig) -> Self {
        Self {
            request,
            sample,
            rng: ChaCha8Rng::seed_from_u64(seed),
            tokens: Vec::new(),
            logprob: 0.0,
            state: State::Running,
            reader: config.mask.as_ref().map(Mask::begin),
        }
    }

    /// Whether more tokens are to be drawn.
    pub(super) fn is_running(&self) -> bool {
        self.state == State::Running
    }

    /// Draws the next token; `longest` is what prompt and completion may have together.
    pub(super) fn draw(
        &mut self,
        logits: &[f32],
        picker: &mut Picker,
        config: &SampleConfig,
        limit: Limit,
    ) -> Result<(), ModelError> {
        let (token, logprob) = match self.pick(logits, picker, config, limit) {
            Picked::Token(token, logprob) => (token, logprob),
            Picked::Nothing => {
                self.state = State::Full;
                return Ok(());
            }
            Picked::NotFinite => return Err(ModelError::NotFinite { what: "logits", step: limit.step }),
        };
        self.logprob += logprob;
        if config.stop.contains(&token) {
            self.state = State::Stopped;
            return Ok(());
        }
        self.tokens.push(token);
        if let Some(reader) = &mut self.reader {
            reader.read(token);
        }
        if config.stop_when.as_ref().is_some_and(|stop| stop.ends(&self.tokens)) {
            self.state = State::Stopped;
            return Ok(());
        }
        let len = limit.prompt + self.tokens.len();
        if self.tokens.len() >= config.max_new_tokens || len >= limit.max_seq {
            self.state = State::Full;
        }
        Ok(())
    }

    fn pick(&mut self, logits: &[f32], picker: &mut Picker, config: &SampleConfig, limit: Limit) -> Picked {
        let Some(reader) = &self.reader else {
            let picked = picker.pick(logits, &mut self.rng);
            return picked.map_or(Picked::NotFinite, |(token, logprob)| Picked::Token(token, logprob));
        };
        let longest = config.max_new_tokens.min(limit.max_seq.saturating_sub(limit.prompt));
        let left = longest.saturating_sub(self.tokens.len());
        let allows = |token| {
            if config.stop.contains(&token) { reader.may_end() } else { reader.allows(token, left) }
        };
        picker.pick_allowed(logits, &mut self.rng, &allows)
    }

    /// What it became, once, when it has ended.
    pub(super) fn take_completion(&mut self) -> Option<Completion> {
        let finished = match self.state {
            State::Running | State::Delivered => return None,
            State::Stopped => true,
            State::Full => false,
        };
        self.state = State::Delivered;
        Some(Completion {
            request: self.request,
            sample: self.sample,
            tokens: std::mem::take(&mut self.tokens),
            logprob: self.logprob,
            finished,
        })
    }
}

/// How long a sequence may get.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    /// Tokens of its prompt.
    pub prompt: usize,
    /// Tokens of prompt and completion.
    pub max_seq: usize,
    /// The step that is to be named in an error.
    pub step: usize,
}
