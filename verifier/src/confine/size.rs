//! Watching a worker's size from outside, because a check keeps the worker itself from looking.
//!
//! A limit on address space is of no use: the engine reserves far more of it than it ever touches.

use std::time::Duration;

const POLL: Duration = Duration::from_millis(100);

/// Returns the resident size in bytes once it is over `limit`; never, where it cannot be read (only Linux
/// tells).
pub(crate) async fn outgrown(pid: Option<u32>, limit: u64) -> u64 {
    loop {
        tokio::time::sleep(POLL).await;
        match pid.and_then(|pid| status_bytes(pid, "VmRSS:")) {
            Some(size) if size > limit => return size,
            Some(_) => {}
            None => std::future::pending().await,
        }
    }
}

/// A size that Linux tells of a process, such as `VmRSS:`, in bytes.
pub(crate) fn status_bytes(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
}
