//! What the benchmark prints.

use comfy_table::Table;
use stp_model::{Device, Precision};

use super::shape::{Other, Own, Shape, Speed, on_processor};

#[derive(Clone, Copy, Debug)]
enum Task {
    Training,
    Sampling,
}

fn training(speed: &Speed) -> f64 {
    speed.training
}

fn sampling(speed: &Speed) -> f64 {
    speed.sampling
}

/// Fills in one line for each shape and task.
pub(super) fn speeds(
    table: &mut Table,
    shapes: &[Shape],
    own: &[Own],
    other: Option<&Other>,
    candle: Option<&[Speed]>,
    flops: f64,
) {
    let mut header = vec!["shape", "task", "stp tokens/s", "of the peak", "memory"];
    header.extend(other.iter().flat_map(|_| ["PyTorch tokens/s", "with bf16", "stp / the faster"]));
    header.extend(candle.iter().flat_map(|_| ["candle tokens/s", "stp / candle"]));
    table.set_header(header);
    for (index, (shape, own)) in shapes.iter().zip(own).enumerate() {
        let weights = matrix_weights(shape) as f64;
        for task in [Task::Training, Task::Sampling] {
            let (of, cost, memory) = match task {
                // A multiplication and an addition for each weight, three times as many with the backward pass.
                Task::Training => (training as fn(&Speed) -> f64, 6.0 * weights, own.training_memory),
                Task::Sampling => (sampling as fn(&Speed) -> f64, 2.0 * weights, own.sampling_memory),
            };
            let speed = of(&own.speed);
            let mut row = vec![
                format!("{} ({:.1} M)", shape.name, shape.parameters as f64 / 1e6),
                format!("{task:?}").to_lowercase(),
                format!("{speed:.0}"),
                format!("{:.0} %", 100.0 * speed * cost / flops),
                memory.map_or("–".to_owned(), |bytes| format!("{:.0} MB", bytes as f64 / 1e6)),
            ];
            if let Some(other) = other {
                let (single, half) = (of(&other.shapes[index]), of(&other.half[index]));
                let ratio = speed / single.max(half);
                row.extend([format!("{single:.0}"), format!("{half:.0}"), format!("{ratio:.2}")]);
            }
            if let Some(theirs) = candle.map(|candle| of(&candle[index])) {
                row.extend([format!("{theirs:.0}"), format!("{:.2}", speed / theirs)]);
            }
            table.add_row(row);
        }
    }
}

/// Weights that each token is multiplied with; the table of a tied embedding counts once, as the head.
fn matrix_weights(shape: &Shape) -> usize {
    let head = if shape.config.tied_embeddings { 0 } else { shape.config.vocab_size * shape.config.width };
    shape.parameters - head
}

/// What the figures mean.
pub(super) fn notes(
    device: &Device,
    precision: Precision,
    threads: usize,
    flops: f64,
    other: Option<&Other>,
) -> String {
    let flops = flops / 1e9;
    let numbers = if precision == Precision::Bf16 { "products of bf16" } else { "32 bits" };
    let own = match on_processor(device) {
        true => format!(
            "{threads} threads, {numbers}; peak: f32 products of 1024 x 1024 matrices, one on each core, {flops:.0} GFLOP/s; \
             memory: the peak over the loaded model"
        ),
        false => format!("{device:?}, {numbers}; peak: products of 4096 x 4096 matrices, {flops:.0} GFLOP/s"),
    };
    let mut lines = vec![own];
    if let Some(other) = other {
        lines.push(format!("PyTorch {}: that product at {:.0} GFLOP/s", other.version, other.flops / 1e9));
    }
    lines.join("\n")
}
