//! A process and its children: `lake` starts `lean` as a child of its own.

use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;

const POLL: Duration = Duration::from_millis(100);
/// What of a process's standard error is reported.
const MAX_WORDS: usize = 1000;

/// The group of a process, by its first member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family(pub(super) Option<u32>);

impl Family {
    pub(super) fn kill(self) {
        if let Some(id) = self.0.and_then(|id| i32::try_from(id).ok()) {
            // It fails only if the group is gone already.
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }

    /// The memory of its own that all of it has in use, in bytes, where Linux tells. Files that it maps, such as a library of
    /// gigabytes, are not its own.
    pub(super) fn size(self) -> Option<u64> {
        self.0.and_then(size_of)
    }

    /// Returns the size once it is over a limit; never, where it cannot be read.
    pub(super) async fn outgrown(self, limit: u64) -> u64 {
        loop {
            tokio::time::sleep(POLL).await;
            match self.size() {
                Some(size) if size > limit => return size,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn size_of(pid: u32) -> Option<u64> {
    let own = crate::confine::status_bytes(pid, "RssAnon:")?;
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let below = children.split_whitespace().filter_map(|child| size_of(child.parse().ok()?));
    Some(own + below.sum::<u64>())
}

#[cfg(not(target_os = "linux"))]
fn size_of(_: u32) -> Option<u64> {
    None
}

pub(super) async fn last_words(mut errors: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut block = [0; 4096];
    while let Ok(count @ 1..) = errors.read(&mut block).await {
        kept.extend_from_slice(&block[..count]);
        kept.drain(..kept.len().saturating_sub(MAX_WORDS));
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}
