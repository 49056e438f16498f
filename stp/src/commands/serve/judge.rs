//! Lean and the judge over HTTP.

use std::process::ExitCode;

use anyhow::{Context, Result};
use stp_verifier::serve::{self, ServeConfig};
use stp_verifier::{Pool, PoolConfig};

use super::args::{ServeArgs, seconds};
use crate::display::Display;
use crate::lean::locate_or_install;
use crate::signals::cancel_on_signals;

pub(super) async fn serve(args: ServeArgs) -> Result<ExitCode> {
    let pool_config = PoolConfig {
        workers: args.judge.workers.max(1),
        check_timeout: seconds("--timeout", args.judge.timeout)?,
        max_heartbeats: args.judge.max_heartbeats,
        ..PoolConfig::default()
    };
    let config = ServeConfig {
        listen: args.listen,
        allow_hosts: args.allow_host,
        api_key: args.api_key,
        max_waiting: args.max_waiting,
        max_snippets: args.judge.max_snippets,
        max_connections: args.max_connections,
        read_timeout: seconds("--read-timeout", args.read_timeout)?,
        max_timeout: seconds("--max-timeout", args.judge.max_timeout)?,
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
