//! What training does to all weights after each batch, in one pass over memory and by all cores.
//!
//! A step of a small batch waits for this rather than for its products. No result depends on how many cores there are.

use pulp::Arch;
use rayon::prelude::*;

use super::rows::dot;

/// Numbers that a core takes at once.
const CHUNK: usize = 1 << 15;

/// What AdamW (Loshchilov and Hutter, 2019) does in one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamStep {
    pub(crate) beta_1: f32,
    pub(crate) beta_2: f32,
    pub(crate) epsilon: f32,
    pub(crate) rate: f32,
    /// What the weights keep: one, less rate times weight decay.
    pub(crate) keep: f32,
    /// How often these weights have been moved, this step included.
    pub(crate) time: i32,
}

/// Moves weights and their moments by a gradient: the numbers are those of burn's `AdamW`.
pub(crate) fn adamw(step: AdamStep, weight: &mut [f32], gradient: &[f32], moments: [&mut [f32]; 2]) {
    let AdamStep { beta_1, beta_2, epsilon, rate, keep, time } = step;
    let (whole_1, whole_2) = (1.0 - beta_1.powi(time), 1.0 - beta_2.powi(time));
    let [first, second] = moments;
    let moments = first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK));
    let all = weight.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK)).zip(moments);
    all.for_each(|((weight, gradient), (first, second))| {
        Arch::new().dispatch(
            #[inline(always)]
            || {
                let moments = first.iter_mut().zip(second);
                for ((weight, gradient), (first, second)) in weight.iter_mut().zip(gradient).zip(moments) {
                    *first = *first * beta_1 + gradient * (1.0 - beta_1);
                    *second = *second * beta_2 + gradient * gradient * (1.0 - beta_2);
                    let step = (*first / whole_1) / ((*second / whole_2).sqrt() + epsilon);
                    *weight = *weight * keep - step * rate;
                }
            },
        );
    });
}

/// `total += part`.
pub(crate) fn add(total: &mut [f32], part: &[f32]) {
    total.par_chunks_mut(CHUNK).zip(part.par_chunks(CHUNK)).for_each(|(total, part)| {
        total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
    });
}

/// `x *= factor`.
pub(crate) fn scale(x: &mut [f32], factor: f32) {
    x.par_chunks_mut(CHUNK).for_each(|x| x.iter_mut().for_each(|x| *x *= factor));
}

/// The sum of all squares.
pub(crate) fn sum_of_squares(x: &[f32]) -> f64 {
    let square = |x: &[f32]| {
        Arch::new().dispatch(
            #[inline(always)]
            || f64::from(dot(x, x)),
        )
    };
    let sums: Vec<_> = x.par_chunks(CHUNK).map(square).collect();
    sums.into_iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_depend_on_cores() {
        let x: Vec<_> = (0..100_000).map(|i| (i % 37) as f32 * 0.25).collect();
        let by = |count| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
            pool.install(|| sum_of_squares(&x))
        };
        let plain: f64 = x.iter().map(|x| f64::from(x * x)).sum();
        assert!((by(1) / plain - 1.0).abs() < 1e-6);
        assert_eq!(by(1).to_bits(), by(3).to_bits());
    }

    #[test]
    fn numbers_at_the_ends_are_reached() {
        let mut x = vec![1.0; CHUNK + 3];
        add(&mut x, &vec![2.0; CHUNK + 3]);
        scale(&mut x, 0.5);
        assert!(x.iter().all(|x| *x == 1.5));
        assert_eq!(sum_of_squares(&x), 2.25 * (CHUNK + 3) as f64);
    }
}
