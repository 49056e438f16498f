//! From examples to batches of similar length.

use std::cmp::Reverse;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::nn::Layout;
use crate::sample::check_tokens;
use crate::{Example, Lm, ModelError, Special};

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

/// One step's input: short examples share rows.
pub(super) struct TokenBatch {
    pub layout: Layout,
    /// `[batch * time]` of the layout.
    pub tokens: Vec<i64>,
    /// Rows of `[batch * time]` whose next token is learned.
    pub rows: Vec<i64>,
    /// That next token, for each of `rows`.
    pub targets: Vec<i64>,
    /// Its weight.
    pub weights: Vec<f32>,
}

impl TokenBatch {
    /// Rows of at most `capacity` tokens, or as long as the longest example.
    pub(super) fn new(examples: &[&Example], capacity: usize) -> Self {
        let rows = fill_rows(examples, capacity);
        let texts = rows.iter().map(|row| row.iter().map(|example| example.len()).collect()).collect();
        let layout = Layout::new(texts);
        let mut batch = Self {
            tokens: vec![i64::from(Special::Pad.id()); layout.batch() * layout.time()],
            layout,
            rows: Vec::new(),
            targets: Vec::new(),
            weights: Vec::new(),
        };
        for (index, row) in rows.iter().enumerate() {
            let mut start = index * batch.layout.time();
            for example in row {
                batch.add(start, example);
                start += example.len();
            }
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

/// Puts each example, the longest first, into the first row that has room for it.
fn fill_rows<'a>(examples: &[&'a Example], capacity: usize) -> Vec<Vec<&'a Example>> {
    let mut examples = examples.to_vec();
    examples.sort_by_key(|example| Reverse(example.len()));
    let capacity = capacity.max(examples.first().map_or(0, |example| example.len()));
    let mut rows: Vec<(usize, Vec<&Example>)> = Vec::new();
    for example in examples {
        match rows.iter_mut().find(|(used, _)| used.saturating_add(example.len()) <= capacity) {
            Some((used, row)) => {
                *used += example.len();
                row.push(example);
            }
            None => rows.push((example.len(), vec![example])),
        }
    }
    rows.into_iter().map(|(_, row)| row).collect()
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

fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, (rng.next_u64() % (last as u64 + 1)) as usize);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_hold_every_example_once_and_no_more_than_they_can(
            lengths in prop::collection::vec((1usize..9, 1usize..9), 1..30), capacity in 0usize..60,
        ) {
            let examples: Vec<Example> = lengths
                .iter()
                .enumerate()
                .map(|(i, &(prompt, target))| Example {
                    prompt: vec![i as u32; prompt],
                    target: vec![i as u32; target],
                    weight: i as f32,
                })
                .collect();
            let batch = TokenBatch::new(&examples.iter().collect::<Vec<_>>(), capacity);
            let longest = examples.iter().map(Example::len).max().unwrap();
            prop_assert!(batch.layout.time() <= capacity.max(longest));
            prop_assert_eq!(batch.tokens.len(), batch.layout.batch() * batch.layout.time());
            let mut targets = vec![0; examples.len()];
            for ((&row, &target), &weight) in batch.rows.iter().zip(&batch.targets).zip(&batch.weights) {
                prop_assert_eq!(batch.tokens[row as usize], target);
                prop_assert_eq!(target as f32, weight);
                targets[target as usize] += 1;
            }
            prop_assert!(examples.iter().zip(targets).all(|(example, count)| example.target.len() == count));
        }
    }
}
