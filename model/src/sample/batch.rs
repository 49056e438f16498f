//! The sequences in flight and their cache.

use burn::tensor::{Int, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::pick::Picker;
use super::{Completion, SampleConfig, SampleRequest, StopWhen};
use crate::device::read_back;
use crate::nn::KvCache;
use crate::{Lm, ModelError, Special};

/// One sample being drawn.
pub(super) struct Sequence {
    request: usize,
    sample: usize,
    rng: ChaCha8Rng,
    prompt_len: usize,
    tokens: Vec<u32>,
    logprob: f64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Stopped,
    Full,
    Delivered,
}

impl Sequence {
    pub(super) fn new(request: usize, sample: usize, seed: u64) -> Self {
        Self {
            request,
            sample,
            rng: ChaCha8Rng::seed_from_u64(seed),
            prompt_len: 0,
            tokens: Vec::new(),
            logprob: 0.0,
            state: State::Running,
        }
    }

    fn completion(&mut self) -> Completion {
        let finished = self.state == State::Stopped;
        self.state = State::Delivered;
        Completion {
            request: self.request,
            sample: self.sample,
            tokens: std::mem::take(&mut self.tokens),
            logprob: self.logprob,
            finished,
        }
    }
}

/// The rows of the batch: sequence `i` owns row `i` of the cache.
pub(super) struct Batch<'a> {
    model: &'a Lm,
    config: &'a SampleConfig,
    picker: Picker,
    waiting: Vec<Sequence>,
    rows: Vec<Sequence>,
    cache: KvCache,
    prompt_tokens: usize,
}

impl<'a> Batch<'a> {
    pub(super) fn new(model: &'a Lm, config: &'a SampleConfig, waiting: Vec<Sequence>) -> Self {
        let picker = Picker::new(config);
        let cache = KvCache::default();
        Self { model, config, picker, waiting, rows: Vec::new(), cache, prompt_tokens: 0 }
    }

    /// Whether sequences are running or waiting.
    pub(super) fn is_active(&self) -> bool {
        self.running() > 0 || !self.waiting.is_empty()
    }

    /// Prompt tokens read so far.
    pub(super) fn prompt_tokens(&self) -> usize {
        self.prompt_tokens
    }

    /// Lets waiting sequences join if half of the batch is free, and otherwise draws one token for
    /// each; returns the completions that this ended.
    pub(super) fn advance(
        &mut self,
        requests: &[SampleRequest],
        step: usize,
    ) -> Result<Vec<Completion>, ModelError> {
        let running = self.running();
        if running <= self.config.batch / 2 && !self.waiting.is_empty() {
            let left = self.waiting.len().saturating_sub(self.config.batch - running);
            let joining = self.waiting.split_off(left);
            self.join(requests, joining, step)?;
        } else if running > 0 {
            self.step(step)?;
        }
        Ok(self.take_done())
    }

    /// Sequences still running.
    fn running(&self) -> usize {
        self.rows.iter().filter(|row| row.state == State::Running).count()
    }

    /// Reads the prompts of new sequences, draws their first tokens and adds them to the batch.
    /// Sequences of one request must stand together.
    fn join(
        &mut self,
        requests: &[SampleRequest],
        mut joining: Vec<Sequence>,
        step: usize,
    ) -> Result<(), ModelError> {
        let mut distinct: Vec<usize> = joining.iter().map(|sequence| sequence.request).collect();
        distinct.dedup();
        let prompts: Vec<&[u32]> =
            distinct.iter().map(|&request| requests[request].prompt.as_slice()).collect();
        let (logits, mut cache) = self.read(&prompts)?;
        let source = |sequence: &Sequence| distinct.iter().position(|&request| request == sequence.request);
        let sources: Vec<usize> = joining.iter().filter_map(source).collect();
        for (sequence, &row) in joining.iter_mut().zip(&sources) {
            sequence.prompt_len = prompts[row].len();
            self.draw(sequence, &logits[row * self.vocab()..(row + 1) * self.vocab()], step)?;
        }
        cache.select(&sources);
        self.compact();
        self.cache.append(cache);
        self.rows.append(&mut joining);
        self.prompt_tokens += prompts.iter().map(|prompt| prompt.len()).sum::<usize>();
        Ok(())
    }

    /// Feeds every row its last token and draws the next one.
    fn step(&mut self, step: usize) -> Result<(), ModelError> {
        if self.running() * 4 <= self.rows.len() * 3 {
            self.compact();
        }
        let last = |row: &Sequence| i64::from(row.tokens.last().copied().unwrap_or(Special::Pad.id()));
        let tokens: Vec<i64> = self.rows.iter().map(last).collect();
        let shape = [tokens.len(), 1];
        let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, shape), &self.model.device());
        let logits = read_back(self.model.extend(tokens, &mut self.cache))?;
        let mut rows = std::mem::take(&mut self.rows);
        let result = rows.iter_mut().zip(logits.chunks_exact(self.vocab())).try_for_each(|(row, logits)| {
            if row.state == State::Running { self.draw(row, logits, step) } else { Ok(()) }
        });
        self.rows = rows;
        result
    }

    /// The completions of rows that ended since the last call.
    fn take_done(&mut self) -> Vec<Completion> {
        let ended = self.rows.iter_mut().filter(|row| matches!(row.state, State::Stopped | State::Full));
        ended.map(Sequence::completion).collect()
    }

    /// Drops the rows that have ended.
    fn compact(&mut self) {
        let running = |index: &usize| self.rows[*index].state == State::Running;
        let kept: Vec<usize> = (0..self.rows.len()).filter(running).collect();
        if kept.is_empty() {
            self.cache = KvCache::default();
        } else if kept.len() < self.rows.len() {
            self.cache.select(&kept);
        }
        self.rows.retain(|row| row.state == State::Running);
    }

    /// Runs the prompts, one row each; returns the logits after each and the filled cache.
    fn read(&self, prompts: &[&[u32]]) -> Result<(Vec<f32>, KvCache), ModelError> {
        let time = prompts.iter().map(|prompt| prompt.len()).max().unwrap_or(0);
        let pads: Vec<usize> = prompts.iter().map(|prompt| time - prompt.len()).collect();
        let mut tokens = Vec::with_capacity(prompts.len() * time);
        for (prompt, &pad) in prompts.iter().zip(&pads) {
            tokens.extend(std::iter::repeat_n(i64::from(Special::Pad.id()), pad));
            tokens.extend(prompt.iter().map(|&token| i64::from(token)));
        }
        let mut cache = KvCache::new(self.model.config().layers, pads);
        let data = TensorData::new(tokens, [prompts.len(), time]);
        let tokens = Tensor::<2, Int>::from_data(data, &self.model.device());
        let logits = read_back(self.model.extend(tokens, &mut cache))?;
        Ok((logits, cache))
    }

    fn draw(&mut self, row: &mut Sequence, logits: &[f32], step: usize) -> Result<(), ModelError> {
        let picked = self.picker.pick(logits, &mut row.rng);
        let (token, logprob) = picked.ok_or(ModelError::NotFinite { what: "logits", step })?;
        row.logprob += logprob;
        if self.config.stop.contains(&token) {
            row.state = State::Stopped;
            return Ok(());
        }
        row.tokens.push(token);
        if self.config.stop_when.as_ref().is_some_and(|StopWhen(ends)| ends(&row.tokens)) {
            row.state = State::Stopped;
            return Ok(());
        }
        let len = row.prompt_len + row.tokens.len();
        if row.tokens.len() >= self.config.max_new_tokens || len >= self.model.config().max_seq {
            row.state = State::Full;
        }
        Ok(())
    }

    fn vocab(&self) -> usize {
        self.model.config().vocab_size
    }
}
