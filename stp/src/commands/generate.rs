//! `stp generate`: what a model says to a prompt.

use std::io::Read;
use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::json;
use stp_model::{Checkpoint, Message, SampleConfig, SampleRequest, StopWhen};

use crate::cli::GenerateArgs;
use crate::error::UsageError;

/// Prints every answer as soon as it is complete.
pub(super) fn generate(args: &GenerateArgs) -> Result<ExitCode> {
    let device = super::device(&args.device)?;
    let checkpoint = Checkpoint::load(&args.model, &device)?;
    let settings = settings(args, &checkpoint);
    if args.samples == 0 {
        return Err(UsageError("--samples 0 asks for nothing; give at least 1.".to_owned()).into());
    }
    let seeds = (0..args.samples).map(|sample| args.seed.wrapping_add(sample)).collect();
    let request = SampleRequest { prompt: prompt(args, &checkpoint)?, seeds };
    let mut number = 0;
    stp_model::sample(&checkpoint.model, &[request], &settings, &mut |completion| {
        let mut text = checkpoint.tokenizer.decode_plain(&completion.tokens);
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
fn settings(args: &GenerateArgs, checkpoint: &Checkpoint) -> SampleConfig {
    let own = |key: &str| checkpoint.generation(key).map(|number| number as f32);
    SampleConfig {
        temperature: args.temperature.or_else(|| own("temperature")).unwrap_or(1.0),
        top_p: args.top_p.or_else(|| own("top_p")).unwrap_or(1.0),
        top_k: args.top_k.or_else(|| own("top_k").map(|count| count as usize)).unwrap_or(0),
        min_p: args.min_p,
        cache_mb: args.cache_mb,
        max_new_tokens: args.max_tokens,
        stop: checkpoint.end_tokens.clone(),
        stop_when: (!args.stop.is_empty())
            .then(|| StopWhen::text_ends_with(&checkpoint.tokenizer, args.stop.clone())),
        ..SampleConfig::default()
    }
}

fn prompt(args: &GenerateArgs, checkpoint: &Checkpoint) -> Result<Vec<u32>> {
    if let Some(statement) = &args.statement {
        checkpoint.tokenizer.require_markers()?;
        return Ok(stp_prover::prompt(&checkpoint.tokenizer, statement));
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
