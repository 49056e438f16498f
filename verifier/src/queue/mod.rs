//! Judging on other machines, through NATS JetStream.
//!
//! Requests wait in a work-queue stream; workers (`stp worker`) take them in batches, judge them with a pool
//! of their own, store each answer under its request's id and only then acknowledge. So a request that a
//! killed worker held comes back to another one, an answer that is stored twice is dropped the second time,
//! and a restart of the server, which keeps all of it in files, loses nothing.

pub(crate) mod hub;
mod remote;
pub(crate) mod wire;

pub use crate::protocol::QueueError;
pub use crate::worker::{WorkerConfig, run_worker};
pub use remote::{RemoteConfig, RemotePool};
pub use wire::DEFAULT_QUEUE;
