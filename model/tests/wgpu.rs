//! The same model on `--device wgpu` and on the processor. Where there is no GPU, Debian's software Vulkan is one.
#![cfg(feature = "wgpu")]
#![allow(clippy::unwrap_used)]

use std::path::Path;

use stp_model::Device;

/// A device by its name, with Debian's software driver installed if there is no other.
fn wgpu() -> Device {
    let drivers = |folder: &str| Path::new(folder).read_dir().is_ok_and(|mut files| files.next().is_some());
    if !drivers("/usr/share/vulkan/icd.d") && !drivers("/etc/vulkan/icd.d") {
        stp_tests::install(&["mesa-vulkan-drivers", "libvulkan1"]);
    }
    stp_model::parse_device("wgpu").expect("this test needs a Vulkan driver: install mesa-vulkan-drivers")
}

#[test]
fn a_gpu_computes_what_the_processor_computes() {
    if !stp_tests::external("a_gpu_computes_what_the_processor_computes") {
        return;
    }
    let found = stp_model::agreement(&wgpu()).unwrap();
    assert!(found.holds(), "{found:?}");
}
