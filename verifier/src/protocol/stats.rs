//! Figures of a pool.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

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

/// [`PoolStats`] while they are counted; times of Lean are in microseconds.
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

impl Counters {
    /// The figures as they are now; what a cache answered is not among them.
    pub(crate) fn stats(&self) -> PoolStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PoolStats {
            checks: read(&self.checks),
            judged: read(&self.judged),
            cache_hits: 0,
            busy_ms: read(&self.busy_ms),
            lean_ms: read(&self.lean_us) / 1000,
            print_ms: read(&self.print_us) / 1000,
            starts: read(&self.starts),
            timeouts: read(&self.timeouts),
            crashes: read(&self.crashes),
            recycled: read(&self.recycled),
            peak_rss: read(&self.peak_rss),
        }
    }
}
