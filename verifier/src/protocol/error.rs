//! Why no answer can be given at all, here or from workers on other machines.

use std::sync::Arc;

use crate::kernel::KernelError;

/// Why the pool, not a proof, failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VerifierError {
    /// Lean cannot be started.
    #[error(
        "Lean could not be started {attempts} times in a row: {reason}. See `stp toolchain status`; if the managed Lean is damaged, remove its folder and run `stp toolchain install`. Each process needs about 0.9 GB of memory: fewer can be asked for with --workers."
    )]
    Start {
        /// Tries.
        attempts: u32,
        /// The last try's error.
        reason: String,
    },
    /// The pool was shut down.
    #[error("the pool of Lean processes was shut down while a request waited")]
    Closed,
    /// The kernel that must agree cannot be asked.
    #[error(transparent)]
    Kernel(Arc<KernelError>),
    /// Workers on other machines cannot be asked.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

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
    /// Verdicts under two sets of rules would be mixed.
    #[error(
        "worker {worker} judges by other rules: {found}, not those of number {wanted}. Stop that worker, or install the same version of stp there as here, and run the same command again."
    )]
    OtherRules {
        /// Host and process.
        worker: String,
        /// Its rules, in words.
        found: String,
        /// The number of this program's rules.
        wanted: u32,
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
