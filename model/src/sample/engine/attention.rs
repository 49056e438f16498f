//! Attention of one token over the pages of its sequence, for the query heads that share a key head.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::pages::{PageId, Pages};
use super::shape::POSITIONS;
use crate::kernels::cpu::exp;

/// The query heads of one token that share a key head, and where that is in a page.
pub(super) struct Query<'a> {
    /// `[heads, head]`.
    pub query: &'a [f32],
    /// Positions that it sees.
    pub seen: usize,
    pub keys: Range<usize>,
    pub values: Range<usize>,
    pub head: usize,
}

/// Writes the weighted mean of the values for each head to `mixed`.
pub(super) fn attend(
    query: Query,
    pages: &[PageId],
    memory: &Pages,
    scores: &mut Vec<f32>,
    mixed: &mut [f32],
) {
    let pages = &pages[..query.seen.div_ceil(POSITIONS)];
    scores.resize(4 * pages.len() * POSITIONS, 0.0);
    let heads = query.query.len() / query.head;
    let mut first = 0;
    while first < heads {
        let count = if heads - first >= 4 { 4 } else { (heads - first).min(2) };
        let part = first * query.head..(first + count) * query.head;
        let task = Task { query: &query, part: part.clone(), count, pages, memory, scores };
        Arch::new().dispatch(task.into_run(&mut mixed[part]));
        first += count;
    }
}

struct Task<'a> {
    query: &'a Query<'a>,
    part: Range<usize>,
    count: usize,
    pages: &'a [PageId],
    memory: &'a Pages,
    scores: &'a mut [f32],
}

impl<'a> Task<'a> {
    fn into_run(self, mixed: &'a mut [f32]) -> Run<'a> {
        Run { task: self, mixed }
    }
}

struct Run<'a> {
    task: Task<'a>,
    mixed: &'a mut [f32],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.task.count {
            4 => self.run::<S, 4>(simd),
            2 => self.run::<S, 2>(simd),
            _ => self.run::<S, 1>(simd),
        }
    }
}

impl Run<'_> {
    #[inline(always)]
    fn run<S: Simd, const HEADS: usize>(self, simd: S) {
        let Self { task: Task { query, part, pages, memory, scores, .. }, mixed } = self;
        let slots = pages.len() * POSITIONS;
        let scores = &mut scores[..HEADS * slots];
        let queries = &query.query[part];
        for (number, &page) in pages.iter().enumerate() {
            let keys = &memory.values(page)[query.keys.clone()];
            for lane in (0..POSITIONS).step_by(S::F32_LANES) {
                let found = products::<S, HEADS>(simd, queries, &keys[lane..], query.head);
                for (h, found) in found.into_iter().enumerate() {
                    let to = &mut scores[h * slots + number * POSITIONS + lane..][..S::F32_LANES];
                    S::as_mut_simd_f32s(to).0[0] = found;
                }
            }
        }
        let scale = (query.head as f32).sqrt().recip();
        for scores in scores.chunks_exact_mut(slots) {
            weigh::<S>(simd, scores, query.seen, scale);
        }
        mix::<S, HEADS>(simd, query, pages, memory, scores, mixed);
    }
}

/// The products of each query with the keys of as many positions as a vector has lanes.
#[inline(always)]
fn products<S: Simd, const HEADS: usize>(
    simd: S,
    queries: &[f32],
    keys: &[f32],
    head: usize,
) -> [S::f32s; HEADS] {
    // Two sums for each, for a sum's next step waits for the last one. Heads have an even size.
    let (mut even, mut odd) = ([simd.splat_f32s(0.0); HEADS], [simd.splat_f32s(0.0); HEADS]);
    for (pair, keys) in keys.chunks(2 * POSITIONS).take(head / 2).enumerate() {
        let first = S::as_simd_f32s(&keys[..S::F32_LANES]).0[0];
        let second = S::as_simd_f32s(&keys[POSITIONS..POSITIONS + S::F32_LANES]).0[0];
        for h in 0..HEADS {
            let query = &queries[h * head + 2 * pair..][..2];
            even[h] = simd.mul_add_f32s(simd.splat_f32s(query[0]), first, even[h]);
            odd[h] = simd.mul_add_f32s(simd.splat_f32s(query[1]), second, odd[h]);
        }
    }
    for h in 0..HEADS {
        even[h] = simd.add_f32s(even[h], odd[h]);
    }
    even
}

/// Scores become weights, those of positions that are not seen 0.
#[inline(always)]
fn weigh<S: Simd>(simd: S, scores: &mut [f32], seen: usize, scale: f32) {
    scores[seen..].fill(f32::NEG_INFINITY);
    let (vectors, _) = S::as_mut_simd_f32s(scores);
    let lowest = simd.splat_f32s(f32::NEG_INFINITY);
    let peak = vectors.iter().fold(lowest, |peak, scores| simd.max_f32s(peak, *scores));
    let peak = simd.reduce_max_f32s(peak) * scale;
    scores.iter_mut().for_each(|score| *score = exp(*score * scale - peak));
    scores[seen..].fill(0.0);
    let (vectors, _) = S::as_mut_simd_f32s(scores);
    let sum = vectors.iter().fold(simd.splat_f32s(0.0), |sum, weights| simd.add_f32s(sum, *weights));
    let inverse = simd.splat_f32s(simd.reduce_sum_f32s(sum).recip());
    vectors.iter_mut().for_each(|weights| *weights = simd.mul_f32s(*weights, inverse));
}

#[inline(always)]
fn mix<S: Simd, const HEADS: usize>(
    simd: S,
    query: &Query,
    pages: &[PageId],
    memory: &Pages,
    weights: &[f32],
    mixed: &mut [f32],
) {
    let (head, lanes) = (query.head, S::F32_LANES);
    let mut start = 0;
    while start < head {
        let vectors = if head - start > lanes { 2 } else { 1 };
        let sums = match vectors {
            2 => sum::<S, HEADS, 2>(simd, query, pages, memory, weights, start),
            _ => sum::<S, HEADS, 1>(simd, query, pages, memory, weights, start).map(|[sum]| [sum; 2]),
        };
        for (sums, mixed) in sums.iter().zip(mixed.chunks_exact_mut(head)) {
            for (sum, mixed) in sums.iter().take(vectors).zip(mixed[start..].chunks_mut(lanes)) {
                simd.partial_store_f32s(mixed, *sum);
            }
        }
        start += vectors * lanes;
    }
}

/// The weighted sum of some components of the values.
#[inline(always)]
fn sum<S: Simd, const HEADS: usize, const VECTORS: usize>(
    simd: S,
    query: &Query,
    pages: &[PageId],
    memory: &Pages,
    weights: &[f32],
    start: usize,
) -> [[S::f32s; VECTORS]; HEADS] {
    let slots = pages.len() * POSITIONS;
    let padded = query.head.next_multiple_of(POSITIONS);
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; HEADS];
    for (number, &page) in pages.iter().enumerate() {
        let values = &memory.values(page)[query.values.clone()];
        let seen = POSITIONS.min(query.seen - number * POSITIONS);
        for (slot, values) in values.chunks_exact(padded).take(seen).enumerate() {
            let (values, _) = S::as_simd_f32s(&values[start..start + VECTORS * S::F32_LANES]);
            for h in 0..HEADS {
                let weight = simd.splat_f32s(weights[h * slots + number * POSITIONS + slot]);
                for v in 0..VECTORS {
                    sums[h][v] = simd.mul_add_f32s(weight, values[v], sums[h][v]);
                }
            }
        }
    }
    sums
}
