//! The model of `stp prove`: a checkpoint's folder, or what is built into the program.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use stp_model::{Checkpoint, Device, SampleConfig};
use stp_selfplay::config::Layout;
use stp_selfplay::context::sampler::ModelSampler;
use stp_selfplay::search::Model;
use stp_study::evaluation::require_model;

use super::args::ProveArgs;
use crate::common::sampling_device;
use crate::display::Display;
use crate::models::prompts;

/// The files of the checkpoint that is built in, by their names; none if the program was built without one.
fn shipped() -> &'static [(&'static str, &'static [u8])] {
    include!(concat!(env!("OUT_DIR"), "/shipped.rs"))
}

/// The longest answer in tokens of a model that writes a proof.
const PROOF: usize = 160;
/// The same of one that thinks before it does.
const THINKING: usize = 8192;

/// Where the model comes from.
pub(super) struct Source<'a> {
    args: &'a ProveArgs,
    device: Device,
}

impl<'a> Source<'a> {
    /// The model that is asked for; `None` if there is none. It is loaded later, when it is needed.
    ///
    /// # Errors
    /// If the folder holds no checkpoint.
    pub(super) fn of(args: &'a ProveArgs) -> Result<Option<Self>> {
        let device = sampling_device(&args.machine.device, args.precision.precision)?;
        if let Some(folder) = &args.model {
            require_model(folder)?;
        }
        if let Some(name) = &args.layout {
            // The model may never be needed.
            Layout::named(name)?;
        }
        let is_there = !args.no_model && (args.model.is_some() || !shipped().is_empty());
        Ok(is_there.then_some(Self { args, device }))
    }

    /// Loads it.
    ///
    /// # Errors
    /// If it is damaged, or has no prompts for proofs.
    pub(super) fn load(&self) -> Result<Model> {
        let checkpoint = match &self.args.model {
            Some(folder) => Checkpoint::load(folder, &self.device)?,
            None => unpacked(&self.device)?,
        };
        let display = Display::new(self.args.machine.quiet);
        let prompts = prompts(&checkpoint, self.args.layout.as_deref(), &display)?;
        let max_tokens = self.args.max_tokens.unwrap_or(if prompts.thinks() { THINKING } else { PROOF });
        let longest = checkpoint.model.config().max_seq;
        let settings = SampleConfig {
            temperature: self.args.temperature,
            // What a prompt needs is left to it.
            precision: self.args.precision.precision.precision(),
            max_new_tokens: max_tokens.min(longest / 2).max(1),
            ..SampleConfig::default()
        };
        Ok(Model { sampler: Arc::new(ModelSampler { checkpoint, prompts, longest }), settings })
    }
}

/// The checkpoint that is built in.
fn unpacked(device: &Device) -> Result<Checkpoint> {
    let folder = tempfile::tempdir().context("no folder for the built-in model; set TMPDIR to one")?;
    for (name, bytes) in shipped() {
        let path: &Path = folder.path();
        std::fs::write(path.join(name), bytes).context("the built-in model cannot be unpacked")?;
    }
    Ok(Checkpoint::load(folder.path(), device)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_can_be_loaded() {
        if !shipped().is_empty() {
            prompts(&unpacked(&Device::flex()).unwrap(), None, &Display::new(true)).unwrap();
        }
    }
}
