//! A day's wear in minutes: the pool's own process must not grow.
//!
//! As many requests as two cores judge in a day go through the pool. Most are answered by the gate and the
//! cache, which are a part of it; Lean gets as many as fit into the time, and its processes die and are
//! replaced all the while: of old age, of time and of crashes. `STP_SOAK_MINUTES` makes it longer.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{RUNTIME, candidate};
use stp_datasets::Status;
use stp_verifier::toolchain::Toolchain;
use stp_verifier::{Candidate, Pool, PoolConfig, VerdictCache};

const WORKERS: usize = 2;
/// Two cores judge about 60 proofs a second.
const REQUESTS_OF_A_DAY: usize = 5_000_000;
const SAMPLES: usize = 6;
/// In which what is kept for good comes into being, such as threads and the cache's first answers: nothing is compared with them.
const WARMING_UP: usize = SAMPLES / 3;
const MOST_CHILDREN: usize = 2 * WORKERS;
/// What may pass until processes that died are replaced, in tenths of a second.
const PATIENCE: usize = 200;

/// Three pipes and the handle of its death.
const FILES_OF_A_CHILD: usize = 4;

/// What this process holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    rss_kib: u64,
    files: usize,
    children: usize,
    threads: usize,
}

impl Held {
    /// Files that belong to no child: at rest an heir may stand beside an old process or not.
    fn own_files(&self) -> u64 {
        self.files.saturating_sub(self.children * FILES_OF_A_CHILD) as u64
    }
}

fn held() -> Held {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let tasks: Vec<_> = std::fs::read_dir("/proc/self/task").unwrap().flatten().collect();
    let children = |path: std::path::PathBuf| {
        std::fs::read_to_string(path.join("children")).map_or(0, |text| text.split_whitespace().count())
    };
    Held {
        rss_kib: line.trim().trim_end_matches(" kB").parse().unwrap(),
        files: std::fs::read_dir("/proc/self/fd").unwrap().count(),
        children: tasks.iter().map(|task| children(task.path())).sum(),
        threads: tasks.len(),
    }
}

/// What this process holds once the processes that died are replaced, so that nothing changes for 5 s: in the
/// midst of a start there are pipes on both ends.
fn held_at_rest() -> Held {
    let mut last = held();
    let mut same = 0;
    for _ in 0..PATIENCE {
        std::thread::sleep(Duration::from_millis(100));
        let now = held();
        let is_same = (now.children, now.files, now.threads) == (last.children, last.files, last.threads);
        same = if is_same { same + 1 } else { 0 };
        last = now;
        if same == 50 {
            break;
        }
    }
    last
}

/// What this process holds as soon as it has no more children than it may have.
fn held_by_few() -> Held {
    let mut now = held();
    for _ in 0..PATIENCE {
        if now.children <= MOST_CHILDREN {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
        now = held();
    }
    now
}

/// The `n`th request: mostly known or refused ones, and some for Lean.
fn request(n: usize, per_lean: usize) -> (Candidate, Status) {
    if n.is_multiple_of(per_lean) {
        let (k, wrong) = (n / per_lean, (n / per_lean).is_multiple_of(3));
        let wanted = if wrong { Status::Failed } else { Status::Proved };
        let sum = if wrong { k + 2 } else { k + 1 };
        return (candidate(&format!("(a : Nat) : a + {k} + 1 = a + {sum}"), "by omega"), wanted);
    }
    if n.is_multiple_of(2) {
        (candidate("(p : Prop) : p", &format!("by sorry -- {n}")), Status::Rejected)
    } else {
        (candidate("(a b : Nat) : a + b = b + a", "by omega"), Status::Proved)
    }
}

async fn batch(pool: &Pool, from: usize, count: usize, per_lean: usize) {
    for start in (from..from + count).step_by(512) {
        let waiting = (start..(start + 512).min(from + count)).map(|n| {
            let (candidate, wanted) = request(n, per_lean);
            async move { assert_eq!(pool.check(candidate).await.unwrap().status, wanted, "request {n}") }
        });
        futures_util::future::join_all(waiting).await;
    }
}

#[test]
fn a_day_of_requests_leaves_nothing_behind() {
    let minutes = std::env::var("STP_SOAK_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let config = PoolConfig {
        workers: WORKERS,
        check_timeout: Duration::from_secs(3),
        recycle_after: 150,
        cache: Some(Arc::new(VerdictCache::in_memory())),
        ..PoolConfig::default()
    };
    let pool = {
        let _inside = RUNTIME.enter();
        Pool::start(&Toolchain::Managed(common::managed()), config)
    };
    // About 1,500 checks a minute leave time for the replacements.
    let per_lean = REQUESTS_OF_A_DAY / (1_500 * minutes);
    let began = Instant::now();
    let mut samples = Vec::new();
    for part in 0..SAMPLES {
        let count = REQUESTS_OF_A_DAY / SAMPLES;
        RUNTIME.block_on(batch(&pool, 1 + part * count, count, per_lean));
        // Two that cost their process its life; neither is served from the cache.
        let deep = format!("{}trivial{}", "id (".repeat(5_000), ")".repeat(5_000));
        for (signature, proof) in [
            (": ∀ a b c d : Fin 64, a + b + c + d = d + c + b + a", "by decide +kernel"),
            (": True", deep.as_str()),
        ] {
            let status = RUNTIME.block_on(pool.check_ungated(candidate(signature, proof))).unwrap().status;
            assert!(matches!(status, Status::Timeout | Status::Crashed), "{status:?}");
        }
        samples.push(if part < WARMING_UP { held_by_few() } else { held_at_rest() });
        println!("{:4.0} s: {:?}", began.elapsed().as_secs_f64(), samples[part]);
    }
    println!("{:?}", pool.stats());
    let (early, late) = samples[WARMING_UP..].split_at(WARMING_UP);
    // What leaks is held in every later sample, so the least of them tells; an heir under way is no leak.
    let least = |samples: &[Held], of: fn(&Held) -> u64| samples.iter().map(of).min().unwrap();
    let grown = |of: fn(&Held) -> u64| least(late, of).saturating_sub(least(early, of));
    assert!(grown(|held| held.rss_kib) < 8 << 10, "memory grows: {samples:#?}");
    assert!(grown(Held::own_files) <= 2, "file handles grow: {samples:#?}");
    assert!(samples.iter().all(|held| held.children <= MOST_CHILDREN), "too many processes: {samples:#?}");
    assert_eq!(grown(|held| held.threads as u64), 0, "threads grow: {samples:#?}");
    RUNTIME.block_on(pool.shutdown());
    assert_eq!(held().children, 0);
}
