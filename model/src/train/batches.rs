//! From examples to batches of similar length.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::Example;
use crate::sample::check_tokens;
use crate::{Lm, ModelError, Special};

/// Batches are cut from runs of this many batches' worth of shuffled examples, sorted by length.
const POOL: usize = 16;

/// The examples that take part.
pub(super) struct Prepared<'a> {
    pub examples: Vec<&'a Example>,
    /// How many were too long.
    pub dropped: usize,
}

/// Checks the examples and leaves out those that weigh 0 or are too long.
pub(super) fn prepare<'a>(model: &Lm, examples: &'a [Example]) -> Result<Prepared<'a>, ModelError> {
    let max_seq = model.config().max_seq;
    let mut kept = Vec::with_capacity(examples.len());
    let mut dropped = 0;
    for example in examples {
        check(model, example)?;
        if example.weight == 0.0 {
            continue;
        }
        // The last token is only predicted, never read.
        if example.len() <= max_seq { kept.push(example) } else { dropped += 1 }
    }
    if kept.is_empty() {
        return Err(ModelError::NoExamples { given: examples.len(), dropped, max_seq });
    }
    Ok(Prepared { examples: kept, dropped })
}

fn check(model: &Lm, example: &Example) -> Result<(), ModelError> {
    let setting = |name, value: String, remedy| Err(ModelError::Setting { name, value, remedy });
    if !(example.weight.is_finite() && example.weight >= 0.0) {
        return setting("weight", example.weight.to_string(), "set it to 0 or above");
    }
    if example.prompt.is_empty() {
        return setting("prompt", "empty".to_owned(), "give it at least one token");
    }
    if example.target.is_empty() {
        return setting("target", "empty".to_owned(), "give it at least the end marker");
    }
    check_tokens(model, &example.prompt)?;
    check_tokens(model, &example.target)
}

impl Example {
    /// Tokens that the model reads.
    pub(super) fn len(&self) -> usize {
        self.prompt.len() + self.target.len() - 1
    }
}

/// One step's input, padded on the right, where causal attention never looks.
pub(super) struct TokenBatch {
    pub batch: usize,
    pub time: usize,
    /// `[batch * time]`.
    pub tokens: Vec<i64>,
    /// Rows of `[batch * time]` whose next token is learned.
    pub rows: Vec<i64>,
    /// That next token, for each of `rows`.
    pub targets: Vec<i64>,
    /// Its weight.
    pub weights: Vec<f32>,
}

impl TokenBatch {
    pub(super) fn new(examples: &[&Example]) -> Self {
        let time = examples.iter().map(|example| example.len()).max().unwrap_or(0);
        let mut batch = Self {
            batch: examples.len(),
            time,
            tokens: vec![i64::from(Special::Pad.id()); examples.len() * time],
            rows: Vec::new(),
            targets: Vec::new(),
            weights: Vec::new(),
        };
        for (index, example) in examples.iter().enumerate() {
            batch.add(index * time, example);
        }
        batch
    }

    fn add(&mut self, start: usize, example: &Example) {
        let whole = example.prompt.iter().chain(&example.target);
        for (slot, &token) in self.tokens[start..].iter_mut().zip(whole.take(example.len())) {
            *slot = i64::from(token);
        }
        let first = start + example.prompt.len() - 1;
        self.rows.extend((first..first + example.target.len()).map(|row| row as i64));
        self.targets.extend(example.target.iter().map(|&token| i64::from(token)));
        self.weights.extend(std::iter::repeat_n(example.weight, example.target.len()));
    }
}

/// The batches of one epoch, in random order.
pub(super) fn epoch_batches<'a>(
    examples: &[&'a Example],
    batch: usize,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<&'a Example>> {
    let mut examples = examples.to_vec();
    shuffle(&mut examples, rng);
    // Sorting within whole batches keeps their number at `examples / batch`, rounded up.
    for pool in examples.chunks_mut(batch.saturating_mul(POOL)) {
        pool.sort_by_key(|example| example.len());
    }
    let mut batches: Vec<Vec<&Example>> = examples.chunks(batch).map(<[_]>::to_vec).collect();
    shuffle(&mut batches, rng);
    batches
}

/// Deals a batch, sorted by length, to at most `count` shares of about equal work.
pub(super) fn deal<'a>(batch: &[&'a Example], count: usize) -> Vec<Vec<&'a Example>> {
    let count = count.clamp(1, batch.len().max(1));
    (0..count).map(|share| batch.iter().skip(share).step_by(count).copied().collect()).collect()
}

/// Sum of the weights of all target tokens.
pub(super) fn total_weight(examples: &[&Example]) -> f64 {
    examples.iter().map(|example| f64::from(example.weight) * example.target.len() as f64).sum()
}

fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, (rng.next_u64() % (last as u64 + 1)) as usize);
    }
}
