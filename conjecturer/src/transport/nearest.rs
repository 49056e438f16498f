//! One statement after the other.

use super::{Costs, Weights};

/// Brings each statement, in the order of rows, to the nearest conjecture that is not full. Needs time proportional to
/// the number of pairs, and finds no more than an upper bound of the least cost: the caller shuffles the rows.
pub fn nearest(costs: &Costs, largest: f64) -> Weights {
    let capacity = costs.capacity(largest);
    let mut load = vec![0; costs.columns];
    let assigned: Vec<usize> = (0..costs.rows)
        .map(|row| {
            let free = costs.row(row).iter().enumerate().filter(|(column, _)| load[*column] < capacity);
            let column = free.min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(column, _)| column);
            load[column] += 1;
            column
        })
        .collect();
    costs.transport(&assigned)
}
