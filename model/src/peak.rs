//! How fast this machine multiplies matrices, to compare with.

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};

use crate::ModelError;
use crate::device::read_back;
use crate::parallel::Workers;

/// Rows and columns of the matrices that a core of the processor multiplies.
const SIZE: usize = 1024;
/// And of those that fill a GPU.
const GPU_SIZE: usize = 4096;
/// Products that a GPU is given before it is waited for.
const QUEUED: usize = 16;

/// Floating-point operations a second of products of square matrices of 32-bit numbers, measured for about that long: on
/// the processor one product on each core at a time, on another device one after another.
///
/// # Errors
/// If no threads can be had, or the device fails.
pub fn matmul_flops(device: &Device, seconds: f64) -> Result<f64, ModelError> {
    let (size, queued) = if *device == Device::flex() { (SIZE, 1) } else { (GPU_SIZE, QUEUED) };
    let workers = Workers::new(device, usize::MAX)?;
    let flops = |_: usize| {
        let [left, right] = [0, 1].map(|_| Tensor::<2>::random([size, size], Distribution::Default, device));
        // A GPU multiplies in order: the last product is waited for, and so are all.
        let products = || {
            let mut product = left.clone().matmul(right.clone());
            for _ in 1..queued {
                product = left.clone().matmul(right.clone());
            }
            read_back(product.slice([0..1, 0..1]))
        };
        products()?;
        let (started, mut count) = (Instant::now(), 0);
        while started.elapsed().as_secs_f64() < seconds {
            products()?;
            count += queued;
        }
        Ok((2 * size.pow(3) * count) as f64 / started.elapsed().as_secs_f64())
    };
    workers.map((0..workers.count()).collect(), flops).into_iter().sum()
}
