//! A killed parent leaves no Lean process behind. The parent is this test binary, started once more.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROLE: &str = "STP_TEST_PARENT";

/// Not a test by itself: the parent that gets killed, in the middle of a check that never ends.
#[test]
fn parent() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let pool = common::pool(1, Duration::from_secs(600));
    common::check_with(&pool, ": True", "trivial");
    println!("asks");
    // The endless check comes when the other process has looked at this one's children.
    std::io::stdin().read_line(&mut String::new()).unwrap();
    common::check_with(&pool, ": ∀ a b c d : Fin 64, a + b + c + d = d + c + b + a", "by decide +kernel");
}

fn children_of(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let after_name = stat.rsplit(')').next().unwrap();
        if after_name.split_whitespace().nth(1) == Some(parent.to_string().as_str()) {
            found.push(pid);
        }
    }
    found
}

#[test]
fn a_killed_parent_leaves_no_lean_behind() {
    common::managed();
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "parent", "--nocapture"])
        .env(ROLE, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = std::io::BufReader::new(parent.stdout.take().unwrap());
    let asks = std::io::BufRead::lines(output).map_while(Result::ok).any(|line| line.contains("asks"));
    assert!(asks);
    let children = children_of(parent.id());
    assert_eq!(children.len(), 2, "an elaborator and the checker run");
    let watched = common::Watched::new(&children);
    parent.stdin.as_mut().unwrap().write_all(b"go on\n").unwrap();
    watched.until_busy();
    parent.kill().unwrap();
    parent.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(15);
    let alive = |pid: &u32| {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    };
    while children.iter().any(alive) {
        assert!(Instant::now() < deadline, "the Lean process outlived its parent");
        std::thread::sleep(Duration::from_millis(100));
    }
}
