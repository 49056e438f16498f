//! Sampling on a device other than the processor: the sequences in flight are the rows of one batch.

use std::cmp::Reverse;
use std::ops::ControlFlow;

use burn::tensor::{Int, Tensor, TensorData};

use super::pick::Picker;
use super::sequence::{Limit, Sequence};
use super::{Completion, SampleConfig, SampleRequest, SampleStats};
use crate::device::read_back;
use crate::nn::KvCache;
use crate::{Lm, ModelError, Special};

/// As [`super::sample`], with checked settings and requests.
pub(super) fn sample(
    model: &Lm,
    requests: &[SampleRequest],
    config: &SampleConfig,
    on_completion: &mut dyn FnMut(Completion) -> ControlFlow<()>,
) -> Result<SampleStats, ModelError> {
    let config =
        SampleConfig { batch: config.batch.min(rows_that_fit(model, requests, config)?), ..config.clone() };
    let mut batch = Batch::new(model, &config, in_order(requests, &config));
    let mut stats = SampleStats::default();
    while !stats.interrupted && batch.is_active() {
        stats.steps += 1;
        for completion in batch.advance(requests, stats.steps)? {
            stats.completions += 1;
            stats.tokens += completion.tokens.len() + usize::from(completion.finished);
            if on_completion(completion).is_break() {
                stats.interrupted = true;
                break;
            }
        }
    }
    stats.prompt_tokens = batch.prompt_tokens();
    Ok(stats)
}

/// How many rows of the longest sequence's length the memory for the cache holds.
fn rows_that_fit(model: &Lm, requests: &[SampleRequest], config: &SampleConfig) -> Result<usize, ModelError> {
    let shape = model.config();
    let longest = requests.iter().map(|request| request.prompt.len()).max().unwrap_or_default();
    let longest = longest.saturating_add(config.max_new_tokens).min(shape.max_seq);
    let row = 2 * shape.layers * shape.kv_heads * shape.head_dim() * longest * size_of::<f32>();
    let budget = config.cache_bytes();
    match budget / row.max(1) {
        0 => Err(ModelError::Cache { needed: row as u64, budget: budget as u64 }),
        rows => Ok(rows),
    }
}

/// All sequences, those of a request together; the shortest prompts last, because batches take sequences from the end.
fn in_order(requests: &[SampleRequest], config: &SampleConfig) -> Vec<Sequence> {
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by_key(|&index| Reverse(requests[index].prompt.len()));
    let sequences = |request: usize| {
        let seeds = requests[request].seeds.iter().enumerate();
        seeds.map(move |(sample, &seed)| Sequence::new(request, sample, seed, config))
    };
    order.into_iter().flat_map(sequences).collect()
}

/// The rows of the batch: sequence `i` owns row `i` of the cache.
struct Batch<'a> {
    model: &'a Lm,
    config: &'a SampleConfig,
    picker: Picker,
    waiting: Vec<Sequence>,
    rows: Vec<Sequence>,
    cache: KvCache,
    prompt_tokens: usize,
}

impl<'a> Batch<'a> {
    fn new(model: &'a Lm, config: &'a SampleConfig, waiting: Vec<Sequence>) -> Self {
        let picker = Picker::new(config);
        let cache = KvCache::default();
        Self { model, config, picker, waiting, rows: Vec::new(), cache, prompt_tokens: 0 }
    }

    /// Whether sequences are running or waiting.
    fn is_active(&self) -> bool {
        self.running() > 0 || !self.waiting.is_empty()
    }

    /// Prompt tokens read so far.
    fn prompt_tokens(&self) -> usize {
        self.prompt_tokens
    }

    /// Lets waiting sequences join if half of the batch is free, and otherwise draws one token for
    /// each; returns the completions that this ended.
    fn advance(&mut self, requests: &[SampleRequest], step: usize) -> Result<Vec<Completion>, ModelError> {
        let running = self.running();
        if running <= self.config.batch / 2 && !self.waiting.is_empty() {
            let left = self.waiting.len().saturating_sub(self.config.batch - running);
            let joining = self.waiting.split_off(left);
            self.join(requests, joining, step)?;
        } else if running > 0 {
            self.step(requests, step)?;
        }
        Ok(self.take_done())
    }

    /// Sequences still running.
    fn running(&self) -> usize {
        self.rows.iter().filter(|row| row.is_running()).count()
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
            let logits = &logits[row * self.vocab()..(row + 1) * self.vocab()];
            self.draw(sequence, logits, prompts[row].len(), step)?;
        }
        cache.select(&sources);
        self.compact();
        self.cache.append(cache);
        self.rows.append(&mut joining);
        self.prompt_tokens += prompts.iter().map(|prompt| prompt.len()).sum::<usize>();
        Ok(())
    }

    /// Feeds every row its last token and draws the next one.
    fn step(&mut self, requests: &[SampleRequest], step: usize) -> Result<(), ModelError> {
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
            let prompt = requests[row.request].prompt.len();
            if row.is_running() { self.draw(row, logits, prompt, step) } else { Ok(()) }
        });
        self.rows = rows;
        result
    }

    /// The completions of rows that ended since the last call.
    fn take_done(&mut self) -> Vec<Completion> {
        self.rows.iter_mut().filter_map(Sequence::take_completion).collect()
    }

    /// Drops the rows that have ended.
    fn compact(&mut self) {
        let running = |index: &usize| self.rows[*index].is_running();
        let kept: Vec<usize> = (0..self.rows.len()).filter(running).collect();
        if kept.is_empty() {
            self.cache = KvCache::default();
        } else if kept.len() < self.rows.len() {
            self.cache.select(&kept);
        }
        self.rows.retain(Sequence::is_running);
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

    fn draw(
        &mut self,
        row: &mut Sequence,
        logits: &[f32],
        prompt: usize,
        step: usize,
    ) -> Result<(), ModelError> {
        let limit = Limit { prompt, max_seq: self.model.config().max_seq, step };
        row.draw(logits, &mut self.picker, self.config, limit)
    }

    fn vocab(&self) -> usize {
        self.model.config().vocab_size
    }
}
