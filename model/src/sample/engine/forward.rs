//! One pass of new tokens through the model, of any number of sequences at once.

use super::attention::{Query, attend};
use super::pages::{PageId, Pages};
use super::shape::{POSITIONS, Shape};
use super::weights::{Factor, Layer, ModelWeights, Projection};
use crate::kernels::cpu::{Bf16Scratch, Into, Matrix, Scratch, matmul, rms_norm, rotate, swiglu};
use crate::rope::frequencies;
use crate::{Lm, ModelConfig, ModelError, Precision};

/// A token to be read; those of one sequence in their order.
pub(super) struct Row<'a> {
    pub token: u32,
    pub position: usize,
    /// The pages of its sequence, from the first position to this one.
    pub pages: &'a [PageId],
}

/// A model ready for the processor's engine.
pub(super) struct Decoder {
    pub config: ModelConfig,
    pub shape: Shape,
    weights: ModelWeights,
    frequencies: Vec<f64>,
    amplitude: f64,
}

impl Decoder {
    pub(super) fn new(model: &Lm, precision: Precision) -> Result<Self, ModelError> {
        let config = model.config().clone();
        let (frequencies, amplitude) =
            frequencies(config.rope_theta, config.head_dim(), &config.rope_scaling);
        let (shape, weights) = (Shape::of(&config), ModelWeights::new(model, precision)?);
        Ok(Self { config, shape, weights, frequencies, amplitude })
    }

    /// Reads the rows, writes their keys and values, and leaves the logits after the rows `wanted`, in that order, in
    /// the buffers.
    pub(super) fn read(&self, rows: &[Row], wanted: &[usize], pages: &mut Pages, buffers: &mut Buffers) {
        let width = self.config.width;
        buffers.hidden.clear();
        for row in rows {
            let start = row.token as usize * width;
            buffers.hidden.extend_from_slice(&self.weights.embedding.get()[start..start + width]);
        }
        self.angles(rows, buffers);
        for (index, layer) in self.weights.layers.iter().enumerate() {
            self.attention(index, layer, rows, pages, buffers);
            self.feed_forward(layer, buffers);
        }
        let chosen = std::mem::take(&mut buffers.inner);
        let mut chosen = resized(chosen, 0);
        for &row in wanted {
            chosen.extend_from_slice(&buffers.hidden[row * width..(row + 1) * width]);
        }
        buffers.normed.resize(chosen.len(), 0.0);
        rms_norm(&chosen, self.weights.norm.get(), self.epsilon(), &mut buffers.normed);
        buffers.inner = chosen;
        project(&buffers.normed, width, &self.weights.head, &mut buffers.logits, &mut buffers.scratch);
    }

    fn epsilon(&self) -> f32 {
        self.config.norm_eps as f32
    }

    fn angles(&self, rows: &[Row], buffers: &mut Buffers) {
        buffers.cos.clear();
        buffers.sin.clear();
        for row in rows {
            for _ in 0..2 {
                let angles = self.frequencies.iter().map(|frequency| frequency * row.position as f64);
                let (sin, cos): (Vec<f32>, Vec<f32>) = angles
                    .map(f64::sin_cos)
                    .map(|(sin, cos)| ((sin * self.amplitude) as f32, (cos * self.amplitude) as f32))
                    .unzip();
                buffers.sin.extend(sin);
                buffers.cos.extend(cos);
            }
        }
    }

    fn attention(&self, index: usize, layer: &Layer, rows: &[Row], pages: &mut Pages, buffers: &mut Buffers) {
        let config = &self.config;
        let (width, head) = (config.width, config.head_dim());
        let Buffers { hidden, normed, query, key, value, mixed, cos, sin, scores, scratch, .. } = buffers;
        normed.resize(hidden.len(), 0.0);
        rms_norm(hidden, layer.attention_norm.get(), self.epsilon(), normed);
        project(normed, width, &layer.query, query, scratch);
        project(normed, width, &layer.key, key, scratch);
        project(normed, width, &layer.value, value, scratch);
        for (norm, x) in [(&layer.query_norm, &mut *query), (&layer.key_norm, &mut *key)] {
            if let Some(norm) = norm {
                normed.resize(x.len(), 0.0);
                rms_norm(x, norm.get(), self.epsilon(), normed);
                std::mem::swap(x, normed);
            }
        }
        rotate(query, cos, sin, config.heads, head, 1.0);
        rotate(key, cos, sin, config.kv_heads, head, 1.0);
        self.store(index, rows, key, value, pages);
        mixed.resize(query.len(), 0.0);
        let group = config.group();
        for kv_head in 0..config.kv_heads {
            for (number, row) in rows.iter().enumerate() {
                let heads = (number * config.heads + kv_head * group) * head;
                let heads = heads..heads + group * head;
                let query = Query {
                    query: &query[heads.clone()],
                    seen: row.position + 1,
                    keys: self.shape.keys(index, kv_head),
                    values: self.shape.values(index, kv_head),
                    head,
                };
                attend(query, row.pages, pages, scores, &mut mixed[heads]);
            }
        }
        add_projection(mixed, config.heads * head, &layer.output, hidden, scratch);
    }

    fn store(&self, layer: usize, rows: &[Row], keys: &[f32], values: &[f32], pages: &mut Pages) {
        let (kv_heads, head, padded) = (self.shape.kv_heads, self.shape.head, self.shape.padded_head());
        for (number, row) in rows.iter().enumerate() {
            let slot = row.position % POSITIONS;
            let page = pages.values_mut(row.pages[row.position / POSITIONS]);
            for kv_head in 0..kv_heads {
                let from = (number * kv_heads + kv_head) * head;
                let to = &mut page[self.shape.keys(layer, kv_head)];
                for (to, key) in to[slot..].iter_mut().step_by(POSITIONS).zip(&keys[from..from + head]) {
                    *to = *key;
                }
                let to = &mut page[self.shape.values(layer, kv_head)];
                to[slot * padded..slot * padded + head].copy_from_slice(&values[from..from + head]);
            }
        }
    }

    fn feed_forward(&self, layer: &Layer, buffers: &mut Buffers) {
        let Buffers { hidden, normed, inner, up, scratch, .. } = buffers;
        normed.resize(hidden.len(), 0.0);
        rms_norm(hidden, layer.feed_forward_norm.get(), self.epsilon(), normed);
        project(normed, self.config.width, &layer.gate, inner, scratch);
        project(normed, self.config.width, &layer.up, up, scratch);
        swiglu(inner, up);
        add_projection(up, self.config.ff, &layer.down, hidden, scratch);
    }
}

/// What a pass needs besides weights and pages; kept from one to the next.
#[derive(Default)]
pub(super) struct Buffers {
    hidden: Vec<f32>,
    normed: Vec<f32>,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    mixed: Vec<f32>,
    inner: Vec<f32>,
    up: Vec<f32>,
    cos: Vec<f32>,
    sin: Vec<f32>,
    scores: Vec<f32>,
    scratch: Scratches,
    /// Logits of the rows that were asked for.
    pub logits: Vec<f32>,
}

/// Room that products need.
#[derive(Default)]
struct Scratches {
    full: Scratch,
    rounded: Bf16Scratch,
}

fn resized(mut values: Vec<f32>, len: usize) -> Vec<f32> {
    values.resize(len, 0.0);
    values
}

fn project(x: &[f32], inputs: usize, projection: &Projection, out: &mut Vec<f32>, scratch: &mut Scratches) {
    let (rows, outputs) = (x.len() / inputs, projection.outputs);
    out.resize(rows * outputs, 0.0);
    let into = match &projection.bias {
        Some(bias) => {
            out.chunks_exact_mut(outputs).for_each(|row| row.copy_from_slice(bias.get()));
            Into::Add
        }
        None => Into::Set,
    };
    multiply(Matrix::dense(x, rows, inputs), projection, out, into, scratch);
}

fn add_projection(
    x: &[f32],
    inputs: usize,
    projection: &Projection,
    out: &mut [f32],
    scratch: &mut Scratches,
) {
    let (rows, outputs) = (x.len() / inputs, projection.outputs);
    if let Some(bias) = &projection.bias {
        let add = |row: &mut [f32]| row.iter_mut().zip(bias.get()).for_each(|(to, bias)| *to += bias);
        out.chunks_exact_mut(outputs).for_each(add);
    }
    multiply(Matrix::dense(x, rows, inputs), projection, out, Into::Add, scratch);
}

fn multiply(x: Matrix, projection: &Projection, out: &mut [f32], into: Into, scratch: &mut Scratches) {
    match &projection.weight {
        Factor::Full(weight) => {
            let weight = Matrix::dense(weight.get(), x.cols, projection.outputs);
            matmul(x, weight, out, projection.outputs, into, &mut scratch.full);
        }
        Factor::Rounded(weight) => weight.multiply(x, out, into, &mut scratch.rounded),
    }
}
