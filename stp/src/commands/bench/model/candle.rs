//! The same model in candle, the other framework in Rust, for comparison only.

use std::time::Instant;

use anyhow::Result;
use candle_core::{D, DType, Device, IndexOp, Tensor, Var};
use candle_nn::{
    AdamW, Embedding, Linear, Module, Optimizer, ParamsAdamW, RmsNorm, VarBuilder, VarMap, embedding,
    linear_no_bias, loss, ops, rms_norm, rotary_emb, sampling,
};
use stp_model::ModelConfig;

use super::shape::{NEW_TOKENS, PROMPT, SAMPLES, Shape, Speed, TRAIN_BATCH, TRAIN_LENGTH};

struct Block {
    attention_norm: RmsNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    feed_forward_norm: RmsNorm,
    gate: Linear,
    up: Linear,
    down: Linear,
}

struct Decoder {
    config: ModelConfig,
    embedding: Embedding,
    blocks: Vec<Block>,
    norm: RmsNorm,
    cos: Tensor,
    sin: Tensor,
}

/// Keys and values of each block.
type Cache = Vec<Option<(Tensor, Tensor)>>;

impl Decoder {
    fn new(config: &ModelConfig, vb: &VarBuilder) -> Result<Self> {
        let (width, head) = (config.width, config.head_dim());
        let (queries, keys) = (config.heads * head, config.kv_heads * head);
        let block = |index: usize| -> candle_core::Result<Block> {
            let vb = vb.pp(format!("block{index}"));
            Ok(Block {
                attention_norm: rms_norm(width, config.norm_eps, vb.pp("attention_norm"))?,
                query: linear_no_bias(width, queries, vb.pp("query"))?,
                key: linear_no_bias(width, keys, vb.pp("key"))?,
                value: linear_no_bias(width, keys, vb.pp("value"))?,
                output: linear_no_bias(queries, width, vb.pp("output"))?,
                feed_forward_norm: rms_norm(width, config.norm_eps, vb.pp("feed_forward_norm"))?,
                gate: linear_no_bias(width, config.ff, vb.pp("gate"))?,
                up: linear_no_bias(width, config.ff, vb.pp("up"))?,
                down: linear_no_bias(config.ff, width, vb.pp("down"))?,
            })
        };
        let frequency = |i: usize| config.rope_theta.powf(-((2 * i) as f64) / head as f64) as f32;
        let half: Vec<f32> = (0..head / 2).map(frequency).collect();
        let positions = Tensor::arange(0f32, config.max_seq as f32, vb.device())?.unsqueeze(1)?;
        let angles = positions.matmul(&Tensor::new(half, vb.device())?.unsqueeze(0)?)?;
        Ok(Self {
            config: config.clone(),
            embedding: embedding(config.vocab_size, width, vb.pp("embedding"))?,
            blocks: (0..config.layers).map(block).collect::<candle_core::Result<_>>()?,
            norm: rms_norm(width, config.norm_eps, vb.pp("norm"))?,
            cos: angles.cos()?,
            sin: angles.sin()?,
        })
    }

    /// Logits after each token, or after the last with a cache. Candle's fused operations have no gradients, so
    /// training does without them.
    fn forward(&self, tokens: &Tensor, mut cache: Option<&mut Cache>) -> Result<Tensor> {
        let training = cache.is_none();
        let norm = |norm: &RmsNorm, x: &Tensor| if training { norm.forward_diff(x) } else { norm.forward(x) };
        let mut x = self.embedding.forward(tokens)?;
        for (index, block) in self.blocks.iter().enumerate() {
            let layer = cache.as_deref_mut().map(|cache| &mut cache[index]);
            x = (&x + self.attention(block, &norm(&block.attention_norm, &x)?, layer)?)?;
            let y = norm(&block.feed_forward_norm, &x)?;
            let inner = (block.gate.forward(&y)?.silu()? * block.up.forward(&y)?)?;
            x = (&x + block.down.forward(&inner)?)?;
        }
        if !training {
            x = x.i((.., x.dim(1)? - 1.., ..))?;
        }
        let head = Linear::new(self.embedding.embeddings().clone(), None);
        Ok(head.forward(&norm(&self.norm, &x)?)?)
    }

    fn attention(
        &self,
        block: &Block,
        x: &Tensor,
        layer: Option<&mut Option<(Tensor, Tensor)>>,
    ) -> Result<Tensor> {
        let (batch, time, _) = x.dims3()?;
        let (heads, kv_heads, head) = (self.config.heads, self.config.kv_heads, self.config.head_dim());
        let training = layer.is_none();
        let split =
            |x: Tensor, heads: usize| x.reshape((batch, time, heads, head))?.transpose(1, 2)?.contiguous();
        let query = split(block.query.forward(x)?, heads)?;
        let key = split(block.key.forward(x)?, kv_heads)?;
        let value = split(block.value.forward(x)?, kv_heads)?;
        let seen = match &layer {
            Some(Some((keys, _))) => keys.dim(2)?,
            _ => 0,
        };
        let (cos, sin) = (self.cos.narrow(0, seen, time)?, self.sin.narrow(0, seen, time)?);
        let rotate = |x: &Tensor| {
            if training { rotary_emb::rope_slow(x, &cos, &sin) } else { rotary_emb::rope(x, &cos, &sin) }
        };
        let (query, mut key, mut value) = (rotate(&query)?, rotate(&key)?, value);
        if let Some(layer) = layer {
            if let Some((keys, values)) = layer.take() {
                key = Tensor::cat(&[&keys, &key], 2)?;
                value = Tensor::cat(&[&values, &value], 2)?;
            }
            *layer = Some((key.clone(), value.clone()));
        }
        let all = key.dim(2)?;
        let each = |x: Tensor| {
            let group = heads / kv_heads;
            x.unsqueeze(2)?.expand((batch, kv_heads, group, all, head))?.reshape((batch, heads, all, head))
        };
        let scores = (query.matmul(&each(key)?.t()?)? * (head as f64).powf(-0.5))?;
        let scores = if time > 1 { scores.broadcast_add(&causal(time, all)?)? } else { scores };
        let weights =
            if training { ops::softmax(&scores, D::Minus1)? } else { ops::softmax_last_dim(&scores)? };
        let mixed = weights.matmul(&each(value)?)?.transpose(1, 2)?.reshape((batch, time, heads * head))?;
        Ok(block.output.forward(&mixed)?)
    }
}

fn causal(time: usize, all: usize) -> Result<Tensor> {
    let hidden = |i: usize| if i % all > i / all + all - time { f32::NEG_INFINITY } else { 0.0 };
    let values: Vec<f32> = (0..time * all).map(hidden).collect();
    Ok(Tensor::from_vec(values, (time, all), &Device::Cpu)?)
}

/// Tokens a second of both tasks.
pub(super) fn measure(shape: &Shape, seconds: f64) -> Result<Speed> {
    let variables = VarMap::new();
    let decoder =
        Decoder::new(&shape.config, &VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu))?;
    let sampled = repeat(seconds, || sample(&decoder))?;
    let mut optimiser = AdamW::new(variables.all_vars(), ParamsAdamW { lr: 1e-4, ..ParamsAdamW::default() })?;
    let vars: Vec<Var> = variables.all_vars();
    let trained = repeat(seconds, || train(&decoder, &vars, &mut optimiser))?;
    Ok(Speed {
        training: trained * (TRAIN_BATCH * TRAIN_LENGTH) as f64,
        sampling: sampled * (SAMPLES * NEW_TOKENS) as f64,
    })
}

/// How often it runs a second, after a first time that does not count.
fn repeat(seconds: f64, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    work()?;
    let (started, mut count) = (Instant::now(), 0);
    while started.elapsed().as_secs_f64() < seconds {
        work()?;
        count += 1;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}

fn tokens(config: &ModelConfig, rows: usize, time: usize) -> Result<Tensor> {
    let known = config.vocab_size - 8;
    let values: Vec<u32> = (0..rows * time).map(|i| (8 + (i * i * 7 + i) % known) as u32).collect();
    Ok(Tensor::from_vec(values, (rows, time), &Device::Cpu)?)
}

fn train(decoder: &Decoder, vars: &[Var], optimiser: &mut AdamW) -> Result<()> {
    let all = tokens(&decoder.config, TRAIN_BATCH, TRAIN_LENGTH + 1)?;
    let inputs = all.i((.., ..TRAIN_LENGTH))?.contiguous()?;
    let targets = all.i((.., 1..))?.contiguous()?.flatten_all()?;
    let logits = decoder.forward(&inputs, None)?;
    let gradients = loss::cross_entropy(&logits.flatten_to(1)?, &targets)?.backward()?;
    // The others clip, too, for which they read the norm.
    let mut norm = 0.0;
    for gradient in vars.iter().filter_map(|var| gradients.get(var)) {
        norm += gradient.sqr()?.sum_all()?.to_scalar::<f32>()?;
    }
    anyhow::ensure!(norm.is_finite(), "candle's gradient is not finite");
    Ok(optimiser.step(&gradients)?)
}

fn sample(decoder: &Decoder) -> Result<()> {
    let mut cache: Cache = vec![None; decoder.blocks.len()];
    let mut next = tokens(&decoder.config, 1, PROMPT)?.repeat((SAMPLES, 1))?;
    for _ in 0..NEW_TOKENS {
        let logits = decoder.forward(&next, Some(&mut cache))?.squeeze(1)?;
        next = sampling::gumbel_softmax(&logits, 1.0, D::Minus1)?.unsqueeze(1)?;
    }
    Ok(())
}
