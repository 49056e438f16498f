//! Prints how many tokens a second training and sampling do on the processor:
//! `cargo run --release -p stp-model --example bench [-- SECONDS_EACH [training|sampling]]`.

use std::error::Error;
use std::ops::ControlFlow;
use std::time::Instant;

use stp_model::{Device, Example, Lm, ModelConfig, SampleConfig, SampleRequest, TrainConfig, sample, train};

/// Tokens of a training sequence, and of a prompt with its completion.
const SEQUENCE: usize = 110;
const PROMPT: usize = 40;
/// Not a token of any model below, so that every completion has full length.
const NEVER: u32 = u32::MAX;

fn main() -> Result<(), Box<dyn Error>> {
    let seconds = std::env::args().nth(1).map_or(Ok(10.0), |text| text.parse::<f64>())?;
    let only = std::env::args().nth(2).unwrap_or_default();
    let small = ModelConfig::default();
    let large = ModelConfig { vocab_size: 1024, layers: 4, width: 256, heads: 4, ff: 688, ..small.clone() };
    for config in [small, large] {
        let model = Lm::init(&config, &Device::flex(), 1)?;
        println!(
            "{} layers, width {}, {} heads, {} kv heads, ff {}, vocabulary {}: {} parameters",
            config.layers,
            config.width,
            config.heads,
            config.kv_heads,
            config.ff,
            config.vocab_size,
            config.parameters()
        );
        for batch in [16, 64].into_iter().filter(|_| only != "sampling") {
            println!("  training, batch {batch:>3}: {:>6.0} tokens/s", training(&model, batch, seconds)?);
        }
        for batch in [64, 128].into_iter().filter(|_| only != "training") {
            println!("  sampling, batch {batch:>3}: {:>6.0} tokens/s", sampling(&model, batch, seconds)?);
        }
    }
    Ok(())
}

fn tokens(count: usize, offset: usize) -> Vec<u32> {
    (0..count).map(|i| (8 + (i * i * 7 + i + offset * 31) % 700) as u32).collect()
}

fn training(model: &Lm, batch: usize, seconds: f64) -> Result<f64, Box<dyn Error>> {
    let example = |i| Example {
        prompt: tokens(SEQUENCE / 2, i),
        target: tokens(SEQUENCE - SEQUENCE / 2 + 1, i + 1),
        weight: 1.0,
    };
    let examples: Vec<Example> = (0..batch * 4).map(example).collect();
    let config = TrainConfig {
        epochs: 1000,
        batch,
        warmup_steps: 10,
        weight_decay: 0.01,
        seed: 1,
        ..TrainConfig::default()
    };
    let started = Instant::now();
    let (_, report) = train(model.clone(), &examples, &config, &mut |_| until(started, seconds))?;
    Ok(report.tokens as f64 / report.seconds)
}

fn sampling(model: &Lm, batch: usize, seconds: f64) -> Result<f64, Box<dyn Error>> {
    let request = |i: usize| SampleRequest {
        prompt: tokens(PROMPT, i),
        seeds: (0..8).map(|k| (i * 8 + k) as u64).collect(),
    };
    let requests: Vec<SampleRequest> = (0..batch / 8).map(request).collect();
    let config = SampleConfig {
        temperature: 1.0,
        top_p: 1.0,
        max_new_tokens: SEQUENCE - PROMPT,
        batch,
        stop: vec![NEVER],
        ..SampleConfig::default()
    };
    let (started, mut count) = (Instant::now(), 0);
    while until(started, seconds).is_continue() {
        count += sample(model, &requests, &config, &mut |_| ControlFlow::Continue(()))?.tokens;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

fn until(started: Instant, seconds: f64) -> ControlFlow<()> {
    if started.elapsed().as_secs_f64() < seconds { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}
