//! Products of rows with a matrix of bfloat16 numbers, summed in 32 bits.
//!
//! The matrix is half as large in memory, which is what products of a few rows wait for, and processors with tiles for such
//! numbers ([`Tiles`]) multiply them several times as fast as numbers of 32 bits; all others multiply what they
//! read as 32 bits. As in [`super::matmul`], a row's result never depends on its neighbours.

use std::ops::Range;

use half::bf16;
use pulp::{Arch, Simd, WithSimd};

use super::amx::{COLUMNS, PAIRS, ROWS, Tiles};
use super::matmul::{Into, Matrix};

/// A matrix, rounded. It lies in panels of `COLUMNS` columns, in which the numbers of two rows stand together.
pub(crate) struct Bf16Matrix {
    pairs: Vec<u32>,
    inputs: usize,
    outputs: usize,
}

/// What a product needs beside its matrices; kept from one to the next.
#[derive(Default)]
pub(crate) struct Bf16Scratch {
    left: Vec<u32>,
    tile: Vec<f32>,
}

/// Numbers in a cache line.
const LINE: usize = 16;

/// Pairs of the left matrix that stay in the second cache while the right one goes by: one MiB.
const CACHE: usize = 1 << 18;

/// Rows that are multiplied with a panel at once where there are no tiles.
const BLOCK: usize = 8;

/// Pairs that rows of so many numbers are padded to.
fn padded(inputs: usize) -> usize {
    inputs.div_ceil(2).next_multiple_of(PAIRS)
}

/// The bits of a number that is rounded to the nearest, of two that are equally near to the even one. What is no number
/// stays none.
#[inline(always)]
fn bits(value: f32) -> u32 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    if value.is_nan() { u32::from(bf16::NAN.to_bits()) } else { rounded }
}

#[inline(always)]
fn pair(even: f32, odd: f32) -> u32 {
    bits(even) | bits(odd) << 16
}

impl Bf16Matrix {
    /// Rounds a matrix.
    pub(crate) fn new(matrix: Matrix) -> Self {
        let Matrix { data, rows: inputs, cols: outputs, row_stride, col_stride } = matrix;
        debug_assert!(row_stride == 1 || col_stride == 1);
        let (depth, panels) = (padded(inputs), outputs.div_ceil(COLUMNS));
        let mut pairs = vec![0; panels * depth * COLUMNS];
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for (panel, pairs) in pairs.chunks_exact_mut(depth * COLUMNS).enumerate() {
                    let first = panel * COLUMNS;
                    let width = COLUMNS.min(outputs - first);
                    let part = Matrix { data: &data[first * col_stride..], cols: width, ..matrix };
                    if row_stride == 1 { columns(part, pairs) } else { rows(part, pairs) }
                }
            },
        );
        Self { pairs, inputs, outputs }
    }

    /// `out = left * self`, or added to it, row after row.
    pub(crate) fn multiply(&self, left: Matrix, out: &mut [f32], into: Into, scratch: &mut Bf16Scratch) {
        debug_assert_eq!((left.cols, out.len()), (self.inputs, left.rows * self.outputs));
        let depth = padded(self.inputs);
        pack(left, depth, &mut scratch.left);
        let product = Product { rows: left.rows, depth, outputs: self.outputs, right: &self.pairs, into };
        match Tiles::new() {
            Some(tiles) => product.by_tiles(&tiles, &scratch.left, &mut scratch.tile, out),
            None => product.portable(&scratch.left, &mut scratch.tile, out),
        }
    }
}

/// Fills a panel from a matrix whose rows are contiguous.
#[inline(always)]
fn rows(matrix: Matrix, panel: &mut [u32]) {
    let row = |input: usize| &matrix.data[input * matrix.row_stride..][..matrix.cols];
    for (number, to) in panel.chunks_exact_mut(COLUMNS).take(matrix.rows.div_ceil(2)).enumerate() {
        let even = row(2 * number);
        if 2 * number + 1 < matrix.rows {
            let values = even.iter().zip(row(2 * number + 1));
            to.iter_mut().zip(values).for_each(|(to, (even, odd))| *to = pair(*even, *odd));
        } else {
            to.iter_mut().zip(even).for_each(|(to, even)| *to = bits(*even));
        }
    }
}

/// Fills a panel from a matrix whose columns are contiguous, of which a cache line is read at a time.
#[inline(always)]
fn columns(matrix: Matrix, panel: &mut [u32]) {
    for (first, panel) in (0..matrix.rows).step_by(LINE).zip(panel.chunks_mut(LINE / 2 * COLUMNS)) {
        let count = LINE.min(matrix.rows - first);
        for col in 0..matrix.cols {
            let (values, last) = matrix.data[col * matrix.col_stride + first..][..count].as_chunks::<2>();
            let mut to = panel[col..].iter_mut().step_by(COLUMNS);
            for ([even, odd], to) in values.iter().zip(&mut to) {
                *to = pair(*even, *odd);
            }
            last.iter().zip(to).for_each(|(last, to)| *to = bits(*last));
        }
    }
}

/// Rounds rows, and brings them into the order in which tiles read them: of `ROWS` rows first the `PAIRS` pairs that stand
/// first in each, then the next ones. What is missing in either direction is filled up with zeros.
fn pack(left: Matrix, depth: usize, packed: &mut Vec<u32>) {
    debug_assert!(left.row_stride == 1 || left.col_stride == 1);
    packed.resize(left.rows.next_multiple_of(ROWS) * depth, 0);
    let together = if left.col_stride == 1 { 1 } else { STRIPS };
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (group, strips) in packed.chunks_mut(together * ROWS * depth).enumerate() {
                for step in 0..depth / PAIRS {
                    for (number, strip) in strips.chunks_exact_mut(ROWS * depth).enumerate() {
                        let first = (group * together + number) * ROWS;
                        let rows = first..(first + ROWS).min(left.rows);
                        let tile = &mut strip[step * ROWS * PAIRS..][..ROWS * PAIRS];
                        if left.col_stride == 1 {
                            pack_rows(left, rows, step, tile);
                        } else {
                            pack_columns(left, rows, step, tile);
                        }
                    }
                }
            }
        },
    );
}

/// Groups of `ROWS` rows that are packed side by side where the columns lie in one piece: the next column may be many pages
/// away.
const STRIPS: usize = 8;

/// Numbers of a row in a tile.
const WIDTH: usize = 2 * PAIRS;

#[inline(always)]
fn pack_rows(left: Matrix, rows: Range<usize>, step: usize, tile: &mut [u32]) {
    let numbers = (step * WIDTH).min(left.cols)..((step + 1) * WIDTH).min(left.cols);
    tile[rows.len() * PAIRS..].fill(0);
    for (row, to) in rows.zip(tile.chunks_exact_mut(PAIRS)) {
        let values = &left.data[row * left.row_stride..][numbers.clone()];
        let mut whole = [0.0; WIDTH];
        let values = values.try_into().unwrap_or_else(|_| {
            whole[..values.len()].copy_from_slice(values);
            &whole
        });
        let (values, _) = values.as_chunks::<2>();
        to.iter_mut().zip(values).for_each(|(to, [even, odd])| *to = pair(*even, *odd));
    }
}

/// The same for rows whose numbers are far apart: one number of all rows at a time.
#[inline(always)]
fn pack_columns(left: Matrix, rows: Range<usize>, step: usize, tile: &mut [u32]) {
    let column = |number: usize| {
        let mut values = [0.0; ROWS];
        if number < left.cols {
            let from = &left.data[number * left.col_stride..][rows.clone()];
            values[..from.len()].copy_from_slice(from);
        }
        values
    };
    for number in 0..PAIRS {
        let (even, odd) = (column(step * WIDTH + 2 * number), column(step * WIDTH + 2 * number + 1));
        let pairs: [u32; ROWS] = std::array::from_fn(|row| pair(even[row], odd[row]));
        tile[number..].iter_mut().step_by(PAIRS).zip(pairs).for_each(|(to, pair)| *to = pair);
    }
}

/// A product of packed matrices.
#[derive(Clone, Copy)]
struct Product<'a> {
    rows: usize,
    /// Pairs in a row of the left matrix.
    depth: usize,
    outputs: usize,
    right: &'a [u32],
    into: Into,
}

impl Product<'_> {
    fn by_tiles(self, tiles: &Tiles, left: &[u32], tile: &mut Vec<f32>, out: &mut [f32]) {
        tile.resize(ROWS * COLUMNS, 0.0);
        let strip = ROWS * self.depth;
        let at_once = (CACHE / strip).max(1);
        for (group, left) in left.chunks(at_once * strip).enumerate() {
            for (panel, right) in self.right.chunks_exact(self.depth * COLUMNS).enumerate() {
                for (number, left) in left.chunks_exact(strip).enumerate() {
                    let (row, column) = ((group * at_once + number) * ROWS, panel * COLUMNS);
                    let is_whole = row + ROWS <= self.rows && column + COLUMNS <= self.outputs;
                    if is_whole && self.into == Into::Set {
                        let out = &mut out[row * self.outputs + column..];
                        tiles.product(left, right, self.depth, out, self.outputs);
                    } else {
                        tiles.product(left, right, self.depth, tile, COLUMNS);
                        self.store(tile, row, panel, out);
                    }
                }
            }
        }
    }

    fn portable(self, left: &[u32], tile: &mut Vec<f32>, out: &mut [f32]) {
        tile.resize(BLOCK * COLUMNS, 0.0);
        for (panel, right) in self.right.chunks_exact(self.depth * COLUMNS).enumerate() {
            for (strip, left) in left.chunks_exact(ROWS * self.depth).enumerate() {
                let count = ROWS.min(self.rows - strip * ROWS);
                for first in (0..count).step_by(BLOCK) {
                    let rows = BLOCK.min(count - first);
                    let left = &left[first * PAIRS..];
                    Arch::new().dispatch(Block { left, rows, panel: right, tile });
                    self.store(&tile[..rows * COLUMNS], strip * ROWS + first, panel, out);
                }
            }
        }
    }

    /// Brings the results of some rows and of a panel to their place; what is only padding is left out.
    fn store(self, tile: &[f32], first_row: usize, panel: usize, out: &mut [f32]) {
        let column = panel * COLUMNS;
        let width = COLUMNS.min(self.outputs - column);
        let rows = out.chunks_exact_mut(self.outputs).skip(first_row);
        for (to, from) in rows.zip(tile.chunks_exact(COLUMNS)) {
            let to = &mut to[column..column + width];
            match self.into {
                Into::Set => to.copy_from_slice(&from[..width]),
                Into::Add => to.iter_mut().zip(from).for_each(|(to, from)| *to += from),
            }
        }
    }
}

/// Some rows with a panel, in numbers of 32 bits.
struct Block<'a> {
    /// From the first of the rows on, in the order of tiles.
    left: &'a [u32],
    rows: usize,
    panel: &'a [u32],
    tile: &'a mut [f32],
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many rows and vectors as there are registers for the sums.
        match S::F32_LANES {
            16 => self.rows::<S, 8, 2>(simd),
            8 => self.rows::<S, 2, 4>(simd),
            4 => self.rows::<S, 2, 8>(simd),
            _ => self.rows::<S, 1, COLUMNS>(simd),
        }
    }
}

impl Block<'_> {
    #[inline(always)]
    fn rows<S: Simd, const AT_ONCE: usize, const VECTORS: usize>(self, simd: S) {
        let Self { left, rows, panel, tile } = self;
        let whole = rows / AT_ONCE * AT_ONCE;
        for row in (0..whole).step_by(AT_ONCE) {
            block::<S, AT_ONCE, VECTORS>(simd, &left[row * PAIRS..], panel, &mut tile[row * COLUMNS..]);
        }
        for row in whole..rows {
            block::<S, 1, VECTORS>(simd, &left[row * PAIRS..], panel, &mut tile[row * COLUMNS..]);
        }
    }
}

#[inline(always)]
fn block<S: Simd, const AT_ONCE: usize, const VECTORS: usize>(
    simd: S,
    left: &[u32],
    panel: &[u32],
    tile: &mut [f32],
) {
    let (upper, shift) = (simd.splat_u32s(0xffff_0000), simd.splat_u32s(16));
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; AT_ONCE];
    for (left, panel) in left.chunks(ROWS * PAIRS).zip(panel.chunks_exact(PAIRS * COLUMNS)) {
        let left: [&[u32; PAIRS]; AT_ONCE] = std::array::from_fn(|row| &left.as_chunks().0[row]);
        for (pair, right) in panel.chunks_exact(COLUMNS).enumerate() {
            let (right, _) = S::as_simd_u32s(right);
            let factors: [_; AT_ONCE] = std::array::from_fn(|row| {
                let pair = left[row][pair];
                [pair << 16, pair & 0xffff_0000].map(|bits| simd.splat_f32s(f32::from_bits(bits)))
            });
            for v in 0..VECTORS {
                let even = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(right[v], shift));
                let odd = simd.transmute_f32s_u32s(simd.and_u32s(right[v], upper));
                for r in 0..AT_ONCE {
                    let sum = simd.mul_add_f32s(factors[r][0], even, sums[r][v]);
                    sums[r][v] = simd.mul_add_f32s(factors[r][1], odd, sum);
                }
            }
        }
    }
    for (sums, row) in sums.iter().zip(tile.chunks_exact_mut(COLUMNS)) {
        let (row, _) = S::as_mut_simd_f32s(row);
        row.iter_mut().zip(sums).for_each(|(value, sum)| *value = *sum);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 101 + i * i) % 23) as f32 / 7.0 - 1.3).collect()
    }

    fn rounded(value: f32) -> f64 {
        f64::from(bf16::from_f32(value).to_f32())
    }

    /// The product as the machine computes it, and as any machine does.
    fn both(left: Matrix, right: &Bf16Matrix, before: &[f32], into: Into) -> [Vec<f32>; 2] {
        let mut scratch = Bf16Scratch::default();
        let mut out = [before.to_vec(), before.to_vec()];
        right.multiply(left, &mut out[0], into, &mut scratch);
        let depth = padded(right.inputs);
        pack(left, depth, &mut scratch.left);
        let product = Product { rows: left.rows, depth, outputs: right.outputs, right: &right.pairs, into };
        product.portable(&scratch.left, &mut scratch.tile, &mut out[1]);
        out
    }

    #[test]
    fn numbers_are_rounded_as_everywhere() {
        for bits_of in (0..=u32::MAX).step_by(65_521).chain([0x3f80_8000, 0x3f81_8000, 0x7f7f_ffff]) {
            let value = f32::from_bits(bits_of);
            let (own, other) = (bf16::from_bits(bits(value) as u16), bf16::from_f32(value));
            assert!(own == other || own.is_nan() && other.is_nan(), "{value}: {own} {other}");
        }
    }

    proptest! {
        #[test]
        fn it_is_the_product_of_the_rounded_numbers(
            m in 0usize..70, n in 1usize..100, k in 1usize..150, turned: bool, left_turned: bool, add: bool
        ) {
            let (a, b, before) = (numbers(m * k, 1), numbers(k * n, 2), numbers(m * n, 3));
            let right = if turned { Matrix::dense(&b, n, k).transposed() } else { Matrix::dense(&b, k, n) };
            let into = if add { Into::Add } else { Into::Set };
            let left = if left_turned { Matrix::dense(&a, k, m).transposed() } else { Matrix::dense(&a, m, k) };
            for out in both(left, &Bf16Matrix::new(right), &before, into) {
                for r in 0..m {
                    for c in 0..n {
                        let right = |i: usize| if turned { b[c * k + i] } else { b[i * n + c] };
                        let left = |i: usize| if left_turned { a[i * m + r] } else { a[r * k + i] };
                        let sum: f64 = (0..k).map(|i| rounded(left(i)) * rounded(right(i))).sum();
                        let expected = sum + if add { f64::from(before[r * n + c]) } else { 0.0 };
                        let found = f64::from(out[r * n + c]);
                        prop_assert!((found - expected).abs() < 1e-3 * (1.0 + expected.abs()), "{found} {expected}");
                    }
                }
            }
        }

        #[test]
        fn a_row_does_not_depend_on_its_neighbours(m in 2usize..70, n in 1usize..70, k in 1usize..80) {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            let right = Bf16Matrix::new(Matrix::dense(&b, k, n));
            let all = both(Matrix::dense(&a, m, k), &right, &vec![0.0; m * n], Into::Set);
            for r in 0..m {
                let row = Matrix::dense(&a[r * k..(r + 1) * k], 1, k);
                let one = both(row, &right, &vec![0.0; n], Into::Set);
                for (one, all) in one.iter().zip(&all) {
                    prop_assert_eq!(one, &all[r * n..(r + 1) * n]);
                }
            }
        }
    }
}
