//! Where those who sample get their work: from a call's requests, or from an inbox that stays open.

use std::collections::VecDeque;
use std::ops::{Deref, Range};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::job::Job;
use super::{SampleConfig, SampleRequest};

/// Samples of one prompt that are taken together at least, so that prompts with few samples are read once.
const TOGETHER: usize = 4;

/// Some samples of a request.
pub(super) type Taken<'a> = (Arc<Job<'a>>, Range<usize>);

/// What hands out work.
pub(super) trait Source<'a>: Sync {
    /// Samples of the next request, about `count` of them. With `wait` it returns only when there are some, or when there
    /// will be none any more.
    fn take(&self, count: usize, wait: bool) -> Option<Taken<'a>>;
}

/// The requests of one call, in order.
pub(super) struct Requests<'a> {
    requests: &'a [SampleRequest],
    config: &'a SampleConfig,
    next: Mutex<Next<'a>>,
}

/// The request whose samples are handed out.
#[derive(Default)]
struct Next<'a> {
    request: usize,
    sample: usize,
    job: Option<Arc<Job<'a>>>,
}

impl<'a> Requests<'a> {
    pub(super) fn new(requests: &'a [SampleRequest], config: &'a SampleConfig) -> Self {
        Self { requests, config, next: Mutex::default() }
    }
}

impl<'a> Source<'a> for Requests<'a> {
    fn take(&self, count: usize, _: bool) -> Option<Taken<'a>> {
        let mut next = locked(&self.next);
        loop {
            let request = self.requests.get(next.request)?;
            let (number, start, all) = (next.request, next.sample, request.seeds.len());
            let job = next.job.get_or_insert_with(|| Arc::new(Job::of_call(number, request, self.config)));
            let (job, end) = (job.clone(), all.min(start + count.max(TOGETHER)));
            if end == all {
                *next = Next { request: number + 1, ..Next::default() };
            } else {
                next.sample = end;
            }
            if start < end {
                return Some((job, start..end));
            }
        }
    }
}

/// Requests that come in at any time. They take turns, and none has more than half of all places while it runs, so a
/// request with many long samples keeps no other one out.
#[derive(Debug)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    came: Condvar,
    /// Samples of one request that run at the same time, at most.
    most: usize,
    /// Those who take.
    takers: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Requests with samples that nobody has taken, and the first of these.
    jobs: VecDeque<(Arc<Job<'static>>, usize)>,
    closed: bool,
    left: usize,
}

impl Inbox {
    /// An empty one for `takers` that run `places` samples together.
    pub(super) fn new(places: usize, takers: usize) -> Self {
        Self { waiting: Mutex::default(), came: Condvar::new(), most: places.div_ceil(2), takers }
    }

    /// Takes in a request; whether somebody will work on it.
    pub(super) fn put(&self, job: Arc<Job<'static>>) -> bool {
        let mut waiting = locked(&self.waiting);
        if waiting.closed {
            return false;
        }
        waiting.jobs.push_back((job, 0));
        self.came.notify_all();
        true
    }

    /// Ends all work: what waits is dropped, and who samples stops at the next token.
    pub(super) fn close(&self) {
        let mut waiting = locked(&self.waiting);
        waiting.closed = true;
        waiting.jobs.clear();
        self.came.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        locked(&self.waiting).closed
    }

    /// Places have become free.
    pub(super) fn wake(&self) {
        self.came.notify_all();
    }

    /// One of those who take from it, until it is dropped.
    pub(super) fn taker(self: Arc<Self>) -> Taker {
        Taker(self)
    }

    /// One of the takers ends; when the last one has, nothing is taken in any more.
    fn leave(&self) {
        let mut waiting = locked(&self.waiting);
        waiting.left += 1;
        if waiting.left == self.takers {
            waiting.closed = true;
            waiting.jobs.clear();
        }
    }

    /// The first request that may have more places, which goes to the end of the line with what it has left.
    fn next(&self, waiting: &mut Waiting, count: usize) -> Option<Taken<'static>> {
        waiting.jobs.retain(|(job, _)| !job.is_gone());
        let room = |job: &Job| self.most.saturating_sub(job.running());
        let at = waiting.jobs.iter().position(|(job, _)| room(job) > 0)?;
        let (job, start) = waiting.jobs.remove(at)?;
        let (all, room) = (job.seeds.len(), room(&job));
        let share = (all - start).min(room).div_ceil(self.takers).max(TOGETHER);
        let end = start + share.min(count.max(TOGETHER)).min(room).min(all - start);
        if end < all {
            waiting.jobs.push_back((job.clone(), end));
        }
        Some((job, start..end))
    }
}

impl Source<'static> for Inbox {
    fn take(&self, count: usize, wait: bool) -> Option<Taken<'static>> {
        let mut waiting = locked(&self.waiting);
        loop {
            if waiting.closed {
                return None;
            }
            let taken = self.next(&mut waiting, count);
            if taken.is_some() || !wait {
                return taken;
            }
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// One who takes from an inbox. If all have ended, be it by a panic, nobody waits for an answer any more.
pub(super) struct Taker(Arc<Inbox>);

impl Deref for Taker {
    type Target = Inbox;

    fn deref(&self) -> &Inbox {
        &self.0
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        self.0.leave();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::job::Listener;
    use super::*;

    fn job(samples: u64) -> Arc<Job<'static>> {
        let request = SampleRequest { prompt: vec![1], seeds: (0..samples).collect() };
        let listener = Listener { tell: Box::new(|_| {}), likeliest: 0 };
        Arc::new(Job::told(request, SampleConfig::default(), listener))
    }

    #[test]
    fn requests_take_turns_and_leave_each_other_room() {
        let inbox = Inbox::new(16, 1);
        let (large, small) = (job(100), job(2));
        assert!(inbox.put(large.clone()) && inbox.put(small.clone()));
        let (first, samples) = inbox.take(16, true).unwrap();
        assert!(Arc::ptr_eq(&first, &large) && samples == (0..8), "half of the places: {samples:?}");
        (0..8).for_each(|_| large.begin_sample());
        let (second, samples) = inbox.take(8, true).unwrap();
        assert!(Arc::ptr_eq(&second, &small) && samples == (0..2));
        assert!(inbox.take(6, false).is_none(), "the rest waits for places of its own");
        (0..3).for_each(|_| large.end_sample());
        assert_eq!(inbox.take(6, true).unwrap().1, 8..11);
    }

    #[test]
    fn nothing_is_handed_out_of_a_request_that_was_left_or_after_the_end() {
        let inbox = Arc::new(Inbox::new(16, 2));
        let (left, stays) = (job(3), job(3));
        assert!(inbox.put(left.clone()) && inbox.put(stays.clone()));
        left.gone().note();
        assert!(Arc::ptr_eq(&inbox.take(4, true).unwrap().0, &stays));
        let (first, second) = (inbox.clone().taker(), inbox.clone().taker());
        drop(first);
        assert!(inbox.put(job(1)), "another taker is left");
        drop(second);
        assert!(!inbox.put(job(1)) && inbox.take(4, true).is_none());
    }
}
