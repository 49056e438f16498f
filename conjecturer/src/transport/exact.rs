//! The cheapest assignment, by shortest augmenting paths (the Hungarian method with columns that take several rows).

use super::{Costs, Weights};

/// Brings each statement whole to one conjecture so that the sum of costs is least. Takes up to rows² · columns steps;
/// as long as few conjectures are full, hardly more than rows · columns.
pub fn exact(costs: &Costs, largest: f64) -> Weights {
    let mut matching = Matching {
        costs,
        capacity: costs.capacity(largest),
        assigned: vec![usize::MAX; costs.rows],
        taken: vec![Vec::new(); costs.columns],
        row_price: vec![0.0; costs.rows],
        column_price: vec![0.0; costs.columns],
    };
    for row in 0..costs.rows {
        matching.add(row);
    }
    costs.transport(&matching.assigned)
}

struct Matching<'a> {
    costs: &'a Costs,
    capacity: usize,
    /// The column of each row.
    assigned: Vec<usize>,
    /// The rows of each column.
    taken: Vec<Vec<usize>>,
    /// Dual variables: no pair costs less than its prices' sum, and assigned pairs cost just that.
    row_price: Vec<f64>,
    column_price: Vec<f64>,
}

impl Matching<'_> {
    /// Assigns one more row along the shortest path to a column with room (Dijkstra over columns).
    fn add(&mut self, row: usize) {
        let columns = self.costs.columns;
        let mut distance = vec![f64::INFINITY; columns];
        let mut before = vec![usize::MAX; columns];
        let mut settled: Vec<(usize, f64)> = Vec::new();
        let mut is_settled = vec![false; columns];
        let mut reached = vec![(row, 0.0)];
        let mut frontier = vec![(row, 0.0)];
        let (end, length) = loop {
            for (from, so_far) in frontier.drain(..) {
                for (column, cost) in self.costs.row(from).iter().enumerate() {
                    let step = f64::from(*cost) - self.row_price[from] - self.column_price[column];
                    if !is_settled[column] && so_far + step < distance[column] {
                        distance[column] = so_far + step;
                        before[column] = from;
                    }
                }
            }
            let open = (0..columns).filter(|&column| !is_settled[column]);
            let Some(next) = open.min_by(|&a, &b| distance[a].total_cmp(&distance[b])) else { return };
            if self.taken[next].len() < self.capacity {
                break (next, distance[next]);
            }
            is_settled[next] = true;
            settled.push((next, distance[next]));
            frontier.extend(self.taken[next].iter().map(|&from| (from, distance[next])));
            reached.extend_from_slice(&frontier);
        };
        for (from, at) in reached {
            self.row_price[from] += length - at;
        }
        for (column, at) in settled {
            self.column_price[column] += at - length;
        }
        self.augment(row, end, &before);
    }

    fn augment(&mut self, row: usize, end: usize, before: &[usize]) {
        let mut column = end;
        loop {
            let mover = before[column];
            let left = std::mem::replace(&mut self.assigned[mover], column);
            self.taken[column].push(mover);
            if mover == row {
                return;
            }
            self.taken[left].retain(|&other| other != mover);
            column = left;
        }
    }
}
