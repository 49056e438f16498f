//! Sampling on `--device wgpu --precision f16`. A device has one kind of numbers as long as the process lives, so this is a test
//! program of its own.
#![cfg(feature = "wgpu")]
#![allow(clippy::unwrap_used)]

use stp_model::{Numbers, parse_sampling_device};

#[test]
fn a_gpu_samples_in_16_bits() {
    if !stp_tests::external("a_gpu_samples_in_16_bits") {
        return;
    }
    stp_tests::vulkan();
    let device = parse_sampling_device("wgpu", Numbers::F16).expect("install mesa-vulkan-drivers");
    let found = stp_model::agreement(&device, stp_model::Precision::F32).unwrap();
    assert!(found.holds() && found.training.is_none() && found.logits > 0.0, "{found:?}");
}
