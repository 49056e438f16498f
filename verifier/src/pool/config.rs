//! A pool's settings.

use std::sync::Arc;
use std::time::Duration;

use crate::cache::VerdictCache;

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
