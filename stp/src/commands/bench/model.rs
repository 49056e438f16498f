//! `stp bench model`: tokens a second of training and of sampling, beside PyTorch on the same machine in the same sitting.

#[cfg(feature = "candle")]
mod candle;
mod table;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use stp_model::{
    Device, Example, Lm, ModelConfig, SampleConfig, SampleRequest, TrainConfig, matmul_flops, parse_device,
    sample, train,
};
use stp_verifier::toolchain::{ToolchainOptions, home};

use super::usage::{peak_memory, reset_peak_memory};
use crate::cli::BenchModelArgs;

/// What is compared with, in the versions that it was tried with.
const PACKAGES: [&str; 4] = ["torch==2.15.0", "transformers==5.23.0", "safetensors==0.8.0", "numpy==2.3.5"];
const SCRIPT: &str = include_str!("pytorch.py");

/// Sequences of a training step, and their tokens.
const TRAIN_BATCH: usize = 16;
const TRAIN_LENGTH: usize = 128;
/// Tokens of the prompt, its samples, and the tokens of each.
const PROMPT: usize = 64;
const SAMPLES: usize = 64;
const NEW_TOKENS: usize = 64;
/// Not a token of any model below, so that every completion has full length.
const NEVER: u32 = u32::MAX;

/// Tokens a second of one implementation, for one shape.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Speed {
    training: f64,
    sampling: f64,
}

/// What this program did.
#[derive(Serialize)]
struct Own {
    speed: Speed,
    /// Bytes of memory that each took at its peak, over what the program had before.
    training_memory: Option<u64>,
    sampling_memory: Option<u64>,
}

/// What `pytorch.py` prints.
#[derive(Serialize, Deserialize)]
struct Other {
    version: String,
    flops: f64,
    shapes: Vec<Speed>,
}

#[derive(Serialize)]
struct Shape {
    name: &'static str,
    parameters: usize,
    #[serde(skip)]
    config: ModelConfig,
}

fn shapes() -> Vec<Shape> {
    let tiny = ModelConfig { max_seq: 320, ..ModelConfig::default() };
    let large = ModelConfig {
        vocab_size: 32_000,
        layers: 12,
        width: 768,
        heads: 12,
        kv_heads: 12,
        ff: 2048,
        max_seq: 1024,
        ..ModelConfig::default()
    };
    let shape = |name, config: ModelConfig| Shape { name, parameters: config.parameters(), config };
    vec![shape("tiny", tiny), shape("100m", large)]
}

/// Prints the table.
pub(crate) fn model(args: &BenchModelArgs) -> Result<ExitCode> {
    ensure!(args.seconds > 0.0, "`--seconds` is {}; set it above 0.", args.seconds);
    let mut shapes = shapes();
    shapes.retain(|shape| args.shapes.is_empty() || args.shapes.iter().any(|name| name == shape.name));
    ensure!(!shapes.is_empty(), "There is no such shape; choose from tiny and 100m.");
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    let device = parse_device(&args.device)?;
    let flops = matmul_flops(&device, args.seconds.min(3.0))?;
    let own = shapes.iter().map(|shape| measure(shape, args.seconds, &device)).collect::<Result<Vec<_>>>()?;
    let candle = if on_processor(&device) { candle_speeds(&shapes, args.seconds)? } else { None };
    let other = if args.no_pytorch { None } else { Some(pytorch(args, &shapes, threads, &device)?) };
    if args.json {
        println!(
            "{}",
            json!({
                "device": format!("{device:?}"), "threads": threads, "flops": flops, "shapes": shapes,
                "stp": own, "pytorch": other, "candle": candle,
            })
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", table::speeds(&shapes, &own, other.as_ref(), candle.as_deref(), flops));
    println!("{}", table::notes(&device, threads, flops, other.as_ref()));
    Ok(ExitCode::SUCCESS)
}

/// Candle's figures, if it was built in.
#[cfg(feature = "candle")]
fn candle_speeds(shapes: &[Shape], seconds: f64) -> Result<Option<Vec<Speed>>> {
    shapes.iter().map(|shape| candle::measure(shape, seconds)).collect::<Result<_>>().map(Some)
}

#[cfg(not(feature = "candle"))]
#[allow(clippy::unnecessary_wraps)]
fn candle_speeds(_shapes: &[Shape], _seconds: f64) -> Result<Option<Vec<Speed>>> {
    Ok(None)
}

fn on_processor(device: &Device) -> bool {
    *device == Device::flex()
}

fn measure(shape: &Shape, seconds: f64, device: &Device) -> Result<Own> {
    let model = Lm::init(&shape.config, device, 1)?;
    reset_peak_memory();
    // Of a GPU's memory the system says nothing.
    let before = peak_memory().filter(|_| on_processor(device));
    let over = |peak: Option<u64>| Some(peak?.saturating_sub(before?));
    let sampling = sampling(&model, seconds)?;
    let sampling_memory = over(peak_memory());
    reset_peak_memory();
    let training = training(&model, seconds)?;
    let training_memory = over(peak_memory());
    Ok(Own { speed: Speed { training, sampling }, training_memory, sampling_memory })
}

fn tokens(model: &Lm, count: usize, offset: usize) -> Vec<u32> {
    let known = model.config().vocab_size - 8;
    (0..count).map(|i| (8 + (i * i * 7 + i + offset * 31) % known) as u32).collect()
}

/// Every token but the first is learned, as in the script.
fn training(model: &Lm, seconds: f64) -> Result<f64> {
    let example =
        |i| Example { prompt: tokens(model, 1, i), target: tokens(model, TRAIN_LENGTH, i + 1), weight: 1.0 };
    let examples: Vec<Example> = (0..TRAIN_BATCH).map(example).collect();
    let config =
        TrainConfig { epochs: usize::MAX / TRAIN_BATCH, batch: TRAIN_BATCH, ..TrainConfig::default() };
    // The first step does not count.
    let (mut started, mut done) = (None, None);
    train(model.clone(), &examples, &config, &mut |step| {
        let (began, first) = *started.get_or_insert_with(|| (Instant::now(), step.tokens));
        let elapsed = began.elapsed().as_secs_f64();
        if elapsed < seconds || step.tokens == first {
            return ControlFlow::Continue(());
        }
        done = Some((step.tokens - first) as f64 / elapsed);
        ControlFlow::Break(())
    })?;
    done.context("training ended before it was measured")
}

fn sampling(model: &Lm, seconds: f64) -> Result<f64> {
    let request = |seed: u64| SampleRequest {
        prompt: tokens(model, PROMPT, 0),
        seeds: (seed..seed + SAMPLES as u64).collect(),
    };
    let config = SampleConfig {
        max_new_tokens: NEW_TOKENS,
        batch: SAMPLES,
        stop: vec![NEVER],
        ..SampleConfig::default()
    };
    let run = |seed| sample(model, &[request(seed)], &config, &mut |_| ControlFlow::Continue(()));
    run(0)?;
    let (started, mut count) = (Instant::now(), 0);
    while started.elapsed().as_secs_f64() < seconds {
        count += run(count as u64)?.tokens;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

fn pytorch(args: &BenchModelArgs, shapes: &[Shape], threads: usize, device: &Device) -> Result<Other> {
    let python = match &args.python {
        Some(python) => python.clone(),
        None => {
            environment(&home(&ToolchainOptions { home: args.home.clone(), ..ToolchainOptions::default() })?)?
        }
    };
    let shape = |shape: &Shape| {
        let ModelConfig { vocab_size, width, ff, layers, heads, kv_heads, max_seq, .. } = shape.config;
        json!({
            "vocab_size": vocab_size, "width": width, "ff": ff, "layers": layers, "heads": heads,
            "kv_heads": kv_heads, "max_seq": max_seq,
        })
    };
    let task = json!({
        "device": if on_processor(device) { "cpu" } else { "cuda" }, "threads": threads,
        "seconds": args.seconds, "train_batch": TRAIN_BATCH, "train_length": TRAIN_LENGTH,
        "prompt": PROMPT, "samples": SAMPLES, "new_tokens": NEW_TOKENS,
        "shapes": shapes.iter().map(shape).collect::<Vec<_>>(),
    });
    let output = Command::new(&python)
        .args(["-c", SCRIPT, &task.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{} cannot be started; give a Python with `--python`.", python.display()))?;
    ensure!(
        output.status.success(),
        "PyTorch's benchmark failed in {}; it needs {}. `--no-pytorch` leaves it out.",
        python.display(),
        PACKAGES.join(", ")
    );
    serde_json::from_slice(&output.stdout)
        .context("PyTorch's benchmark printed something else than its result")
}

/// A Python with PyTorch, made once.
fn environment(home: &Path) -> Result<PathBuf> {
    let folder = home.join("bench-python");
    let (python, complete) = (folder.join("bin").join("python"), folder.join("complete"));
    if complete.exists() {
        return Ok(python);
    }
    eprintln!("making a Python with PyTorch in {} (6 GB, some minutes)", folder.display());
    let run = |command: &mut Command| -> Result<()> {
        let status =
            command.status().context("Python 3 cannot be started; install it, or use `--no-pytorch`.")?;
        ensure!(
            status.success(),
            "PyTorch could not be installed. Give a Python that has it with `--python`."
        );
        Ok(())
    };
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))?;
    std::fs::write(&complete, "").context("the new environment cannot be written to")?;
    Ok(python)
}
