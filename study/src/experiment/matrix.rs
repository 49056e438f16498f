//! An experiment as a whole: its file, the runs that it asks for, and the folder in which they are.

use std::path::{Path, PathBuf};

use anyhow::Result;
use stp_datasets::Corpus;

use super::cells::{Cell, cells};
use super::file::{self, ExperimentFile, seen_from};
use crate::evaluation::{Evaluation, StatementSet, Subject, last_checkpoint};

/// An experiment.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// What its file says.
    pub file: ExperimentFile,
    /// Where the file is.
    pub path: PathBuf,
    /// The runs of the matrix, seed by seed.
    pub cells: Vec<Cell>,
    /// The folder of all runs.
    pub runs: PathBuf,
}

impl Experiment {
    /// Reads the file; its runs are in the folder `runs`.
    ///
    /// # Errors
    /// [`stp_selfplay::error::UsageError`] naming what is wrong in the file.
    pub fn open(path: &Path, runs: &Path) -> Result<Self> {
        let file = ExperimentFile::read(path)?;
        let cells = cells(&file, path)?;
        Ok(Self { file, path: path.to_owned(), cells, runs: runs.to_owned() })
    }

    /// A set that the file names.
    pub(super) fn set(&self, name: &str, corpus: &Corpus, max: usize) -> Result<StatementSet> {
        StatementSet::load(&seen_from(&self.path, name), corpus, max)
    }

    /// The sets that tactics are tried on; one that is not there is a note.
    pub(super) fn tactic_sets(
        &self,
        wanted: &file::Automation,
        corpus: &Corpus,
        notes: &mut Vec<String>,
    ) -> Result<Vec<StatementSet>> {
        let mut sets = Vec::new();
        for name in &wanted.sets {
            let is_split = matches!(name.as_str(), "train" | "valid" | "test");
            if is_split || Path::new(&seen_from(&self.path, name)).exists() {
                sets.push(self.set(name, corpus, wanted.max)?);
            } else {
                notes.push(format!("The set `{name}` was not there and is left out."));
            }
        }
        Ok(sets)
    }

    /// The evaluations of a finished run's last model.
    pub(super) fn evaluations(&self, cell: &Cell, corpus: &Corpus) -> Result<Vec<Evaluation>> {
        let checkpoint = last_checkpoint(&cell.path(&self.runs), cell.config.rounds)?;
        self.evaluations_of(cell, corpus, &checkpoint)
    }

    /// The evaluations of a run's model, whether the run is there or not.
    pub(super) fn evaluations_of(
        &self,
        cell: &Cell,
        corpus: &Corpus,
        checkpoint: &str,
    ) -> Result<Vec<Evaluation>> {
        let run = cell.path(&self.runs);
        let evaluation = |wanted: &file::Evaluate| {
            Ok(Evaluation {
                subject: Subject::of_run(&run, checkpoint),
                set: self.set(&wanted.set, corpus, wanted.max)?,
                samples: wanted.samples,
                ks: wanted.k.clone(),
                config: cell.config.clone(),
            })
        };
        self.file.evaluate.iter().map(evaluation).collect()
    }

    /// The run that another one goes on from.
    pub(super) fn source_of(&self, cell: &Cell) -> Option<&Cell> {
        let from = cell.from.as_ref()?;
        self.cells.iter().find(|other| other.folder == from.run)
    }

    /// The runs that go on from a run, and before each those that go on from it.
    pub(super) fn forks_of(&self, cell: &Cell) -> Vec<&Cell> {
        let is_fork = |other: &&Cell| other.from.as_ref().is_some_and(|from| from.run == cell.folder);
        let forks = self.cells.iter().filter(is_fork);
        forks.flat_map(|fork| self.forks_of(fork).into_iter().chain([fork])).collect()
    }

    /// Where in the matrix a run is.
    pub(super) fn place(&self, arm: &str, seed: u64) -> Option<usize> {
        self.cells.iter().position(|cell| cell.arm == arm && cell.seed == seed)
    }
}
