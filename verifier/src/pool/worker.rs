//! One place of the pool: it holds a Lean process, feeds it one request at a time and replaces it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use stp_datasets::{Status, Verdict};
use tokio::sync::{Mutex, mpsc, watch};

use super::references::References;
use super::{
    Candidate, Counters, FileOutcome, FileReport, Job, PoolConfig, Reply, Request, StatementReport,
    VerifierError,
};
use crate::confine;
use crate::managed::{Lost, ManagedWorker};
use crate::native;
use crate::toolchain::{ManagedLean, NativeLean, Toolchain};

/// Starts that may fail in a row before requests are answered with an error.
const START_ATTEMPTS: u32 = 3;
const PAUSE_BETWEEN_STARTS: Duration = Duration::from_millis(500);
/// Requests that a native process takes in one file.
const NATIVE_BATCH: usize = 32;

/// The processes of one supervisor.
#[derive(Debug, Default)]
struct Place {
    current: Option<ManagedWorker>,
    /// Takes over from `current`, which is old, when Lean is loaded in it.
    heir: Option<ManagedWorker>,
}

impl Place {
    /// Ends all processes and waits until they are gone.
    async fn clear(&mut self) {
        for process in [&mut self.current, &mut self.heir].into_iter().flatten() {
            process.kill().await;
        }
    }
}

pub(super) struct Supervisor {
    toolchain: Toolchain,
    config: PoolConfig,
    jobs: Arc<Mutex<mpsc::UnboundedReceiver<Job>>>,
    counters: Arc<Counters>,
    references: Arc<References>,
    closing: watch::Receiver<bool>,
}

impl Supervisor {
    pub(super) fn new(
        toolchain: Toolchain,
        config: PoolConfig,
        jobs: Arc<Mutex<mpsc::UnboundedReceiver<Job>>>,
        counters: Arc<Counters>,
        references: Arc<References>,
        closing: watch::Receiver<bool>,
    ) -> Self {
        Self { toolchain, config, jobs, counters, references, closing }
    }

    pub(super) async fn run(self) {
        match self.toolchain.clone() {
            Toolchain::Managed(lean) => self.run_managed(&lean).await,
            Toolchain::Native(lean) => self.run_native(&lean).await,
        }
    }

    /// Serves requests until the pool closes; then no process of this place is left.
    async fn run_managed(&self, lean: &ManagedLean) {
        let mut place = Place::default();
        tokio::select! {
            biased;
            () = self.closed() => {}
            () = self.serve(lean, &mut place) => {}
        }
        place.clear().await;
    }

    /// Returns when the pool closes.
    async fn closed(&self) {
        // An error means that the pool is gone, which is the same.
        let _ = self.closing.clone().wait_for(|closing| *closing).await;
    }

    /// `place` always holds the processes, ready or not, so that whoever stops this future can end them.
    async fn serve(&self, lean: &ManagedLean, place: &mut Place) {
        let mut started = self.start(lean, place).await;
        while let Some((request, reply)) = self.next_job().await {
            if reply.is_closed() {
                continue; // nobody waits for it any more
            }
            self.succeed(place).await;
            if started.is_err() {
                started = self.start(lean, place).await;
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
            let (answer, alive) = self.ask(process, &request).await;
            let old =
                process.rss > self.config.max_rss_bytes || process.answered >= self.config.recycle_after;
            let _ = reply.send(Ok(answer));
            if alive && request.leaves_traces() {
                self.counters.recycled.fetch_add(1, Ordering::Relaxed);
                process.kill().await;
            }
            if !alive || request.leaves_traces() {
                started = self.start(lean, place).await;
            } else if old {
                self.prepare_heir(lean, place);
            }
        }
    }

    /// Starts the process that takes over from an old one, which goes on until it is ready.
    fn prepare_heir(&self, lean: &ManagedLean, place: &mut Place) {
        if place.heir.is_none() {
            match ManagedWorker::spawn(lean, self.config.max_heartbeats) {
                Ok(process) => place.heir = Some(process),
                Err(error) => tracing::warn!("a Lean process did not start: {error}"),
            }
        }
    }

    /// Lets the heir take over if it is ready.
    async fn succeed(&self, place: &mut Place) {
        match place.heir.as_mut().and_then(ManagedWorker::ready_by_now) {
            Some(Ok(())) => {
                std::mem::swap(&mut place.current, &mut place.heir);
                self.counters.recycled.fetch_add(1, Ordering::Relaxed);
                self.counters.starts.fetch_add(1, Ordering::Relaxed);
                confine::limit_growth(place.current.as_ref().and_then(ManagedWorker::pid), self.max_rss());
                // The old one stays in its place until it is gone.
                if let Some(old) = &mut place.heir {
                    old.kill().await;
                }
                place.heir = None;
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

    async fn start(&self, lean: &ManagedLean, place: &mut Place) -> Result<(), VerifierError> {
        let mut reason = String::new();
        for attempt in 0..START_ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE_BETWEEN_STARTS).await;
            }
            match self.start_once(lean, place).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::warn!("a Lean process did not start: {error}");
                    reason = error;
                }
            }
        }
        Err(VerifierError::Start { attempts: START_ATTEMPTS, reason })
    }

    async fn start_once(&self, lean: &ManagedLean, place: &mut Place) -> Result<(), String> {
        // An heir that is under way is sooner ready than a new one.
        let process = match place.heir.take() {
            Some(heir) => heir,
            None => ManagedWorker::spawn(lean, self.config.max_heartbeats)?,
        };
        let process = place.current.insert(process);
        process.ready(self.config.start_timeout).await?;
        confine::limit_growth(process.pid(), self.max_rss());
        self.counters.starts.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(pid = process.pid(), "a Lean process is ready");
        Ok(())
    }

    /// The reply, and whether the process lives on.
    async fn ask(&self, process: &mut ManagedWorker, request: &Request) -> (Reply, bool) {
        let began = Instant::now();
        let outcome = process.ask(&self.line(request), self.limit(request), self.max_rss()).await;
        self.counters.checks.fetch_add(1, Ordering::Relaxed);
        self.counters.busy_ms.fetch_add(millis(began.elapsed()), Ordering::Relaxed);
        self.counters.peak_rss.fetch_max(process.rss, Ordering::Relaxed);
        self.counters.lean_us.fetch_add(std::mem::take(&mut process.lean_us), Ordering::Relaxed);
        self.counters.print_us.fetch_add(std::mem::take(&mut process.print_us), Ordering::Relaxed);
        match outcome {
            Ok(value) => {
                if let Request::Check(Candidate { header, signature, .. })
                | Request::Statement { header, signature } = request
                {
                    self.references.keep(header, signature, &value);
                }
                (read_reply(request, &value), true)
            }
            Err(Lost::Timeout) => {
                self.counters.timeouts.fetch_add(1, Ordering::Relaxed);
                let seconds = self.config.check_timeout.as_secs_f64();
                (failure(request, Status::Timeout, format!("no answer within {seconds} s"), began), false)
            }
            Err(Lost::Died(reason)) => {
                self.counters.crashes.fetch_add(1, Ordering::Relaxed);
                (failure(request, Status::Crashed, reason, began), false)
            }
        }
    }

    fn line(&self, request: &Request) -> Value {
        match request {
            Request::Check(candidate) => json!({
                "id": 0,
                "op": "check",
                "header": candidate.header,
                "signature": candidate.signature,
                "proof": candidate.proof,
                "messages": self.config.messages,
                "reference": self.references.get(&candidate.header, &candidate.signature),
            }),
            Request::Statement { header, signature } => {
                json!({ "id": 0, "op": "statement", "header": header, "signature": signature })
            }
            Request::Signatures(names) => json!({ "id": 0, "op": "signatures", "names": names }),
            Request::Theorems => json!({ "id": 0, "op": "theorems" }),
            Request::File { code, .. } => json!({ "id": 0, "op": "file", "code": code }),
        }
    }

    /// The size in bytes at which a process is killed in the middle of a check.
    fn max_rss(&self) -> u64 {
        self.config.max_rss_bytes.saturating_add(self.config.max_rss_bytes / 2)
    }

    fn limit(&self, request: &Request) -> Duration {
        match request {
            Request::Signatures(names) => {
                self.config.check_timeout + Duration::from_millis(100) * saturating(names.len())
            }
            Request::File { timeout_ms, .. } => Duration::from_millis(*timeout_ms),
            _ => self.config.check_timeout,
        }
    }

    /// Serves requests until the pool closes; then no process of this place is left.
    async fn run_native(&self, lean: &NativeLean) {
        let mut place = native::Place::default();
        tokio::select! {
            biased;
            () = self.closed() => {}
            () = self.serve_native(lean, &mut place) => {}
        }
        place.kill().await;
    }

    async fn serve_native(&self, lean: &NativeLean, place: &mut native::Place) {
        let limits = native::Limits {
            check_timeout: self.config.check_timeout,
            max_heartbeats: self.config.max_heartbeats,
        };
        while let Some(jobs) = self.next_batch().await {
            let began = Instant::now();
            let requests: Vec<_> = jobs.iter().map(|(request, _)| request.clone()).collect();
            let replies = native::answer(lean, &requests, &limits, place).await;
            self.counters.starts.fetch_add(1, Ordering::Relaxed);
            self.counters.checks.fetch_add(jobs.len() as u64, Ordering::Relaxed);
            self.counters.busy_ms.fetch_add(millis(began.elapsed()), Ordering::Relaxed);
            match replies {
                Ok(replies) => {
                    for ((_, sender), reply) in jobs.into_iter().zip(replies) {
                        let _ = sender.send(Ok(reply));
                    }
                }
                Err(reason) => {
                    for (_, sender) in jobs {
                        let _ =
                            sender.send(Err(VerifierError::Start { attempts: 1, reason: reason.clone() }));
                    }
                }
            }
        }
    }

    /// The next request and whatever else waits, up to a batch.
    async fn next_batch(&self) -> Option<Vec<Job>> {
        let mut queue = self.jobs.lock().await;
        let mut batch = vec![queue.recv().await?];
        while batch.len() < NATIVE_BATCH {
            match queue.try_recv() {
                Ok(job) => batch.push(job),
                Err(_) => break,
            }
        }
        Some(batch)
    }
}

fn read_reply(request: &Request, value: &Value) -> Reply {
    let broken = |error: serde_json::Error| {
        failure(
            request,
            Status::Crashed,
            format!("the worker's answer is unreadable: {error}"),
            Instant::now(),
        )
    };
    match request {
        Request::Check(_) => Verdict::deserialize(value).map_or_else(broken, Reply::Verdict),
        Request::Statement { .. } => {
            StatementReport::deserialize(value).map_or_else(broken, Reply::Statement)
        }
        Request::Signatures(_) => {
            Vec::deserialize(&value["signatures"]).map_or_else(broken, Reply::Signatures)
        }
        Request::Theorems => Vec::deserialize(&value["theorems"]).map_or_else(broken, Reply::Theorems),
        Request::File { .. } => FileReport::deserialize(value)
            .map_or_else(broken, |report| Reply::File(FileOutcome::Done(report.complete()))),
    }
}

fn failure(request: &Request, status: Status, reason: String, began: Instant) -> Reply {
    match request {
        Request::Check(_) => {
            let elapsed_ms = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
            Reply::Verdict(Verdict { elapsed_ms, ..Verdict::new(status, reason) })
        }
        Request::Statement { .. } => {
            Reply::Statement(StatementReport { ok: false, messages: vec![reason], fingerprint: None })
        }
        Request::Signatures(names) => Reply::Signatures(vec![None; names.len()]),
        Request::Theorems => Reply::Theorems(Vec::new()),
        Request::File { timeout_ms, .. } if status == Status::Timeout => {
            Reply::File(FileOutcome::TimedOut(*timeout_ms))
        }
        Request::File { .. } => Reply::File(FileOutcome::Crashed(reason)),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn saturating(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
