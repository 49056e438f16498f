//! The pool: a queue of requests and N supervised Lean processes.
//!
//! Each worker has one candidate at a time, so a candidate that kills or hangs its process is named
//! without doubt and costs nobody else anything. Processes are started ahead, in the background.
//! The same handle also stands for workers on other machines, see [`Pool::connect`].

mod file;
mod judged;
mod records;
mod references;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use judged::{FileJudgement, JudgedFile, JudgedTheorem};
pub use file::{FileMessage, FileOutcome, FileReport, Position, Sorry};
pub use records::{Candidate, PoolConfig, PoolStats, StatementReport, VerifierError};
pub(crate) use records::{Counters, Job, Reply, Request};
use references::References;
use stp_datasets::{Status, Verdict};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::cache::{self, VerdictCache};
use crate::gate;
use crate::queue::{QueueError, RemoteConfig, RemotePool};
use crate::toolchain::Toolchain;

/// A handle on the pool; clones share it. The processes end when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Pool {
    backend: Backend,
}

#[derive(Clone, Debug)]
enum Backend {
    Local(Arc<Inner>),
    Remote(RemotePool),
}

#[derive(Debug)]
struct Inner {
    toolchain: String,
    heartbeats: u64,
    messages: usize,
    check_timeout: Duration,
    cache: Option<Arc<VerdictCache>>,
    queue: mpsc::UnboundedSender<Job>,
    counters: Arc<Counters>,
    workers: usize,
    closing: watch::Sender<bool>,
    tasks: std::sync::Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        for task in self.take_tasks() {
            task.abort();
        }
    }
}

impl Inner {
    fn take_tasks(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut *self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Pool {
    /// Starts the processes in the background; requests wait until one is ready.
    ///
    /// Must be called inside a tokio runtime.
    pub fn start(toolchain: &Toolchain, config: PoolConfig) -> Self {
        let workers = config.workers.max(1);
        let (queue, jobs) = mpsc::unbounded_channel();
        let jobs = Arc::new(Mutex::new(jobs));
        let counters = Arc::new(Counters::default());
        let references = Arc::new(References::default());
        let closing = watch::Sender::new(false);
        let tasks = (0..workers)
            .map(|_| {
                let supervisor = worker::Supervisor::new(
                    toolchain.clone(),
                    config.clone(),
                    jobs.clone(),
                    counters.clone(),
                    references.clone(),
                    closing.subscribe(),
                );
                tokio::spawn(supervisor.run())
            })
            .collect();
        let tasks = std::sync::Mutex::new(tasks);
        let inner = Inner {
            toolchain: toolchain.identity(),
            heartbeats: config.max_heartbeats,
            messages: config.messages,
            check_timeout: config.check_timeout,
            cache: config.cache,
            queue,
            counters,
            workers,
            closing,
            tasks,
        };
        Self { backend: Backend::Local(Arc::new(inner)) }
    }

    /// A handle on workers of other machines (`stp worker`), reached through NATS JetStream at `url`.
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`QueueError`] if the server cannot be reached or is not set up for it.
    pub async fn connect(url: &str, config: RemoteConfig) -> Result<Self, QueueError> {
        let remote = RemotePool::connect(url, config).await?;
        Ok(Self { backend: Backend::Remote(remote) })
    }

    /// How many processes work side by side; for workers of other machines, as many as were promised.
    pub fn workers(&self) -> usize {
        match &self.backend {
            Backend::Local(inner) => inner.workers,
            Backend::Remote(remote) => remote.workers(),
        }
    }

    /// Judges one proof.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all; whatever the proof does is a verdict.
    pub async fn check(&self, candidate: Candidate) -> Result<Verdict, VerifierError> {
        if let Err(reason) = gate::check_proof(&candidate.proof) {
            return Ok(Verdict::new(Status::Rejected, reason));
        }
        let Some((inner, cache)) = self.cache() else { return self.ask_check(candidate).await };
        let key = cache::check_key(&inner.toolchain, inner.heartbeats, inner.messages, &candidate);
        if let Some(verdict) = cache.verdict(&key, inner.check_timeout) {
            return Ok(verdict);
        }
        let verdict = self.ask_check(candidate).await?;
        cache.keep_verdict(key, inner.check_timeout, &verdict);
        Ok(verdict)
    }

    /// Judges a proof without the text gate and without the cache: for tests of what stands behind them.
    ///
    /// # Errors
    /// As [`Self::check`].
    #[doc(hidden)]
    pub async fn check_ungated(&self, candidate: Candidate) -> Result<Verdict, VerifierError> {
        self.ask_check(candidate).await
    }

    /// Earlier answers, which only a pool of this machine may have.
    fn cache(&self) -> Option<(&Inner, &VerdictCache)> {
        match &self.backend {
            Backend::Local(inner) => inner.cache.as_deref().map(|cache| (&**inner, cache)),
            Backend::Remote(_) => None,
        }
    }

    async fn ask_check(&self, candidate: Candidate) -> Result<Verdict, VerifierError> {
        match self.request(Request::Check(candidate)).await? {
            Reply::Verdict(verdict) => Ok(verdict),
            _ => Err(VerifierError::Closed),
        }
    }

    /// Whether a statement elaborates, and its fingerprint.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn statement(&self, header: &str, signature: &str) -> Result<StatementReport, VerifierError> {
        if let Err(reason) = gate::check_signature(signature) {
            return Ok(StatementReport { ok: false, messages: vec![reason], fingerprint: None });
        }
        let Some((inner, cache)) = self.cache() else { return self.ask_statement(header, signature).await };
        let key = cache::statement_key(&inner.toolchain, inner.heartbeats, header, signature);
        if let Some(report) = cache.statement(&key, inner.check_timeout) {
            return Ok(report);
        }
        let report = self.ask_statement(header, signature).await?;
        cache.keep_statement(key, inner.check_timeout, &report);
        Ok(report)
    }

    async fn ask_statement(&self, header: &str, signature: &str) -> Result<StatementReport, VerifierError> {
        let request = Request::Statement { header: header.to_owned(), signature: signature.to_owned() };
        match self.request(request).await? {
            Reply::Statement(report) => Ok(report),
            _ => Err(VerifierError::Closed),
        }
    }

    /// Binders and type of library theorems, as Lean prints them; `None` for unknown names.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn signatures(&self, names: &[String]) -> Result<Vec<Option<String>>, VerifierError> {
        match self.request(Request::Signatures(names.to_vec())).await? {
            Reply::Signatures(signatures) => Ok(signatures),
            _ => Err(VerifierError::Closed),
        }
    }

    /// Names of all theorems that the library has without imports, sorted; private ones and those that Lean names by itself
    /// are left out. Empty with a native Lean, which is not asked.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn theorems(&self) -> Result<Vec<String>, VerifierError> {
        match self.request(Request::Theorems).await? {
            Reply::Theorems(names) => Ok(names),
            _ => Err(VerifierError::Closed),
        }
    }

    /// Elaborates a whole Lean text with its own imports, from a clean environment.
    ///
    /// The text is not judged: it may define and run what it likes, so an answer without errors proves
    /// nothing that [`Self::check`] would. A process that elaborated a text which may run code (see
    /// [`gate::may_run_code`]) is replaced before its next request.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn run_file(&self, code: &str, timeout: Duration) -> Result<FileOutcome, VerifierError> {
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        match self.request(Request::File { code: code.to_owned(), timeout_ms }).await? {
            Reply::File(outcome) => Ok(outcome),
            _ => Err(VerifierError::Closed),
        }
    }

    /// What the pool has done so far; for workers of other machines, what this handle knows of it.
    pub fn stats(&self) -> PoolStats {
        let counters = match &self.backend {
            Backend::Local(inner) => &inner.counters,
            Backend::Remote(remote) => remote.counters(),
        };
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PoolStats {
            checks: read(&counters.checks),
            cache_hits: self.cache().map_or(0, |(_, cache)| cache.counts().0),
            busy_ms: read(&counters.busy_ms),
            lean_ms: read(&counters.lean_us) / 1000,
            print_ms: read(&counters.print_us) / 1000,
            starts: read(&counters.starts),
            timeouts: read(&counters.timeouts),
            crashes: read(&counters.crashes),
            recycled: read(&counters.recycled),
            peak_rss: read(&counters.peak_rss),
        }
    }

    /// Ends all processes and waits until they are gone. Requests that wait get [`VerifierError::Closed`].
    /// Workers of other machines go on; only the connection ends.
    pub async fn shutdown(&self) {
        let inner = match &self.backend {
            Backend::Local(inner) => inner,
            Backend::Remote(remote) => return remote.shutdown().await,
        };
        inner.closing.send_replace(true);
        for task in inner.take_tasks() {
            // It fails only if the task panicked; its process is killed then, too.
            let _ = task.await;
        }
    }

    /// Asks without the text gate, which is the caller's to apply.
    pub(crate) async fn request(&self, request: Request) -> Result<Reply, VerifierError> {
        let inner = match &self.backend {
            Backend::Local(inner) => inner,
            Backend::Remote(remote) => return remote.request(request).await,
        };
        let (sender, receiver) = oneshot::channel();
        inner.queue.send((request, sender)).map_err(|_| VerifierError::Closed)?;
        receiver.await.map_err(|_| VerifierError::Closed)?
    }
}
