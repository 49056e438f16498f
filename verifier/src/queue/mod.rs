//! Judging on other machines, through NATS JetStream.
//!
//! Requests wait in a work-queue stream; workers (`stp worker`) take them in batches, judge them with a pool
//! of their own, store each answer under its request's id and only then acknowledge. So a request that a
//! killed worker held comes back to another one, an answer that is stored twice is dropped the second time,
//! and a restart of the server, which keeps all of it in files, loses nothing.

mod hub;
mod remote;
mod wire;
mod worker;

pub use remote::{RemoteConfig, RemotePool};
pub use worker::{WorkerConfig, run_worker};

/// The name that stream, consumer and bucket begin with, if none is given.
pub const DEFAULT_QUEUE: &str = "stp";

/// Why the queue cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum QueueError {
    /// Not the address of a NATS server.
    #[error(
        "`{url}` is not the address of a NATS server: {reason}. It looks like nats://HOST:4222, or nats://USER:PASSWORD@HOST:4222, or tls://HOST:4222; several servers of one cluster are divided by commas."
    )]
    Url {
        /// What was given, without its password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A queue's name that cannot be one.
    #[error("`{0}` cannot name a queue: use letters, digits, `-` and `_` only.")]
    Name(String),
    /// Nobody answers there, or not to us.
    #[error(
        "the NATS server at {url} cannot be reached: {reason}. Check that it runs (`nats-server -js -sd FOLDER`), that host, port, user and password are right and that no firewall is between."
    )]
    Unreachable {
        /// What was given, without its password.
        url: String,
        /// What the connection says.
        reason: String,
    },
    /// The server runs without persistence.
    #[error(
        "the NATS server at {url} has no JetStream for this account ({reason}). Start it with `nats-server -js -sd FOLDER`, or enable `jetstream` in its configuration."
    )]
    NoJetStream {
        /// What was given, without its password.
        url: String,
        /// What the server says.
        reason: String,
    },
    /// A stream or bucket of that name exists and is something else.
    #[error(
        "`{name}` on the NATS server is not set up for judging: {reason}. Remove it if nothing else needs it (`nats stream rm {name}`), or choose another queue with --queue NAME, the same for workers and clients."
    )]
    Misconfigured {
        /// The stream.
        name: String,
        /// What differs.
        reason: String,
    },
    /// The server was there and went away.
    #[error(
        "the NATS server has not answered for {seconds} s: {reason}. Start it again with the same storage folder; requests and verdicts that it has are not lost, and the same command again goes on."
    )]
    Lost {
        /// How long it was waited for.
        seconds: u64,
        /// The last error.
        reason: String,
    },
    /// Requests wait, but nobody judges them.
    #[error(
        "no worker has answered for {seconds} s. Start workers with `stp worker --nats {url}` (and the same --queue, if one is given) and run the same command again."
    )]
    NoWorker {
        /// How long it was waited for.
        seconds: u64,
        /// What was given, without its password.
        url: String,
    },
    /// Verdicts of two Leans would be mixed.
    #[error(
        "worker {worker} judges with another Lean: {found}, not {wanted}. Stop that worker, or start it with the same toolchain as the others, and run the same command again."
    )]
    OtherToolchain {
        /// Host and process.
        worker: String,
        /// Its Lean.
        found: String,
        /// The one asked for, or of the first answer.
        wanted: String,
    },
    /// The server takes no messages of that size.
    #[error(
        "a request of {bytes} bytes is larger than the NATS server takes. Raise `max_payload` in its configuration."
    )]
    TooLarge {
        /// The request's size.
        bytes: usize,
    },
    /// An answer that is none.
    #[error("an answer of a worker is unreadable: {0}. Are all workers and the client of the same version?")]
    Unreadable(String),
}
