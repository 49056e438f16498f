//! How many rows got which verdict, for the summary.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use stp_datasets::Status;
use stp_study::tables::table_for;

use super::row::Row;
use crate::display::Display;

const REPORT_EVERY: Duration = Duration::from_secs(10);

/// Counts, and the time that they took.
pub(super) struct VerdictCounts {
    counts: BTreeMap<String, u64>,
    judged: u64,
    began: Instant,
    said: Instant,
}

impl VerdictCounts {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { counts: BTreeMap::new(), judged: 0, began: now, said: now }
    }

    /// Counts rows, whoever judged them.
    pub(super) fn count(&mut self, rows: &[Row]) {
        for row in rows {
            *self.counts.entry(row.outcome().to_owned()).or_default() += 1;
        }
    }

    /// Counts rows of this call, and says now and then how far it is.
    pub(super) fn judged(&mut self, rows: usize, display: &Display) {
        self.judged += rows as u64;
        if self.said.elapsed() >= REPORT_EVERY {
            self.said = Instant::now();
            display.line(&format!("{} rows · {:.1} rows/s", self.rows(), self.speed()));
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.counts.values().sum()
    }

    pub(super) fn all_proved(&self) -> bool {
        self.counts.keys().all(|outcome| outcome == Status::Proved.as_str())
    }

    fn speed(&self) -> f64 {
        self.judged as f64 / self.began.elapsed().as_secs_f64().max(1e-9)
    }

    /// The summary for people.
    pub(super) fn table(&self, cache_hits: u64, kept: u64) -> String {
        let mut table = table_for(false);
        table.set_header(["verdict", "rows", "share"]);
        for (verdict, count) in &self.counts {
            let share = 100.0 * *count as f64 / self.rows().max(1) as f64;
            table.add_row([verdict.clone(), count.to_string(), format!("{share:.1} %")]);
        }
        let kept = if kept > 0 { format!("; {kept} rows were there already") } else { String::new() };
        format!(
            "{table}\n{} rows judged in {:.1} s ({:.1} rows/s), {cache_hits} of them from the cache{kept}",
            self.judged,
            self.began.elapsed().as_secs_f64(),
            self.speed()
        )
    }
}
