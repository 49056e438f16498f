//! `scripts/gpu-check.sh`, with programs that say what one with a GPU would: which device is tried, and that none can be.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use stp_tests::manual::repository;

/// What a build without the feature says.
const WITHOUT: &str = "echo 'stp: This binary was built without `wgpu`; build it with ….' >&2; exit 1";

/// What wgpu logs where it finds a driver that computes on the processor.
const SOFTWARE: &str = r#"[ -z "$STP_LOG" ] || echo 'DEBUG wgpu_core::instance: Request adapter result AdapterInfo { name: "llvmpipe (LLVM 15)", vendor: 1, device: 0, device_type: Cpu, device_pci_bus_id: "", driver: "llvmpipe", driver_info: "Mesa 22.3.6", backend: Vulkan }' >&2"#;

fn program(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("program");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn check(program: &Path, more: [&str; 2]) -> Output {
    let mut command = Command::new(repository().join("scripts/gpu-check.sh"));
    command.arg("--stp").arg(program).args(["--seconds", "0"]).args(more).output().unwrap()
}

#[test]
fn a_program_without_the_device_is_neither_packed_nor_tried() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path(), WITHOUT);
    let place = folder.path().join("place");
    for option in ["--pack", "--out"] {
        let output = check(&program, [option, place.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains("--release --features wgpu"), "{said}");
        assert!(!place.exists(), "{option}");
    }
}

#[test]
fn the_device_that_computes_is_named_first() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path(), SOFTWARE);
    let place = folder.path().join("place");
    let output = check(&program, ["--out", place.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let named = fs::read_to_string(place.join("gpu.txt")).unwrap();
    let first = "gpu-check: wgpu computes on llvmpipe (LLVM 15), llvmpipe Mesa 22.3.6 (Cpu)";
    assert!(named.starts_with(first) && named.contains("no GPU is tried"), "{named}");
}
