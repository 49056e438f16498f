//! `stp worker`: takes requests from the queue, judges them here and stores the answers.
//!
//! The queue is not trusted: the text gate runs here again, and neither a header nor a statement may run
//! code in the Lean processes.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::kv::CreateErrorKind;
use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt;
use stp_datasets::{Status, Verdict};
use tokio::sync::{RwLock, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::cache::RULES;
use crate::gate;
use crate::handle::Pool;
use crate::pool::PoolConfig;
use crate::protocol::{Reply, Request, SketchReport, StatementReport, VerifierError};
use crate::queue::hub::Hub;
use crate::queue::wire::{Answer, DEFAULT_QUEUE, Limits, Question};
use crate::toolchain::Toolchain;

/// Requests held for each Lean process: enough that none waits for the next one.
const HELD_PER_WORKER: usize = 2;
/// How long the server holds a request for messages open.
const FETCH_EXPIRES: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(500);
/// No request gets more time for a check than this, whatever it says.
const LONGEST_CHECK: Duration = Duration::from_secs(3600);

/// Where a worker gets its requests, and what it has to judge them.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// The NATS server's address.
    pub url: String,
    /// The queue's name, the same for workers and clients.
    pub queue: String,
    /// Size of the pool; its limits on checks are those of the requests, once there are any.
    pub pool: PoolConfig,
    /// After this time without a sign of life the server gives a worker's requests to others. Only the
    /// first worker of a queue decides it.
    pub ack_wait: Duration,
    /// A request that was delivered more often than this is given up as `crashed`: it ends its workers.
    pub max_deliveries: u32,
    /// What held requests may still take when the worker is told to stop; the others go back.
    pub grace: Duration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            url: "nats://127.0.0.1:4222".to_owned(),
            queue: DEFAULT_QUEUE.to_owned(),
            pool: PoolConfig::default(),
            ack_wait: Duration::from_secs(30),
            max_deliveries: 5,
            grace: Duration::from_secs(20),
        }
    }
}

/// Works until `stop` is ready; calls `ready` once it is connected.
///
/// # Errors
/// [`VerifierError::Queue`] if the queue cannot be used, [`VerifierError::Start`] if Lean cannot be started.
pub async fn run_worker(
    toolchain: &Toolchain,
    config: WorkerConfig,
    ready: impl FnOnce(),
    stop: impl Future<Output = ()>,
) -> Result<(), VerifierError> {
    let hub = Hub::open(&config.url, &config.queue).await?;
    let consumer = hub.consumer(config.ack_wait).await?;
    let ack_wait = consumer.cached_info().config.ack_wait;
    let (failed, mut failures) = mpsc::unbounded_channel();
    let desk = Arc::new(Desk {
        bench: RwLock::new(Bench::new(toolchain, &config.pool)),
        toolchain: toolchain.clone(),
        name: worker_name(),
        sign_of_life: ack_wait / 3,
        slots: Arc::new(Semaphore::new(HELD_PER_WORKER * config.pool.workers.max(1))),
        hub,
        config,
        failed,
    });
    ready();
    let mut held = JoinSet::new();
    tokio::pin!(stop);
    let outcome = tokio::select! {
        () = &mut stop => Ok(()),
        Some(error) = failures.recv() => Err(error),
        () = desk.clone().take(&consumer, &mut held) => Ok(()),
    };
    if outcome.is_ok() {
        let all = async { while held.join_next().await.is_some() {} };
        // What is not done by then comes back to another worker.
        let _ = tokio::time::timeout(desk.config.grace, all).await;
    }
    held.shutdown().await;
    desk.bench.read().await.pool.shutdown().await;
    // The last acknowledgements; if the server is gone it delivers those requests again.
    let _ = tokio::time::timeout(PAUSE, desk.hub.context.client().flush()).await;
    outcome
}

/// The pool, and the limits on checks that it was started with.
struct Bench {
    limits: Limits,
    pool: Pool,
}

impl Bench {
    fn new(toolchain: &Toolchain, config: &PoolConfig) -> Self {
        let timeout_ms = u64::try_from(config.check_timeout.as_millis()).unwrap_or(u64::MAX);
        let limits = Limits { timeout_ms, max_heartbeats: config.max_heartbeats };
        Self { limits, pool: Pool::start(toolchain, config.clone()) }
    }
}

struct Desk {
    hub: Hub,
    toolchain: Toolchain,
    config: WorkerConfig,
    name: String,
    sign_of_life: Duration,
    slots: Arc<Semaphore>,
    /// Read while a request is judged, written to judge under other limits.
    bench: RwLock<Bench>,
    failed: mpsc::UnboundedSender<VerifierError>,
}

impl Desk {
    /// Takes batches, no larger than there are free slots, for as long as it is let.
    async fn take(self: Arc<Self>, consumer: &PullConsumer, held: &mut JoinSet<()>) {
        loop {
            while held.try_join_next().is_some() {}
            let Ok(first) = self.slots.clone().acquire_owned().await else { return };
            let mut places = vec![first];
            places.extend(std::iter::from_fn(|| self.slots.clone().try_acquire_owned().ok()));
            let batch = consumer.batch().max_messages(places.len()).expires(FETCH_EXPIRES).messages().await;
            let mut batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    tracing::warn!("no requests from the NATS server: {error}");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            while let Some(message) = batch.next().await {
                match (message, places.pop()) {
                    (Ok(message), Some(place)) => {
                        let desk = self.clone();
                        held.spawn(async move {
                            desk.handle(&message).await;
                            drop(place);
                        });
                    }
                    (Err(error), place) => {
                        tracing::warn!("a batch of requests broke off: {error}");
                        tokio::time::sleep(PAUSE).await;
                        places.extend(place);
                        break;
                    }
                    (Ok(_), None) => break,
                }
            }
        }
    }

    /// Works on a message, with signs of life, to its acknowledgement.
    async fn handle(&self, message: &Message) {
        let work = self.work(message);
        tokio::pin!(work);
        let mut clock = tokio::time::interval(self.sign_of_life);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ack = loop {
            tokio::select! {
                ack = &mut work => break ack,
                _ = clock.tick() => {
                    if let Err(error) = message.ack_with(AckKind::Progress).await {
                        tracing::debug!("a sign of life was not sent: {error}");
                    }
                }
            }
        };
        // Lost acknowledgements cost a second delivery, which finds the answer stored.
        if let Err(error) = message.double_ack_with(ack).await {
            tracing::debug!("an acknowledgement was lost: {error}");
        }
    }

    async fn work(&self, message: &Message) -> AckKind {
        let question = match serde_json::from_slice::<Question>(&message.payload) {
            Ok(question) if question.is_sound() => question,
            _ => {
                tracing::warn!("a request in the queue is unreadable and was dropped");
                return AckKind::Term;
            }
        };
        if self.is_answered(&question.id).await {
            return AckKind::Ack;
        }
        let deliveries = message.info().map_or(1, |info| info.delivered);
        let reply = if deliveries > i64::from(self.config.max_deliveries) {
            let reason = format!("{} workers ended while they judged it", deliveries - 1);
            question.request.failure(Status::Crashed, reason)
        } else {
            match self.judge(&question).await {
                Ok(reply) => reply,
                Err(error) => {
                    // Other workers may do better; this one ends.
                    let _ = self.failed.send(error);
                    return AckKind::Nak(None);
                }
            }
        };
        self.store(&question, reply).await;
        AckKind::Ack
    }

    async fn is_answered(&self, id: &str) -> bool {
        matches!(self.hub.answers.entry(id).await, Ok(Some(_)))
    }

    async fn judge(&self, question: &Question) -> Result<Reply, VerifierError> {
        if let Some(reply) = refuse(&question.request) {
            return Ok(reply);
        }
        loop {
            let bench = self.bench.read().await;
            if bench.limits == question.limits {
                return bench.pool.request(question.request.clone()).await;
            }
            drop(bench);
            self.change_limits(question.limits).await;
        }
    }

    /// Starts the pool anew under other limits, when nothing is being judged under the old ones.
    async fn change_limits(&self, limits: Limits) {
        let mut bench = self.bench.write().await;
        if bench.limits == limits {
            return;
        }
        bench.pool.shutdown().await;
        let config = PoolConfig {
            check_timeout: Duration::from_millis(limits.timeout_ms).min(LONGEST_CHECK),
            max_heartbeats: limits.max_heartbeats,
            ..self.config.pool.clone()
        };
        *bench = Bench { limits, pool: Pool::start(&self.toolchain, config) };
    }

    /// Stores an answer, however long the server is away; a second answer to the same request is dropped.
    async fn store(&self, question: &Question, reply: Reply) {
        let answer = |reply| {
            let (toolchain, worker) = (self.toolchain.version().to_owned(), self.name.clone());
            let answer = Answer { toolchain, rules: Some(RULES), worker, reply };
            serde_json::to_vec(&answer).unwrap_or_default()
        };
        let mut bytes = answer(reply);
        if bytes.len() + 1024 > self.hub.context.client().server_info().max_payload {
            let reason =
                "Lean's answer is larger than the NATS server takes (see `max_payload` in its configuration)";
            bytes = answer(question.request.failure(Status::Crashed, reason.to_owned()));
        }
        loop {
            let error = match self.hub.answers.create(&question.id, bytes.clone().into()).await {
                Ok(_) => return,
                Err(error) if error.kind() == CreateErrorKind::AlreadyExists => return,
                Err(error) => error,
            };
            tracing::warn!("an answer is not stored yet: {error}");
            tokio::time::sleep(PAUSE).await;
            if self.is_answered(&question.id).await {
                return;
            }
        }
    }
}

/// What the text gate says of a request, whoever put it into the queue.
fn refuse(request: &Request) -> Option<Reply> {
    let runs_code = |text: &str| {
        gate::may_run_code(text).then(|| "neither a header nor a statement may run code".to_owned())
    };
    match request {
        Request::Check(candidate) | Request::Export(candidate) => gate::check_proof(&candidate.proof)
            .err()
            .or_else(|| runs_code(&candidate.header))
            .or_else(|| runs_code(&candidate.signature))
            .map(|reason| Reply::Verdict(Verdict::new(Status::Rejected, reason))),
        Request::Sketch(candidate) => gate::check_sketch(&candidate.proof)
            .err()
            .or_else(|| runs_code(&candidate.header))
            .or_else(|| runs_code(&candidate.signature))
            .map(|reason| Reply::Sketch(SketchReport::None { reason })),
        Request::TheoremOf { statement: Some((header, signature, _)), .. } => {
            gate::check_signature(signature)
                .err()
                .or_else(|| runs_code(header))
                .map(|reason| Reply::Verdict(Verdict::new(Status::Rejected, reason)))
        }
        Request::Statement { header, signature, .. } => gate::check_signature(signature)
            .err()
            .or_else(|| runs_code(header))
            .map(|reason| Reply::Statement(StatementReport::refused(reason))),
        Request::Signatures(names) if !names.iter().all(|name| gate::is_name(name)) => {
            Some(Reply::Signatures(vec![None; names.len()]))
        }
        Request::Source { code, .. } | Request::TheoremOf { code, statement: None, .. } => {
            let found = gate::still(code).map(|still| still.refused.is_empty());
            let reason = "the text has a proof that may run code".to_owned();
            (!matches!(found, Ok(true))).then(|| request.failure(Status::Rejected, reason))
        }
        Request::Signatures(_) | Request::Theorems | Request::File { .. } => None,
    }
}

/// Host and process, for people.
fn worker_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "host" } else { host.trim() };
    format!("{host}:{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Candidate;

    #[test]
    fn what_the_queue_brings_passes_the_gate_again() {
        let check = |header: &str, signature: &str, proof: &str| {
            refuse(&Request::Check(Candidate::new(header, signature, proof)))
        };
        assert!(check("open Nat", ": True", "trivial").is_none());
        for (header, signature, proof) in [
            ("", ": True", "by sorry"),
            ("run_cmd foo", ": True", "trivial"),
            ("", ": True := trivial\n#eval 1\ntheorem x : True", "trivial"),
        ] {
            let Some(Reply::Verdict(verdict)) = check(header, signature, proof) else { panic!("{proof}") };
            assert_eq!(verdict.status, Status::Rejected);
        }
        let names = vec!["Nat.add_comm".to_owned(), "Nat\n#eval 1".to_owned()];
        assert!(
            matches!(refuse(&Request::Signatures(names)), Some(Reply::Signatures(none)) if none.len() == 2)
        );
    }
}
