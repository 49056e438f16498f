//! Sampling on a device other than the processor: the sequences in flight are the rows of one batch.

use std::cmp::Reverse;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;

use burn::tensor::{Int, Tensor, TensorData};

use super::job::Job;
use super::pick::Picker;
use super::sequence::{Limit, Sequence};
use super::source::{Inbox, Source};
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
    let longest = requests.iter().map(|request| request.prompt.len()).max().unwrap_or_default();
    let longest = longest.saturating_add(config.max_new_tokens).min(config.longest(model));
    let places = config.batch.min(rows_that_fit(model, longest, config)?);
    let mut batch = Batch::new(model, places, in_order(requests, config));
    let mut stats = SampleStats::default();
    while !stats.interrupted && batch.is_active() {
        stats.steps += 1;
        for (_, outcome) in batch.advance(stats.steps)? {
            let completion = outcome?;
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

/// A thread that works on what comes into an inbox, until it is closed; it ends by itself.
pub(super) fn open(model: &Lm, config: &SampleConfig) -> Result<Arc<Inbox>, ModelError> {
    let places = config.batch.min(rows_that_fit(model, config.longest(model), config)?);
    let inbox = Arc::new(Inbox::new(places, 1));
    let (model, taken) = (model.clone(), inbox.clone());
    thread::spawn(move || {
        let inbox = taken.taker();
        let mut batch = Batch::new(&model, places, Vec::new());
        let mut step = 0;
        while !inbox.is_closed() {
            if !batch.is_active() {
                // Nothing is to be kept of whoever was answered.
                batch.compact();
            }
            let free = places.saturating_sub(batch.running() + batch.waiting.len());
            if let Some((job, samples)) = (free > 0).then(|| inbox.take(free, !batch.is_active())).flatten() {
                batch.waiting.extend(samples.map(|sample| Sequence::new(job.clone(), sample)));
            } else if batch.is_active() {
                step += 1;
                match batch.advance(step) {
                    Ok(ended) => ended.into_iter().for_each(|(job, outcome)| job.end(outcome)),
                    Err(error) => {
                        // Whoever waits finds that nobody answers.
                        tracing::error!("a step of sampling failed: {error}");
                        batch = Batch::new(&model, places, Vec::new());
                    }
                }
            }
        }
    });
    Ok(inbox)
}

/// How many rows of that length the memory for the cache holds.
fn rows_that_fit(model: &Lm, longest: usize, config: &SampleConfig) -> Result<usize, ModelError> {
    let row = model.config().cached_numbers() * longest * model.number_bytes();
    let budget = config.device_cache_bytes();
    match budget / row.max(1) {
        0 => Err(ModelError::Cache { needed: row as u64, budget: budget as u64 }),
        rows => Ok(rows),
    }
}

/// All sequences, those of a request together; the shortest prompts last, because batches take sequences from the end.
fn in_order<'a>(requests: &'a [SampleRequest], config: &'a SampleConfig) -> Vec<Sequence<'a>> {
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by_key(|&index| Reverse(requests[index].prompt.len()));
    let sequences = |index: usize| {
        let job = Arc::new(Job::of_call(index, &requests[index], config));
        (0..job.seeds.len()).map(move |sample| Sequence::new(job.clone(), sample))
    };
    order.into_iter().flat_map(sequences).collect()
}

/// A sample that ended, and of which request.
type Ended<'a> = (Arc<Job<'a>>, Result<Completion, ModelError>);

/// The rows of the batch: sequence `i` owns row `i` of the cache.
struct Batch<'m, 'a> {
    model: &'m Lm,
    places: usize,
    picker: Picker,
    waiting: Vec<Sequence<'a>>,
    rows: Vec<Sequence<'a>>,
    cache: KvCache,
    prompt_tokens: usize,
}

impl<'m, 'a> Batch<'m, 'a> {
    fn new(model: &'m Lm, places: usize, waiting: Vec<Sequence<'a>>) -> Self {
        let (picker, cache) = (Picker::default(), KvCache::default());
        Self { model, places, picker, waiting, rows: Vec::new(), cache, prompt_tokens: 0 }
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
    /// each; returns the samples that this ended.
    fn advance(&mut self, step: usize) -> Result<Vec<Ended<'a>>, ModelError> {
        self.drop_gone();
        let running = self.running();
        if running <= self.places / 2 && !self.waiting.is_empty() {
            let left = self.waiting.len().saturating_sub(self.places - running);
            let joining = self.waiting.split_off(left);
            self.join(joining, step)?;
        } else if running > 0 {
            self.step(step)?;
        }
        Ok(self.take_done())
    }

    /// Drops the sequences of requests that nobody waits for any more.
    fn drop_gone(&mut self) {
        self.waiting.retain(|sequence| !sequence.job.is_gone());
        if self.rows.iter().any(|row| row.is_running() && row.job.is_gone()) {
            self.keep(|row| row.is_running() && !row.job.is_gone());
        }
    }

    /// Sequences still running.
    fn running(&self) -> usize {
        self.rows.iter().filter(|row| row.is_running()).count()
    }

    /// Reads the prompts of new sequences, draws their first tokens and adds them to the batch.
    /// Sequences of one request must stand together.
    fn join(&mut self, mut joining: Vec<Sequence<'a>>, step: usize) -> Result<(), ModelError> {
        let mut distinct: Vec<_> = joining.iter().map(|sequence| sequence.job.clone()).collect();
        distinct.dedup_by(|one, other| Arc::ptr_eq(one, other));
        let prompts: Vec<&[u32]> = distinct.iter().map(|job| &*job.prompt).collect();
        let (logits, mut cache) = self.read(&prompts)?;
        let source = |sequence: &Sequence| distinct.iter().position(|job| Arc::ptr_eq(job, &sequence.job));
        let sources: Vec<usize> = joining.iter().filter_map(source).collect();
        for (sequence, &row) in joining.iter_mut().zip(&sources) {
            let logits = &logits[row * self.vocab()..(row + 1) * self.vocab()];
            self.draw(sequence, logits, step);
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
        for (row, logits) in rows.iter_mut().zip(logits.chunks_exact(self.vocab())) {
            if row.is_running() {
                self.draw(row, logits, step);
            }
        }
        self.rows = rows;
        Ok(())
    }

    /// What became of the rows that ended since the last call.
    fn take_done(&mut self) -> Vec<Ended<'a>> {
        let ended = |row: &mut Sequence<'a>| row.take_completion().map(|outcome| (row.job.clone(), outcome));
        self.rows.iter_mut().filter_map(ended).collect()
    }

    /// Drops the rows that have ended.
    fn compact(&mut self) {
        self.keep(Sequence::is_running);
    }

    fn keep(&mut self, wanted: impl Fn(&Sequence<'a>) -> bool) {
        let kept: Vec<usize> = (0..self.rows.len()).filter(|index| wanted(&self.rows[*index])).collect();
        if kept.is_empty() {
            self.cache = KvCache::default();
        } else if kept.len() < self.rows.len() {
            self.cache.select(&kept);
        }
        self.rows.retain(|row| wanted(row));
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

    fn draw(&mut self, row: &mut Sequence<'a>, logits: &[f32], step: usize) {
        row.draw(logits, &mut self.picker, Limit { max_seq: self.model.config().max_seq, step });
    }

    fn vocab(&self) -> usize {
        self.model.config().vocab_size
    }
}
