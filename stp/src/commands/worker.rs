//! `stp worker`: judges what other machines ask for.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use stp_verifier::PoolConfig;
use stp_verifier::queue::{WorkerConfig, run_worker};

use crate::args::LeanArgs;
use crate::display::Display;
use crate::lean::locate_or_install;
use crate::signals::cancel_on_signals;

/// `stp worker`.
#[derive(Clone, Debug, Args)]
pub struct WorkerArgs {
    /// The NATS server: nats://HOST:4222, with USER:PASSWORD@ before the host if it asks for them.
    #[arg(long, value_name = "URL", env = "STP_NATS", hide_env_values = true)]
    pub nats: String,
    /// The queue of that server, the same for workers and clients.
    #[arg(long, value_name = "NAME", default_value = stp_verifier::queue::DEFAULT_QUEUE)]
    pub queue: String,
    /// Lean processes.
    #[arg(long, default_value_t = 2)]
    pub workers: usize,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

/// Runs until Ctrl-C or SIGTERM.
pub async fn worker(args: WorkerArgs) -> Result<ExitCode> {
    let display = Display::new(true);
    let lean = locate_or_install(&args.lean, &display)?;
    let cancel = cancel_on_signals().context("signals cannot be listened for")?;
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
