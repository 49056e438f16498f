//! `stp serve`: Lean and the judge over HTTP.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use stp_selfplay::error::UsageError;
use stp_verifier::serve::{self, ServeConfig};
use stp_verifier::{Pool, PoolConfig};

use crate::args::LeanArgs;
use crate::display::Display;
use crate::lean::locate_or_install;
use crate::signals::cancel_on_signals;

/// `stp serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8000")]
    pub listen: String,
    /// A name besides localhost and the address by which it may be asked; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// The key that requests must bring as `Authorization: Bearer KEY` [default: none is needed].
    #[arg(long, value_name = "KEY", env = "STP_API_KEY", hide_env_values = true)]
    pub api_key: Option<String>,
    /// Lean processes.
    #[arg(long, default_value_t = 2)]
    pub workers: usize,
    /// Wall-clock limit of judging one proof, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    pub timeout: f64,
    /// Longest limit that a request gets for each of its Lean texts, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0)]
    pub max_timeout: f64,
    /// Lean's own limit (`maxHeartbeats`).
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    pub max_heartbeats: u64,
    /// Texts and proofs that may wait; then requests are told to come again (429).
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub max_waiting: usize,
    /// Texts or proofs in one request.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub max_snippets: usize,
    /// Connections open at once; more are told to come again (503).
    #[arg(long, value_name = "N", default_value_t = 512)]
    pub max_connections: usize,
    /// What a client may take to send a request's head, to send its body, or to take the answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0)]
    pub read_timeout: f64,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

/// Runs until Ctrl-C or SIGTERM.
pub async fn serve(args: ServeArgs) -> Result<ExitCode> {
    let pool_config = PoolConfig {
        workers: args.workers.max(1),
        check_timeout: seconds("--timeout", args.timeout)?,
        max_heartbeats: args.max_heartbeats,
        ..PoolConfig::default()
    };
    let config = ServeConfig {
        listen: args.listen,
        allow_hosts: args.allow_host,
        api_key: args.api_key,
        max_waiting: args.max_waiting,
        max_snippets: args.max_snippets,
        max_connections: args.max_connections,
        read_timeout: seconds("--read-timeout", args.read_timeout)?,
        max_timeout: seconds("--max-timeout", args.max_timeout)?,
        ..ServeConfig::default()
    };
    let display = Display::new(true);
    let lean = locate_or_install(&args.lean, &display)?;
    let cancel = cancel_on_signals().context("signals cannot be listened for")?;
    let pool = Pool::start(&lean, pool_config);
    let stop = async move { cancel.cancelled().await };
    let ready = |address| display.line(&format!("listening on http://{address} (Ctrl-C stops)"));
    serve::serve(pool, config, ready, stop).await?;
    Ok(ExitCode::SUCCESS)
}

fn seconds(option: &str, value: f64) -> Result<Duration, UsageError> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| UsageError(format!("{option} {value} is not a number of seconds, zero or more")))
}
