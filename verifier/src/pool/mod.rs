//! The pool: a queue of requests and N supervised Lean processes.
//!
//! Each worker has one candidate at a time, so a candidate that kills or hangs its process is named
//! without doubt and costs nobody else anything. Processes are started ahead, in the background.
//! The same handle also stands for workers on other machines, see [`Pool::connect`].

mod file;
mod references;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use file::{FileMessage, FileOutcome, FileReport, Position, Sorry};
use references::References;
use serde::{Deserialize, Serialize};
use stp_datasets::{Status, Verdict};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::cache::{self, VerdictCache};
use crate::gate;
use crate::queue::{QueueError, RemoteConfig, RemotePool};
use crate::toolchain::Toolchain;

/// Limits and size of a pool.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// Lean processes.
    pub workers: usize,
    /// Wall-clock limit of one check; then the process is killed.
    pub check_timeout: Duration,
    /// Wall-clock limit of loading Lean.
    pub start_timeout: Duration,
    /// Lean's own limit (`maxHeartbeats`).
    pub max_heartbeats: u64,
    /// Errors that a verdict of the managed Lean brings at most; printing one costs it some 4 ms.
    pub messages: usize,
    /// A process over this resident size is replaced after its check; over one and a half times this size
    /// it is killed at once (on Linux).
    pub max_rss_bytes: u64,
    /// A process is replaced after this many checks.
    pub recycle_after: u64,
    /// Answers of earlier checks; shared by as many pools as hold it.
    pub cache: Option<Arc<VerdictCache>>,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            workers: 2,
            check_timeout: Duration::from_secs(10),
            start_timeout: Duration::from_secs(120),
            max_heartbeats: 20_000,
            messages: 5,
            max_rss_bytes: 3 << 29,
            recycle_after: 50_000,
            cache: None,
        }
    }
}

/// A proof to judge. Header and signature are trusted, the proof is not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Candidate {
    /// Lean text before the theorem; empty for core Lean.
    #[serde(default)]
    pub header: String,
    /// Binders and type: `(a b : Nat) : a + b = b + a`.
    pub signature: String,
    /// The text after `:=`.
    pub proof: String,
}

/// What Lean says of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementReport {
    /// Whether it elaborates as a theorem.
    pub ok: bool,
    /// Lean's errors.
    #[serde(default)]
    pub messages: Vec<String>,
    /// A hash of its type that ignores bound names; not known from native toolchains.
    #[serde(default)]
    pub fingerprint: Option<String>,
}

/// Why the pool, not a proof, failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VerifierError {
    /// Lean cannot be started.
    #[error(
        "Lean could not be started {attempts} times in a row: {reason}. See `stp toolchain status`; if the managed Lean is damaged, remove its folder and run `stp toolchain install`. Each process needs about 0.9 GB of memory: fewer can be asked for with --workers."
    )]
    Start {
        /// Tries.
        attempts: u32,
        /// The last try's error.
        reason: String,
    },
    /// The pool was shut down.
    #[error("the pool of Lean processes was shut down while a request waited")]
    Closed,
    /// Workers on other machines cannot be asked.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// What a pool has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PoolStats {
    /// Requests answered by Lean.
    pub checks: u64,
    /// Requests answered from the cache, by whatever pool shares it.
    pub cache_hits: u64,
    /// Time in which processes were busy with checks, summed, in milliseconds.
    pub busy_ms: u64,
    /// CPU time of Lean's elaborator and kernel on proofs, summed, in milliseconds; only managed workers tell.
    pub lean_ms: u64,
    /// CPU time of Lean's printer of errors, summed, in milliseconds; only managed workers tell.
    pub print_ms: u64,
    /// Processes started.
    pub starts: u64,
    /// Processes killed because the time ran out.
    pub timeouts: u64,
    /// Processes that died on a candidate.
    pub crashes: u64,
    /// Processes replaced because of their size or age.
    pub recycled: u64,
    /// Largest resident size seen of one process, in bytes.
    pub peak_rss: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) checks: AtomicU64,
    pub(crate) busy_ms: AtomicU64,
    pub(crate) lean_us: AtomicU64,
    pub(crate) print_us: AtomicU64,
    pub(crate) starts: AtomicU64,
    pub(crate) timeouts: AtomicU64,
    pub(crate) crashes: AtomicU64,
    pub(crate) recycled: AtomicU64,
    pub(crate) peak_rss: AtomicU64,
}

/// What a worker can be asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    Check(Candidate),
    Statement { header: String, signature: String },
    Signatures(Vec<String>),
    Theorems,
    File { code: String, timeout_ms: u64 },
}

impl Request {
    /// Whether the process must not judge anything after it.
    fn leaves_traces(&self) -> bool {
        matches!(self, Self::File { code, .. } if gate::may_run_code(code))
    }
}

/// What it answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    Verdict(Verdict),
    Statement(StatementReport),
    Signatures(Vec<Option<String>>),
    /// Empty where they cannot be listed.
    Theorems(Vec<String>),
    File(FileOutcome),
}

pub(crate) type Job = (Request, oneshot::Sender<Result<Reply, VerifierError>>);

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
