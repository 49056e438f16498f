//! `stp serve`: Lean and the judge over HTTP.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use stp_verifier::serve::{self, ServeConfig};
use stp_verifier::{Pool, PoolConfig};

use super::toolchain;
use crate::cancel::Cancel;
use crate::cli::ServeArgs;
use crate::display::Display;
use crate::error::UsageError;

/// Runs until Ctrl-C or SIGTERM.
pub(super) async fn serve(args: ServeArgs) -> Result<ExitCode> {
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
    let lean = toolchain::take(&args.lean, &display)?;
    let cancel = Cancel::on_signals().context("signals cannot be listened for")?;
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
