//! How fast this machine multiplies matrices, to compare with.

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};

use crate::ModelError;
use crate::parallel::Workers;

/// Rows and columns of the matrices.
const SIZE: usize = 1024;

/// Floating-point operations a second of products of square matrices of 32-bit numbers, one on each core of the
/// processor at a time, measured for about that long.
///
/// # Errors
/// If no threads can be had.
pub fn matmul_flops(seconds: f64) -> Result<f64, ModelError> {
    let device = Device::flex();
    let workers = Workers::new(&device, usize::MAX)?;
    let count = |_: usize| {
        let [left, right] = [0, 1].map(|_| Tensor::<2>::random([SIZE, SIZE], Distribution::Default, &device));
        let product = || drop(left.clone().matmul(right.clone()));
        product();
        let (started, mut count) = (Instant::now(), 0);
        while started.elapsed().as_secs_f64() < seconds {
            product();
            count += 1;
        }
        (2 * SIZE.pow(3) * count) as f64 / started.elapsed().as_secs_f64()
    };
    Ok(workers.map((0..workers.count()).collect(), count).into_iter().sum())
}
