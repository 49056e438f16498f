//! Ends the process in the middle of its work, as a crash would.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use stp_selfplay::events::Event;

/// For tests of resuming alone: `EVENT:N` aborts at the N-th `attempt`, `verdict`, `conjecture`, `outcomes`, `sketch`, `step`,
/// `checkpoint` or `fork` that is kept, at the N-th `train-step`, or with `started:STEP` when that step begins for the N-th time;
/// and at the N-th `row` that `stp verify` has written.
const VARIABLE: &str = "STP_TEST_ABORT";

static WANTED: LazyLock<Option<Abort>> = LazyLock::new(|| Abort::parse(&std::env::var(VARIABLE).ok()?));

/// Counts an event, and ends the process if it is the one that was asked for.
pub fn count(event: &Event<'_>) {
    if WANTED.as_ref().is_some_and(|wanted| wanted.is_due(event)) {
        std::process::abort();
    }
}

/// Counts rows of verdicts that are out of this process' hands.
pub fn count_rows(rows: usize) {
    if WANTED.as_ref().is_some_and(|wanted| (0..rows).any(|_| wanted.counts("row"))) {
        std::process::abort();
    }
}

#[derive(Debug)]
struct Abort {
    kind: String,
    left: AtomicU64,
}

impl Abort {
    fn parse(text: &str) -> Option<Self> {
        let (kind, count) = text.rsplit_once(':')?;
        Some(Self { kind: kind.to_owned(), left: AtomicU64::new(count.parse().ok()?) })
    }

    /// Whether this is the event.
    fn is_due(&self, event: &Event<'_>) -> bool {
        match event {
            Event::Recorded(what) => self.counts(what.as_str()),
            Event::TrainStep { .. } | Event::TrainTold { .. } => self.counts("train-step"),
            Event::StepStarted(step) => self.counts(&format!("started:{}", step.name())),
            _ => false,
        }
    }

    /// Counts one more of a kind; whether it is the last one wanted.
    fn counts(&self, kind: &str) -> bool {
        self.kind == kind && self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

#[cfg(test)]
mod tests {
    use stp_selfplay::events::Recorded;
    use stp_selfplay::plan::Step;

    use super::*;

    #[test]
    fn the_event_of_that_number_is_due() {
        let abort = Abort::parse("attempt:2").unwrap();
        let due = |what| abort.is_due(&Event::Recorded(what));
        let found =
            [due(Recorded::Attempt), due(Recorded::Verdict), due(Recorded::Attempt), due(Recorded::Attempt)];
        assert_eq!(found, [false, false, true, false]);
    }

    #[test]
    fn rows_are_counted_as_events_are() {
        let abort = Abort::parse("row:3").unwrap();
        assert!(!abort.is_due(&Event::Recorded(Recorded::Attempt)));
        assert_eq!([(); 4].map(|()| abort.counts("row")), [false, false, true, false]);
    }

    #[test]
    fn a_step_is_due_when_it_begins() {
        let abort = Abort::parse("started:round-1/prove:1").unwrap();
        assert!(!abort.is_due(&Event::StepStarted(Step::Prove(2))));
        assert!(!abort.is_due(&Event::StepFinished { step: Step::Prove(1), seconds: 1.0 }));
        assert!(abort.is_due(&Event::StepStarted(Step::Prove(1))));
        assert!(Abort::parse("attempt").is_none() && Abort::parse("attempt:many").is_none());
    }
}
