//! A pool's settings, errors and figures.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use serde::Serialize;

use crate::cache::VerdictCache;
use crate::kernel::KernelError;
use crate::queue::QueueError;

/// Limits and size of a pool.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// Lean processes that elaborate.
    pub workers: usize,
    /// Lean processes that judge what the others elaborated, shared by them all.
    pub checkers: usize,
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
    /// Whether an elaborator is replaced after a text that may have run code. Tests turn it off to see that the checker
    /// alone holds, whatever was done to the process that it hears from.
    #[doc(hidden)]
    pub replaces_suspects: bool,
    /// Answers of earlier checks; shared by as many pools as hold it.
    pub cache: Option<Arc<VerdictCache>>,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            workers: 2,
            checkers: 1,
            check_timeout: Duration::from_secs(10),
            start_timeout: Duration::from_secs(120),
            max_heartbeats: 20_000,
            messages: 5,
            max_rss_bytes: 3 << 29,
            recycle_after: 50_000,
            replaces_suspects: true,
            cache: None,
        }
    }
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
    /// The kernel that must agree cannot be asked.
    #[error(transparent)]
    Kernel(Arc<KernelError>),
    /// Workers on other machines cannot be asked.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// What a pool has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PoolStats {
    /// Requests answered by processes that elaborate.
    pub checks: u64,
    /// Questions answered by the checker: statements, and proofs that elaborated.
    pub judged: u64,
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
    pub(crate) judged: AtomicU64,
    pub(crate) busy_ms: AtomicU64,
    pub(crate) lean_us: AtomicU64,
    pub(crate) print_us: AtomicU64,
    pub(crate) starts: AtomicU64,
    pub(crate) timeouts: AtomicU64,
    pub(crate) crashes: AtomicU64,
    pub(crate) recycled: AtomicU64,
    pub(crate) peak_rss: AtomicU64,
}
