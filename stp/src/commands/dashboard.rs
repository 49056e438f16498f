//! `stp dashboard`: the report's page of runs that go on.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use stp_study::report::RecordedRun;

use crate::dashboard::serve;
use crate::signals::cancel_on_signals;

/// `stp dashboard`.
#[derive(Clone, Debug, Args)]
pub struct DashboardArgs {
    /// The run's folder; several to see them side by side.
    #[arg(required = true, value_name = "RUN_FOLDER")]
    pub run_dirs: Vec<PathBuf>,
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8001")]
    pub listen: String,
    /// A name besides localhost and the address by which it may be asked; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
}

/// Runs until Ctrl-C or SIGTERM.
pub async fn dashboard(args: DashboardArgs) -> Result<ExitCode> {
    let cancel = cancel_on_signals()?;
    let runs = args.run_dirs.iter().map(|run| RecordedRun::open(run)).collect::<Result<Vec<_>>>()?;
    let ready = |address| eprintln!("listening on http://{address} (Ctrl-C stops)");
    tokio::select! {
        served = serve(runs, &args.listen, &args.allow_host, ready) => served?,
        () = cancel.cancelled() => {}
    }
    Ok(ExitCode::SUCCESS)
}
