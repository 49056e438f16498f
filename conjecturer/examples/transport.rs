//! What re-weighting costs: the transport's cost and time, by method and size.
//!
//! `cargo run --release -p stp-conjecturer --example transport`

use std::time::Instant;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use stp_conjecturer::transport::{Costs, Weights, exact, nearest, sinkhorn};

/// Length of an embedding: the width of the preset `tiny`.
const WIDTH: usize = 192;

fn main() {
    println!(
        "statements × conjectures | costs s | exact | exact, largest weight 1 | Sinkhorn | nearest (cost, seconds)"
    );
    for (rows, columns) in [(100, 30), (500, 100), (1000, 100), (1000, 1000), (2000, 2000), (8000, 2000)] {
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        // Thirty topics, and vectors around them.
        let centres: Vec<Vec<f32>> =
            (0..30).map(|_| (0..WIDTH).map(|_| generator.random::<f32>() - 0.5).collect()).collect();
        let mut vectors = |count: usize, skew: i32| -> Vec<Vec<f32>> {
            (0..count)
                .map(|_| {
                    let topic = (generator.random::<f64>().powi(skew) * 30.0) as usize;
                    centres[topic].iter().map(|at| at + generator.random::<f32>() - 0.5).collect()
                })
                .collect()
        };
        // Conjectures keep to some topics, statements do not.
        let (statements, conjectures) = (vectors(rows, 1), vectors(columns, 3));
        let started = Instant::now();
        let costs = Costs::cosine(&statements, &conjectures);
        print!("{rows} × {columns} | {:.2} |", started.elapsed().as_secs_f64());
        show(|| exact(&costs, 4.0));
        show(|| exact(&costs, 1.0));
        show(|| sinkhorn(&costs, 4.0));
        show(|| nearest(&costs, 4.0));
        println!();
    }
}

fn show(weigh: impl Fn() -> Weights) {
    let started = Instant::now();
    let found = weigh();
    print!(" {:.4} {:.2} s |", found.cost, started.elapsed().as_secs_f64());
}
