//! `stp data stats`: how much a ledger holds.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use stp_datasets::{Ledger, LedgerStats};
use stp_selfplay::context::folder::run_config;

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
    let stats = Ledger::open(&args.run_dir.join("ledger.sqlite"))?.stats()?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&stats)?)
    } else {
        println!("{}", text(&stats))
    }
    Ok(ExitCode::SUCCESS)
}

fn text(stats: &LedgerStats) -> String {
    let mut rows = Table::new();
    rows.load_style(UTF8_HORIZONTAL_ONLY).set_header(["table", "rows"]);
    for (name, count) in &stats.rows {
        rows.add_row([name.clone(), count.to_string()]);
    }
    let mut attempts = Table::new();
    attempts.load_style(UTF8_HORIZONTAL_ONLY).set_header(["phase", "status", "attempts"]);
    for (phase, statuses) in &stats.attempts {
        for (status, count) in statuses {
            attempts.add_row([phase.clone(), status.clone(), count.to_string()]);
        }
    }
    let mut rounds = Table::new();
    rounds.load_style(UTF8_HORIZONTAL_ONLY).set_header(["round", "attempts"]);
    for (round, count) in &stats.rounds {
        rounds.add_row([round.to_string(), count.to_string()]);
    }
    format!(
        "{rows}\n{attempts}\n{rounds}\n{:.1} MB · a proof has {:.0} bytes on average",
        stats.bytes as f64 / 1e6,
        stats.mean_proof_bytes
    )
}
