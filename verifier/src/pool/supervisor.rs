//! A supervisor: keeps one process running, hands it one question after the other, and replaces it.
//!
//! A process has one question at a time, so whoever kills or hangs it is named without doubt and costs nobody else
//! anything.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{Mutex, mpsc, oneshot, watch};

use super::care::Care;
use super::config::PoolConfig;
use crate::confine;
use crate::managed::program;
use crate::process::Process;
use crate::protocol::{Counters, Lost, Question, Role, VerifierError};
use crate::toolchain::Toolchain;

/// Starts in a row that may fail before requests are answered with an error.
const START_ATTEMPTS: u32 = 3;
const PAUSE_BETWEEN_STARTS: Duration = Duration::from_millis(500);
/// A process that grew by more than this during one question is replaced: no ordinary proof does that.
const SUSPICIOUS_GROWTH: u64 = 512 << 20;

/// A question, and who waits for its answer.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) question: Question,
    pub(super) limit: Duration,
    /// What the question does to the process, and what it needs of it.
    pub(super) care: Care,
    pub(super) reply: oneshot::Sender<Result<Result<Value, Lost>, VerifierError>>,
}

/// The processes of one supervisor.
#[derive(Debug, Default)]
struct Place {
    current: Option<Process>,
    /// What `current` has run that no gate looked at.
    has_run: Option<Care>,
    /// Takes over from `current`, which is old, when Lean is loaded in it.
    heir: Option<Process>,
}

impl Place {
    /// Ends all processes and waits until they are gone.
    async fn clear(&mut self) {
        for process in [&mut self.current, &mut self.heir].into_iter().flatten() {
            process.kill().await;
        }
    }
}

/// What all supervisors of one kind share.
#[derive(Clone)]
pub(super) struct Supervisor {
    pub(super) role: Role,
    pub(super) toolchain: Toolchain,
    pub(super) config: PoolConfig,
    pub(super) jobs: Arc<Mutex<mpsc::UnboundedReceiver<Job>>>,
    pub(super) counters: Arc<Counters>,
    pub(super) closing: watch::Receiver<bool>,
}

impl Supervisor {
    /// Serves questions until the pool closes; then no process of this place is left.
    pub(super) async fn run(self) {
        let mut place = Place::default();
        tokio::select! {
            biased;
            () = self.closed() => {}
            () = self.serve(&mut place) => {}
        }
        place.clear().await;
    }

    /// Returns when the pool closes.
    async fn closed(&self) {
        // An error means that the pool is gone, which is the same.
        let _ = self.closing.clone().wait_for(|closing| *closing).await;
    }

    /// `place` always holds the processes, ready or not, so that whoever stops this future can end them.
    async fn serve(&self, place: &mut Place) {
        let mut started = self.start(place).await;
        while let Some(Job { question, limit, care, reply }) = self.next_job().await {
            if reply.is_closed() {
                continue; // nobody waits for it any more
            }
            self.succeed(place).await;
            if place.has_run.as_ref().is_some_and(|ran| *ran != care) {
                place.clear().await;
                started = self.start(place).await;
            }
            if started.is_err() {
                started = self.start(place).await;
            }
            let process = match (&started, &mut place.current) {
                (Ok(()), Some(process)) => process,
                (Ok(()), None) => continue,
                (Err(error), _) => {
                    // A requester that went away needs no answer.
                    let _ = reply.send(Err(error.clone()));
                    continue;
                }
            };
            if let (Question::Sketch { .. }, Toolchain::Managed(lean)) = (&question, &self.toolchain) {
                // No question's time.
                program::ensure(lean).await;
            }
            let (before, has_worked) = (process.rss(), process.answered() > 0);
            let mut answer = self.ask(process, &question, limit).await;
            if has_worked && self.counts_for_all_its_work(&answer) {
                process.kill().await;
                started = self.start(place).await;
                if let (Ok(()), Some(process)) = (&started, &mut place.current) {
                    answer = self.ask(process, &question, limit).await;
                }
            }
            let Some(process) = &mut place.current else {
                let _ = reply.send(Ok(answer));
                continue;
            };
            let alive = answer.is_ok();
            let strange = (care == Care::Last && self.config.replaces_suspects)
                || process.rss().saturating_sub(before) > SUSPICIOUS_GROWTH
                || answer.as_ref().is_ok_and(|value| value["unusual"] == true);
            let old =
                process.rss() > self.config.max_rss_bytes || process.answered() >= self.config.recycle_after;
            let _ = reply.send(Ok(answer));
            if matches!(care, Care::Header(_) | Care::Text) {
                place.has_run = Some(care);
            }
            if alive && strange {
                self.counters.recycled.fetch_add(1, Ordering::Relaxed);
                process.kill().await;
            }
            if !alive || strange {
                started = self.start(place).await;
            } else if old {
                self.prepare_heir(place);
            }
        }
    }

    /// Starts the process that takes over from an old one, which goes on until it is ready.
    fn prepare_heir(&self, place: &mut Place) {
        if place.heir.is_none() {
            match self.spawn() {
                Ok(process) => place.heir = Some(process),
                Err(error) => tracing::warn!("a Lean process did not start: {error}"),
            }
        }
    }

    /// Lets the heir take over if it is ready.
    async fn succeed(&self, place: &mut Place) {
        match place.heir.as_mut().and_then(Process::ready_by_now) {
            Some(Ok(())) => {
                std::mem::swap(&mut place.current, &mut place.heir);
                self.counters.recycled.fetch_add(1, Ordering::Relaxed);
                self.counters.starts.fetch_add(1, Ordering::Relaxed);
                confine::limit_growth(place.current.as_ref().and_then(Process::pid), self.max_rss());
                // The old one stays in its place until it is gone.
                if let Some(old) = &mut place.heir {
                    old.kill().await;
                }
                place.heir = None;
                place.has_run = None;
            }
            Some(Err(error)) => {
                tracing::warn!("a Lean process did not start: {error}");
                place.heir = None;
            }
            None => {}
        }
    }

    async fn next_job(&self) -> Option<Job> {
        self.jobs.lock().await.recv().await
    }

    fn spawn(&self) -> Result<Process, String> {
        Process::spawn(&self.toolchain, self.role, self.config.max_heartbeats)
    }

    async fn start(&self, place: &mut Place) -> Result<(), VerifierError> {
        let mut reason = String::new();
        for attempt in 0..START_ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE_BETWEEN_STARTS).await;
            }
            match self.start_once(place).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::warn!("a Lean process did not start: {error}");
                    reason = error;
                }
            }
        }
        Err(VerifierError::Start { attempts: START_ATTEMPTS, reason })
    }

    async fn start_once(&self, place: &mut Place) -> Result<(), String> {
        // An heir that is under way is sooner ready than a new one.
        let process = match place.heir.take() {
            Some(heir) => heir,
            None => self.spawn()?,
        };
        let process = place.current.insert(process);
        process.ready(self.config.start_timeout).await?;
        place.has_run = None;
        confine::limit_growth(process.pid(), self.max_rss());
        self.counters.starts.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(pid = process.pid(), role = ?self.role, "a Lean process is ready");
        Ok(())
    }

    /// Whether the kernel of a process gave up for all that the process had checked before: a native Lean has no way to set its
    /// count back, so only a new process tells what a proof takes by itself.
    fn counts_for_all_its_work(&self, answer: &Result<Value, Lost>) -> bool {
        if self.role != Role::Checker || matches!(self.toolchain, Toolchain::Managed(_)) {
            return false;
        }
        let text = answer.as_ref().map(ToString::to_string).unwrap_or_default();
        text.contains("(kernel)") && text.contains("deterministic timeout")
    }

    async fn ask(&self, process: &mut Process, question: &Question, limit: Duration) -> Result<Value, Lost> {
        let began = Instant::now();
        let outcome = process.ask(question, limit, self.max_rss()).await;
        let counters = &self.counters;
        let asked = if self.role == Role::Checker { &counters.judged } else { &counters.checks };
        asked.fetch_add(1, Ordering::Relaxed);
        counters.busy_ms.fetch_add(millis(began.elapsed()), Ordering::Relaxed);
        counters.peak_rss.fetch_max(process.rss(), Ordering::Relaxed);
        let (lean_us, print_us) = process.take_times();
        counters.lean_us.fetch_add(lean_us, Ordering::Relaxed);
        counters.print_us.fetch_add(print_us, Ordering::Relaxed);
        match &outcome {
            Ok(_) => {}
            Err(Lost::Timeout) => {
                counters.timeouts.fetch_add(1, Ordering::Relaxed);
            }
            Err(Lost::Died(_)) => {
                counters.crashes.fetch_add(1, Ordering::Relaxed);
            }
        }
        outcome
    }

    /// The size in bytes at which a process is killed in the middle of a check.
    fn max_rss(&self) -> u64 {
        self.config.max_rss_bytes.saturating_add(self.config.max_rss_bytes / 2)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
