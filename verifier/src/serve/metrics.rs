//! Counters for Prometheus, in its text format.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::connections::Connections;
use super::page::{Durations, Page};
use crate::protocol::PoolStats;

/// What was counted since the start.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    /// (path, status code)
    requests: BTreeMap<(&'static str, u16), u64>,
    /// (kind, outcome)
    outcomes: BTreeMap<(&'static str, &'static str), u64>,
    times: Durations,
}

impl Metrics {
    fn counted(&self) -> std::sync::MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn request(&self, path: &'static str, code: u16) {
        *self.counted().requests.entry((path, code)).or_default() += 1;
    }

    /// A snippet (`check`) or row (`judge`) was answered, `time` after it was admitted.
    pub(super) fn answered(&self, kind: &'static str, outcome: &'static str, time: Duration) {
        let mut counted = self.counted();
        *counted.outcomes.entry((kind, outcome)).or_default() += 1;
        counted.times.add(time);
    }

    /// A snippet or row was none.
    pub(super) fn malformed(&self, kind: &'static str) {
        *self.counted().outcomes.entry((kind, "malformed")).or_default() += 1;
    }

    /// Mean time from admission to answer, in seconds, if there was any answer.
    pub(super) fn mean_seconds(&self) -> Option<f64> {
        self.counted().times.mean_seconds()
    }

    /// The text of `/metrics`.
    pub(super) fn render(
        &self,
        pool: &PoolStats,
        workers: usize,
        under_way: usize,
        connections: &Connections,
    ) -> String {
        let counted = self.counted();
        let mut page = Page::default();
        let requests = counted
            .requests
            .iter()
            .map(|((path, code), count)| (format!("{{path=\"{path}\",code=\"{code}\"}}"), *count as f64));
        page.family("stp_http_requests_total", "counter", "HTTP requests answered.", requests);
        let outcomes = counted.outcomes.iter().map(|((kind, outcome), count)| {
            (format!("{{kind=\"{kind}\",outcome=\"{outcome}\"}}"), *count as f64)
        });
        page.family("stp_answers_total", "counter", "Snippets and proofs answered, by outcome.", outcomes);
        page.single(
            "stp_queue_length",
            "gauge",
            "Snippets that wait.",
            under_way.saturating_sub(workers) as f64,
        );
        page.single("stp_in_progress", "gauge", "Snippets that wait or run.", under_way as f64);
        page.connections(connections);
        page.single("stp_lean_workers", "gauge", "Lean processes.", workers as f64);
        let busy = pool.busy_ms as f64 / 1000.0;
        page.single("stp_lean_busy_seconds_total", "counter", "Time Lean processes were busy, summed.", busy);
        page.single("stp_lean_requests_total", "counter", "Requests answered by Lean.", pool.checks as f64);
        page.single("stp_lean_starts_total", "counter", "Lean processes started.", pool.starts as f64);
        let restarts = [("timeout", pool.timeouts), ("crash", pool.crashes), ("recycled", pool.recycled)];
        let restarts =
            restarts.into_iter().map(|(reason, count)| (format!("{{reason=\"{reason}\"}}"), count as f64));
        page.family("stp_lean_restarts_total", "counter", "Lean processes replaced, by reason.", restarts);
        page.single("stp_lean_peak_rss_bytes", "gauge", "Largest Lean process seen.", pool.peak_rss as f64);
        let help = "Time from a snippet's admission to its answer.";
        page.histogram("stp_answer_seconds", help, &counted.times);
        page.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_each_family_once_and_cumulative_buckets() {
        let metrics = Metrics::default();
        metrics.request("/api/check", 200);
        metrics.answered("check", "valid", Duration::from_millis(70));
        metrics.answered("check", "valid", Duration::from_secs(3));
        let stats = PoolStats { busy_ms: 1500, ..PoolStats::default() };
        let connections = Connections::new(7, Duration::from_secs(1));
        let page = metrics.render(&stats, 2, 5, &connections);
        for line in [
            "stp_http_requests_total{path=\"/api/check\",code=\"200\"} 1",
            "stp_answers_total{kind=\"check\",outcome=\"valid\"} 2",
            "stp_queue_length 3",
            "stp_open_connections 0",
            "stp_lean_busy_seconds_total 1.5",
            "stp_answer_seconds_bucket{le=\"0.05\"} 0",
            "stp_answer_seconds_bucket{le=\"0.1\"} 1",
            "stp_answer_seconds_bucket{le=\"5\"} 2",
            "stp_answer_seconds_bucket{le=\"+Inf\"} 2",
            "stp_answer_seconds_count 2",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
        }
        let types: Vec<_> = page.lines().filter(|line| line.starts_with("# TYPE")).collect();
        let distinct: std::collections::BTreeSet<_> = types.iter().collect();
        assert_eq!(types.len(), distinct.len());
        assert!((metrics.mean_seconds().unwrap() - 1.535).abs() < 1e-9);
    }
}
