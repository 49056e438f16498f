//! Whatever happens to a worker ends in a verdict, and the pool then judges a good proof again.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use common::{RUNTIME, Watched, candidate, check_with};
use stp_datasets::{Status, Verdict};
use stp_verifier::toolchain::Toolchain;
use stp_verifier::{Pool, PoolConfig};

/// The kernel is busy with it for hours, and no limit of Lean's own stops it.
const ENDLESS: (&str, &str) = (": ∀ a b c d : Fin 64, a + b + c + d = d + c + b + a", "by decide +kernel");

/// One pool at a time, so that the only child is its worker.
static ALONE: Mutex<()> = Mutex::new(());

/// The process among the children of this one that elaborates.
fn worker() -> String {
    let lists = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let children: Vec<String> = lists
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let elaborates = |pid: &&String| {
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline"));
        line.is_ok_and(|line| line.contains("elaborator.js"))
    };
    children.iter().find(elaborates).unwrap_or_else(|| panic!("none of {children:?} elaborates")).clone()
}

fn during_an_endless_check(pool: &Pool, signal: &str) -> Verdict {
    let (pool, candidate) = (pool.clone(), candidate(ENDLESS.0, ENDLESS.1));
    let worker = worker();
    let watched = Watched::new(&[worker.parse().unwrap()]);
    let check = RUNTIME.spawn(async move { pool.check(candidate).await });
    watched.until_busy();
    assert!(Command::new("kill").args([signal, &worker]).status().unwrap().success());
    RUNTIME.block_on(check).unwrap().unwrap()
}

#[test]
fn a_killed_a_stopped_and_an_endless_worker_are_replaced() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let pool = common::pool(1, Duration::from_secs(10));
    let good = || assert_eq!(check_with(&pool, ": True", "trivial").status, Status::Proved);
    good();
    assert_eq!(during_an_endless_check(&pool, "-KILL").status, Status::Crashed);
    good();
    assert_eq!(during_an_endless_check(&pool, "-STOP").status, Status::Timeout);
    good();
    assert_eq!(check_with(&pool, ENDLESS.0, ENDLESS.1).status, Status::Timeout);
    good();
    let stats = pool.stats();
    // Three elaborators were replaced; the checker never was.
    assert_eq!((stats.starts, stats.timeouts, stats.crashes), (1 + 1 + 3, 2, 1));
    RUNTIME.block_on(pool.shutdown());
}

#[test]
fn a_worker_over_its_memory_is_killed_at_once() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let lean = Toolchain::Managed(common::managed());
    let config = PoolConfig {
        workers: 1,
        check_timeout: Duration::from_secs(600),
        max_rss_bytes: 100 << 20,
        ..PoolConfig::default()
    };
    let pool = {
        let _inside = RUNTIME.enter();
        Pool::start(&lean, config)
    };
    let verdict = check_with(&pool, ENDLESS.0, ENDLESS.1);
    assert_eq!(verdict.status, Status::Crashed);
    assert!(verdict.messages[0].contains("out of memory"), "{verdict:?}");
    RUNTIME.block_on(pool.shutdown());
}

#[test]
fn a_worker_can_neither_write_nor_read_elsewhere_nor_start_programs() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let lean = common::managed();
    let target = lean.root.join("written-by-a-test");
    for attempt in [
        format!("require('fs').writeFileSync({:?}, 'x')", target.display().to_string()),
        "require('fs').readFileSync('/etc/passwd')".to_owned(),
        "require('child_process').execFileSync('/bin/true')".to_owned(),
    ] {
        let probe = format!("try {{ {attempt}; console.log('done') }} catch (e) {{ console.log(e.code) }}");
        let output =
            Command::new(&lean.node).args(lean.node_arguments()).args(["-e", &probe]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "ERR_ACCESS_DENIED", "{attempt}");
    }
    assert!(!target.exists());
}

#[test]
fn what_a_process_did_before_does_not_count_for_a_check() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let lean = Toolchain::Managed(common::managed());
    // Some checks together take more than this, none of them does.
    let config = PoolConfig { workers: 1, max_heartbeats: 500, ..PoolConfig::default() };
    let pool = {
        let _inside = RUNTIME.enter();
        Pool::start(&lean, config)
    };
    for number in 0..60 {
        let statement = format!(": ∀ a b : Fin {}, a + b = b + a", 8 + number % 3);
        let verdict = check_with(&pool, &statement, "by decide");
        assert_eq!(verdict.status, Status::Proved, "check {number}: {verdict:?}");
    }
    assert_eq!(pool.stats().starts, 2);
    RUNTIME.block_on(pool.shutdown());
}
