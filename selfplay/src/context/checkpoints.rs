//! The models between steps: a checkpoint is loaded when a step needs it, and the last one is kept.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use stp_files::remove;
use stp_model::{Checkpoint, Device, Package};
use stp_verifier::toolchain::{self, ToolchainOptions};

use super::prompts::Prompts;
use super::sampler::{ModelSampler, Sampler};
use super::served::ServedSampler;
use crate::config::{self, Engine, Layout, RunConfig, SentAs};
use crate::error::UsageError;
use crate::events::Events;
use crate::served::{Served, ServedModel};

const OF_A_RUN: &str = "The run needs it to go on: restore it from a copy, or start again in another folder with \
                         --run-dir; the ledger was not changed.";
const OF_NO_RUN: &str = "Give the folder of a model of Hugging Face that `stp generate` can use.";

/// The checkpoints of a run, and the device on which models run.
pub struct Checkpoints {
    folder: PathBuf,
    device: Device,
    last: Mutex<Option<(String, Checkpoint)>>,
    /// How its models are asked; that of the settings' default until [`Self::configured`] says otherwise.
    layout: Option<Layout>,
    /// Where fetched models are kept; what the environment says, if it is not given.
    home: Option<PathBuf>,
    /// The longest sequence of models that were trained elsewhere.
    longest: usize,
    /// What to do if one cannot be used.
    advice: &'static str,
    /// Who is told how servers are.
    events: Events,
    /// The servers that sample, if this process does not, and how prompts are sent to them.
    served: Option<(Arc<Served>, SentAs)>,
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
        Self {
            folder,
            device,
            last: Mutex::new(None),
            layout: None,
            home: None,
            longest: usize::MAX,
            advice: OF_A_RUN,
            events: Events::none(),
            served: None,
            scripted: None,
        }
    }

    /// Models in a folder that is no run's.
    pub fn of_strangers(folder: PathBuf, device: Device) -> Self {
        Self { advice: OF_NO_RUN, ..Self::of_folder(folder, device) }
    }

    /// A sampler in place of every checkpoint, for tests of the loop's logic.
    pub fn scripted(run: &Path, sampler: Arc<dyn Sampler>) -> Self {
        Self { scripted: Some(sampler), ..Self::new(run, Device::default()) }
    }

    /// The same, and these are told how servers are.
    #[must_use]
    pub fn telling(self, events: &Events) -> Self {
        Self { events: events.clone(), ..self }
    }

    /// The same, asked as the settings of a run say.
    ///
    /// # Errors
    /// If the layout of its prompts cannot be read, or the key of its servers: [`crate::error::UsageError`].
    pub fn configured(self, config: &RunConfig) -> Result<Self> {
        let longest = if config.model.base.is_empty() { usize::MAX } else { config.model.max_seq };
        let servers = &config.sampling.server;
        let served = match config.sampling.engine {
            Engine::Own => None,
            Engine::Openai => Some((Arc::new(Served::new(servers, self.events.clone())?), servers.prompts)),
        };
        Ok(Self { layout: Some(config.prompts.layout()?), longest, served, ..self })
    }

    /// The same, with a folder in which fetched models are kept.
    #[must_use]
    pub fn with_home(self, home: Option<PathBuf>) -> Self {
        Self { home, ..self }
    }

    /// The checkpoint that stage 1 begins with: a folder, a `.gguf` file, or a model that was fetched under that name.
    ///
    /// # Errors
    /// [`UsageError`] if it is not there; if it is damaged, or of a kind that is not known.
    pub fn base(&self, name: &str) -> Result<Checkpoint> {
        let path = existing_base(name, self.home.clone())?;
        let loaded = Checkpoint::load(&path, &self.device);
        loaded.with_context(|| format!("The checkpoint of model.base = {name:?} cannot be used"))
    }

    /// The prompts of a checkpoint.
    ///
    /// # Errors
    /// If the layout does not fit the checkpoint.
    pub fn prompts(&self, checkpoint: &Checkpoint) -> Result<Prompts> {
        match &self.layout {
            Some(layout) => Prompts::new(checkpoint, layout),
            None => Prompts::new(checkpoint, &config::Prompts::default().layout()?),
        }
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
            None => {
                let checkpoint = self.load(name)?;
                let longest = self.longest(&checkpoint);
                let prompts = self.prompts(&checkpoint)?;
                let own = ModelSampler { checkpoint, prompts, longest };
                let Some((served, sent_as)) = &self.served else { return Ok(Arc::new(own)) };
                let path = self.path(name);
                let folder = std::path::absolute(&path)
                    .with_context(|| format!("{} cannot be given to a server", path.display()))?;
                let model = ServedModel { name: name.to_owned(), folder };
                Ok(Arc::new(ServedSampler { served: served.clone(), model, own, sent_as: *sent_as }))
            }
        }
    }

    /// The longest sequence of the run with a checkpoint, in tokens: prompt and answer together.
    pub fn longest(&self, checkpoint: &Checkpoint) -> usize {
        checkpoint.model.config().max_seq.min(self.longest)
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

    /// The folder of the checkpoint of that name, whether it is there or not.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder of the checkpoint that stage 1 begins with; none if it is a file, whose weights have another form.
    ///
    /// # Errors
    /// If a fetched model is meant and there is no home folder.
    pub fn base_folder(&self, name: &str) -> Result<Option<PathBuf>> {
        Ok(Some(base_path(name, self.home.clone())?).filter(|path| path.is_dir()))
    }

    /// Lets go of the checkpoint that is kept loaded.
    pub fn release(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Makes a folder, which lies on the same file system, the checkpoint of that name. One that is there is replaced.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub fn take(&self, name: &str, folder: &Path) -> Result<()> {
        self.make_folder()?;
        self.release();
        let (path, old) = (self.path(name), self.path(&format!("{name}.old")));
        let replace = || {
            // A process that was killed here may have left it.
            remove(&old)?;
            if path.exists() {
                std::fs::rename(&path, &old)?;
            }
            std::fs::rename(folder, &path)?;
            remove(&old)
        };
        replace().with_context(|| {
            format!(
                "cannot rename {} to {}. Both must be on one file system: where the run's `checkpoints` is a link to \
                 another one, make `training` such a link, too.",
                folder.display(),
                path.display()
            )
        })
    }
}

/// Where the checkpoint of `model.base` is, if there is one.
///
/// # Errors
/// [`UsageError`] if there is nothing, or a folder without a model; as [`base_path`].
pub fn existing_base(name: &str, home: Option<PathBuf>) -> Result<PathBuf> {
    let path = base_path(name, home)?;
    if path.is_file() || path.join("config.json").exists() {
        return Ok(path);
    }
    let how = match Package::named(name) {
        Some(package) => format!("Fetch it with `stp model fetch {}`", package.name),
        None if path.exists() => "The folder of a model has a config.json: check the path".to_owned(),
        None => "Check the path".to_owned(),
    };
    let text = format!(
        "There is no checkpoint {}, which model.base = {name:?} asks for. {how}, or set model.base to a folder of Hugging \
         Face or a .gguf file.",
        path.display()
    );
    Err(UsageError(text).into())
}

/// Where the checkpoint of `model.base` is. Fetched models are below `home`, or where the environment says.
///
/// # Errors
/// If a fetched model is meant and there is no home folder.
pub fn base_path(name: &str, home: Option<PathBuf>) -> Result<PathBuf> {
    Ok(match Package::named(name) {
        Some(package) => {
            package.place(&toolchain::home(&ToolchainOptions { home, ..ToolchainOptions::default() })?)
        }
        None => PathBuf::from(name),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_takes_the_place_of_another_though_a_killed_process_left_a_third() {
        let run = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(run.path(), Device::flex());
        let (there, left) = (checkpoints.path("round-1"), checkpoints.path("round-1.old"));
        for folder in [&there, &left] {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("old"), "").unwrap();
        }
        let output = run.path().join("output");
        fs::create_dir(&output).unwrap();
        checkpoints.take("round-1", &output).unwrap();
        assert!(there.exists() && !there.join("old").exists() && !left.exists() && !output.exists());
        let text = checkpoints.take("round-1", &output).unwrap_err().to_string();
        assert!(text.contains("one file system") && !text.contains("  "), "{text}");
    }
}
