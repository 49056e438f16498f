//! Products as the machine computes them and as any machine does, beside sums of 64 bits.

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
    let packed = pack(left, depth, &mut scratch.left);
    let product = Product { rows: left.rows, depth, outputs: right.outputs, right: &right.pairs, into };
    product.portable(packed, &mut scratch.tile, &mut out[1]);
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

#[test]
fn long_rows_are_summed_in_parts() {
    let (m, n, k) = (40, 45, 4 * DEPTH + 77);
    let (a, b, before) = (numbers(m * k, 1), numbers(k * n, 2), numbers(m * n, 3));
    let right = Bf16Matrix::new(Matrix::dense(&b, k, n));
    for into in [Into::Set, Into::Add] {
        let [found, other] = both(Matrix::dense(&a, m, k), &right, &before, into);
        for (at, (found, other)) in found.into_iter().zip(other).enumerate() {
            let (row, col) = (at / n, at % n);
            let sum: f64 = (0..k).map(|i| rounded(a[row * k + i]) * rounded(b[i * n + col])).sum();
            let expected = sum + if into == Into::Add { f64::from(before[at]) } else { 0.0 };
            for found in [found, other] {
                assert!(
                    (f64::from(found) - expected).abs() < 1e-3 * (1.0 + expected.abs()),
                    "{found} {expected}"
                );
            }
        }
    }
}

#[test]
fn what_a_larger_product_left_does_not_matter() {
    let scratch = &mut Bf16Scratch::default();
    let right = |n: usize, k: usize| Bf16Matrix::new(Matrix::dense(&numbers(k * n, 2), k, n));
    let (large, small) = (numbers(70 * 90, 1), numbers(5 * 33, 4));
    right(50, 90).multiply(Matrix::dense(&large, 70, 90), &mut vec![0.0; 70 * 50], Into::Set, scratch);
    for left in [Matrix::dense(&small, 5, 33), Matrix::dense(&small, 33, 5).transposed()] {
        let (mut after, mut alone) = (vec![0.0; 5 * 40], vec![0.0; 5 * 40]);
        right(40, 33).multiply(left, &mut after, Into::Set, scratch);
        right(40, 33).multiply(left, &mut alone, Into::Set, &mut Bf16Scratch::default());
        assert_eq!(after, alone);
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
