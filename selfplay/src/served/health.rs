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

/// That a server had too much to do.
#[derive(Clone, Copy, Debug, Default)]
struct Busy {
    /// Since when it has said nothing else.
    since: Option<Instant>,
    /// When it said so last, and how often since then; requests that were under way together count once.
    said_at: Option<Instant>,
    times: u32,
    /// Until when it is left alone.
    until: Option<Instant>,
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
    /// Whether the user knows that it is busy at times.
    pub is_known_busy: bool,
    failed_at: Option<Instant>,
    again_at: Option<Instant>,
    busy: Busy,
    is_aside: bool,
}

impl Health {
    /// One that must not be asked, for that reason, whatever it would answer: it has other weights.
    pub(super) fn aside(reason: String) -> Self {
        Self { failures: u32::MAX, reason, is_aside: true, ..Self::default() }
    }

    /// When it may have one more request: now, at a time, or when something changes (`Err(None)`). One that failed is tried
    /// with a single request.
    pub(super) fn may_be_asked(&self, now: Instant) -> Result<(), Option<Instant>> {
        if self.is_aside {
            return Err(None);
        }
        if let Some(until) = self.busy.until.filter(|until| *until > now) {
            return Err(Some(until));
        }
        match self.again_at {
            None => Ok(()),
            Some(_) if self.under_way > 0 => Err(None),
            Some(again) if again > now => Err(Some(again)),
            Some(_) => Ok(()),
        }
    }

    /// It answered. Whether it had failed before is returned. A pause that it asked for goes on.
    pub(super) fn answered(&mut self) -> bool {
        let had_failed = self.failures > 0;
        (self.failures, self.failed_at, self.again_at) = (0, None, None);
        self.busy = Busy { until: self.busy.until, ..Busy::default() };
        had_failed
    }

    /// It had no time for a request that began then, and is left alone for the pause that it wants, or for longer each time.
    /// `false` if it has had no time for longer than `patience`: that is a failure.
    pub(super) fn is_busy(
        &mut self,
        began: Instant,
        now: Instant,
        pace: Pace,
        pause: Option<Duration>,
        patience: Duration,
    ) -> bool {
        let busy = &mut self.busy;
        let since = *busy.since.get_or_insert(now);
        if now.saturating_duration_since(since) > patience {
            return false;
        }
        if busy.said_at.is_none_or(|at| began >= at) {
            busy.times = busy.times.saturating_add(1);
            busy.said_at = Some(now);
        }
        // Who asks for no pause at all would be asked without end.
        let pause = pause.map_or_else(|| pace.after(busy.times), |pause| pause.max(pace.first));
        let until = now + pause.min(patience);
        busy.until = busy.until.max(Some(until));
        true
    }

    /// A request that began then has failed. Whether that is news is returned.
    pub(super) fn failed(&mut self, began: Instant, now: Instant, pace: Pace, reason: &str) -> bool {
        if self.failed_at.is_some_and(|at| began < at) {
            return false;
        }
        self.failures = self.failures.saturating_add(1);
        self.failed_at = Some(now);
        self.again_at = Some(now + pace.after(self.failures));
        self.busy = Busy::default();
        reason.clone_into(&mut self.reason);
        true
    }

    /// How servers are when a further call begins, by how they were when the last one ended: nobody has asked them yet. If
    /// none was well, that is forgotten, so that each is tried at once but for those that must not be asked.
    pub(super) fn of_next_call(last: &[Self], servers: usize) -> Vec<Self> {
        if last.is_empty() {
            return vec![Self::default(); servers];
        }
        let was_none_well = last.iter().all(|health| health.failures > 0);
        let next = |health: &Self| {
            let is_known = health.is_aside || !was_none_well;
            // The time between calls is no time in which it said that it is busy.
            let busy = Busy { until: health.busy.until, ..Busy::default() };
            if is_known { Self { under_way: 0, busy, ..health.clone() } } else { Self::default() }
        };
        last.iter().map(next).collect()
    }

    /// Whether it failed more often in a row than it may.
    pub(super) fn is_down(&self, retries: u32) -> bool {
        self.is_aside || self.failures > retries
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
        let mut busy = Health::default();
        let (patience, later) = (Duration::from_secs(9), now + Duration::from_secs(99));
        assert!(busy.is_busy(now, now, Pace::default(), None, patience));
        let mut known = Health::of_next_call(&[busy, Health::default()], 2);
        assert!(
            known[0].is_busy(later, later, Pace::default(), None, patience),
            "nobody asked it in between"
        );
        for last in [&[failing.clone(), failing][..], &[]] {
            let known = Health::of_next_call(last, 2);
            assert_eq!(known.len(), 2);
            assert!(known.iter().all(|it| it.failures == 0 && it.may_be_asked(now) == Ok(())));
        }
    }

    #[test]
    fn a_busy_server_is_left_alone_as_long_as_it_says_and_fails_only_in_the_end() {
        let (pace, begin, patience) = (Pace::default(), Instant::now(), Duration::from_secs(100));
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut health = Health::default();
        assert!(health.is_busy(begin, at(1), pace, Some(Duration::from_secs(9)), patience));
        assert_eq!(health.may_be_asked(at(2)), Err(Some(at(10))));
        assert!(!health.answered());
        assert_eq!(
            health.may_be_asked(at(2)),
            Err(Some(at(10))),
            "an answer that was under way changes nothing"
        );
        assert_eq!((health.may_be_asked(at(10)), health.failures), (Ok(()), 0));
        // Without a pause of its own: 1 s, 2 s; those that were under way together count once.
        assert!(health.is_busy(at(10), at(11), pace, None, patience));
        assert!(health.is_busy(at(10), at(11), pace, None, patience));
        assert_eq!(health.may_be_asked(at(11)), Err(Some(at(12))));
        assert!(health.is_busy(at(12), at(13), pace, None, patience));
        assert_eq!(health.may_be_asked(at(13)), Err(Some(at(15))));
        let day = Some(Duration::from_secs(86_400));
        assert!(health.is_busy(at(15), at(16), pace, day, patience));
        assert_eq!(health.may_be_asked(at(17)), Err(Some(at(116))), "no longer than patience lasts");
        assert!(!health.is_busy(at(116), at(117), pace, None, patience));
    }

    #[test]
    fn what_is_set_aside_is_never_asked() {
        let (aside, now) = (Health::aside("old weights".to_owned()), Instant::now());
        assert!(aside.is_down(u32::MAX));
        let next = Health::of_next_call(&[aside.clone(), aside], 2);
        assert!(next.iter().all(|it| it.may_be_asked(now) == Err(None) && it.reason == "old weights"));
    }

    #[test]
    fn the_pause_grows_up_to_its_end() {
        let pace = Pace::default();
        let pauses: Vec<_> = [1, 2, 3, 7, 99].map(|failures| pace.after(failures).as_secs()).into();
        assert_eq!(pauses, [1, 2, 4, 60, 60]);
    }
}
