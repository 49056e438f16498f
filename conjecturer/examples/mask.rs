//! What the mask of conjectures costs, for each token that is drawn and of a whole sampling.
//!
//! `cargo run --release -p stp-conjecturer --example mask`
//!
//! The model is `tiny`'s by shape, with random weights, so what it writes is refused far more often than what a trained one
//! writes: the figures of whole samplings are upper limits.

use std::ops::ControlFlow;
use std::time::Instant;

use stp_conjecturer::{Masking, Signatures, mask};
use stp_datasets::Corpus;
use stp_model::{
    Device, Grammar, Lm, ModelConfig, ModelError, SampleConfig, SampleRequest, SampleStats, Special,
    Tokenizer, sample,
};

const LEVELS: [Masking; 3] = [Masking::Brackets, Masking::Binders, Masking::Names];
/// Texts of a sampling.
const TEXTS: u64 = 400;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let texts: Vec<_> = Corpus::core()?.entries.into_iter().map(|it| it.statement.signature).collect();
    println!("tokens | level | one token, ns | all tokens, µs");
    for vocabulary in [768, 8192] {
        let tokenizer = Tokenizer::train(&texts, vocabulary)?;
        for level in LEVELS {
            let (one, all) = costs(&tokenizer, level, &texts);
            println!("{} | {level:?} | {one:.0} | {all:.1}", tokenizer.vocab_size());
        }
    }
    let tokenizer = Tokenizer::train(&texts, 768)?;
    println!("level | tokens a second | finished texts | tokens a text");
    for level in [Masking::Off, Masking::Brackets, Masking::Binders, Masking::Names, Masking::Off] {
        let (stats, finished) = sampling(&tokenizer, level)?;
        let speed = stats.tokens as f64 / stats.seconds;
        let length = stats.tokens as f64 / TEXTS as f64;
        println!("{level:?} | {speed:.0} | {finished} of {TEXTS} | {length:.1}");
    }
    Ok(())
}

/// Nanoseconds for a token of the corpus that is looked at and read, and microseconds for all tokens of the vocabulary,
/// which are looked at where a drawn one is refused.
fn costs(tokenizer: &Tokenizer, level: Masking, texts: &[String]) -> (f64, f64) {
    let grammar = Signatures::new(tokenizer, level);
    let texts: Vec<_> = texts.iter().map(|text| tokenizer.encode(text)).collect();
    let tokens: usize = texts.iter().map(Vec::len).sum();
    let started = Instant::now();
    let mut allowed = 0;
    for text in &texts {
        let mut reader = grammar.begin();
        for &token in text {
            allowed += usize::from(reader.allows(token, 400));
            reader.read(token);
        }
    }
    let one = started.elapsed().as_secs_f64() * 1e9 / tokens as f64;
    assert!(allowed * 20 > tokens * 19, "the corpus can be written");
    let (started, mut looked_at) = (Instant::now(), 0);
    let count = u32::try_from(tokenizer.vocab_size()).unwrap_or(u32::MAX);
    for text in texts.iter().take(100) {
        let mut reader = grammar.begin();
        for &token in text {
            reader.read(token);
            looked_at += usize::from((0..count).filter(|token| reader.allows(*token, 400)).count() > 0);
        }
    }
    (one, started.elapsed().as_secs_f64() * 1e6 / looked_at.max(1) as f64)
}

/// Samples texts of a model with random weights.
fn sampling(tokenizer: &Tokenizer, level: Masking) -> Result<(SampleStats, usize), ModelError> {
    let config = ModelConfig {
        vocab_size: tokenizer.vocab_size(),
        layers: 3,
        width: 192,
        heads: 6,
        kv_heads: 2,
        ff: 512,
        max_seq: 320,
        ..ModelConfig::default()
    };
    let model = Lm::init(&config, &Device::flex(), 1)?;
    let request = SampleRequest { prompt: vec![Special::Conjecture.id()], seeds: (0..TEXTS).collect() };
    let settings = SampleConfig {
        max_new_tokens: 60,
        batch: 96,
        mask: mask(tokenizer, level),
        ..SampleConfig::default()
    };
    let mut finished = 0;
    let stats = sample(&model, &[request], &settings, &mut |completion| {
        finished += usize::from(completion.finished);
        ControlFlow::Continue(())
    })?;
    Ok((stats, finished))
}
