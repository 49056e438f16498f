//! Real installs into a scratch home: killed in the middle, then by two callers at once.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use stp_verifier::toolchain::{ensure_managed, install, installed};

const ROLE: &str = "STP_TEST_INSTALL_HOME";

/// Not a test by itself: the install that gets killed.
#[test]
fn child() {
    if let Some(home) = std::env::var_os(ROLE) {
        install(&PathBuf::from(home), &|_| {}).unwrap();
    }
}

fn kill_an_install(home: &Path, once: impl Fn(&Path) -> bool) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child"])
        .env(ROLE, home)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(300);
    while !once(&home.join("toolchains").join("staging")) {
        assert!(
            Instant::now() < deadline && child.try_wait().unwrap().is_none(),
            "the install never came so far"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_killed_install_leaves_nothing_half_used_and_two_callers_install_once() {
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path();
    for point in ["npm-cache", "lean.wasm", "library/Init.olean"] {
        kill_an_install(home, |staging| staging.join(point).exists());
        assert!(installed(home).is_none(), "killed at {point}");
    }
    let steps = AtomicUsize::new(0);
    let install = || {
        ensure_managed(home, &|_| {
            steps.fetch_add(1, Ordering::Relaxed);
        })
    };
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(install);
        (install().unwrap(), other.join().unwrap().unwrap())
    });
    assert_eq!(first.root, second.root);
    assert!(installed(home).is_some() && !home.join("toolchains").join("staging").exists());
    let version = Command::new(&first.node).arg("--version").output().unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("v24."));
    let before = steps.load(Ordering::Relaxed);
    install().unwrap();
    assert_eq!(steps.load(Ordering::Relaxed), before, "installed once, not again");
}
