//! One real Lean for a whole test binary.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use stp_datasets::{Status, Verdict};
use stp_verifier::toolchain::{self, ManagedLean, Toolchain, ToolchainOptions};
use stp_verifier::{Candidate, Pool, PoolConfig};
use tokio::runtime::Runtime;

/// The managed Lean in the default home, installed if need be.
pub fn managed() -> ManagedLean {
    let home = toolchain::home(&ToolchainOptions::default()).unwrap();
    toolchain::ensure_managed(&home, &|_| {}).unwrap()
}

pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A pool that all tests of the binary share.
pub static POOL: LazyLock<Pool> = LazyLock::new(|| pool(2, Duration::from_secs(120)));

pub fn pool(workers: usize, check_timeout: Duration) -> Pool {
    let _inside = RUNTIME.enter();
    Pool::start(
        &Toolchain::Managed(managed()),
        PoolConfig { workers, check_timeout, ..PoolConfig::default() },
    )
}

pub fn candidate(signature: &str, proof: &str) -> Candidate {
    Candidate::new("", signature, proof)
}

pub fn check_with(pool: &Pool, signature: &str, proof: &str) -> Verdict {
    RUNTIME.block_on(pool.check(candidate(signature, proof))).unwrap()
}

pub fn check(signature: &str, proof: &str) -> Verdict {
    check_with(&POOL, signature, proof)
}

pub fn status(signature: &str, proof: &str) -> Status {
    check(signature, proof).status
}

/// The processor time that a process took, in hundredths of a second; nothing if there is no such process.
fn computed(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<_> = stat.rsplit(')').next()?.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// Processes that are looked at until one of them computes.
pub struct Watched(Vec<(u32, u64)>);

impl Watched {
    /// To be called before they are asked what takes them long.
    pub fn new(pids: &[u32]) -> Self {
        Self(pids.iter().map(|&pid| (pid, computed(pid).unwrap())).collect())
    }

    /// Waits until one of them has computed for half a second: no good proof takes it as long, so it is in the middle of
    /// something endless.
    pub fn until_busy(&self) {
        let deadline = Instant::now() + Duration::from_secs(300);
        let busy = |(pid, before): &(u32, u64)| computed(*pid).is_some_and(|now| now >= before + 50);
        while !self.0.iter().any(busy) {
            assert!(Instant::now() < deadline, "none of {:?} computes", self.0);
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
