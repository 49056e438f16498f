//! The pool: N supervised Lean processes that elaborate, and one that judges what they hand out.
//!
//! Each process has one question at a time, so a candidate that kills or hangs it is named without doubt and costs nobody
//! else anything. Processes are started ahead, in the background. `judge` says how their answers become a verdict.
//! The same handle also stands for workers on other machines, see [`Pool::connect`].

mod config;
mod judge;
mod references;
mod second;
mod source;
mod supervisor;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) use config::Counters;
pub use config::{PoolConfig, PoolStats, VerifierError};
use references::References;
use second::Second;
use stp_datasets::{Status, Verdict};
use supervisor::{Job, Supervisor};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;

use crate::cache::{self, VerdictCache};
use crate::gate;
use crate::kernel::KernelError;
use crate::protocol::{Candidate, FileJudgement, FileOutcome, Reply, Request, Role, StatementReport, Trust};
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
    elaborators: mpsc::UnboundedSender<Job>,
    checkers: mpsc::UnboundedSender<Job>,
    references: References,
    /// Another kernel that is asked, or why it cannot be.
    second: Option<Result<Second, Arc<KernelError>>>,
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
        let counters = Arc::new(Counters::default());
        let closing = watch::Sender::new(false);
        let mut tasks = Vec::new();
        let mut supervise = |role, count: usize| {
            let (queue, jobs) = mpsc::unbounded_channel();
            let supervisor = Supervisor {
                role,
                toolchain: toolchain.clone(),
                config: config.clone(),
                jobs: Arc::new(Mutex::new(jobs)),
                counters: counters.clone(),
                closing: closing.subscribe(),
            };
            tasks.extend((0..count.max(1)).map(|_| tokio::spawn(supervisor.clone().run())));
            queue
        };
        let elaborators = supervise(Role::Elaborator, workers);
        let checkers = supervise(Role::Checker, config.checkers);
        let inner = Inner {
            toolchain: toolchain.identity(),
            heartbeats: config.max_heartbeats,
            messages: config.messages,
            check_timeout: config.check_timeout,
            cache: config.cache,
            elaborators,
            checkers,
            references: References::default(),
            second: Second::of(toolchain),
            counters,
            workers,
            closing,
            tasks: std::sync::Mutex::new(tasks),
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
        if let Err(reason) = gated(&candidate) {
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
        self.statement_by(header, signature, Trust::Trusted).await
    }

    /// The same of a statement by a model or somebody else: it is elaborated where proofs are.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn foreign_statement(
        &self,
        header: &str,
        signature: &str,
    ) -> Result<StatementReport, VerifierError> {
        self.statement_by(header, signature, Trust::Foreign).await
    }

    async fn statement_by(
        &self,
        header: &str,
        signature: &str,
        trust: Trust,
    ) -> Result<StatementReport, VerifierError> {
        if let Err(reason) = gate::check_text(header).and_then(|()| gate::check_signature(signature)) {
            return Ok(StatementReport::refused(reason));
        }
        let Some((inner, cache)) = self.cache() else {
            return self.ask_statement(header, signature, trust).await;
        };
        let key = cache::statement_key(&inner.toolchain, inner.heartbeats, header, signature, trust);
        if let Some(report) = cache.statement(&key, inner.check_timeout) {
            return Ok(report);
        }
        let report = self.ask_statement(header, signature, trust).await?;
        cache.keep_statement(key, inner.check_timeout, &report);
        Ok(report)
    }

    async fn ask_statement(
        &self,
        header: &str,
        signature: &str,
        trust: Trust,
    ) -> Result<StatementReport, VerifierError> {
        let request =
            Request::Statement { header: header.to_owned(), signature: signature.to_owned(), trust };
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

    /// Elaborates a whole text as plain Lean would, and judges each of its theorems from what it declared.
    ///
    /// A theorem whose command has an error is `failed`, with Lean's messages; so is one that rests on a theorem that
    /// failed. One that rests on `sorry` or an axiom is `rejected`. The text may define what it likes: `proved` means that
    /// the kernel accepts the theorem as the text states it.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn judge_file(&self, text: &str) -> Result<FileJudgement, VerifierError> {
        if let Err(reason) = gate::check_text(text) {
            return Ok(FileJudgement::Crashed(reason));
        }
        let limit = self.limit_of(text);
        let timeout_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        match self.request(Request::Source { code: text.to_owned(), timeout_ms }).await? {
            Reply::Source(judgement) => Ok(judgement),
            _ => Err(VerifierError::Closed),
        }
    }

    /// Judges one theorem of a whole text, its last one if it has no `name`: against a statement (header and signature,
    /// and whose they are), or as the text states it.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn judge_source(
        &self,
        text: &str,
        name: Option<&str>,
        statement: Option<(&str, &str, Trust)>,
    ) -> Result<Verdict, VerifierError> {
        if let Err(reason) = gate::check_text(text) {
            return Ok(Verdict::new(Status::Rejected, reason));
        }
        if let Some((header, signature, _)) = statement
            && let Err(reason) = gate::check_text(header).and_then(|()| gate::check_signature(signature))
        {
            return Ok(Verdict::new(Status::StatementError, reason));
        }
        let limit = self.limit_of(text);
        let request = Request::TheoremOf {
            code: text.to_owned(),
            name: name.map(str::to_owned),
            statement: statement.map(|(header, signature, trust)| (header.into(), signature.into(), trust)),
            timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        };
        match self.request(request).await? {
            Reply::Verdict(verdict) => Ok(verdict),
            _ => Err(VerifierError::Closed),
        }
    }

    /// The declarations of a proof in Lean's export format, or the verdict that it is none.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn export(&self, candidate: Candidate) -> Result<Result<String, Verdict>, VerifierError> {
        if let Err(reason) = gated(&candidate) {
            return Ok(Err(Verdict::new(Status::Rejected, reason)));
        }
        match self.request(Request::Export(candidate)).await? {
            Reply::Export(exported) => Ok(exported),
            _ => Err(VerifierError::Closed),
        }
    }

    /// The time for a whole text: that of one check for each of its theorems.
    fn limit_of(&self, text: &str) -> Duration {
        let each = match &self.backend {
            Backend::Local(inner) => inner.check_timeout,
            Backend::Remote(remote) => remote.check_timeout(),
        };
        let count = text.split_whitespace().filter(|word| matches!(*word, "theorem" | "lemma" | "example"));
        each * u32::try_from(count.count().max(1)).unwrap_or(u32::MAX)
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
            judged: read(&counters.judged),
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
        match &self.backend {
            Backend::Local(inner) => inner.answer(request).await,
            Backend::Remote(remote) => remote.request(request).await,
        }
    }
}

/// The first wall. The checker elaborates the user's own statements, so they pass it as well; a header of the user's own may
/// define what it likes.
fn gated(candidate: &Candidate) -> Result<(), String> {
    gate::check_text(&candidate.header)?;
    gate::check_signature(&candidate.signature)?;
    gate::check_proof(&candidate.proof)
}
