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
    if *device == Device::flex() { on_cores(device, seconds) } else { on_gpu(device, seconds) }
}

fn on_cores(device: &Device, seconds: f64) -> Result<f64, ModelError> {
    let workers = Workers::new(device, usize::MAX)?;
    let count = |_: usize| {
        let [left, right] = random(SIZE, device);
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

fn on_gpu(device: &Device, seconds: f64) -> Result<f64, ModelError> {
    let [left, right] = random(GPU_SIZE, device);
    let products = |count: usize| {
        let mut product = left.clone().matmul(right.clone());
        for _ in 1..count {
            product = left.clone().matmul(right.clone());
        }
        read_back(product.slice([0..1, 0..1]))
    };
    products(QUEUED)?;
    let (started, mut count) = (Instant::now(), 0);
    while started.elapsed().as_secs_f64() < seconds {
        products(QUEUED)?;
        count += QUEUED;
    }
    Ok((2 * GPU_SIZE.pow(3) * count) as f64 / started.elapsed().as_secs_f64())
}

fn random(size: usize, device: &Device) -> [Tensor<2>; 2] {
    [0, 1].map(|_| Tensor::random([size, size], Distribution::Default, device))
}
