//! `stp report`: the table of a run, or a page of charts of several.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cli::ReportArgs;
use crate::report::{RecordedRun, gathered, page};

/// Prints tables, or writes the page.
pub(super) fn report(args: &ReportArgs) -> Result<ExitCode> {
    if let Some(output) = &args.output {
        let runs = args.run_dirs.iter().map(|run| RecordedRun::open(run)).collect::<Result<Vec<_>>>()?;
        let text = page(&gathered(&runs)?, false);
        let part = output.with_extension("part");
        std::fs::write(&part, &text).and_then(|()| std::fs::rename(&part, output)).with_context(|| {
            format!("cannot write {}. Give another file with -o, or make it writable.", output.display())
        })?;
        println!("{} ({:.1} MB)", output.display(), text.len() as f64 / 1e6);
        return Ok(ExitCode::SUCCESS);
    }
    for run in &args.run_dirs {
        let report = RecordedRun::open(run)?.report()?;
        if args.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            println!("{}", report.table(args.markdown));
        }
    }
    Ok(ExitCode::SUCCESS)
}
