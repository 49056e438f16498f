//! Which server is asked for what: all take from one queue, and what a server fails at goes back to it.
//!
//! A job is in the queue, with one thread, or answered; never in two of these places. That is why nothing is lost and
//! nothing comes twice.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::client::Client;
use super::health::{Health, Pace};
use super::protocol::{Answer, Terms};
use super::request::{Choice, GO_ON, ServedRequest};
use super::trouble::Trouble;
use crate::config::Servers;
use crate::events::{Event, Events, ServerState};

/// The stack of a thread that only waits.
const STACK: usize = 512 << 10;

/// Samples of one prompt that are yet to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    /// Index of the prompt.
    pub request: usize,
    /// Indices of the seeds.
    pub samples: Range<usize>,
    /// How often it failed with servers that otherwise answered.
    failures: u32,
}

/// A job with what was said, as many texts as it has samples.
pub(super) struct Delivered {
    pub job: Job,
    pub choices: Vec<Choice>,
}

/// What is left to ask, and how the servers are.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    retries: u32,
    /// How long a server may say nothing but that it is busy.
    patience: Duration,
    pace: Pace,
    events: Events,
}

struct State {
    waiting: VecDeque<Job>,
    health: Vec<Health>,
    ended: bool,
}

/// What a thread needs to ask a server.
struct Asker {
    queue: Arc<Queue>,
    server: usize,
    client: Arc<Client>,
    requests: Arc<Vec<ServedRequest>>,
    terms: Arc<Terms>,
    answers: Sender<Result<Delivered>>,
}

impl Queue {
    /// With all that is wanted, for servers that are so.
    pub(super) fn new(
        settings: &Servers,
        pace: Pace,
        requests: &[ServedRequest],
        health: Vec<Health>,
        events: Events,
    ) -> Arc<Self> {
        let jobs = requests.iter().enumerate().filter(|(_, it)| !it.seeds.is_empty());
        let waiting =
            jobs.map(|(request, it)| Job { request, samples: 0..it.seeds.len(), failures: 0 }).collect();
        let state = Mutex::new(State { waiting, health, ended: false });
        let (retries, patience) = (settings.retries, Duration::from_secs_f64(settings.timeout_seconds));
        Arc::new(Self { state, changed: Condvar::new(), retries, patience, pace, events })
    }

    /// Starts so many threads for each server. They end by themselves after [`Self::end`]: one that waits for an answer is
    /// not waited for, and its answer is dropped.
    pub(super) fn start(
        self: &Arc<Self>,
        clients: &[Arc<Client>],
        requests: &Arc<Vec<ServedRequest>>,
        terms: &Arc<Terms>,
        threads: usize,
        answers: &Sender<Result<Delivered>>,
    ) -> Result<()> {
        for (server, client) in clients.iter().enumerate() {
            for _ in 0..threads {
                let asker = Asker {
                    queue: self.clone(),
                    server,
                    client: client.clone(),
                    requests: requests.clone(),
                    terms: terms.clone(),
                    answers: answers.clone(),
                };
                let thread = std::thread::Builder::new().name("server".to_owned()).stack_size(STACK);
                thread
                    .spawn(move || asker.work())
                    .context("no thread can be started to ask a server; lower sampling.server.concurrency")?;
            }
        }
        Ok(())
    }

    /// Nobody takes anything any more, and what is answered from now on says nothing of the servers. How they were is
    /// returned.
    pub(super) fn end(&self) -> Vec<Health> {
        let mut state = self.lock();
        state.ended = true;
        let health = state.health.clone();
        drop(state);
        self.changed.notify_all();
        health
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job for a server, of at most so many samples, when it may be asked; `None` if it is all over.
    fn take(&self, server: usize, client: &Client) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.ended {
                return None;
            }
            let now = Instant::now();
            let pause = match state.health[server].may_be_asked(now) {
                Ok(()) => match state.next(client.most()) {
                    Some(job) => {
                        state.health[server].under_way += 1;
                        return Some(job);
                    }
                    None => None,
                },
                Err(until) => until,
            };
            state = match pause {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let waited = self.changed.wait_timeout(state, until.saturating_duration_since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Keeps what an answer brought, and puts what it left out back.
    fn answered(
        &self,
        server: usize,
        client: &Client,
        mut job: Job,
        choices: Vec<Choice>,
    ) -> Option<Delivered> {
        let mut state = self.lock();
        if state.ended {
            return None;
        }
        state.health[server].under_way -= 1;
        let is_back = state.health[server].answered();
        let brought = job.samples.start + choices.len();
        let lacks = brought < job.samples.end;
        if lacks {
            state.waiting.push_front(Job { samples: brought..job.samples.end, ..job.clone() });
            job.samples.end = brought;
        }
        drop(state);
        if lacks || is_back {
            self.changed.notify_all();
        }
        if is_back {
            self.tell(client, ServerState::Back);
        }
        Some(Delivered { job, choices })
    }

    /// Puts a job back. What it comes to, if nobody can go on.
    fn failed(&self, server: usize, client: &Client, job: Job, began: Instant, reason: &str) -> Result<()> {
        let mut state = self.lock();
        if state.ended {
            return Ok(());
        }
        let health = &mut state.health[server];
        health.under_way -= 1;
        // A server that is down says nothing of the request that it is tried with.
        let job = Job { failures: job.failures + u32::from(!health.is_down(self.retries)), ..job };
        let is_news = health.failed(began, Instant::now(), self.pace, reason);
        let failures = health.failures;
        let most_in_a_row = self.retries.saturating_add(1);
        let most = most_in_a_row.saturating_mul(u32::try_from(state.health.len()).unwrap_or(u32::MAX));
        let outcome = if state.health.iter().all(|health| health.is_down(self.retries)) {
            Err(nobody(&state.health))
        } else if job.failures > most {
            Err(anyhow!("A request failed {} times, at last so: {reason}. {GO_ON}", job.failures))
        } else {
            Ok(())
        };
        state.waiting.push_front(job);
        drop(state);
        self.changed.notify_all();
        if is_news && failures == most_in_a_row {
            self.tell(client, ServerState::Down(reason));
        } else if is_news && failures == 1 {
            self.tell(client, ServerState::Fails(reason));
        }
        outcome
    }

    /// Puts a job back for which a server had no time. That says nothing of either, unless it goes on for too long; what it
    /// comes to then is returned.
    fn busy(
        &self,
        server: usize,
        client: &Client,
        job: Job,
        began: Instant,
        reason: &str,
        pause: Option<Duration>,
    ) -> Result<()> {
        let mut state = self.lock();
        if state.ended {
            return Ok(());
        }
        let health = &mut state.health[server];
        if !health.is_busy(began, Instant::now(), self.pace, pause, self.patience) {
            drop(state);
            return self.failed(server, client, job, began, reason);
        }
        health.under_way -= 1;
        let is_news = !std::mem::replace(&mut health.is_known_busy, true);
        state.waiting.push_front(job);
        drop(state);
        self.changed.notify_all();
        if is_news {
            self.tell(client, ServerState::Busy(reason));
        }
        Ok(())
    }

    fn tell(&self, client: &Client, state: ServerState<'_>) {
        self.events.emit(&Event::Server { url: &client.url, state });
    }
}

impl State {
    /// The next job, of at most `most` samples.
    fn next(&mut self, most: usize) -> Option<Job> {
        let mut job = self.waiting.pop_front()?;
        let cut = job.samples.start.saturating_add(most).min(job.samples.end);
        if cut < job.samples.end {
            self.waiting.push_front(Job { samples: cut..job.samples.end, ..job.clone() });
            job.samples.end = cut;
        }
        Some(job)
    }
}

impl Asker {
    fn work(self) {
        while let Some(job) = self.queue.take(self.server, &self.client) {
            let request = &self.requests[job.request];
            let seeds = &request.seeds[job.samples.clone()];
            let began = Instant::now();
            let asked = self.client.ask(&self.terms, &request.prompt, request.max_tokens, seeds);
            let told = match asked {
                Ok(answer) => {
                    self.look_at(&answer, request);
                    self.queue.answered(self.server, &self.client, job, answer.choices).map(Ok)
                }
                Err(Trouble::Passing(reason)) => {
                    let outcome = self.queue.failed(self.server, &self.client, job, began, &reason);
                    outcome.err().map(Err)
                }
                Err(Trouble::Busy { reason, pause }) => {
                    let outcome = self.queue.busy(self.server, &self.client, job, began, &reason, pause);
                    outcome.err().map(Err)
                }
                Err(Trouble::Lasting(reason)) => Some(Err(anyhow!("{reason} {GO_ON}"))),
            };
            if told.is_some_and(|told| self.answers.send(told).is_err()) {
                return;
            }
        }
    }

    /// Tells what an answer shows of the server that nobody knows yet.
    fn look_at(&self, answer: &Answer, request: &ServedRequest) {
        let (watch, choices) = (&self.client.watch, &answer.choices);
        let other_tokens = watch.other_tokens(request.tokens, answer.prompt_tokens);
        let ends_early = watch.ends_early(choices, request.max_tokens);
        let repeats = watch.repeats(choices, self.terms.parameters.temperature);
        if repeats.is_some() {
            self.client.ask_one_by_one();
        }
        let one_by_one = watch.one_by_one(self.client.refuses_several());
        for state in [other_tokens, ends_early, repeats, one_by_one].into_iter().flatten() {
            self.queue.tell(&self.client, state);
        }
    }
}

fn nobody(health: &[Health]) -> anyhow::Error {
    let reasons: Vec<_> = health.iter().map(|health| health.reason.as_str()).collect();
    anyhow!(
        "No server that samples answers any more. {}. Start them again, or change sampling.server.urls. {GO_ON}",
        reasons.join("; ")
    )
}
