//! `stp dashboard`: the report's page of runs that go on.

use std::process::ExitCode;

use anyhow::Result;

use crate::cancel::Cancel;
use crate::cli::DashboardArgs;
use crate::dashboard;
use crate::report::RecordedRun;

/// Runs until Ctrl-C or SIGTERM.
pub(super) async fn dashboard(args: DashboardArgs) -> Result<ExitCode> {
    let cancel = Cancel::on_signals()?;
    let runs = args.run_dirs.iter().map(|run| RecordedRun::open(run)).collect::<Result<Vec<_>>>()?;
    let ready = |address| eprintln!("listening on http://{address} (Ctrl-C stops)");
    tokio::select! {
        served = dashboard::serve(runs, &args.listen, &args.allow_host, ready) => served?,
        () = cancel.cancelled() => {}
    }
    Ok(ExitCode::SUCCESS)
}
