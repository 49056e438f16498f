//! Peak memory and speed of training a model of 100 million parameters, one way of training at a time:
//! `cargo run --release -p stp-model --example train_memory -- [cheap|blocks] [bf16] [lora] [sequences] [length]`.

use std::error::Error;
use std::ops::ControlFlow;

use stp_model::{
    Device, Example, Lm, LoraConfig, ModelConfig, Precision, Recompute, TrainConfig, peak_memory, train,
};

const VOCABULARY: usize = 16_384;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| words.iter().any(|it| it == word);
    let mut numbers = words.iter().filter_map(|word| word.parse().ok());
    let (batch, length) = (numbers.next().unwrap_or(4), numbers.next().unwrap_or(256));
    let config = ModelConfig {
        vocab_size: VOCABULARY,
        layers: 12,
        width: 768,
        heads: 12,
        kv_heads: 12,
        ff: 2048,
        max_seq: length,
        ..ModelConfig::default()
    };
    let parameters = config.parameters();
    let model = Lm::init(&config, &Device::flex(), 0)?;
    let token = |i: usize| 10 + (i * i * 7 + i * 31) as u32 % (VOCABULARY as u32 - 10);
    let example = |i: usize| Example {
        prompt: (0..length / 2).map(|k| token(i * length + k)).collect(),
        target: (0..length - length / 2 + 1).map(|k| token(i + k)).collect(),
        weight: 1.0,
    };
    let examples: Vec<_> = (0..batch * 3).map(example).collect();
    let lora = LoraConfig { rank: if has("lora") { 16 } else { 0 }, ..LoraConfig::default() };
    let recompute = match (has("cheap"), has("blocks")) {
        (true, _) => Recompute::Cheap,
        (_, true) => Recompute::Blocks,
        _ => Recompute::Nothing,
    };
    let precision = if has("bf16") { Precision::Bf16 } else { Precision::F32 };
    let settings = TrainConfig { batch, lora, precision, recompute, ..TrainConfig::default() };
    let before = peak()?;
    let (_, report) = train(model, &examples, &settings, &mut |step| {
        println!("step {}: loss {:.6}", step.step, step.loss);
        ControlFlow::Continue(())
    })?;
    println!(
        "{}: {batch} x {length} tokens a step, {parameters} parameters, {} of them trained: peak {:.0} MB ({before:.0} MB \
         before training), {:.0} tokens/s",
        words.join(" "),
        report.trained_parameters,
        peak()?,
        report.tokens as f64 / report.seconds,
    );
    Ok(())
}

/// Most memory that this process has had so far, in MB.
fn peak() -> Result<f64, Box<dyn Error>> {
    Ok(peak_memory().ok_or("this needs Linux")? as f64 / 1e6)
}
