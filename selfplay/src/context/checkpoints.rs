//! The model between steps: loaded from a checkpoint when a step needs it, and kept until another is needed.

use std::path::Path;

use anyhow::{Context, Result};
use stp_model::{Checkpoint, Device};

use crate::folder::RunFolder;

/// The device, and the checkpoint that was used last.
pub struct Language {
    device: Device,
    loaded: Option<(String, Checkpoint)>,
}

impl Language {
    /// Nothing loaded yet.
    pub fn new(device: Device) -> Self {
        Self { device, loaded: None }
    }

    /// Where models run.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The checkpoint of that name in the run folder.
    ///
    /// # Errors
    /// If it is missing or damaged.
    pub fn load(&mut self, folder: &RunFolder, name: &str) -> Result<Checkpoint> {
        if let Some((loaded, checkpoint)) = &self.loaded
            && loaded == name
        {
            return Ok(checkpoint.clone());
        }
        let checkpoint = self.read(&folder.checkpoint(name))?;
        checkpoint.tokenizer.require_markers()?;
        self.loaded = Some((name.to_owned(), checkpoint.clone()));
        Ok(checkpoint)
    }

    fn read(&self, path: &Path) -> Result<Checkpoint> {
        Checkpoint::load(path, &self.device).with_context(|| {
            format!(
                "The checkpoint {} cannot be used. The run needs it to go on: restore it from a copy, or start \
                 again in another folder with --run-dir; the ledger was not changed.",
                path.display()
            )
        })
    }

    /// Writes a checkpoint under that name, and keeps it loaded.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&mut self, folder: &RunFolder, name: &str, checkpoint: Checkpoint) -> Result<()> {
        checkpoint.save(&folder.checkpoint(name))?;
        self.loaded = Some((name.to_owned(), checkpoint));
        Ok(())
    }
}
