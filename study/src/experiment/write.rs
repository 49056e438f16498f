//! The folder with an experiment's results.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::matrix::Experiment;
use super::plot::plot;
use super::results::Results;

impl Experiment {
    /// Writes `README.md`, `results.json` and the claims' plots to a folder.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn write(&self, results: &Results, folder: &Path) -> Result<()> {
        let failed =
            || format!("cannot write the results to {}. Give another folder with -o.", folder.display());
        fs::create_dir_all(folder).with_context(failed)?;
        let mut plots = Vec::new();
        for (number, claim) in self.file.claims.iter().enumerate() {
            let name = format!("claim-{}.svg", number + 1);
            fs::write(folder.join(&name), plot(results, &self.file, claim)).with_context(failed)?;
            plots.push(name);
        }
        fs::write(folder.join("results.json"), results.json()?).with_context(failed)?;
        let text = results.markdown(&self.file, &self.path, &plots);
        fs::write(folder.join("README.md"), text).with_context(failed)
    }
}
