//! `stp experiment`: a matrix of runs, their tables and plots.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{block_on, device, load_corpus, toolchain};
use crate::cancel::Cancel;
use crate::cli::ExperimentArgs;
use crate::config::RunConfig;
use crate::display::{Display, clock};
use crate::experiment::{
    AUTOMATION, Cell, ExperimentFile, Finished, Player, Results, cells, cost, recorded, tried, write,
};

/// Runs what is missing and writes the results after each run.
pub(super) fn experiment(args: &ExperimentArgs) -> Result<ExitCode> {
    let file = ExperimentFile::read(&args.file)?;
    let cells = cells(&file, &args.file)?;
    let name = args.file.file_stem().context("the experiment's file has no name")?.to_string_lossy();
    let runs = args.runs.clone().unwrap_or_else(|| PathBuf::from("runs").join(&*name));
    let output = args.output.clone().unwrap_or_else(|| args.file.with_extension(""));
    let base = RunConfig::load(&file.preset, None)?;
    let machine = &args.machine;
    let display = Display::new(machine.quiet);
    let mut results = Results::default();
    for cell in &cells {
        let corpus = load_corpus(&cell.config.corpus)?;
        results.runs.extend(recorded(cell, &corpus, &runs, &file, &args.file)?);
    }
    say_cost(&file, args, &cells, &results.runs, &display)?;
    if args.report {
        results.automation = tried(&runs.join(AUTOMATION))?;
    } else {
        let device = device(&machine.device)?;
        let lean = toolchain::take(&machine.lean, &display)?;
        let cache = toolchain::cache(&machine.lean, &lean, &display);
        block_on(async {
            let cancel = Cancel::on_signals()?;
            let display = display.clone();
            let player =
                Player { lean, cache, workers: machine.workers, device, display, cancel, runs: runs.clone() };
            if let Some(automation) = &file.automation {
                let notes = &mut results.notes;
                results.automation = player.automation(automation, &base, &args.file, notes).await?;
            }
            for cell in &cells {
                if !is_finished(&results.runs, cell) {
                    let finished = player.play(cell, &cells, &file, &args.file).await?;
                    results.runs.push(finished);
                    // What is known so far, for those who look in meanwhile.
                    write(&results, &file, &args.file, &output)?;
                }
            }
            anyhow::Ok(())
        })?;
    }
    let place = |run: &Finished| cells.iter().position(|cell| cell.arm == run.arm && cell.seed == run.seed);
    results.runs.sort_by_key(place);
    write(&results, &file, &args.file, &output)?;
    println!("{}", std::fs::read_to_string(output.join("README.md"))?);
    println!("results: {} · runs: {}", output.display(), runs.display());
    Ok(ExitCode::SUCCESS)
}

fn is_finished(runs: &[Finished], cell: &Cell) -> bool {
    runs.iter().any(|run| run.arm == cell.arm && run.seed == cell.seed)
}

/// What is to come, before it begins.
fn say_cost(
    file: &ExperimentFile,
    args: &ExperimentArgs,
    cells: &[Cell],
    runs: &[Finished],
    display: &Display,
) -> Result<()> {
    let finished: HashSet<&str> =
        cells.iter().filter(|cell| is_finished(runs, cell)).map(|cell| cell.folder.as_str()).collect();
    let cost = cost(file, &args.file, cells, &finished)?;
    display.line(&format!(
        "{}: {} of {} runs finished; to do: {} runs with {} stages 1, {} verified samples and {} to measure, about {} on two \
         cores",
        file.title,
        finished.len(),
        cells.len(),
        cost.runs,
        cost.stages1,
        cost.proofs,
        cost.measured,
        clock(Duration::from_secs_f64(cost.seconds))
    ));
    Ok(())
}
