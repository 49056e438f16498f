//! Re-weighting of conjectures by transport to the unproved statements (paper, section 3.3).
//!
//! Every unproved statement hands the same mass to conjectures that are near it, so the weights follow what is still to
//! be proved rather than what the conjecturer happens to write. How much one conjecture may take is limited: with `n`
//! statements and `m` conjectures, each statement's mass is `m / n`, and a conjecture takes the mass of at most
//! `⌈largest · n / m⌉` statements. Without the limit the cheapest transport would give all mass to few conjectures.
//!
//! The paper's code takes the statements one after the other, each to its nearest conjecture that is not full
//! ([`nearest`]). [`exact`] finds the cheapest of all such assignments, [`sinkhorn`] one that is nearly as cheap, of
//! masses that may be split, in a time that grows with the number of pairs alone.

mod exact;
mod nearest;
mod sinkhorn;

pub use exact::exact;
pub use nearest::nearest;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
pub use sinkhorn::sinkhorn;

/// How weights are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Exact for small sets, Sinkhorn for large ones.
    #[default]
    Auto,
    /// The cheapest assignment.
    Exact,
    /// Entropic transport.
    Sinkhorn,
    /// One statement after the other, as in the paper's code.
    Nearest,
}

/// What it costs to bring a unit of mass from each statement (row) to each conjecture (column).
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
}

impl Costs {
    /// Costs in the order of rows; `None` unless there are `rows · columns` of them.
    pub fn new(rows: usize, columns: usize, values: Vec<f32>) -> Option<Self> {
        (values.len() == rows * columns).then_some(Self { rows, columns, values })
    }

    /// 1 − cosine of the angle between vectors: 0 for the same direction, 2 for the opposite one. A vector of zeros is
    /// at 1 from all others.
    pub fn cosine(statements: &[Vec<f32>], conjectures: &[Vec<f32>]) -> Self {
        let [statements, conjectures] =
            [statements, conjectures].map(|all| all.iter().map(|vector| unit(vector)).collect::<Vec<_>>());
        let row = |statement: &Vec<f32>| -> Vec<f32> {
            conjectures.iter().map(|conjecture| 1.0 - dot(statement, conjecture)).collect()
        };
        let values = statements.par_iter().flat_map_iter(row).collect();
        Self { rows: statements.len(), columns: conjectures.len(), values }
    }

    /// Statements and conjectures.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// The costs in the order of rows.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// How many statements' mass one conjecture may take at that largest weight.
    pub fn capacity(&self, largest: f64) -> usize {
        let fair = self.rows as f64 / self.columns.max(1) as f64;
        // Room for all must be left after rounding.
        ((largest * fair).ceil() as usize).max(self.rows.div_ceil(self.columns.max(1))).max(1)
    }

    fn transport(&self, assigned: &[usize]) -> Weights {
        let mut counts = vec![0.0; self.columns];
        let mut cost = 0.0;
        for (row, &column) in assigned.iter().enumerate() {
            counts[column] += 1.0;
            cost += f64::from(self.row(row)[column]);
        }
        let scale = self.columns as f64 / self.rows.max(1) as f64;
        Weights {
            weights: counts.into_iter().map(|count: f64| count * scale).collect(),
            cost: cost / self.rows.max(1) as f64,
        }
    }
}

fn unit(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter().map(|value| if length > 0.0 { value / length } else { 0.0 }).collect()
}

/// In eight sums side by side, as a processor adds.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a_parts, b_parts) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_parts.remainder().iter().zip(b_parts.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_parts.zip(b_parts) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    rest + sums.iter().sum::<f32>()
}

/// What transport makes of the conjectures.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// One for each conjecture, 1 on average; 0 for those that no statement is brought to.
    pub weights: Vec<f64>,
    /// Mean cost of a unit of mass.
    pub cost: f64,
}

/// The weights of conjectures (columns) by that method; all 1 where there is nothing to match with.
///
/// `Auto` is exact for at most `exact_pairs` pairs.
pub fn weigh(costs: &Costs, method: Transport, largest: f64, exact_pairs: usize) -> Weights {
    if costs.rows == 0 || costs.columns == 0 {
        return Weights { weights: vec![1.0; costs.columns], cost: 0.0 };
    }
    match method {
        Transport::Auto if costs.values.len() <= exact_pairs => exact(costs, largest),
        Transport::Exact => exact(costs, largest),
        Transport::Auto | Transport::Sinkhorn => sinkhorn(costs, largest),
        Transport::Nearest => nearest(costs, largest),
    }
}

#[cfg(test)]
mod tests;
