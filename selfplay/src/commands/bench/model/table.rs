//! What the benchmark prints.

use comfy_table::Table;

use super::{Other, Own, Shape};
use crate::commands::bench::markdown;

/// One line for each shape and task.
pub(super) fn speeds(shapes: &[Shape], own: &[Own], other: Option<&Other>, flops: f64) -> Table {
    let mut table = markdown();
    table.set_header(["shape", "task", "stp tokens/s", "PyTorch tokens/s", "ratio", "of the peak", "memory"]);
    for (index, (shape, own)) in shapes.iter().zip(own).enumerate() {
        let theirs = other.map(|other| other.shapes[index]);
        let weights = matrix_weights(shape) as f64;
        // A multiplication and an addition for each weight, three times as many with the backward pass.
        let tasks = [
            (
                "training",
                own.speed.training,
                theirs.map(|it| it.training),
                6.0 * weights,
                own.training_memory,
            ),
            (
                "sampling",
                own.speed.sampling,
                theirs.map(|it| it.sampling),
                2.0 * weights,
                own.sampling_memory,
            ),
        ];
        for (task, speed, theirs, cost, memory) in tasks {
            table.add_row([
                format!("{} ({:.1} M)", shape.name, shape.parameters as f64 / 1e6),
                task.to_owned(),
                format!("{speed:.0}"),
                theirs.map_or("–".to_owned(), |theirs| format!("{theirs:.0}")),
                theirs.map_or("–".to_owned(), |theirs| format!("{:.2}", speed / theirs)),
                format!("{:.0} %", 100.0 * speed * cost / flops),
                memory.map_or("–".to_owned(), |bytes| format!("{:.0} MB", bytes as f64 / 1e6)),
            ]);
        }
    }
    table
}

/// Weights that each token is multiplied with; the table of a tied embedding counts once, as the head.
fn matrix_weights(shape: &Shape) -> usize {
    let head = if shape.config.tied_embeddings { 0 } else { shape.config.vocab_size * shape.config.width };
    shape.parameters - head
}

/// What the figures mean.
pub(super) fn notes(threads: usize, flops: f64, other: Option<&Other>) -> String {
    let mut lines = vec![format!(
        "{threads} threads, 32 bits; peak: products of 1024 x 1024 matrices, one on each core, {:.0} GFLOP/s; memory: \
         the peak over the loaded model",
        flops / 1e9
    )];
    if let Some(other) = other {
        lines.push(format!("PyTorch {}: that product at {:.0} GFLOP/s", other.version, other.flops / 1e9));
    }
    lines.join("\n")
}
