//! Counting what a step takes. It is kept as events, so that what an interrupted process took is counted as well.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use stp_datasets::{Ledger, LedgerError};

use crate::spent::{SPENT, Spent};

/// Tells the CPU seconds that this process and all that it started have used so far, where the system tells.
#[derive(Clone)]
pub struct CpuMeter(Arc<dyn Fn() -> Option<f64> + Send + Sync>);

impl CpuMeter {
    /// One that reads them by a function.
    pub fn new(read: impl Fn() -> Option<f64> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// One that tells nothing.
    pub fn none() -> Self {
        Self::new(|| None)
    }
}

impl fmt::Debug for CpuMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CpuMeter")
    }
}

/// An event with what was taken since the last one.
#[derive(Serialize, Deserialize)]
struct Part {
    step: String,
    /// Whether the step was finished with it.
    last: bool,
    spent: Spent,
}

/// What the step that goes on has taken.
#[derive(Debug)]
pub struct Spending {
    meter: CpuMeter,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    step: String,
    cpu: Option<f64>,
    counts: Spent,
}

impl Spending {
    /// With nothing taken yet.
    pub fn new(meter: CpuMeter) -> Self {
        Self { meter, now: Mutex::default() }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A step begins.
    pub fn begin(&self, step: &str) {
        *self.now() = Now { step: step.to_owned(), cpu: (self.meter.0)(), counts: Spent::default() };
    }

    /// Counts something.
    pub fn count(&self, count: impl FnOnce(&mut Spent)) {
        count(&mut self.now().counts);
    }

    /// Keeps what was taken since the last time.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub fn keep(&self, ledger: &Ledger) -> Result<(), LedgerError> {
        self.keep_part(ledger, false)
    }

    fn keep_part(&self, ledger: &Ledger, last: bool) -> Result<(), LedgerError> {
        let cpu = (self.meter.0)();
        let mut now = self.now();
        let cpu_seconds = cpu.zip(now.cpu).map(|(now, before)| (now - before).max(0.0));
        let spent = Spent { cpu_seconds, ..std::mem::take(&mut now.counts) };
        now.cpu = cpu;
        let part = Part { step: now.step.clone(), last, spent };
        drop(now);
        ledger.record_event(SPENT, &serde_json::json!(part))
    }

    /// Keeps the rest, and says what the step took in all processes that worked on it. What one took that was killed is not
    /// known, but for what it had kept.
    ///
    /// # Errors
    /// If the ledger cannot be read or written.
    pub fn finish(&self, ledger: &Ledger) -> Result<Spent> {
        let step = self.now().step.clone();
        self.keep_part(ledger, true)?;
        let (mut parts, mut is_over) = (Vec::new(), false);
        for event in ledger.events()?.into_iter().filter(|event| event.kind == SPENT) {
            let part: Part = serde_json::from_value(event.detail).with_context(|| {
                format!("an event `{SPENT}` of the ledger is damaged. Restore the ledger from a copy")
            })?;
            if part.step == step {
                if is_over {
                    // Of a step of that name which was done before, and has another name by now.
                    parts.clear();
                }
                is_over = part.last;
                parts.push(part.spent);
            }
        }
        Ok(Spent::sum(parts).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn parts_of_interrupted_processes_count_and_those_of_earlier_steps_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let clock = Arc::new(AtomicU64::new(0));
        let read = clock.clone();
        let meter = CpuMeter::new(move || Some(read.load(Ordering::Relaxed) as f64));
        let played = |seconds: u64, statements: u64, ends: bool| {
            let spending = Spending::new(meter.clone());
            spending.begin("final/train");
            spending.count(|spent| spent.statements += statements);
            clock.fetch_add(seconds, Ordering::Relaxed);
            if ends {
                return Some(spending.finish(&ledger).unwrap());
            }
            spending.keep(&ledger).unwrap();
            None
        };
        played(2, 1, false);
        clock.fetch_add(100, Ordering::Relaxed);
        let first = played(3, 10, true).unwrap();
        assert_eq!((first.cpu_seconds, first.statements), (Some(5.0), 11));
        let second = played(7, 100, true).unwrap();
        assert_eq!((second.cpu_seconds, second.statements), (Some(7.0), 100));
        let unknown = Spending::new(CpuMeter::none());
        unknown.begin("setup");
        assert_eq!(unknown.finish(&ledger).unwrap(), Spent::default());
    }
}
