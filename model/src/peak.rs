//! How fast this machine multiplies matrices, to compare with.

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};

/// Rows and columns of the matrices.
const SIZE: usize = 1024;

/// Floating-point operations a second of a product of square matrices of 32-bit numbers on all cores of the
/// processor, measured for about that long.
pub fn matmul_flops(seconds: f64) -> f64 {
    let device = Device::flex();
    let [left, right] = [0, 1].map(|_| Tensor::<2>::random([SIZE, SIZE], Distribution::Default, &device));
    let product = || drop(left.clone().matmul(right.clone()));
    product();
    let (started, mut count) = (Instant::now(), 0);
    loop {
        product();
        count += 1;
        let elapsed = started.elapsed().as_secs_f64();
        if elapsed >= seconds {
            return (2 * SIZE.pow(3) * count) as f64 / elapsed;
        }
    }
}
