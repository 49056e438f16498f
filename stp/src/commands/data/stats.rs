//! `stp data stats`: how much a ledger holds.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use stp_datasets::{Ledger, LedgerStats};
use stp_selfplay::context::folder::{run_config, run_ledger};
use stp_selfplay::plan::EarlierFinal;
use stp_study::tables::table_for;

/// `stp data stats`.
#[derive(Clone, Debug, Args)]
pub struct StatsArgs {
    /// The run's folder.
    run_dir: PathBuf,
    /// One JSON object in place of tables.
    #[arg(long)]
    json: bool,
}

pub(super) fn stats(args: &StatsArgs) -> Result<ExitCode> {
    run_config(&args.run_dir)?;
    let stats = Ledger::open(&run_ledger(&args.run_dir)?)?.stats()?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&stats)?)
    } else {
        println!("{}", text(&stats))
    }
    Ok(ExitCode::SUCCESS)
}

fn text(stats: &LedgerStats) -> String {
    let mut rows = table_for(false);
    rows.set_header(["table", "rows"]);
    for (name, count) in &stats.rows {
        rows.add_row([name.clone(), count.to_string()]);
    }
    let mut attempts = table_for(false);
    attempts.set_header(["phase", "status", "attempts"]);
    for (phase, statuses) in &stats.attempts {
        for (status, count) in statuses {
            attempts.add_row([phase.clone(), status.clone(), count.to_string()]);
        }
    }
    let mut rounds = table_for(false);
    rounds.set_header(["round", "attempts"]);
    for (round, count) in &stats.rounds {
        let name = EarlierFinal::of_round(*round);
        let name = name.map_or(round.to_string(), |it| format!("final after {}", it.rounds));
        rounds.add_row([name, count.to_string()]);
    }
    format!(
        "{rows}\n{attempts}\n{rounds}\n{:.1} MB · a proof has {:.0} bytes on average",
        stats.bytes as f64 / 1e6,
        stats.mean_proof_bytes
    )
}
