//! `stp experiment`: a matrix of runs, their tables and plots.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use stp_selfplay::context::{CpuMeter, check_beginning};
use stp_selfplay::events::{Event, Events};
use stp_study::clock::clock;
use stp_study::experiment::{Experiment, Player, Results};

use crate::args::MachineArgs;
use crate::common::{block_on, device};
use crate::display::Display;
use crate::drawer::drawer;
use crate::lean::{cache, locate_or_install};
use crate::metrics::Metrics;
use crate::models::fetch_base;
use crate::signals::cancel_on_signals;
use crate::usage::cpu_seconds;

/// `stp experiment`.
#[derive(Clone, Debug, Args)]
pub struct ExperimentArgs {
    /// The experiment: a TOML file with arms, seeds and claims; see `experiments/`.
    #[arg(value_name = "FILE.toml")]
    pub file: PathBuf,
    /// Where tables and plots go [default: a folder beside the file, with its name].
    #[arg(short, long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    /// Where its runs are [default: runs/NAME].
    #[arg(long, value_name = "FOLDER")]
    pub runs: Option<PathBuf>,
    /// Run nothing: write tables and plots of what is finished.
    #[arg(long)]
    pub report: bool,
    /// What it runs on.
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// Runs what is missing and writes the results after each run.
pub fn experiment(args: &ExperimentArgs) -> Result<ExitCode> {
    let name = args.file.file_stem().context("the experiment's file has no name")?.to_string_lossy();
    let runs = args.runs.clone().unwrap_or_else(|| PathBuf::from("runs").join(&*name));
    let output = args.output.clone().unwrap_or_else(|| args.file.with_extension(""));
    let display = Display::new(args.machine.quiet);
    let experiment = Experiment::open(&args.file, &runs)?;
    let earlier = Results::read(&output)?;
    let mut results = experiment.recorded(&earlier)?;
    say_cost(&experiment, &results, display)?;
    if args.report {
        experiment.add_tactics(&mut results, &earlier)?;
    } else {
        play(&experiment, &mut results, &args.machine, &output, display)?;
    }
    experiment.write(&results, &output)?;
    println!("{}", std::fs::read_to_string(output.join("README.md"))?);
    println!("results: {} · runs: {}", output.display(), runs.display());
    Ok(ExitCode::SUCCESS)
}

/// What is to come, before it begins.
fn say_cost(experiment: &Experiment, results: &Results, display: Display) -> Result<()> {
    let cost = experiment.cost(results)?;
    display.line(&format!(
        "{}: {} of {} runs finished; to do: {} runs with {} stages 1, {} verified samples and {} to measure, about {} on two \
         cores",
        experiment.file.title,
        results.runs.len(),
        experiment.cells.len(),
        cost.runs,
        cost.stages1,
        cost.proofs,
        cost.measured,
        clock(Duration::from_secs_f64(cost.seconds))
    ));
    Ok(())
}

fn play(
    experiment: &Experiment,
    results: &mut Results,
    machine: &MachineArgs,
    output: &Path,
    display: Display,
) -> Result<()> {
    let device = device(&machine.device)?;
    check_arms(experiment, results, machine, display)?;
    let lean = locate_or_install(&machine.lean, &display)?;
    let cache = cache(&machine.lean, &lean, &display);
    block_on(async {
        let player = Player {
            lean,
            cache,
            workers: machine.workers,
            device,
            home: machine.lean.home.clone(),
            events: drawer(display, None),
            events_of: Box::new(move |run: &Path| events_of(run, display)),
            tell: Box::new(move |event| display.line(&event.to_string())),
            cancel: cancel_on_signals()?,
            cpu: CpuMeter::new(cpu_seconds),
        };
        player.play(experiment, results, output).await
    })
}

/// Fetches what the runs to be played begin with, and checks it: a mistake in the last arm would show hours later.
fn check_arms(
    experiment: &Experiment,
    results: &Results,
    machine: &MachineArgs,
    display: Display,
) -> Result<()> {
    let mut checked = HashSet::new();
    for cell in experiment.cells.iter().filter(|cell| !results.has(&cell.arm, cell.seed)) {
        fetch_base(&cell.config, &machine.lean, &display)?;
        let begins = !cell.path(&experiment.runs).join("ledger.sqlite").exists();
        if begins && checked.insert(&cell.arm) {
            let beginning = check_beginning(&cell.config, machine.lean.home.clone());
            beginning.with_context(|| format!("The arm `{}` cannot begin", cell.arm))?;
        }
    }
    Ok(())
}

/// Draws a run of the matrix, with its metrics. That it begins is told by the experiment.
fn events_of(run: &Path, display: Display) -> Result<Events> {
    let drawn = drawer(display, Some(Arc::new(Metrics::of_run(run)?)));
    Ok(Events::new(move |event| {
        if !matches!(event, Event::RunOpened { .. }) {
            drawn.emit(event);
        }
    }))
}
