//! Back-pressure: how much may be under way before more is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what is under way, running and waiting together.
#[derive(Debug)]
pub struct Admission {
    limit: usize,
    under_way: AtomicUsize,
}

/// A place of one snippet; dropping it gives it back.
#[derive(Debug)]
pub struct Place(Arc<Admission>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Admission {
    /// At most `limit` at once.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, under_way: AtomicUsize::new(0) })
    }

    /// `count` places at once, or `None` if not all can be had. Alone, a request is never too large.
    pub fn admit(self: &Arc<Self>, count: usize) -> Option<Vec<Place>> {
        let grow = |under_way: usize| {
            (under_way == 0 || count == 0 || under_way.saturating_add(count) <= self.limit)
                .then_some(under_way + count)
        };
        self.under_way.fetch_update(Ordering::AcqRel, Ordering::Acquire, grow).ok()?;
        Some((0..count).map(|_| Place(self.clone())).collect())
    }

    /// How many places are taken.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_come_back() {
        let admission = Admission::new(3);
        let first = admission.admit(2).unwrap();
        assert!(admission.admit(2).is_none());
        let second = admission.admit(1).unwrap();
        assert_eq!(admission.under_way(), 3);
        assert_eq!(admission.admit(0).map(|places| places.len()), Some(0));
        drop(first);
        drop(second);
        assert_eq!(admission.under_way(), 0);
        assert_eq!(admission.admit(5).map(|places| places.len()), Some(5));
    }
}
