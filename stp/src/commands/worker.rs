//! `stp worker`: judges what other machines ask for.

use std::process::ExitCode;

use anyhow::{Context, Result};
use stp_verifier::PoolConfig;
use stp_verifier::queue::{WorkerConfig, run_worker};

use super::toolchain;
use crate::cancel::Cancel;
use crate::cli::WorkerArgs;
use crate::display::Display;

/// Runs until Ctrl-C or SIGTERM.
pub(super) async fn worker(args: WorkerArgs) -> Result<ExitCode> {
    let display = Display::new(true);
    let lean = toolchain::take(&args.lean, &display)?;
    let cancel = Cancel::on_signals().context("signals cannot be listened for")?;
    let config = WorkerConfig {
        url: args.nats,
        queue: args.queue,
        pool: PoolConfig { workers: args.workers.max(1), ..PoolConfig::default() },
        ..WorkerConfig::default()
    };
    let ready = || display.line("connected; judging what comes (Ctrl-C stops)");
    run_worker(&lean, config, ready, cancel.cancelled()).await?;
    Ok(ExitCode::SUCCESS)
}
