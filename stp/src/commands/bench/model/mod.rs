//! `stp bench model`: tokens a second of training and of sampling, beside PyTorch on the same machine in the same sitting.

#[cfg(feature = "candle")]
mod candle;
mod pytorch;
mod shape;
mod table;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;
use stp_model::{
    Device, Example, Lm, Numbers, Precision, SampleConfig, SampleRequest, TrainConfig, matmul_flops,
    parse_device, peak_memory, reset_peak_memory, sample, train,
};
use stp_study::tables::table_for;
use stp_verifier::toolchain::{ToolchainOptions, home};

use self::shape::{
    NEVER, NEW_TOKENS, Other, Own, PROMPT, SAMPLES, Shape, Speed, TRAIN_BATCH, TRAIN_LENGTH, on_processor,
    shapes,
};
use crate::args::PrecisionArgs;

/// `stp bench model`.
#[derive(Clone, Debug, Args)]
pub struct BenchModelArgs {
    /// Shapes of models: tiny, 100m, smollm2 [default: all].
    #[arg(value_name = "SHAPE")]
    pub shapes: Vec<String>,
    /// How long each figure is measured.
    #[arg(long, value_name = "S", default_value_t = 20.0)]
    pub seconds: f64,
    /// What computes: auto, cpu, wgpu or cuda; PyTorch takes CUDA for any but the processor.
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Numbers that are multiplied here; PyTorch is measured with both.
    #[command(flatten)]
    pub precision: PrecisionArgs,
    /// A Python with torch and transformers [default: one is made, once, in `STP_HOME`].
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
    /// Measure this program alone.
    #[arg(long)]
    pub no_pytorch: bool,
    /// One JSON object in place of a table.
    #[arg(long)]
    pub json: bool,
    /// Markdown in place of a drawn table.
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    /// Where that Python is kept [default: the user's cache folder].
    #[arg(long, value_name = "FOLDER", env = "STP_HOME")]
    pub home: Option<PathBuf>,
}

/// Prints the table.
pub(super) fn model(args: &BenchModelArgs) -> Result<ExitCode> {
    ensure!(args.seconds > 0.0, "`--seconds` is {}; set it above 0.", args.seconds);
    let mut shapes = shapes();
    shapes.retain(|shape| args.shapes.is_empty() || args.shapes.iter().any(|name| name == shape.name));
    ensure!(!shapes.is_empty(), "There is no such shape; choose from tiny, 100m and smollm2.");
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    let numbers = args.precision.precision;
    ensure!(numbers != Numbers::F16, "`--precision f16` is for sampling alone; measure with f32 or bf16.");
    let precision = numbers.precision();
    let device = parse_device(&args.device)?;
    let flops = matmul_flops(&device, args.seconds.min(3.0))?;
    let own = shapes
        .iter()
        .map(|shape| measure(shape, args.seconds, &device, precision))
        .collect::<Result<Vec<_>>>()?;
    let candle = if on_processor(&device) { candle_speeds(&shapes, args.seconds)? } else { None };
    let other = if args.no_pytorch { None } else { Some(beside(args, &shapes, threads, &device)?) };
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
    let mut table = table_for(args.markdown);
    table::speeds(&mut table, &shapes, &own, other.as_ref(), candle.as_deref(), flops);
    println!("{table}");
    println!("{}", table::notes(&device, precision, threads, flops, other.as_ref()));
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

fn measure(shape: &Shape, seconds: f64, device: &Device, precision: Precision) -> Result<Own> {
    let model = Lm::init(&shape.config, device, 1)?;
    reset_peak_memory();
    // Of a GPU's memory the system says nothing.
    let before = peak_memory().filter(|_| on_processor(device));
    let over = |peak: Option<u64>| Some(peak?.saturating_sub(before?));
    let sampling = sampling(&model, seconds, precision)?;
    let sampling_memory = over(peak_memory());
    reset_peak_memory();
    let training = training(&model, seconds, precision)?;
    let training_memory = over(peak_memory());
    Ok(Own { speed: Speed { training, sampling }, training_memory, sampling_memory })
}

fn tokens(model: &Lm, count: usize, offset: usize) -> Vec<u32> {
    let known = model.config().vocab_size - 8;
    (0..count).map(|i| (8 + (i * i * 7 + i + offset * 31) % known) as u32).collect()
}

/// Every token but the first is learned, as in the script.
fn training(model: &Lm, seconds: f64, precision: Precision) -> Result<f64> {
    let example =
        |i| Example { prompt: tokens(model, 1, i), target: tokens(model, TRAIN_LENGTH, i + 1), weight: 1.0 };
    let examples: Vec<Example> = (0..TRAIN_BATCH).map(example).collect();
    let config = TrainConfig {
        epochs: usize::MAX / TRAIN_BATCH,
        batch: TRAIN_BATCH,
        precision,
        ..TrainConfig::default()
    };
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

fn sampling(model: &Lm, seconds: f64, precision: Precision) -> Result<f64> {
    let request = |seed: u64| SampleRequest {
        prompt: tokens(model, PROMPT, 0),
        seeds: (seed..seed + SAMPLES as u64).collect(),
    };
    let config = SampleConfig {
        max_new_tokens: NEW_TOKENS,
        batch: SAMPLES,
        stop: vec![NEVER],
        precision,
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

/// PyTorch's figures.
fn beside(args: &BenchModelArgs, shapes: &[Shape], threads: usize, device: &Device) -> Result<Other> {
    let python = match &args.python {
        Some(python) => python.clone(),
        None => {
            let options = ToolchainOptions { home: args.home.clone(), ..ToolchainOptions::default() };
            pytorch::environment(&home(&options)?)?
        }
    };
    pytorch::measure(&python, shapes, args.seconds, threads, device)
}
