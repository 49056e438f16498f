//! `stp report`: the table of a run, or a page of charts of several.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cli::ReportArgs;
use crate::dashboard::Watched;
use crate::report::page;

/// Prints tables, or writes the page.
pub(super) fn report(args: &ReportArgs) -> Result<ExitCode> {
    if let Some(output) = &args.output {
        let runs = args.run_dirs.iter().map(|run| Watched::open(run)?.gather());
        let text = page(&runs.collect::<Result<Vec<_>>>()?, false)?;
        let part = output.with_extension("part");
        std::fs::write(&part, &text).and_then(|()| std::fs::rename(&part, output)).with_context(|| {
            format!("cannot write {}. Give another file with -o, or make it writable.", output.display())
        })?;
        println!("{} ({:.1} MB)", output.display(), text.len() as f64 / 1e6);
        return Ok(ExitCode::SUCCESS);
    }
    for run in &args.run_dirs {
        let report = Watched::open(run)?.report()?;
        if args.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            println!("{}", report.table(args.markdown));
        }
    }
    Ok(ExitCode::SUCCESS)
}
