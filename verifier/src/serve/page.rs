//! Numbers in Prometheus' text format.

use std::fmt::Write;
use std::time::Duration;

use super::connections::Connections;

/// Upper bounds of a histogram of times, in seconds.
const BOUNDS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];

/// How long things took, counted.
#[derive(Debug, Default)]
pub struct Durations {
    buckets: [u64; BOUNDS.len()],
    seconds: f64,
    count: u64,
}

impl Durations {
    /// One more.
    pub fn add(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        self.seconds += seconds;
        self.count += 1;
        for (bucket, bound) in self.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    /// Their mean in seconds, if there was any.
    pub fn mean_seconds(&self) -> Option<f64> {
        (self.count > 0).then(|| self.seconds / self.count as f64)
    }
}

/// The text of `/metrics` while it is written.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// Numbers of one name with their labels, as `{path=\"/x\"}`.
    pub fn family(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = (String, f64)>,
    ) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }

    /// One number.
    pub fn single(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.family(name, kind, help, [(String::new(), value)]);
    }

    /// A histogram of times.
    pub fn histogram(&mut self, name: &str, help: &str, times: &Durations) {
        let buckets = times.buckets.iter().zip(BOUNDS);
        let buckets =
            buckets.map(|(count, bound)| (format!("_bucket{{le=\"{bound}\"}}"), *count as f64)).chain([
                ("_bucket{le=\"+Inf\"}".to_owned(), times.count as f64),
                ("_sum".to_owned(), times.seconds),
                ("_count".to_owned(), times.count as f64),
            ]);
        self.family(name, "histogram", help, buckets);
    }

    /// How many connections there are.
    pub fn connections(&mut self, connections: &Connections) {
        self.single("stp_open_connections", "gauge", "Connections open.", connections.open() as f64);
        let (name, help) = ("stp_refused_connections_total", "Connections over the limit, turned away.");
        self.single(name, "counter", help, connections.refused() as f64);
    }

    /// What was written.
    pub fn text(self) -> String {
        self.0
    }
}
