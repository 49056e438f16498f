//! `stp report`: the table of a run, or a page of charts of several.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use stp_datasets::Ledger;

use super::{load_corpus, run_config};
use crate::cli::ReportArgs;
use crate::report::{Report, RunPage, page};
use crate::run::Run;

/// Prints tables, or writes the page.
pub(super) fn report(args: &ReportArgs) -> Result<ExitCode> {
    if let Some(output) = &args.output {
        let runs = args.run_dirs.iter().map(|run| gather(run)).collect::<Result<Vec<_>>>()?;
        let text = page(&runs)?;
        let part = output.with_extension("part");
        std::fs::write(&part, &text).and_then(|()| std::fs::rename(&part, output)).with_context(|| {
            format!("cannot write {}. Give another file with -o, or make it writable.", output.display())
        })?;
        println!("{} ({:.1} MB)", output.display(), text.len() as f64 / 1e6);
        return Ok(ExitCode::SUCCESS);
    }
    for run in &args.run_dirs {
        let (report, _) = read(run)?;
        if args.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            println!("{}", report.table(args.markdown));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(run_dir: &Path) -> Result<(Report, Ledger)> {
    let (config, _) = run_config(run_dir)?;
    let (train, valid) = Run::choose(&load_corpus(&config.corpus)?, &config);
    let given = train.into_iter().map(|statement| statement.id).collect();
    let ledger = Ledger::open(&run_dir.join("ledger.sqlite"))?;
    let report = Report::read(&ledger, config.rounds, &given, valid.len(), config.proving.valid_samples)?;
    Ok((report, ledger))
}

fn gather(run_dir: &Path) -> Result<RunPage> {
    let (config, _) = run_config(run_dir)?;
    let (report, ledger) = read(run_dir)?;
    let whole = std::path::absolute(run_dir)?;
    let name = whole.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned());
    RunPage::gather(name, config.method.as_str(), config.seed, report, &ledger)
}
