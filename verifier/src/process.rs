//! A Lean process, whichever Lean it is: one question at a time, one answer each.

use std::time::Duration;

use serde_json::Value;

use crate::managed::ManagedWorker;
use crate::native::NativeProcess;
use crate::protocol::{Lost, Question, Role};
use crate::toolchain::Toolchain;

/// A running process that elaborates or checks.
#[derive(Debug)]
pub(crate) enum Process {
    /// Lean compiled to WebAssembly.
    Managed(Box<ManagedWorker>),
    /// A native Lean that runs a program of ours.
    Native(Box<NativeProcess>),
}

impl Process {
    /// Starts a process; Lean is loaded when [`Self::ready`] returns.
    ///
    /// # Errors
    /// If it cannot be started, in words for people.
    pub(crate) fn spawn(toolchain: &Toolchain, role: Role, heartbeats: u64) -> Result<Self, String> {
        match toolchain {
            Toolchain::Managed(lean) => {
                ManagedWorker::spawn(lean, role, heartbeats).map(|process| Self::Managed(Box::new(process)))
            }
            Toolchain::Native(lean) => {
                NativeProcess::spawn(lean, role, heartbeats).map(|process| Self::Native(Box::new(process)))
            }
        }
    }

    /// Waits until Lean is loaded. After an error the process is dead.
    ///
    /// # Errors
    /// Why it did not start, in words for people.
    pub(crate) async fn ready(&mut self, limit: Duration) -> Result<(), String> {
        match self {
            Self::Managed(worker) => worker.ready(limit).await,
            Self::Native(worker) => worker.ready(limit).await,
        }
    }

    /// What [`Self::ready`] has to say by now; `None` if Lean is still being loaded.
    pub(crate) fn ready_by_now(&mut self) -> Option<Result<(), String>> {
        match self {
            Self::Managed(worker) => worker.ready_by_now(),
            Self::Native(worker) => worker.ready_by_now(),
        }
    }

    /// Sends a question and waits for its answer. After an error the process is dead.
    ///
    /// # Errors
    /// [`Lost`].
    pub(crate) async fn ask(
        &mut self,
        question: &Question,
        limit: Duration,
        max_rss: u64,
    ) -> Result<Value, Lost> {
        match self {
            Self::Managed(worker) => worker.ask(question, limit, max_rss).await,
            Self::Native(worker) => worker.ask(question, limit, max_rss).await,
        }
    }

    /// Ends the process and waits until it is gone.
    pub(crate) async fn kill(&mut self) {
        match self {
            Self::Managed(worker) => worker.kill().await,
            Self::Native(worker) => worker.kill().await,
        }
    }

    /// Its process id, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self {
            Self::Managed(worker) => worker.pid(),
            Self::Native(worker) => worker.pid(),
        }
    }

    /// Resident size after the last answer, in bytes.
    pub(crate) fn rss(&self) -> u64 {
        match self {
            Self::Managed(worker) => worker.rss,
            Self::Native(worker) => worker.rss,
        }
    }

    /// Questions answered.
    pub(crate) fn answered(&self) -> u64 {
        match self {
            Self::Managed(worker) => worker.answered,
            Self::Native(worker) => worker.answered,
        }
    }

    /// CPU time of Lean and of its printer of errors for the last answer, in microseconds; told once.
    pub(crate) fn take_times(&mut self) -> (u64, u64) {
        match self {
            Self::Managed(worker) => {
                (std::mem::take(&mut worker.lean_us), std::mem::take(&mut worker.print_us))
            }
            Self::Native(worker) => {
                (std::mem::take(&mut worker.lean_us), std::mem::take(&mut worker.print_us))
            }
        }
    }
}
