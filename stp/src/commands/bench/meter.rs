//! What is measured, and the clocks that measure it.

use std::time::Instant;

use serde::Serialize;

use crate::usage::cpu_seconds;

/// What one way cost; times are in seconds, of all candidates together, and memory in bytes.
#[derive(Serialize)]
pub(super) struct Measured {
    pub candidates: usize,
    pub accepted: usize,
    pub wall: f64,
    pub cpu: f64,
    /// CPU time inside Lean's elaborator and kernel.
    pub lean: f64,
    /// CPU time of Lean's printer of errors.
    pub printing: f64,
    pub peak_rss: u64,
}

/// What is running while something is measured.
pub(super) struct Meter {
    cpu: f64,
    began: Instant,
}

impl Meter {
    pub(super) fn start() -> Self {
        Self { cpu: cpu_seconds().unwrap_or_default(), began: Instant::now() }
    }

    /// Of Lean's own part and of memory nothing is known here.
    pub(super) fn stop(self, candidates: usize, accepted: usize) -> Measured {
        let wall = self.began.elapsed().as_secs_f64();
        let cpu = cpu_seconds().unwrap_or_default() - self.cpu;
        Measured { candidates, accepted, wall, cpu, lean: 0.0, printing: 0.0, peak_rss: 0 }
    }
}
