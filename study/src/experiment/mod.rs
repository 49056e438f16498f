//! Experiments: a matrix of arms and seeds, played to the end, with one table and one plot for each claim.

mod automation;
mod cells;
mod file;
mod measure;
mod play;
mod plot;
mod results;
mod svg;

pub use automation::{Tried, tried};
pub use cells::{Cell, Stage1, cells, shares_stage1};
pub use file::{Arm, Automation, Claim, Evaluate, ExperimentFile, Metric, seen_from, slug};
pub use measure::{Finished, Point};
pub use play::{AUTOMATION, Player, recorded};
pub use plot::plot;
pub use results::{ArmRow, Results};

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::config::load_corpus;
use crate::cost::{Assumptions, Data, Hardware, times, work};
use crate::evaluation::StatementSet;

/// What the whole matrix costs, stage 1 counted once where it is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Runs.
    pub runs: usize,
    /// Trainings of a stage 1.
    pub stages1: usize,
    /// Proofs sampled and judged in the rounds of all runs.
    pub proofs: u64,
    /// Proofs of all evaluations and validations.
    pub measured: u64,
    /// Seconds on two cores, as far as that can be told.
    pub seconds: f64,
}

/// The cost of what is not in `finished` yet: folders of runs.
///
/// # Errors
/// If a corpus or a set cannot be read.
pub fn cost(file: &ExperimentFile, path: &Path, cells: &[Cell], finished: &HashSet<&str>) -> Result<Cost> {
    let mut cost = Cost::default();
    let mut seen = HashSet::new();
    for cell in cells.iter().filter(|cell| !finished.contains(cell.folder.as_str())) {
        let corpus = load_corpus(&cell.config.corpus)?;
        let data = Data::of(&cell.config, &corpus);
        let mut own = work(&cell.config, data, Assumptions::default());
        for wanted in &file.evaluate {
            let set = StatementSet::load(&seen_from(path, &wanted.set), &corpus, wanted.max)?;
            own = own.with_samples(
                &cell.config,
                set.entries.len() as u64 * u64::from(wanted.samples),
                Assumptions::default(),
            );
        }
        if !seen.insert(cell.stage1.folder.as_str()) {
            own.trained_tokens -= stage1_tokens(cell, data);
        }
        cost.runs += 1;
        cost.proofs += own.proofs;
        cost.measured += own.valid_proofs;
        let parameters = cell.config.model.config(cell.config.model.vocab_size).parameters();
        cost.seconds +=
            times(&own, &Hardware::TwoCores.speeds(parameters, cell.config.corpus != "core")).wall;
    }
    cost.stages1 = seen.len();
    Ok(cost)
}

/// Tokens that stage 1 alone trains on.
fn stage1_tokens(cell: &Cell, data: Data) -> u64 {
    let mut config = cell.config.clone();
    config.method = crate::config::Method::Plain;
    work(&config, data, Assumptions::default()).trained_tokens
}

/// Writes `README.md`, `results.json` and the claims' plots to a folder.
///
/// # Errors
/// If the folder cannot be written.
pub fn write(results: &Results, file: &ExperimentFile, path: &Path, folder: &Path) -> Result<()> {
    let failed = || format!("cannot write the results to {}. Give another folder with -o.", folder.display());
    fs::create_dir_all(folder).with_context(failed)?;
    let mut plots = Vec::new();
    for (number, claim) in file.claims.iter().enumerate() {
        let name = format!("claim-{}.svg", number + 1);
        fs::write(folder.join(&name), plot(results, file, claim)).with_context(failed)?;
        plots.push(name);
    }
    fs::write(folder.join("results.json"), results.json()?).with_context(failed)?;
    fs::write(folder.join("README.md"), results.markdown(file, path, &plots)).with_context(failed)
}
