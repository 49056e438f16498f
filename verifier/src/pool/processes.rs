//! The processes of a pool, started ahead in the background, and how one of them is asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use stp_datasets::Status;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::asked::{Asked, Gone, or_gone, read};
use super::care::Care;
use super::config::PoolConfig;
use super::supervisor::{Job, Supervisor};
use crate::protocol::{Counters, Lost, Question, Role, VerifierError};
use crate::toolchain::Toolchain;

/// Supervised processes that elaborate, and others that judge. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Processes {
    /// How many elaborate side by side.
    pub(super) workers: usize,
    /// Wall-clock limit of one check.
    pub(super) check_timeout: Duration,
    pub(super) counters: Arc<Counters>,
    elaborators: mpsc::UnboundedSender<Job>,
    checkers: mpsc::UnboundedSender<Job>,
    closing: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Processes {
    fn drop(&mut self) {
        for task in self.take_tasks() {
            task.abort();
        }
    }
}

impl Processes {
    /// Starts them in the background; questions wait until one is ready. Must be called inside a tokio runtime.
    pub(super) fn start(toolchain: &Toolchain, config: &PoolConfig) -> Self {
        let workers = config.workers.max(1);
        let counters = Arc::new(Counters::default());
        let closing = watch::Sender::new(false);
        let mut tasks = Vec::new();
        let mut supervise = |role, count: usize| {
            let (queue, jobs) = mpsc::unbounded_channel();
            let supervisor = Supervisor {
                role,
                toolchain: toolchain.clone(),
                config: config.clone(),
                jobs: Arc::new(tokio::sync::Mutex::new(jobs)),
                counters: counters.clone(),
                closing: closing.subscribe(),
            };
            tasks.extend((0..count.max(1)).map(|_| tokio::spawn(supervisor.clone().run())));
            queue
        };
        let elaborators = supervise(Role::Elaborator, workers);
        let checkers = supervise(Role::Checker, config.checkers);
        let check_timeout = config.check_timeout;
        Self { workers, check_timeout, counters, elaborators, checkers, closing, tasks: Mutex::new(tasks) }
    }

    fn take_tasks(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends all of them and waits until they are gone. Questions that wait get [`VerifierError::Closed`].
    pub(super) async fn shutdown(&self) {
        self.closing.send_replace(true);
        for task in self.take_tasks() {
            // It fails only if the task panicked; its process is killed then, too.
            let _ = task.await;
        }
    }

    pub(super) async fn ask_checker<T: DeserializeOwned>(&self, question: Question) -> Asked<T> {
        let value = or_gone!(self.ask(Role::Checker, question, self.check_timeout, Care::Gated));
        Ok(read(&value))
    }

    pub(super) async fn ask_elaborator<T: DeserializeOwned>(
        &self,
        question: Question,
        limit: Duration,
        care: Care,
    ) -> Asked<T> {
        let value = or_gone!(self.ask(Role::Elaborator, question, limit, care));
        Ok(read(&value))
    }

    pub(super) async fn ask(
        &self,
        role: Role,
        question: Question,
        limit: Duration,
        care: Care,
    ) -> Asked<Value> {
        let queue = match role {
            Role::Elaborator => &self.elaborators,
            Role::Checker => &self.checkers,
        };
        let (reply, receiver) = oneshot::channel();
        queue.send(Job { question, limit, care, reply }).map_err(|_| VerifierError::Closed)?;
        let answer = receiver.await.map_err(|_| VerifierError::Closed)??;
        Ok(answer.map_err(|lost| match lost {
            Lost::Timeout => {
                let reason = format!("no answer within {} s", limit.as_secs_f64());
                Gone { status: Status::Timeout, reason }
            }
            Lost::Died(reason) => Gone { status: Status::Crashed, reason },
        }))
    }
}
