//! One core's sequences.

use std::collections::VecDeque;
use std::sync::Arc;

use super::forward::{Buffers, Decoder, Row};
use super::pages::{PageId, Pages};
use super::shape::{POSITIONS, Shape};
use crate::ModelError;
use crate::sample::Completion;
use crate::sample::job::Job;
use crate::sample::pick::Picker;
use crate::sample::sequence::{Limit, Sequence};
use crate::sample::source::Source;

/// Tokens of a prompt that are read together.
const CHUNK: usize = 64;
/// A sample that ended, and of which request.
pub(super) type Ended<'a> = (Arc<Job<'a>>, Result<Completion, ModelError>);

/// A sequence in the batch with its pages.
struct Running<'a> {
    sequence: Sequence<'a>,
    pages: Vec<PageId>,
}

/// A prompt that was read, for samples that may still come.
struct Prompt<'a> {
    job: Arc<Job<'a>>,
    pages: Vec<PageId>,
    logits: Vec<f32>,
}

pub(super) struct Worker<'e, 'a> {
    decoder: &'e Decoder,
    source: &'e dyn Source<'a>,
    capacity: usize,
    pages: Pages,
    buffers: Buffers,
    picker: Picker,
    waiting: VecDeque<Sequence<'a>>,
    running: Vec<Running<'a>>,
    prompt: Option<Prompt<'a>>,
    steps: usize,
    prompt_tokens: usize,
}

impl<'e, 'a> Worker<'e, 'a> {
    /// A worker for at most `capacity` sequences at a time, in at most so many pages.
    pub(super) fn new(
        decoder: &'e Decoder,
        source: &'e dyn Source<'a>,
        capacity: usize,
        pages: usize,
    ) -> Self {
        Self {
            decoder,
            source,
            capacity,
            pages: Pages::new(&decoder.shape, pages),
            buffers: Buffers::default(),
            picker: Picker::default(),
            waiting: VecDeque::new(),
            running: Vec::new(),
            prompt: None,
            steps: 0,
            prompt_tokens: 0,
        }
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    pub(super) fn prompt_tokens(&self) -> usize {
        self.prompt_tokens
    }

    /// Lets sequences join and draws a token for each; returns those that ended, or nothing if there is nothing left
    /// to do.
    pub(super) fn step(&mut self) -> Option<Vec<Ended<'a>>> {
        self.steps += 1;
        let mut ended = Vec::new();
        self.drop_gone();
        self.admit(&mut ended);
        if self.running.is_empty() && ended.is_empty() {
            return None;
        }
        self.decode(&mut ended);
        Some(ended)
    }

    /// Drops the sequences of requests that nobody waits for any more.
    fn drop_gone(&mut self) {
        self.waiting.retain(|sequence| !sequence.job.is_gone());
        if self.prompt.as_ref().is_some_and(|prompt| prompt.job.is_gone()) {
            self.forget_prompt();
        }
        let pages = &mut self.pages;
        self.running.retain_mut(|running| {
            let gone = running.sequence.job.is_gone();
            if gone {
                pages.release(running.pages.drain(..));
            }
            !gone
        });
    }

    fn admit(&mut self, ended: &mut Vec<Ended<'a>>) {
        while self.running.len() < self.capacity {
            let wait = self.running.is_empty() && ended.is_empty();
            let Some(sequence) = self.next_waiting(wait) else { break };
            let resumed = !sequence.tokens.is_empty();
            let pages = if resumed { self.read_again(&sequence) } else { self.begin(&sequence.job) };
            match pages {
                Some(pages) if resumed => self.running.push(Running { sequence, pages }),
                Some(pages) => self.start(sequence, pages, ended),
                None => {
                    self.waiting.push_front(sequence);
                    break;
                }
            }
        }
    }

    fn next_waiting(&mut self, wait: bool) -> Option<Sequence<'a>> {
        if self.waiting.is_empty() {
            let free = self.capacity - self.running.len();
            let mut taken = self.source.take(free, false);
            if taken.is_none() && wait {
                // Whoever asked for what it read last is to be rid of it meanwhile.
                self.forget_prompt();
                taken = self.source.take(free, true);
            }
            let (job, samples) = taken?;
            self.waiting.extend(samples.map(|sample| Sequence::new(job.clone(), sample)));
        }
        self.waiting.pop_front()
    }

    /// The pages of a new sample: its prompt's, of which it gets the last for itself if that has room left.
    fn begin(&mut self, job: &Arc<Job<'a>>) -> Option<Vec<PageId>> {
        if self.prompt.as_ref().is_none_or(|prompt| !Arc::ptr_eq(&prompt.job, job)) {
            self.read_prompt(job)?;
        }
        let (prompt, len) = (self.prompt.as_ref()?, job.prompt.len());
        let (whole, rest) = prompt.pages.split_at(len / POSITIONS);
        let copy = match rest.first() {
            Some(&last) => Some(self.pages.copy(last)?),
            None => None,
        };
        whole.iter().for_each(|&page| self.pages.share(page));
        Some(whole.iter().copied().chain(copy).collect())
    }

    fn read_prompt(&mut self, job: &Arc<Job<'a>>) -> Option<()> {
        self.forget_prompt();
        let pages = self.read(&job.prompt, true)?;
        self.prompt = Some(Prompt { job: job.clone(), pages, logits: self.buffers.logits.clone() });
        Some(())
    }

    fn forget_prompt(&mut self) {
        if let Some(prompt) = self.prompt.take() {
            self.pages.release(prompt.pages);
        }
    }

    /// What a sequence had read before it lost its pages.
    fn read_again(&mut self, sequence: &Sequence) -> Option<Vec<PageId>> {
        let (_, known) = sequence.tokens.split_last()?;
        let tokens = [&sequence.job.prompt, known].concat();
        self.read(&tokens, false)
    }

    /// Reads a text into pages of its own, with the logits after its end if they are wanted; `None` if there are too
    /// few pages.
    fn read(&mut self, tokens: &[u32], wanted: bool) -> Option<Vec<PageId>> {
        let needed = Shape::pages_for(tokens.len());
        // The sequence will soon need one page more.
        if self.pages.available() <= needed {
            self.forget_prompt();
        }
        if self.pages.available() <= needed {
            return None;
        }
        let pages: Vec<PageId> = (0..needed).filter_map(|_| self.pages.take()).collect();
        let last = tokens.len() - 1;
        for (number, chunk) in tokens.chunks(CHUNK).enumerate() {
            let start = number * CHUNK;
            let row = |(index, &token)| Row { token, position: start + index, pages: &pages };
            let rows: Vec<Row> = chunk.iter().enumerate().map(row).collect();
            let end = [chunk.len() - 1];
            let ends: &[usize] = if wanted && start + end[0] == last { &end } else { &[] };
            self.decoder.read(&rows, ends, &mut self.pages, &mut self.buffers);
        }
        self.prompt_tokens += tokens.len();
        Some(pages)
    }

    /// Draws a sample's first token.
    fn start(&mut self, mut sequence: Sequence<'a>, pages: Vec<PageId>, ended: &mut Vec<Ended<'a>>) {
        let limit = self.limit();
        let logits = self.prompt.as_ref().map_or(&[][..], |prompt| &prompt.logits);
        sequence.draw(logits, &mut self.picker, limit);
        match sequence.take_completion() {
            Some(outcome) => {
                self.pages.release(pages);
                ended.push((sequence.job.clone(), outcome));
            }
            None => self.running.push(Running { sequence, pages }),
        }
    }

    fn limit(&self) -> Limit {
        Limit { max_seq: self.decoder.config.max_seq, step: self.steps }
    }

    /// Position of the token that a sequence has drawn last.
    fn position(&self, running: &Running) -> usize {
        running.sequence.job.prompt.len() + running.sequence.tokens.len() - 1
    }

    /// Reads each sequence's last token and draws its next.
    fn decode(&mut self, ended: &mut Vec<Ended<'a>>) {
        self.make_room();
        if self.running.is_empty() {
            return;
        }
        let mut rows = Vec::with_capacity(self.running.len());
        for running in &self.running {
            let token = running.sequence.tokens.last().copied().unwrap_or_default();
            rows.push(Row { token, position: self.position(running), pages: &running.pages });
        }
        let all: Vec<usize> = (0..rows.len()).collect();
        self.decoder.read(&rows, &all, &mut self.pages, &mut self.buffers);
        let (vocab, limit) = (self.decoder.config.vocab_size, self.limit());
        for (running, logits) in self.running.iter_mut().zip(self.buffers.logits.chunks_exact(vocab)) {
            running.sequence.draw(logits, &mut self.picker, limit);
        }
        let pages = &mut self.pages;
        self.running.retain_mut(|running| {
            if let Some(outcome) = running.sequence.take_completion() {
                ended.push((running.sequence.job.clone(), outcome));
            }
            let keep = running.sequence.is_running();
            if !keep {
                pages.release(running.pages.drain(..));
            }
            keep
        });
    }

    /// Gives each sequence the page that its last token needs. If there are too few, the sequences that joined last
    /// wait until others have ended, and read again what they had.
    fn make_room(&mut self) {
        let mut index = 0;
        while let Some(running) = self.running.get(index) {
            let needed = self.position(running) / POSITIONS + 1;
            if running.pages.len() >= needed {
                index += 1;
            } else if let Some(page) = self.pages.take() {
                self.running[index].pages.push(page);
            } else if self.prompt.is_some() {
                self.forget_prompt();
            } else if let Some(last) = self.running.pop() {
                self.pages.release(last.pages);
                self.waiting.push_front(last.sequence);
            }
        }
    }
}
