//! Real installs into a scratch home: killed in the middle, then by two callers at once.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use stp_verifier::toolchain::{ensure_managed, install, installed};

const ROLE: &str = "STP_TEST_INSTALL_HOME";
/// How far the install comes: a phase, and the percentage of it.
const POINT: &str = "STP_TEST_INSTALL_POINT";

/// Not a test by itself: the install that gets killed.
#[test]
fn child() {
    let Some(home) = std::env::var_os(ROLE) else { return };
    let point = std::env::var(POINT).unwrap();
    let (phase, percent) = point.rsplit_once(' ').unwrap();
    let percent: u64 = percent.parse().unwrap();
    install(&PathBuf::from(home), &|now| {
        if now.phase == phase && now.done > 0 && now.done * 100 >= now.total * percent {
            std::process::abort();
        }
    })
    .unwrap();
}

/// Kills an install there, with the processes that it started.
fn kill_an_install(home: &Path, point: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "install::child"])
        .env(ROLE, home)
        .env(POINT, point)
        .process_group(0)
        .spawn()
        .unwrap();
    let group = Pid::from_raw(child.id().try_into().unwrap());
    let status = child.wait().unwrap();
    // None is left of it if no process was under way.
    let _ = killpg(group, Signal::SIGKILL);
    assert_eq!(status.signal(), Some(Signal::SIGABRT as i32), "the install never came to {point}");
}

#[test]
fn a_killed_install_leaves_nothing_half_used_and_two_callers_install_once() {
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path();
    let staging = home.join("toolchains").join("staging");
    for (point, there, missing) in [
        ("fetching Node.js 0", "npm-cache", "node"),
        ("unpacking Lean's library 0", "lean.wasm", "library/Init.olean"),
        ("unpacking Lean's library 100", "library/Init.olean", "manifest.json"),
    ] {
        kill_an_install(home, point);
        assert!(staging.join(there).exists() && !staging.join(missing).exists(), "killed at {point}");
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
    assert!(installed(home).is_some() && !staging.exists());
    let version = Command::new(&first.node).arg("--version").output().unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("v24."));
    let before = steps.load(Ordering::Relaxed);
    install().unwrap();
    assert_eq!(steps.load(Ordering::Relaxed), before, "installed once, not again");
}
