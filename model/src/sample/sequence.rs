//! One sample on its way.

use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::job::{Drawn, Job, Told};
use super::mask::{Mask, Reader};
use super::pick::{Picked, Picker};
use super::{Completion, SampleConfig};
use crate::ModelError;

/// A sample being drawn.
pub(super) struct Sequence<'a> {
    /// Whose sample it is.
    pub job: Arc<Job<'a>>,
    pub sample: usize,
    /// What was drawn so far.
    pub tokens: Vec<u32>,
    rng: ChaCha8Rng,
    logprob: f64,
    state: State,
    /// What the completion keeps to, if anything.
    reader: Option<Box<dyn Reader>>,
}

enum State {
    Running,
    Stopped,
    Full,
    Failed(ModelError),
    Delivered,
}

impl<'a> Sequence<'a> {
    pub(super) fn new(job: Arc<Job<'a>>, sample: usize) -> Self {
        job.begin_sample();
        Self {
            sample,
            rng: ChaCha8Rng::seed_from_u64(job.seeds[sample]),
            tokens: Vec::new(),
            logprob: 0.0,
            state: State::Running,
            reader: job.config.mask.as_ref().map(Mask::begin),
            job,
        }
    }

    /// Whether more tokens are to be drawn.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Running)
    }

    /// Draws the next token.
    pub(super) fn draw(&mut self, logits: &[f32], picker: &mut Picker, limit: Limit) {
        let job = self.job.clone();
        let config = &*job.config;
        let limit = Limit { max_seq: limit.max_seq.min(config.max_seq), ..limit };
        picker.aim(config);
        let (token, logprob) = match self.pick(logits, picker, config, limit) {
            Picked::Token(token, logprob) => (token, logprob),
            Picked::Nothing => {
                self.state = State::Full;
                return;
            }
            Picked::NotFinite => {
                self.state = State::Failed(ModelError::NotFinite { what: "logits", step: limit.step });
                return;
            }
        };
        self.logprob += logprob;
        if config.stop.contains(&token) {
            self.state = State::Stopped;
            return;
        }
        self.tokens.push(token);
        if let Some(reader) = &mut self.reader {
            reader.read(token);
        }
        if let Some(count) = job.listens() {
            let likeliest = picker.likeliest(logits, count);
            job.tell(Told::Drawn(Drawn { sample: self.sample, token, logprob, likeliest }));
        }
        if config.stop_when.as_ref().is_some_and(|stop| stop.ends(&self.tokens)) {
            self.state = State::Stopped;
            return;
        }
        let len = job.prompt.len() + self.tokens.len();
        if self.tokens.len() >= config.max_new_tokens || len >= limit.max_seq {
            self.state = State::Full;
        }
    }

    fn pick(&mut self, logits: &[f32], picker: &mut Picker, config: &SampleConfig, limit: Limit) -> Picked {
        let Some(reader) = &self.reader else {
            let picked = picker.pick(logits, &mut self.rng);
            return picked.map_or(Picked::NotFinite, |(token, logprob)| Picked::Token(token, logprob));
        };
        let longest = config.max_new_tokens.min(limit.max_seq.saturating_sub(self.job.prompt.len()));
        let left = longest.saturating_sub(self.tokens.len());
        let allows = |token| {
            if config.stop.contains(&token) { reader.may_end() } else { reader.allows(token, left) }
        };
        picker.pick_allowed(logits, &mut self.rng, &allows)
    }

    /// What it became, once, when it has ended.
    pub(super) fn take_completion(&mut self) -> Option<Result<Completion, ModelError>> {
        if matches!(self.state, State::Running | State::Delivered) {
            return None;
        }
        let finished = match std::mem::replace(&mut self.state, State::Delivered) {
            State::Failed(error) => return Some(Err(error)),
            state => matches!(state, State::Stopped),
        };
        Some(Ok(Completion {
            request: self.job.number,
            sample: self.sample,
            tokens: std::mem::take(&mut self.tokens),
            logprob: self.logprob,
            finished,
        }))
    }
}

impl Drop for Sequence<'_> {
    fn drop(&mut self) {
        self.job.end_sample();
    }
}

/// How long a sequence may get.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    /// Tokens of prompt and completion; a request may have a lower limit.
    pub max_seq: usize,
    /// The step that is to be named in an error.
    pub step: usize,
}
