//! Sampling on the processor.
//!
//! Each core works on its own sequences: a step reads the last token of each of them, draws the next, lets those that
//! ended leave and others join. The samples of a prompt share its keys and values. What a sequence says depends on its
//! prompt and its seed alone, to the last bit: not on its neighbours, the number of cores or the memory for the cache.

mod attention;
mod forward;
mod pages;
mod shape;
mod weights;
mod worker;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;

use forward::Decoder;
use shape::Shape;
use worker::{Queue, Worker};

use super::{Completion, SampleConfig, SampleRequest, SampleStats};
use crate::{Lm, ModelError};

/// What a worker tells.
enum Event {
    Ended(Completion),
    Failed(ModelError),
    Done { steps: usize, prompt_tokens: usize },
}

/// As [`super::sample`], with checked settings and requests.
pub(super) fn sample(
    model: &Lm,
    requests: &[SampleRequest],
    config: &SampleConfig,
    on_completion: &mut dyn FnMut(Completion) -> ControlFlow<()>,
) -> Result<SampleStats, ModelError> {
    let sequences: usize = requests.iter().map(|request| request.seeds.len()).sum();
    let cores = thread::available_parallelism().map_or(1, |count| count.get());
    let workers = cores.min(config.batch).min(sequences).max(1);
    let pages = pages_each(model, requests, config, workers)?;
    let decoder = Decoder::new(model)?;
    let queue = Mutex::new(Queue::new(requests));
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    let mut stats = SampleStats::default();
    let mut failure = None;
    thread::scope(|scope| {
        for _ in 0..workers {
            let sender = sender.clone();
            let worker =
                Worker::new(&decoder, requests, config, &queue, config.batch.div_ceil(workers), pages);
            let stop = &stop;
            scope.spawn(move || work(worker, stop, &sender));
        }
        drop(sender);
        for event in receiver {
            match event {
                Event::Done { steps, prompt_tokens } => {
                    stats.steps += steps;
                    stats.prompt_tokens += prompt_tokens;
                }
                Event::Failed(error) => {
                    stop.store(true, Ordering::Relaxed);
                    failure.get_or_insert(error);
                }
                Event::Ended(_) if stop.load(Ordering::Relaxed) => {}
                Event::Ended(completion) => {
                    stats.completions += 1;
                    stats.tokens += completion.tokens.len() + usize::from(completion.finished);
                    if on_completion(completion).is_break() {
                        stats.interrupted = true;
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            }
        }
    });
    failure.map_or(Ok(stats), Err)
}

fn work(mut worker: Worker, stop: &AtomicBool, events: &mpsc::Sender<Event>) {
    while !stop.load(Ordering::Relaxed) {
        match worker.step() {
            Ok(Some(ended)) => {
                for completion in ended {
                    // Nobody listens any more only when the caller panicked.
                    let _ = events.send(Event::Ended(completion));
                }
            }
            Ok(None) => break,
            Err(error) => {
                let _ = events.send(Event::Failed(error));
                break;
            }
        }
    }
    let _ = events.send(Event::Done { steps: worker.steps(), prompt_tokens: worker.prompt_tokens() });
}

/// The pages that each worker may use; an error if the longest sequence does not fit.
fn pages_each(
    model: &Lm,
    requests: &[SampleRequest],
    config: &SampleConfig,
    workers: usize,
) -> Result<usize, ModelError> {
    let shape = Shape::of(model.config());
    let longest = requests.iter().map(|request| request.prompt.len()).max().unwrap_or_default();
    let longest = longest.saturating_add(config.max_new_tokens).min(model.config().max_seq);
    // A prompt's last page is copied for each of its samples.
    let needed = Shape::pages_for(longest) + 1;
    let budget = config.cache_bytes();
    let pages = budget / shape.page_bytes() / workers;
    if pages < needed {
        let needed = (needed * shape.page_bytes() * workers) as u64;
        return Err(ModelError::Cache { needed, budget: budget as u64 });
    }
    Ok(pages)
}
