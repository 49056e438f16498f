//! The folder with an experiment's results.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::matrix::Experiment;
use super::measure::Along;
use super::plot::{plot, plot_along};
use super::results::{RESULTS, Results};

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
        for (number, claim) in (1..).zip(&self.file.claims) {
            let along = |along| plot_along(results, &self.file, claim, along);
            let of_claim = [
                ("", Some(plot(results, &self.file, claim))),
                ("-checks", along(Along::Checks)),
                ("-cpu", along(Along::Cpu)),
            ];
            let mut names = Vec::new();
            for (kind, text) in of_claim {
                let Some(text) = text else { continue };
                let name = format!("claim-{number}{kind}.svg");
                fs::write(folder.join(&name), text).with_context(failed)?;
                names.push(name);
            }
            plots.push(names);
        }
        // It may hold numbers of other machines, which are nowhere else.
        stp_files::write(&folder.join(RESULTS), results.json()?).with_context(failed)?;
        let text = results.markdown(&self.file, &self.path, &plots);
        fs::write(folder.join("README.md"), text).with_context(failed)
    }
}
