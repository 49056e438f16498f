//! The arithmetic of the kernels, on rows of numbers.
//!
//! Each is one pass over memory instead of one for every tensor operation. `pulp` compiles them for each level of
//! vector instructions and picks the machine's when they run.

use pulp::Arch;

/// `y = gamma * x / rms(x)` for each row.
pub(crate) fn rms_norm(x: &[f32], gamma: &[f32], epsilon: f32, y: &mut [f32]) {
    let size = gamma.len();
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (x, y) in x.chunks_exact(size).zip(y.chunks_exact_mut(size)) {
                let scale = inverse_rms(x, epsilon);
                for ((y, x), gamma) in y.iter_mut().zip(x).zip(gamma) {
                    *y = x * scale * gamma;
                }
            }
        },
    );
}

/// Gradients of [`rms_norm`]: `dx` takes the place of the output's gradient, `dgamma` is added to.
pub(crate) fn rms_norm_backward(x: &[f32], gamma: &[f32], epsilon: f32, dy: &mut [f32], dgamma: &mut [f32]) {
    let size = gamma.len();
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (x, dy) in x.chunks_exact(size).zip(dy.chunks_exact_mut(size)) {
                let scale = inverse_rms(x, epsilon);
                for ((dy, x), (gamma, dgamma)) in dy.iter_mut().zip(x).zip(gamma.iter().zip(&mut *dgamma)) {
                    *dgamma += *dy * x * scale;
                    *dy *= gamma;
                }
                let mean = dot(dy, x) * scale * scale / size as f32;
                for (dy, x) in dy.iter_mut().zip(x) {
                    *dy = scale * (*dy - x * mean);
                }
            }
        },
    );
}

/// `y = silu(gate) * up`; `y` comes with `up` in it.
pub(crate) fn swiglu(gate: &[f32], y: &mut [f32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (gate, y) in gate.iter().zip(y) {
                *y *= gate / (1.0 + exp(-gate));
            }
        },
    );
}

/// Gradients of [`swiglu`], in the places of the two inputs.
pub(crate) fn swiglu_backward(gate: &mut [f32], up: &mut [f32], dy: &[f32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for ((gate, up), dy) in gate.iter_mut().zip(up).zip(dy) {
                let sigmoid = 1.0 / (1.0 + exp(-*gate));
                let silu = *gate * sigmoid;
                *gate = dy * *up * (sigmoid + silu * (1.0 - sigmoid));
                *up = dy * silu;
            }
        },
    );
}

/// Turns each head of each row: `x` is rows of `heads * dim`, the angles are rows of `dim` and are repeated when
/// they end. `sign` is 1, or -1 to turn back.
pub(crate) fn rotate(x: &mut [f32], cos: &[f32], sin: &[f32], heads: usize, dim: usize, sign: f32) {
    let half = dim / 2;
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let angles = cos.chunks_exact(dim).zip(sin.chunks_exact(dim)).cycle();
            for (row, (cos, sin)) in x.chunks_exact_mut(heads * dim).zip(angles) {
                for head in row.chunks_exact_mut(dim) {
                    let (left, right) = head.split_at_mut(half);
                    for ((left, right), (cos, sin)) in left.iter_mut().zip(right).zip(cos.iter().zip(sin)) {
                        let (a, b, sin) = (*left, *right, sign * sin);
                        *left = a * cos - b * sin;
                        *right = b * cos + a * sin;
                    }
                }
            }
        },
    );
}

/// Softmax of `scale * x` in rows of `size`; of the first row the numbers up to `first` count, of each further row one
/// more, and the others become 0.
pub(crate) fn softmax(x: &mut [f32], size: usize, first: usize, scale: f32) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (row, x) in x.chunks_exact_mut(size).enumerate() {
                let (seen, hidden) = x.split_at_mut(first + row + 1);
                hidden.fill(0.0);
                let peak = max(seen) * scale;
                for x in seen.iter_mut() {
                    *x = exp(*x * scale - peak);
                }
                let inverse = 1.0 / sum(seen);
                seen.iter_mut().for_each(|x| *x *= inverse);
            }
        },
    );
}

/// The gradient of the scores of [`softmax`] in the place of that of its output `y`.
pub(crate) fn softmax_backward(y: &[f32], dy: &mut [f32], size: usize, first: usize, scale: f32) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (row, (y, dy)) in y.chunks_exact(size).zip(dy.chunks_exact_mut(size)).enumerate() {
                let seen = first + row + 1;
                let mean = dot(&y[..seen], &dy[..seen]);
                for (y, dy) in y[..seen].iter().zip(&mut dy[..seen]) {
                    *dy = scale * y * (*dy - mean);
                }
                dy[seen..].fill(0.0);
            }
        },
    );
}

/// The sum of `weight * -log softmax(x)[target]` over the rows; `x` becomes its gradient.
pub(crate) fn cross_entropy(x: &mut [f32], targets: &[i64], weights: &[f32]) -> f32 {
    let size = x.len() / targets.len().max(1);
    let mut loss = 0.0;
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for ((x, &target), &weight) in x.chunks_exact_mut(size).zip(targets).zip(weights) {
                let target = target as usize;
                let (peak, picked) = (max(x), x[target]);
                x.iter_mut().for_each(|x| *x = exp(*x - peak));
                let total = sum(x);
                loss += f64::from(weight * (peak + total.ln() - picked));
                let factor = weight / total;
                x.iter_mut().for_each(|x| *x *= factor);
                x[target] -= weight;
            }
        },
    );
    loss as f32
}

const LANES: usize = 16;

#[inline(always)]
fn inverse_rms(x: &[f32], epsilon: f32) -> f32 {
    1.0 / (dot(x, x) / x.len() as f32 + epsilon).sqrt()
}

/// Partial sums, since one running sum cannot use vectors.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for i in 0..LANES {
            lanes[i] += a[i] * b[i];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[inline(always)]
fn sum(x: &[f32]) -> f32 {
    let mut lanes = [0f32; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest: f32 = chunks.remainder().iter().sum();
    for x in chunks {
        for i in 0..LANES {
            lanes[i] += x[i];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[inline(always)]
fn max(x: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder().iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for x in chunks {
        for i in 0..LANES {
            lanes[i] = if x[i] > lanes[i] { x[i] } else { lanes[i] };
        }
    }
    lanes.iter().copied().fold(rest, f32::max)
}

/// `e^x` by halves of powers of two and a polynomial (Cephes' `expf`), which compilers can turn into vector
/// instructions; off by 2e-7 at most, relatively. Not-a-number stays one.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    // Adding and subtracting this rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    let power = x * std::f32::consts::LOG2_E + ROUND;
    let bits = power.to_bits();
    let whole = power - ROUND;
    let rest = x - whole * 0.693_359_4 - whole * -2.121_944_4e-4;
    let poly = [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5]
        .into_iter()
        .fold(1.987_569_1e-4, |sum, next| sum * rest + next);
    let value = poly * rest * rest + rest + 1.0;
    value * f32::from_bits(bits.wrapping_add(127).wrapping_shl(23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_to_the_last_digits() {
        for i in -87_000..88_000 {
            let x = i as f32 / 1000.0;
            let expected = f64::from(x).exp();
            assert!(((f64::from(exp(x)) - expected) / expected).abs() < 3e-7, "{x}");
        }
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }
}
