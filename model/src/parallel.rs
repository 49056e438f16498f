//! Splitting a batch over the processor's cores.
//!
//! On the processor most tensor operations run on one core; only the larger matrix products use
//! all of them. So each core gets its own share of the rows, in a pool of one thread, in which no
//! operation is split any further. On other devices there is one share.

use std::thread;

use burn::tensor::Device;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::ModelError;

/// One thread for each share of a batch.
pub(crate) struct Workers {
    pools: Vec<ThreadPool>,
}

impl Workers {
    /// As many as the device has use for, and at most `limit`.
    pub(crate) fn new(device: &Device, limit: usize) -> Result<Self, ModelError> {
        let cores = thread::available_parallelism().map_or(1, |count| count.get());
        let count = if *device == Device::flex() { cores.min(limit) } else { 1 };
        Self::with_count(count)
    }

    /// That many.
    pub(crate) fn with_count(count: usize) -> Result<Self, ModelError> {
        let pool = || ThreadPoolBuilder::new().num_threads(1).build();
        let pools: Result<_, _> = (0..count.max(1)).map(|_| pool()).collect();
        Ok(Self { pools: pools.map_err(|error| ModelError::Compute { reason: error.to_string() })? })
    }

    /// How many shares to make.
    pub(crate) fn count(&self) -> usize {
        self.pools.len()
    }

    /// Works on all shares at once; there may be at most [`Self::count`]. A single share is worked
    /// on here and may use all cores.
    pub(crate) fn map<T: Send, R: Send>(&self, shares: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
        debug_assert!(shares.len() <= self.count());
        if shares.len() <= 1 {
            return shares.into_iter().map(work).collect();
        }
        let work = &work;
        thread::scope(|scope| {
            let start =
                |(share, pool): (T, _)| scope.spawn(move || ThreadPool::install(pool, || work(share)));
            let threads: Vec<_> = shares.into_iter().zip(&self.pools).map(start).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, R>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().map(join).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_shares() {
        let workers = Workers::with_count(3).unwrap();
        assert_eq!(workers.map(vec![1, 2, 3], |n| n * n), [1, 4, 9]);
        assert_eq!(workers.map(vec![5, 6], |n| n + 1), [6, 7]);
        assert!(
            workers.map(vec![1, 2], |_| rayon::current_num_threads()).into_iter().all(|count| count == 1)
        );
    }

    #[test]
    fn the_limit_holds() {
        assert_eq!(Workers::new(&Device::flex(), 1).unwrap().count(), 1);
        assert_eq!(Workers::with_count(0).unwrap().count(), 1);
    }
}
