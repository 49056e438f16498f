//! Entropic transport: Sinkhorn's scaling with a limit on what a column takes (Benamou et al., "Iterative Bregman
//! projections", 2015; Chizat et al., "Scaling algorithms for unbalanced optimal transport", 2018).
//!
//! Everything is kept as logarithms, and the regularisation is lowered in steps, each starting from the last one's
//! prices. Costs are taken relative to the least one of their statement, which changes no plan, in units of their mean.

use rayon::prelude::*;

use super::{Costs, Weights};

/// The last regularisation, in these units.
const REGULARISATION: f32 = 0.02;
/// Regularisation of the first step, in multiples of the last one's.
const FIRST: f32 = 64.0;
/// Passes at each regularisation but the last, which only have to bring the prices near.
const PASSES: usize = 10;
const MOST_PASSES: usize = 200;
/// Part of the mass that may miss its statement in the end.
const TOLERANCE: f32 = 1e-2;
/// Weights below this come from the regularisation alone.
const LEAST_WEIGHT: f64 = 0.01;

/// Brings the statements' mass, which may be split, to conjectures at nearly the least cost. Each of at most some
/// hundreds of passes reads all pairs three times.
pub fn sinkhorn(costs: &Costs, largest: f64) -> Weights {
    let (rows, columns) = costs.shape();
    let relative = relative(costs);
    let transposed = transposed(&relative);
    let mass = -(rows as f32).ln();
    let limit = (costs.capacity(largest) as f32).ln() + mass;
    let (mut row_price, mut column_price) = (vec![0.0f32; rows], vec![0.0f32; columns]);
    let mut regularisation = REGULARISATION * FIRST;
    loop {
        let is_last = regularisation <= REGULARISATION;
        for _ in 0..if is_last { MOST_PASSES } else { PASSES } {
            update(&relative.values, columns, &column_price, regularisation, &mut row_price, |sum| {
                mass - sum
            });
            update(&transposed, rows, &row_price, regularisation, &mut column_price, |sum| {
                (limit - sum).min(0.0)
            });
            if is_last && missed(&relative, &row_price, &column_price, regularisation) < TOLERANCE {
                break;
            }
        }
        if is_last {
            break;
        }
        regularisation = (regularisation / 2.0).max(REGULARISATION);
    }
    update(&relative.values, columns, &column_price, regularisation, &mut row_price, |sum| mass - sum);
    result(costs, &relative, &row_price, &column_price, regularisation, largest)
}

/// New prices, so that `wanted` (of the logarithm of what would come without them) is what comes; prices and costs are
/// divided by the regularisation.
fn update(
    costs: &[f32],
    width: usize,
    others: &[f32],
    regularisation: f32,
    prices: &mut [f32],
    wanted: impl Fn(f32) -> f32 + Sync,
) {
    prices.par_iter_mut().zip(costs.par_chunks(width)).for_each(|(price, costs)| {
        let exponents = costs.iter().zip(others).map(|(cost, other)| (other - cost) / regularisation);
        let most = exponents.clone().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = exponents.map(|exponent| (exponent - most).exp()).sum();
        *price = regularisation * wanted(most + sum.ln());
    });
}

/// The part of the mass that is at the wrong statement.
fn missed(costs: &Costs, row_price: &[f32], column_price: &[f32], regularisation: f32) -> f32 {
    let mass = (costs.rows as f32).recip();
    let of_row = |(row, price): (usize, &f32)| {
        let terms = costs.row(row).iter().zip(column_price);
        let sum: f32 = terms.map(|(cost, other)| ((price + other - cost) / regularisation).exp()).sum();
        (sum - mass).abs()
    };
    row_price.par_iter().enumerate().map(of_row).sum()
}

fn result(
    costs: &Costs,
    relative: &Costs,
    row_price: &[f32],
    column_price: &[f32],
    regularisation: f32,
    largest: f64,
) -> Weights {
    let mut weights = vec![0.0; costs.columns];
    let mut cost = 0.0;
    for (row, price) in row_price.iter().enumerate() {
        for (column, (pair, of)) in relative.row(row).iter().zip(costs.row(row)).enumerate() {
            let mass = f64::from((price + column_price[column] - pair) / regularisation).exp();
            weights[column] += mass * costs.columns as f64;
            cost += mass * f64::from(*of);
        }
    }
    weights.iter_mut().filter(|weight| **weight < LEAST_WEIGHT).for_each(|weight| *weight = 0.0);
    keep_limit(&mut weights, costs.capacity(largest) as f64 * costs.columns as f64 / costs.rows as f64);
    Weights { weights, cost }
}

/// Hands what is above the limit, within the tolerance of the passes, to the others that take something, in proportion
/// to the room that they have.
fn keep_limit(weights: &mut [f64], limit: f64) {
    let above: f64 = weights.iter().map(|weight| (weight - limit).max(0.0)).sum();
    let room = |weight: f64| if weight > 0.0 { (limit - weight).max(0.0) } else { 0.0 };
    let left: f64 = weights.iter().map(|&weight| room(weight)).sum();
    let share = if left > 0.0 { (above / left).min(1.0) } else { 0.0 };
    weights.iter_mut().for_each(|weight| *weight = weight.min(limit) + share * room(*weight));
}

fn transposed(costs: &Costs) -> Vec<f32> {
    let (rows, columns) = costs.shape();
    let column = |column: usize| (0..rows).map(move |row| costs.values[row * columns + column]);
    (0..columns).into_par_iter().flat_map_iter(column).collect()
}

/// Costs above the least one of their row, 1 on average.
fn relative(costs: &Costs) -> Costs {
    let above = |row: usize| {
        let costs = costs.row(row);
        let least = costs.iter().copied().fold(f32::INFINITY, f32::min);
        costs.iter().map(move |cost| cost - least)
    };
    let mut values: Vec<f32> = (0..costs.rows).into_par_iter().flat_map_iter(above).collect();
    let mean = values.par_iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
    if mean > 0.0 {
        values.par_iter_mut().for_each(|value| *value /= mean as f32);
    }
    Costs { values, ..*costs }
}
