//! The folder of a training by a command: what lies where, and what the command is told of it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// `RUN/training/NAME`, with absolute paths, for a command may change its folder.
pub struct Place {
    folder: PathBuf,
    tensorboard: PathBuf,
    name: String,
}

impl Place {
    /// Of the training that makes the checkpoint `name`.
    ///
    /// # Errors
    /// If the folders cannot be made.
    pub fn make(run: &Path, name: &str) -> Result<Self> {
        let run = std::path::absolute(run)?;
        let (folder, tensorboard) = (run.join("training").join(name), run.join("tensorboard").join(name));
        let place = Self { folder, tensorboard, name: name.to_owned() };
        for folder in [&place.folder, &place.tensorboard] {
            make(folder)?;
        }
        Ok(place)
    }

    /// What is trained on.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data.jsonl")
    }

    /// What is asked for.
    pub fn manifest(&self) -> PathBuf {
        self.folder.join("manifest.json")
    }

    /// All that the command prints.
    pub fn log(&self) -> PathBuf {
        self.folder.join("log.txt")
    }

    /// What the command needs to go on after it was killed.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Where the command writes the model.
    pub fn output(&self) -> PathBuf {
        self.folder.join("output")
    }

    /// The model to begin with, where it lies nowhere else.
    pub fn base(&self) -> PathBuf {
        self.folder.join("base")
    }

    /// There once what the command wrote was looked at and found good; with what came of it.
    pub fn done(&self) -> PathBuf {
        self.folder.join("done.json")
    }

    /// Held as long as a process of the command may live.
    pub fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }

    /// Where the command may write files for TensorBoard, beside the run's own.
    pub fn tensorboard(&self) -> &Path {
        &self.tensorboard
    }

    /// The variables that the command finds.
    pub fn variables(&self, base: &Path) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("STP_TRAIN_STEP", PathBuf::from(&self.name)),
            ("STP_TRAIN_DATA", self.data()),
            ("STP_TRAIN_MANIFEST", self.manifest()),
            ("STP_TRAIN_BASE", base.to_owned()),
            ("STP_TRAIN_OUTPUT", self.output()),
            ("STP_TRAIN_STATE", self.state()),
            ("STP_TRAIN_TENSORBOARD", self.tensorboard.clone()),
        ]
    }

    /// An empty folder for the model, and one for the state, which keeps what is in it.
    ///
    /// # Errors
    /// If they cannot be made.
    pub fn clear_output(&self) -> Result<()> {
        remove(&self.output())?;
        make(&self.output())?;
        make(&self.state())
    }

    /// Removes what another training under this name left, or one that is begun anew.
    ///
    /// # Errors
    /// If something cannot be removed.
    pub fn begin_anew(&self) -> Result<()> {
        [self.done(), self.output(), self.state(), self.base(), self.log()]
            .iter()
            .try_for_each(|it| remove(it))
    }

    /// Puts a state aside that leads to no model, with what the command said on the way: neither is lost nor gone on from.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub fn set_state_aside(&self) -> Result<PathBuf> {
        let aside = self.folder.join("diverged");
        remove(&aside)?;
        make(&aside)?;
        for path in [self.state(), self.log(), self.output()] {
            if let Some(name) = path.file_name().filter(|_| path.exists()) {
                fs::rename(&path, aside.join(name))
                    .with_context(|| format!("cannot move {} to {}", path.display(), aside.display()))?;
            }
        }
        Ok(aside)
    }

    /// Removes what nobody needs once the checkpoint is in its place. Training set, manifest and log stay, and the word that it is
    /// done, for whoever is killed before the step is in the ledger.
    ///
    /// # Errors
    /// If something cannot be removed.
    pub fn finish(&self) -> Result<()> {
        [self.output(), self.state(), self.base()].iter().try_for_each(|it| remove(it))?;
        // Only if the command wrote nothing into it.
        let _ = fs::remove_dir(&self.tensorboard);
        Ok(())
    }
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make {}. Make the run folder writable.", folder.display()))
}

/// Removes a file or a folder, if it is there.
pub fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot delete {}", path.display()))
        }
        _ => Ok(()),
    }
}
