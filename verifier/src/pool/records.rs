//! What goes into a pool and comes out of it: settings, questions, answers, errors, figures.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stp_datasets::Verdict;
use tokio::sync::oneshot;

use super::file::FileOutcome;
use crate::cache::VerdictCache;
use crate::gate;
use crate::queue::QueueError;

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
    pub(super) fn leaves_traces(&self) -> bool {
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
