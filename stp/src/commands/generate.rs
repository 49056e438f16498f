//! `stp generate`: what a model says to a prompt.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;
use stp_model::{Checkpoint, Message, SampleConfig, SampleRequest, StopWhen};
use stp_prover::Goal;
use stp_selfplay::context::prompts::{Prompt, Prompts, SampleKind};
use stp_selfplay::error::UsageError;

use crate::args::PrecisionArgs;
use crate::common::sampling_device;
use crate::display::Display;
use crate::models::{prompts, require};

/// `stp generate`.
#[derive(Clone, Debug, Args)]
pub struct GenerateArgs {
    /// The model: a run's `checkpoints/final`, a folder of Hugging Face (Llama, Qwen2 or Qwen3), or a .gguf file.
    #[arg(value_name = "MODEL_FOLDER")]
    pub model: PathBuf,
    /// The prompt, with the special tokens that the model expects written out; `-` is standard input.
    #[arg(required_unless_present = "statement")]
    pub prompt: Option<String>,
    /// Ask for a proof, as self-play does, of the statement `(a b : Nat) : a + b = b + a` for example.
    #[arg(long, value_name = "SIGNATURE", conflicts_with = "prompt")]
    pub statement: Option<String>,
    /// The layout of the prompt for a proof: markers, plain, deepseek-prover-v1.5, deepseek-prover-v2, goedel-prover-v2,
    /// kimina-prover, stp, or a TOML file [default: markers for a model of stp, plain otherwise].
    #[arg(long, value_name = "NAME|FILE", requires = "statement")]
    pub layout: Option<String>,
    /// The lines before the statement, for layouts that show them, such as `import Mathlib`.
    #[arg(long, value_name = "TEXT", default_value = "", requires = "statement")]
    pub header: String,
    /// Put the prompt into the model's chat template, as a user's message.
    #[arg(long, conflicts_with = "statement")]
    pub chat: bool,
    /// Samples.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1)]
    pub samples: u64,
    /// Softmax temperature; 0 takes the most likely token [default: the model's, or 1].
    #[arg(long)]
    pub temperature: Option<f32>,
    /// Only the most likely tokens that together have this probability [default: the model's, or 1].
    #[arg(long)]
    pub top_p: Option<f32>,
    /// Only so many of the most likely tokens; 0 for all [default: the model's, or 0].
    #[arg(long)]
    pub top_k: Option<usize>,
    /// Only tokens at least this part as likely as the most likely one.
    #[arg(long, default_value_t = 0.0)]
    pub min_p: f32,
    /// Memory for keys and values in MiB; with too little of it some samples wait (0: half of what is available).
    #[arg(long, value_name = "MIB", default_value_t = 0)]
    pub cache_mb: usize,
    /// Longest answer in tokens.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub max_tokens: usize,
    /// A text that ends an answer; may be given several times.
    #[arg(long, value_name = "TEXT")]
    pub stop: Vec<String>,
    /// Seed of the first sample; the next ones count on.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Where the model runs: auto, cpu, wgpu or cuda.
    #[arg(long, env = "STP_DEVICE", default_value = "auto")]
    pub device: String,
    /// The model's numbers.
    #[command(flatten)]
    pub precision: PrecisionArgs,
    /// One JSON object for each answer: text, tokens, log-probability, whether it ended.
    #[arg(long)]
    pub json: bool,
}

/// Prints every answer as soon as it is complete.
pub fn generate(args: &GenerateArgs) -> Result<ExitCode> {
    let device = sampling_device(&args.device, args.precision.precision)?;
    require(&args.model)?;
    let checkpoint = Checkpoint::load(&args.model, &device)?;
    let asks = |_: &String| prompts(&checkpoint, args.layout.as_deref(), &Display::new(args.json));
    let asked = args.statement.as_ref().map(asks).transpose()?;
    let settings = settings(args, &checkpoint, asked.as_ref());
    if args.samples == 0 {
        return Err(UsageError("--samples 0 asks for nothing; give at least 1.".to_owned()).into());
    }
    let seeds = (0..args.samples).map(|sample| args.seed.wrapping_add(sample)).collect();
    let request = SampleRequest { prompt: prompt(args, &checkpoint, asked.as_ref())?, seeds };
    let mut number = 0;
    stp_model::sample(&checkpoint.model, &[request], &settings, &mut |completion| {
        let mut text = match &asked {
            Some(prompts) => prompts.read(SampleKind::Proof, &completion.tokens),
            None => checkpoint.tokenizer.decode_plain(&completion.tokens),
        };
        if let Some(end) = args.stop.iter().filter_map(|stop| text.find(stop)).min() {
            text.truncate(end);
        }
        number += 1;
        if args.json {
            let row = json!({
                "sample": completion.sample,
                "text": text,
                "tokens": completion.tokens.len(),
                "logprob": completion.logprob,
                "finished": completion.finished,
            });
            println!("{row}");
        } else if args.samples > 1 {
            println!("--- {number} of {}\n{text}", args.samples);
        } else {
            println!("{text}");
        }
        ControlFlow::Continue(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The command line, and where it is silent the checkpoint's own settings.
fn settings(args: &GenerateArgs, checkpoint: &Checkpoint, asked: Option<&Prompts>) -> SampleConfig {
    let (stop, stop_when) = asked
        .map_or_else(|| (checkpoint.end_tokens.clone(), None), |prompts| prompts.stops(SampleKind::Proof));
    let own = |key: &str| checkpoint.generation(key).map(|number| number as f32);
    SampleConfig {
        temperature: args.temperature.or_else(|| own("temperature")).unwrap_or(1.0),
        top_p: args.top_p.or_else(|| own("top_p")).unwrap_or(1.0),
        top_k: args.top_k.or_else(|| own("top_k").map(|count| count as usize)).unwrap_or(0),
        min_p: args.min_p,
        cache_mb: args.cache_mb,
        precision: args.precision.precision.precision(),
        max_new_tokens: args.max_tokens,
        stop,
        stop_when: if args.stop.is_empty() {
            stop_when
        } else {
            Some(StopWhen::text_ends_with(&checkpoint.tokenizer, args.stop.clone()))
        },
        ..SampleConfig::default()
    }
}

fn prompt(args: &GenerateArgs, checkpoint: &Checkpoint, asked: Option<&Prompts>) -> Result<Vec<u32>> {
    if let (Some(signature), Some(prompts)) = (&args.statement, asked) {
        let goal = Goal { name: "goal", header: &args.header, signature };
        return Ok(prompts.encode(&Prompt::Prove { goal })?);
    }
    let text = match args.prompt.as_deref() {
        Some("-") | None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
            text
        }
        Some(text) => text.to_owned(),
    };
    if !args.chat {
        return Ok(checkpoint.tokenizer.encode_prompt(&text)?);
    }
    let message = Message { role: "user".to_owned(), content: text };
    let prompt = checkpoint.chat_prompt(&[message])?.ok_or_else(|| {
        UsageError(format!("{} has no chat template; leave --chat away.", args.model.display()))
    })?;
    // The template writes out what stands at the beginning.
    Ok(checkpoint.tokenizer.encode_written(&prompt)?)
}
