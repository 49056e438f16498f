//! What a run is started with, by whichever command starts it.

use std::time::Duration;

use anyhow::{Context, Result};
use stp_datasets::Ledger;
use stp_verifier::{PoolConfig, Toolchain};

use crate::config::RunConfig;
use crate::folder::RunFolder;
use crate::metrics::Metrics;

/// The metrics of a run, which began with its first event.
///
/// # Errors
/// If they cannot be written.
pub fn metrics(folder: &RunFolder, ledger: &Ledger) -> Result<Metrics> {
    let began = ledger.events()?.first().map(|event| event.at);
    Metrics::open(folder.path(), began)
        .with_context(|| format!("cannot write metrics in {}. Make it writable.", folder.path().display()))
}

/// How a run's settings want Lean's processes; `workers` stands above them.
pub fn pool_config(config: &RunConfig, workers: Option<usize>, lean: &Toolchain) -> PoolConfig {
    let settings = &config.verifier;
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
        messages: 1, // the ledger keeps the first
        ..PoolConfig::default()
    }
}
