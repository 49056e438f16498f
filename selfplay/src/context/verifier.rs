//! The settings of the judge's pool, from those of a run.

use std::time::Duration;

use stp_verifier::{PoolConfig, Toolchain};

use crate::config::RunConfig;

/// The pool that a run's settings ask for; `workers`, if given, replaces their number of Lean processes.
pub fn pool_config(config: &RunConfig, workers: Option<usize>, lean: &Toolchain) -> PoolConfig {
    let (settings, default) = (&config.verifier, PoolConfig::default());
    let chosen = workers.unwrap_or(settings.workers);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = match lean {
        _ if chosen > 0 => chosen,
        // Each managed process needs about 0.8 GB.
        Toolchain::Managed(_) => cores.min(4),
        Toolchain::Native(_) => cores,
    };
    PoolConfig {
        workers,
        check_timeout: Duration::from_secs_f64(settings.timeout_s),
        max_heartbeats: settings.max_heartbeats,
        max_rss_bytes: settings.max_rss_mb << 20,
        // A second attempt is shown the first; a search takes the proofs with the fewest.
        messages: if config.search.enabled { default.messages } else { 1 },
        ..default
    }
}
