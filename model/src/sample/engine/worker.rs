//! One core's sequences.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::forward::{Buffers, Decoder, Row};
use super::pages::{PageId, Pages};
use super::shape::{POSITIONS, Shape};
use crate::ModelError;
use crate::sample::pick::Picker;
use crate::sample::sequence::{Limit, Sequence};
use crate::sample::{Completion, SampleConfig, SampleRequest};

/// Tokens of a prompt that are read together.
const CHUNK: usize = 64;
/// Samples of one prompt that a worker takes at least, so that prompts with few samples are read once.
const TOGETHER: usize = 4;

/// What no worker has taken yet.
pub(super) struct Queue<'a> {
    requests: &'a [SampleRequest],
    request: usize,
    sample: usize,
}

impl<'a> Queue<'a> {
    pub(super) fn new(requests: &'a [SampleRequest]) -> Self {
        Self { requests, request: 0, sample: 0 }
    }

    /// Samples of the next request, about `count` of them.
    fn take(&mut self, count: usize) -> Option<(usize, Range<usize>)> {
        loop {
            let (index, start) = (self.request, self.sample);
            let all = self.requests.get(index)?.seeds.len();
            let end = all.min(start + count.max(TOGETHER));
            (self.request, self.sample) = if end == all { (index + 1, 0) } else { (index, end) };
            if start < end {
                return Some((index, start..end));
            }
        }
    }
}

/// A sequence in the batch with its pages.
struct Running {
    sequence: Sequence,
    pages: Vec<PageId>,
}

/// A prompt that was read, for samples that may still come.
struct Prompt {
    request: usize,
    pages: Vec<PageId>,
    logits: Vec<f32>,
}

pub(super) struct Worker<'a> {
    decoder: &'a Decoder,
    requests: &'a [SampleRequest],
    config: &'a SampleConfig,
    queue: &'a Mutex<Queue<'a>>,
    capacity: usize,
    pages: Pages,
    buffers: Buffers,
    picker: Picker,
    waiting: VecDeque<Sequence>,
    running: Vec<Running>,
    prompt: Option<Prompt>,
    steps: usize,
    prompt_tokens: usize,
}

impl<'a> Worker<'a> {
    /// A worker for at most `capacity` sequences at a time, in at most so many pages.
    pub(super) fn new(
        decoder: &'a Decoder,
        requests: &'a [SampleRequest],
        config: &'a SampleConfig,
        queue: &'a Mutex<Queue<'a>>,
        capacity: usize,
        pages: usize,
    ) -> Self {
        Self {
            decoder,
            requests,
            config,
            queue,
            capacity,
            pages: Pages::new(&decoder.shape, pages),
            buffers: Buffers::default(),
            picker: Picker::new(config),
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
    pub(super) fn step(&mut self) -> Result<Option<Vec<Completion>>, ModelError> {
        self.steps += 1;
        let mut ended = Vec::new();
        self.admit(&mut ended)?;
        if self.running.is_empty() && ended.is_empty() {
            return Ok(None);
        }
        self.decode(&mut ended)?;
        Ok(Some(ended))
    }

    fn admit(&mut self, ended: &mut Vec<Completion>) -> Result<(), ModelError> {
        while self.running.len() < self.capacity {
            let Some(sequence) = self.next_waiting() else { break };
            let resumed = !sequence.tokens.is_empty();
            let pages = if resumed { self.read_again(&sequence) } else { self.begin(sequence.request) };
            match pages {
                Some(pages) if resumed => self.running.push(Running { sequence, pages }),
                Some(pages) => self.start(sequence, pages, ended)?,
                None => {
                    self.waiting.push_front(sequence);
                    break;
                }
            }
        }
        Ok(())
    }

    fn next_waiting(&mut self) -> Option<Sequence> {
        if self.waiting.is_empty() {
            let free = self.capacity - self.running.len();
            let taken = self.queue.lock().unwrap_or_else(PoisonError::into_inner).take(free);
            let (request, samples) = taken?;
            let seeds = &self.requests[request].seeds;
            let new = |sample| Sequence::new(request, sample, seeds[sample], self.config);
            self.waiting.extend(samples.map(new));
        }
        self.waiting.pop_front()
    }

    /// The pages of a new sample: its prompt's, of which it gets the last for itself if that has room left.
    fn begin(&mut self, request: usize) -> Option<Vec<PageId>> {
        if self.prompt.as_ref().is_none_or(|prompt| prompt.request != request) {
            self.read_prompt(request)?;
        }
        let (prompt, len) = (self.prompt.as_ref()?, self.requests[request].prompt.len());
        let (whole, rest) = prompt.pages.split_at(len / POSITIONS);
        let copy = match rest.first() {
            Some(&last) => Some(self.pages.copy(last)?),
            None => None,
        };
        whole.iter().for_each(|&page| self.pages.share(page));
        Some(whole.iter().copied().chain(copy).collect())
    }

    fn read_prompt(&mut self, request: usize) -> Option<()> {
        self.forget_prompt();
        let tokens = &self.requests[request].prompt;
        let pages = self.read(tokens, true)?;
        self.prompt = Some(Prompt { request, pages, logits: self.buffers.logits.clone() });
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
        let tokens = [&self.requests[sequence.request].prompt, known].concat();
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
    fn start(
        &mut self,
        mut sequence: Sequence,
        pages: Vec<PageId>,
        ended: &mut Vec<Completion>,
    ) -> Result<(), ModelError> {
        let limit = self.limit(sequence.request);
        let logits = self.prompt.as_ref().map_or(&[][..], |prompt| &prompt.logits);
        sequence.draw(logits, &mut self.picker, self.config, limit)?;
        match sequence.take_completion() {
            Some(completion) => {
                self.pages.release(pages);
                ended.push(completion);
            }
            None => self.running.push(Running { sequence, pages }),
        }
        Ok(())
    }

    fn limit(&self, request: usize) -> Limit {
        let prompt = self.requests[request].prompt.len();
        Limit { prompt, max_seq: self.decoder.config.max_seq, step: self.steps }
    }

    /// Position of the token that a sequence has drawn last.
    fn position(&self, running: &Running) -> usize {
        self.requests[running.sequence.request].prompt.len() + running.sequence.tokens.len() - 1
    }

    /// Reads each sequence's last token and draws its next.
    fn decode(&mut self, ended: &mut Vec<Completion>) -> Result<(), ModelError> {
        self.make_room();
        if self.running.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::with_capacity(self.running.len());
        for running in &self.running {
            let token = running.sequence.tokens.last().copied().unwrap_or_default();
            rows.push(Row { token, position: self.position(running), pages: &running.pages });
        }
        let all: Vec<usize> = (0..rows.len()).collect();
        self.decoder.read(&rows, &all, &mut self.pages, &mut self.buffers);
        let logits = std::mem::take(&mut self.buffers.logits);
        let mut running = std::mem::take(&mut self.running);
        let vocab = self.decoder.config.vocab_size;
        for (running, logits) in running.iter_mut().zip(logits.chunks_exact(vocab)) {
            let limit = self.limit(running.sequence.request);
            running.sequence.draw(logits, &mut self.picker, self.config, limit)?;
        }
        self.buffers.logits = logits;
        running.retain_mut(|running| {
            ended.extend(running.sequence.take_completion());
            let keep = running.sequence.is_running();
            if !keep {
                self.pages.release(running.pages.drain(..));
            }
            keep
        });
        self.running = running;
        Ok(())
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
