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

/// Pairs of the left matrix that stay in the second cache while the right one goes by: one MiB.
const CACHE: usize = 1 << 18;

/// Pairs of a row that are summed at once, so that many rows stay in that cache.
const DEPTH: usize = 1024;

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
        let packed = pack(left, depth, &mut scratch.left);
        let product = Product { rows: left.rows, depth, outputs: self.outputs, right: &self.pairs, into };
        match Tiles::new() {
            Some(tiles) => product.by_tiles(&tiles, packed, &mut scratch.tile, out),
            None => product.portable(packed, &mut scratch.tile, out),
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

/// Fills a panel from a matrix whose columns are contiguous.
#[inline(always)]
fn columns(matrix: Matrix, panel: &mut [u32]) {
    for (step, panel) in panel.chunks_exact_mut(PAIRS * COLUMNS).enumerate() {
        let numbers = (step * WIDTH).min(matrix.rows)..((step + 1) * WIDTH).min(matrix.rows);
        let mut columns = [[0; PAIRS]; COLUMNS];
        for (col, pairs) in columns[..matrix.cols].iter_mut().enumerate() {
            *pairs = pairs_of(&matrix.data[col * matrix.col_stride..][numbers.clone()]);
        }
        let (panel, _) = panel.as_chunks_mut::<COLUMNS>();
        for (number, to) in panel.iter_mut().enumerate() {
            *to = std::array::from_fn(|col| columns[col][number]);
        }
    }
}

/// The first `WIDTH` numbers, two and two; what is missing is zero.
#[inline(always)]
fn pairs_of(values: &[f32]) -> [u32; PAIRS] {
    let whole = whole::<WIDTH>(values);
    std::array::from_fn(|number| pair(whole[2 * number], whole[2 * number + 1]))
}

/// The first `N` numbers; what is missing is zero.
#[inline(always)]
fn whole<const N: usize>(values: &[f32]) -> [f32; N] {
    values.first_chunk().copied().unwrap_or_else(|| {
        let mut whole = [0.0; N];
        whole[..values.len()].copy_from_slice(values);
        whole
    })
}

/// Rounds rows, and brings them into the order in which tiles read them: of `ROWS` rows first the `PAIRS` pairs that stand
/// first in each, then the next ones. What is missing in either direction is filled up with zeros.
fn pack<'a>(left: Matrix, depth: usize, packed: &'a mut Vec<u32>) -> &'a [u32] {
    debug_assert!(left.row_stride == 1 || left.col_stride == 1);
    let length = left.rows.next_multiple_of(ROWS) * depth;
    // All of it is written below, so what was there before need not be cleared.
    packed.resize(length.max(packed.len()), 0);
    let packed = &mut packed[..length];
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
    packed
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
    let (tile, _) = tile.as_chunks_mut::<PAIRS>();
    for (row, to) in rows.zip(tile) {
        *to = pairs_of(&left.data[row * left.row_stride..][numbers.clone()]);
    }
}

/// The same for rows whose numbers are far apart: one number of all rows at a time.
#[inline(always)]
fn pack_columns(left: Matrix, rows: Range<usize>, step: usize, tile: &mut [u32]) {
    let column = |number: usize| {
        let values =
            if number < left.cols { &left.data[number * left.col_stride..][rows.clone()] } else { &[] };
        whole::<ROWS>(values)
    };
    let pairs: [[u32; ROWS]; PAIRS] = std::array::from_fn(|number| {
        let (even, odd) = (column(step * WIDTH + 2 * number), column(step * WIDTH + 2 * number + 1));
        std::array::from_fn(|row| pair(even[row], odd[row]))
    });
    let (tile, _) = tile.as_chunks_mut::<PAIRS>();
    for (row, to) in tile.iter_mut().enumerate() {
        *to = std::array::from_fn(|number| pairs[number][row]);
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
        let at_once = (CACHE / (ROWS * self.depth.min(DEPTH))).max(1);
        for (group, left) in left.chunks(at_once * strip).enumerate() {
            for first in (0..self.depth).step_by(DEPTH) {
                let pairs = first..(first + DEPTH).min(self.depth);
                let part = Self { into: if first == 0 { self.into } else { Into::Add }, ..self };
                part.strips(tiles, left, group * at_once * ROWS, pairs, tile, out);
            }
        }
    }

    /// Some strips of rows, the first of which is `first_row`, by all panels; of the inner dimension these pairs.
    fn strips(
        self,
        tiles: &Tiles,
        left: &[u32],
        first_row: usize,
        pairs: Range<usize>,
        tile: &mut [f32],
        out: &mut [f32],
    ) {
        let part = |rows: usize| pairs.start * rows..pairs.end * rows;
        for (panel, right) in self.right.chunks_exact(self.depth * COLUMNS).enumerate() {
            let right = &right[part(COLUMNS)];
            for (number, left) in left.chunks_exact(ROWS * self.depth).enumerate() {
                let left = &left[part(ROWS)];
                let (row, column) = (first_row + number * ROWS, panel * COLUMNS);
                let is_whole = row + ROWS <= self.rows && column + COLUMNS <= self.outputs;
                if is_whole && self.into == Into::Set {
                    let out = &mut out[row * self.outputs + column..];
                    tiles.product(left, right, pairs.len(), out, self.outputs);
                } else {
                    tiles.product(left, right, pairs.len(), tile, COLUMNS);
                    self.store(tile, row, panel, out);
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
mod tests;
