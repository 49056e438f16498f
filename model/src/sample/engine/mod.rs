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
use std::sync::{Arc, mpsc};
use std::thread;

use forward::Decoder;
use shape::Shape;
use worker::Worker;

use super::source::{Inbox, Requests, Source};
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
    let workers = workers(config.batch).min(sequences).max(1);
    let pages = pages_each(model, requests, config, workers)?;
    let decoder = Decoder::new(model, config.precision)?;
    let source = Requests::new(requests, config);
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    let mut stats = SampleStats::default();
    let mut failure = None;
    thread::scope(|scope| {
        for _ in 0..workers {
            let sender = sender.clone();
            let worker = Worker::new(&decoder, &source, config.batch.div_ceil(workers), pages);
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
    while !stop.load(Ordering::Relaxed)
        && let Some(ended) = worker.step()
    {
        for (_, outcome) in ended {
            // Nobody listens any more only when the caller panicked.
            let _ = events.send(outcome.map_or_else(Event::Failed, Event::Ended));
        }
    }
    let _ = events.send(Event::Done { steps: worker.steps(), prompt_tokens: worker.prompt_tokens() });
}

/// As many as there are cores, and at most one for each sequence in flight.
fn workers(batch: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, |count| count.get());
    cores.min(batch)
}

/// The pages that each worker may use; an error if the longest sequence does not fit.
fn pages_each(
    model: &Lm,
    requests: &[SampleRequest],
    config: &SampleConfig,
    workers: usize,
) -> Result<usize, ModelError> {
    let longest = requests.iter().map(|request| request.prompt.len()).max().unwrap_or_default();
    let longest = longest.saturating_add(config.max_new_tokens).min(config.longest(model));
    let room = Room::of(model, config, workers);
    room.check(longest)?;
    Ok(room.pages)
}

/// The memory for keys and values.
#[derive(Debug)]
pub(super) struct Room {
    shape: Shape,
    budget: usize,
    workers: usize,
    /// Pages of each worker.
    pages: usize,
}

impl Room {
    fn of(model: &Lm, config: &SampleConfig, workers: usize) -> Self {
        let (shape, budget) = (Shape::of(model.config()), config.cache_bytes());
        let pages = budget / shape.page_bytes() / workers;
        Self { shape, budget, workers, pages }
    }

    /// # Errors
    /// [`ModelError::Cache`] if a sequence of that length does not fit.
    pub(super) fn check(&self, longest: usize) -> Result<(), ModelError> {
        // A prompt's last page is copied for each of its samples.
        let needed = Shape::pages_for(longest) + 1;
        if self.pages >= needed {
            return Ok(());
        }
        let needed = (needed * self.shape.page_bytes() * self.workers) as u64;
        Err(ModelError::Cache { needed, budget: self.budget as u64 })
    }
}

/// Threads that work on what comes into an inbox, until it is closed; they end by themselves.
pub(super) fn open(model: &Lm, config: &SampleConfig) -> Result<(Arc<Inbox>, Room), ModelError> {
    let workers = workers(config.batch);
    let room = Room::of(model, config, workers);
    let decoder = Arc::new(Decoder::new(model, config.precision)?);
    let inbox = Arc::new(Inbox::new(config.batch, workers));
    for _ in 0..workers {
        let (decoder, inbox) = (decoder.clone(), inbox.clone());
        let (capacity, pages) = (config.batch.div_ceil(workers), room.pages);
        thread::spawn(move || {
            let inbox = inbox.taker();
            let source: &dyn Source<'static> = &*inbox;
            let mut worker = Worker::new(&decoder, source, capacity, pages);
            while !inbox.is_closed()
                && let Some(ended) = worker.step()
            {
                let some = !ended.is_empty();
                ended.into_iter().for_each(|(job, outcome)| job.end(outcome));
                if some {
                    inbox.wake();
                }
            }
        });
    }
    Ok((inbox, room))
}
