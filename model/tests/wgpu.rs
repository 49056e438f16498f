//! The same model on `--device wgpu` and on the processor. Where there is no GPU, Debian's software Vulkan is one.
#![cfg(feature = "wgpu")]
#![allow(clippy::unwrap_used)]

/// What is missing where it cannot be had.
const NEEDED: &str = "this test needs a Vulkan driver: install mesa-vulkan-drivers";

#[test]
fn a_gpu_computes_what_the_processor_computes() {
    if !stp_tests::external("a_gpu_computes_what_the_processor_computes") {
        return;
    }
    stp_tests::vulkan();
    let device = stp_model::parse_device("wgpu").expect(NEEDED);
    let found = stp_model::agreement(&device, stp_model::Precision::F32).unwrap();
    assert!(found.holds(), "{found:?}");
}
