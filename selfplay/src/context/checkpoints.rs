//! The models between steps: a checkpoint is loaded when a step needs it, and the last one is kept.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use stp_model::{Checkpoint, Device};

use super::sampler::{ModelSampler, Sampler};

const OF_A_RUN: &str = "The run needs it to go on: restore it from a copy, or start again in another folder with \
                         --run-dir; the ledger was not changed.";
const OF_NO_RUN: &str = "Give the folder of a model of Hugging Face that `stp generate` can use.";

/// The checkpoints of a run, and the device on which models run.
pub struct Checkpoints {
    folder: PathBuf,
    device: Device,
    last: Mutex<Option<(String, Checkpoint)>>,
    /// What to do if one cannot be used.
    advice: &'static str,
    scripted: Option<Arc<dyn Sampler>>,
}

impl fmt::Debug for Checkpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoints").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Checkpoints {
    /// Those of the run in that folder; none is loaded yet.
    pub fn new(run: &Path, device: Device) -> Self {
        Self::of_folder(run.join("checkpoints"), device)
    }

    /// Those in that folder of a run.
    pub fn of_folder(folder: PathBuf, device: Device) -> Self {
        Self { folder, device, last: Mutex::new(None), advice: OF_A_RUN, scripted: None }
    }

    /// Models in a folder that is no run's.
    pub fn of_strangers(folder: PathBuf, device: Device) -> Self {
        Self { advice: OF_NO_RUN, ..Self::of_folder(folder, device) }
    }

    /// A sampler in place of every checkpoint, for tests of the loop's logic.
    pub fn scripted(run: &Path, sampler: Arc<dyn Sampler>) -> Self {
        Self { scripted: Some(sampler), ..Self::new(run, Device::default()) }
    }

    /// Where models run.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What samples from the checkpoint of that name.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn sampler(&self, name: &str) -> Result<Arc<dyn Sampler>> {
        match &self.scripted {
            Some(sampler) => Ok(sampler.clone()),
            None => Ok(Arc::new(ModelSampler(self.load(name)?))),
        }
    }

    /// The checkpoint of that name.
    ///
    /// # Errors
    /// If it is missing or damaged.
    pub fn load(&self, name: &str) -> Result<Checkpoint> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((loaded, checkpoint)) = last.as_ref()
            && loaded == name
        {
            return Ok(checkpoint.clone());
        }
        let checkpoint = self.read(&self.path(name))?;
        checkpoint.tokenizer.require_markers()?;
        *last = Some((name.to_owned(), checkpoint.clone()));
        Ok(checkpoint)
    }

    fn read(&self, path: &Path) -> Result<Checkpoint> {
        Checkpoint::load(path, &self.device)
            .with_context(|| format!("The checkpoint {} cannot be used. {}", path.display(), self.advice))
    }

    /// Writes a checkpoint under that name, and keeps it loaded.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, name: &str, checkpoint: Checkpoint) -> Result<()> {
        self.make_folder()?;
        checkpoint.save(&self.path(name))?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((name.to_owned(), checkpoint));
        Ok(())
    }

    /// Where the training of that checkpoint writes down how far it is.
    ///
    /// # Errors
    /// If its folder cannot be made.
    pub fn state_file(&self, name: &str) -> Result<PathBuf> {
        self.make_folder()?;
        Ok(self.folder.join(format!("{name}.state.safetensors")))
    }

    fn make_folder(&self) -> Result<()> {
        std::fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot make {}. Make the run folder writable.", self.folder.display()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}
