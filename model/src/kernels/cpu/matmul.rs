//! Products of a few rows with a matrix, where the rows are too few for a general library to be at its best.
//!
//! The right matrix is read where it lies, so weights exist once. Every element of the result is one sum in the order
//! of the inner dimension, whatever else is computed beside it: a row's result never depends on its neighbours.

use pulp::{Arch, Simd, WithSimd};

/// A matrix inside a slice.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub data: &'a [f32],
    pub rows: usize,
    pub cols: usize,
    /// Distance of neighbours in a column.
    pub row_stride: usize,
    /// Distance of neighbours in a row.
    pub col_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows one after the other.
    pub(crate) fn dense(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self { data, rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// Rows of a wider matrix.
    pub(crate) fn strided(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        Self { data, rows, cols, row_stride, col_stride: 1 }
    }

    /// Columns as rows.
    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }
}

/// What becomes of the values that were in the result before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Into {
    /// They are replaced.
    Set,
    /// The product is added to them.
    Add,
}

/// Rows that stay together while they are multiplied, and the buffer that they are copied to for it.
#[derive(Default)]
pub(crate) struct Scratch(Vec<f32>);

/// Columns of the inner dimension read at a time: such a part of a panel stays in the second-level cache.
const DEPTH: usize = 1024;

/// `out = left * right`, or added to it; the rows of `right` and of `out` are contiguous, `out_stride` apart in `out`.
pub(crate) fn matmul(
    left: Matrix,
    right: Matrix,
    out: &mut [f32],
    out_stride: usize,
    into: Into,
    scratch: &mut Scratch,
) {
    debug_assert_eq!((left.cols, right.col_stride), (right.rows, 1));
    if left.rows == 0 || right.cols == 0 {
        return;
    }
    let mut into = into;
    for start in (0..left.cols).step_by(DEPTH) {
        let depth = DEPTH.min(left.cols - start);
        let left = Matrix { data: &left.data[start * left.col_stride..], cols: depth, ..left };
        let right = Matrix { data: &right.data[start * right.row_stride..], rows: depth, ..right };
        Arch::new().dispatch(Product { left, right, out: &mut *out, out_stride, into, scratch });
        into = Into::Add;
    }
}

struct Product<'a> {
    left: Matrix<'a>,
    right: Matrix<'a>,
    out: &'a mut [f32],
    out_stride: usize,
    into: Into,
    scratch: &'a mut Scratch,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as registers hold, and a few registers for what is read.
        if S::F32_LANES >= 16 { self.run::<S, 8>(simd) } else { self.run::<S, 4>(simd) }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(self, simd: S) {
        let Self { left, right, out, out_stride, into, scratch } = self;
        let (depth, lanes) = (left.cols, S::F32_LANES);
        pack::<ROWS>(left, &mut scratch.0);
        let mut col = 0;
        while col < right.cols {
            let vectors = ((right.cols - col) / lanes).min(3);
            let width = if vectors == 0 { right.cols - col } else { vectors * lanes };
            let panel = Panel { data: &right.data[col..], stride: right.row_stride, width };
            let mut packed = scratch.0.as_slice();
            let mut row = 0;
            while row < left.rows {
                let rows = block(left.rows - row, ROWS);
                let (rows_packed, rest) = packed.split_at(rows * depth);
                let target = Target { data: &mut out[row * out_stride + col..], stride: out_stride, into };
                match rows {
                    8 => tiles::<S, 8>(simd, rows_packed, panel, target, vectors),
                    4 => tiles::<S, 4>(simd, rows_packed, panel, target, vectors),
                    2 => tiles::<S, 2>(simd, rows_packed, panel, target, vectors),
                    _ => tiles::<S, 1>(simd, rows_packed, panel, target, vectors),
                }
                (packed, row) = (rest, row + rows);
            }
            col += width;
        }
    }
}

/// How many of the remaining rows are multiplied together.
#[inline(always)]
fn block(remaining: usize, most: usize) -> usize {
    [8, 4, 2, 1].into_iter().find(|&rows| rows <= most && rows <= remaining).unwrap_or(1)
}

/// Copies blocks of rows so that the elements of a column lie together.
#[inline(always)]
fn pack<const ROWS: usize>(left: Matrix, packed: &mut Vec<f32>) {
    packed.resize(left.rows * left.cols, 0.0);
    let (mut row, mut rest) = (0, packed.as_mut_slice());
    while row < left.rows {
        let rows = block(left.rows - row, ROWS);
        let (target, after) = rest.split_at_mut(rows * left.cols);
        for r in 0..rows {
            let source = left.data[(row + r) * left.row_stride..].iter().step_by(left.col_stride);
            target[r..].iter_mut().step_by(rows).zip(source).for_each(|(to, from)| *to = *from);
        }
        (rest, row) = (after, row + rows);
    }
}

/// Some columns of the right matrix.
#[derive(Clone, Copy)]
struct Panel<'a> {
    data: &'a [f32],
    stride: usize,
    width: usize,
}

/// The part of the result that a tile fills.
struct Target<'a> {
    data: &'a mut [f32],
    stride: usize,
    into: Into,
}

#[inline(always)]
fn tiles<S: Simd, const ROWS: usize>(simd: S, left: &[f32], right: Panel, out: Target, vectors: usize) {
    match vectors {
        3 => tile::<S, ROWS, 3>(simd, left, right, out),
        2 => tile::<S, ROWS, 2>(simd, left, right, out),
        1 => tile::<S, ROWS, 1>(simd, left, right, out),
        _ => narrow_tile::<S, ROWS>(simd, left, right, out),
    }
}

#[inline(always)]
fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(simd: S, left: &[f32], right: Panel, out: Target) {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    let (left, _) = left.as_chunks::<ROWS>();
    for (left, right_row) in left.iter().zip(right.data.chunks(right.stride)) {
        let (values, _) = S::as_simd_f32s(&right_row[..VECTORS * S::F32_LANES]);
        for r in 0..ROWS {
            let factor = simd.splat_f32s(left[r]);
            for v in 0..VECTORS {
                sums[r][v] = simd.mul_add_f32s(factor, values[v], sums[r][v]);
            }
        }
    }
    for (sums, row) in sums.iter().zip(out.data.chunks_mut(out.stride)) {
        let (row, _) = S::as_mut_simd_f32s(&mut row[..VECTORS * S::F32_LANES]);
        for (sum, value) in sums.iter().zip(row) {
            *value = if out.into == Into::Add { simd.add_f32s(*value, *sum) } else { *sum };
        }
    }
}

/// Fewer columns than a vector has.
#[inline(always)]
fn narrow_tile<S: Simd, const ROWS: usize>(simd: S, left: &[f32], right: Panel, out: Target) {
    let width = right.width;
    let mut sums = [simd.splat_f32s(0.0); ROWS];
    let (left, _) = left.as_chunks::<ROWS>();
    for (left, right_row) in left.iter().zip(right.data.chunks(right.stride)) {
        let values = simd.partial_load_f32s(&right_row[..width]);
        for r in 0..ROWS {
            sums[r] = simd.mul_add_f32s(simd.splat_f32s(left[r]), values, sums[r]);
        }
    }
    for (sum, row) in sums.iter().zip(out.data.chunks_mut(out.stride)) {
        let row = &mut row[..width];
        let before = simd.partial_load_f32s(row);
        let value = if out.into == Into::Add { simd.add_f32s(before, *sum) } else { *sum };
        simd.partial_store_f32s(row, value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 101 + i * i) % 23) as f32 / 8.0 - 1.3).collect()
    }

    proptest! {
        #[test]
        fn it_is_the_product(
            m in 0usize..21, n in 0usize..120, k in prop_oneof![1usize..40, Just(1300usize)], turned: bool, add: bool
        ) {
            let (a, b, before) = (numbers(m * k, 1), numbers(k * (n + 3), 2), numbers(m * (n + 2), 3));
            let left = if turned { Matrix::dense(&a, k, m).transposed() } else { Matrix::dense(&a, m, k) };
            let mut out = before.clone();
            let into = if add { Into::Add } else { Into::Set };
            matmul(left, Matrix::strided(&b, k, n, n + 3), &mut out, n + 2, into, &mut Scratch::default());
            for r in 0..m {
                for c in 0..n {
                    let term = |i: usize| {
                        let a = if turned { a[i * m + r] } else { a[r * k + i] };
                        f64::from(a) * f64::from(b[i * (n + 3) + c])
                    };
                    let sum: f64 = (0..k).map(term).sum();
                    let expected = sum + if add { f64::from(before[r * (n + 2) + c]) } else { 0.0 };
                    let found = f64::from(out[r * (n + 2) + c]);
                    prop_assert!((found - expected).abs() < 1e-3 * (1.0 + expected.abs()), "{found} {expected}");
                }
                prop_assert_eq!(&out[r * (n + 2) + n..(r + 1) * (n + 2)], &before[r * (n + 2) + n..(r + 1) * (n + 2)]);
            }
        }

        #[test]
        fn a_row_does_not_depend_on_its_neighbours(m in 2usize..20, n in 1usize..70, k in 1usize..40) {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            let (mut all, mut one) = (vec![0.0; m * n], vec![0.0; n]);
            let scratch = &mut Scratch::default();
            matmul(Matrix::dense(&a, m, k), Matrix::dense(&b, k, n), &mut all, n, Into::Set, scratch);
            for r in 0..m {
                let row = Matrix::dense(&a[r * k..(r + 1) * k], 1, k);
                matmul(row, Matrix::dense(&b, k, n), &mut one, n, Into::Set, scratch);
                prop_assert_eq!(&one, &all[r * n..(r + 1) * n]);
            }
        }
    }
}
