//! What an experiment will cost, before anything of it is played.

use std::collections::HashSet;

use anyhow::Result;
use stp_selfplay::config::{Method, RunConfig};
use stp_selfplay::context::statements::{is_built_in, load_corpus};

use super::cells::Cell;
use super::matrix::Experiment;
use super::results::Results;
use crate::cost::{Assumptions, Data, Hardware, times, work};

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

impl Experiment {
    /// The cost of the runs that are not in `results`.
    ///
    /// # Errors
    /// If a corpus or a set cannot be read.
    pub fn cost(&self, results: &Results) -> Result<Cost> {
        let mut cost = Cost::default();
        let mut seen = HashSet::new();
        for cell in self.cells.iter().filter(|cell| !results.has(&cell.arm, cell.seed)) {
            let is_first = cell.from.is_none() && seen.insert(cell.stage1.folder.as_str());
            self.add_cost(cell, is_first, &mut cost)?;
        }
        cost.stages1 = seen.len();
        Ok(cost)
    }

    /// Adds a run, with its stage 1 if no other has done it by then.
    fn add_cost(&self, cell: &Cell, with_stage1: bool, cost: &mut Cost) -> Result<()> {
        let corpus = load_corpus(&cell.config.corpus)?;
        let data = Data::of(&cell.config, &corpus);
        let taken_over = cell.from.as_ref().map_or(0, |from| from.round);
        let config =
            RunConfig { rounds: cell.config.rounds.saturating_sub(taken_over), ..cell.config.clone() };
        let mut own = work(&config, data, Assumptions::default());
        for wanted in &self.file.evaluate {
            let set = self.set(&wanted.set, &corpus, wanted.max)?;
            let samples = set.entries.len() as u64 * u64::from(wanted.samples);
            own = own.with_samples(&cell.config, samples, Assumptions::default());
        }
        if !with_stage1 {
            own.trained_tokens -= stage1_tokens(cell, data);
        }
        cost.runs += 1;
        cost.proofs += own.proofs;
        cost.measured += own.valid_proofs;
        let parameters = cell.config.model.config(cell.config.model.vocab_size).parameters();
        cost.seconds +=
            times(&own, &Hardware::TwoCores.speeds(parameters, !is_built_in(&cell.config.corpus))).wall;
        Ok(())
    }
}

/// Tokens that stage 1 alone trains on.
fn stage1_tokens(cell: &Cell, data: Data) -> u64 {
    let mut config = cell.config.clone();
    config.method = Method::Plain;
    work(&config, data, Assumptions::default()).trained_tokens
}
