//! A pool on this machine.

use super::config::PoolConfig;
use super::processes::Processes;
use super::references::References;
use super::second::SecondOpinion;
use crate::toolchain::Toolchain;

/// Processes, and what is known between their answers. What is asked of it is in `answer`.
#[derive(Debug)]
pub(crate) struct LocalPool {
    pub(super) processes: Processes,
    pub(super) references: References,
    pub(super) second: SecondOpinion,
    /// Errors that a verdict brings at most.
    pub(super) messages: usize,
}

impl LocalPool {
    /// Starts the processes in the background; requests wait until one is ready.
    ///
    /// Must be called inside a tokio runtime.
    pub(crate) fn start(toolchain: &Toolchain, config: &PoolConfig) -> Self {
        Self {
            processes: Processes::start(toolchain, config),
            references: References::default(),
            second: SecondOpinion::of(toolchain),
            messages: config.messages,
        }
    }
}
