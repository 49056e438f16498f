//! One real Lean for a whole test binary.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::LazyLock;
use std::time::Duration;

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
