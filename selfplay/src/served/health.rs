//! How a server is, by its answers: how often it failed in a row, and when it is asked again.

use std::time::{Duration, Instant};

/// How long a failing server is left alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// After its first failure; twice as long after each further one.
    pub first: Duration,
    /// At most so long.
    pub longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(60) }
    }
}

impl Pace {
    fn after(self, failures: u32) -> Duration {
        let doubled = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.longest)
    }
}

/// How a server is.
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    /// Failures since its last answer. Requests that were under way together fail together: they count once.
    pub failures: u32,
    /// Requests that it has.
    pub under_way: usize,
    /// What it said last when it failed.
    pub reason: String,
    failed_at: Option<Instant>,
    again_at: Option<Instant>,
}

impl Health {
    /// When it may have one more request: now, at a time, or when something changes (`Err(None)`). One that failed is tried
    /// with a single request.
    pub(super) fn may_be_asked(&self, now: Instant) -> Result<(), Option<Instant>> {
        match self.again_at {
            None => Ok(()),
            Some(_) if self.under_way > 0 => Err(None),
            Some(again) if again > now => Err(Some(again)),
            Some(_) => Ok(()),
        }
    }

    /// It answered. Whether it had failed before is returned.
    pub(super) fn answered(&mut self) -> bool {
        let had_failed = self.failures > 0;
        (self.failures, self.failed_at, self.again_at) = (0, None, None);
        had_failed
    }

    /// A request that began then has failed. Whether that is news is returned.
    pub(super) fn failed(&mut self, began: Instant, now: Instant, pace: Pace, reason: &str) -> bool {
        if self.failed_at.is_some_and(|at| began < at) {
            return false;
        }
        self.failures = self.failures.saturating_add(1);
        self.failed_at = Some(now);
        self.again_at = Some(now + pace.after(self.failures));
        reason.clone_into(&mut self.reason);
        true
    }

    /// How servers are when a further call begins, by how they were when the last one ended: nobody has asked them yet. If
    /// none was well, that is forgotten, so that each is tried at once.
    pub(super) fn of_next_call(last: &[Self], servers: usize) -> Vec<Self> {
        if last.iter().all(|health| health.failures > 0) {
            return vec![Self::default(); servers];
        }
        last.iter().map(|health| Self { under_way: 0, ..health.clone() }).collect()
    }

    /// Whether it failed more often in a row than it may.
    pub(super) fn is_down(&self, retries: u32) -> bool {
        self.failures > retries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_together_counts_once_and_an_answer_makes_good() {
        let (pace, begin) = (Pace::default(), Instant::now());
        let second = Duration::from_secs(1);
        let mut health = Health::default();
        assert_eq!(health.may_be_asked(begin), Ok(()));
        assert!(health.failed(begin, begin + second, pace, "gone"));
        assert!(!health.failed(begin, begin + second, pace, "gone"));
        assert_eq!((health.failures, health.is_down(0), health.is_down(1)), (1, true, false));
        assert_eq!(health.may_be_asked(begin + second), Err(Some(begin + 2 * second)));
        assert_eq!(health.may_be_asked(begin + 2 * second), Ok(()));
        health.under_way = 1;
        assert_eq!(health.may_be_asked(begin + 2 * second), Err(None));
        assert!(health.answered() && !health.answered());
        assert_eq!((health.failures, health.may_be_asked(begin)), (0, Ok(())));
    }

    #[test]
    fn a_further_call_knows_who_failed_unless_all_did() {
        let now = Instant::now();
        let mut failing = Health { under_way: 3, ..Health::default() };
        assert!(failing.failed(now, now, Pace::default(), "gone"));
        let well = Health { under_way: 1, ..Health::default() };
        let known = Health::of_next_call(&[failing.clone(), well], 2);
        assert_eq!(known.iter().map(|it| (it.failures, it.under_way)).collect::<Vec<_>>(), [(1, 0), (0, 0)]);
        assert!(known[0].may_be_asked(now).is_err() && known[0].reason == "gone");
        for last in [&[failing.clone(), failing][..], &[]] {
            let known = Health::of_next_call(last, 2);
            assert_eq!(known.len(), 2);
            assert!(known.iter().all(|it| it.failures == 0 && it.may_be_asked(now) == Ok(())));
        }
    }

    #[test]
    fn the_pause_grows_up_to_its_end() {
        let pace = Pace::default();
        let pauses: Vec<_> = [1, 2, 3, 7, 99].map(|failures| pace.after(failures).as_secs()).into();
        assert_eq!(pauses, [1, 2, 4, 60, 60]);
    }
}
