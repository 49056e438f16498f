//! The client's side: a pool whose Lean processes are on other machines.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};
use stp_datasets::Status;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::hub::Hub;
use super::wire::{Answer, DEFAULT_QUEUE, Limits, Question};
use crate::protocol::{Answered, Backend, Counters, PoolStats, QueueError, Reply, Request, VerifierError};

const PAUSE: Duration = Duration::from_millis(500);
/// How often answers that nobody announced are looked for, and how many at a time.
const LOOK_AFTER: Duration = Duration::from_secs(3);
const LOOK_AT: usize = 64;

/// How workers of other machines are asked.
#[derive(Clone, Debug)]
pub struct RemoteConfig {
    /// The queue's name, the same for workers and clients.
    pub queue: String,
    /// How many Lean processes to count on; callers keep a few requests for each under way.
    pub workers: usize,
    /// Wall-clock limit of one check.
    pub check_timeout: Duration,
    /// Lean's own limit (`maxHeartbeats`).
    pub max_heartbeats: u64,
    /// The version that all answers must come from ([`crate::Toolchain::version`]); `None`: that of the first answer.
    pub toolchain: Option<String>,
    /// How long requests may wait without any answer, and how long the server may be away.
    pub patience: Duration,
}

impl Default for RemoteConfig {
    fn default() -> Self {
        Self {
            queue: DEFAULT_QUEUE.to_owned(),
            workers: 16,
            check_timeout: Duration::from_secs(10),
            max_heartbeats: 20_000,
            toolchain: None,
            patience: Duration::from_secs(600),
        }
    }
}

/// A handle on a queue; clones share it.
#[derive(Clone, Debug)]
pub struct RemotePool {
    shared: Arc<Shared>,
    _listener: Arc<Listener>,
}

#[derive(Debug)]
struct Listener(JoinHandle<()>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug)]
struct Shared {
    hub: Hub,
    config: RemoteConfig,
    /// A name that no other client has.
    client: String,
    next: AtomicU64,
    counters: Counters,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    waiting: HashMap<String, Waiting>,
    toolchain: Option<String>,
    last_answer: Instant,
    closed: bool,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    sender: oneshot::Sender<Result<Reply, VerifierError>>,
}

/// Forgets a request that nobody waits for any more.
struct Forget<'a>(&'a Shared, &'a str);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.state().waiting.remove(self.1);
    }
}

impl RemotePool {
    /// Connects; see [`crate::Pool::connect`], which gives the handle that callers use.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn connect(url: &str, config: RemoteConfig) -> Result<Self, QueueError> {
        let hub = Hub::open(url, &config.queue).await?;
        let state = State {
            waiting: HashMap::new(),
            toolchain: config.toolchain.clone(),
            last_answer: Instant::now(),
            closed: false,
        };
        let shared = Arc::new(Shared {
            hub,
            config,
            client: fresh_name(),
            next: AtomicU64::new(0),
            counters: Counters::default(),
            state: Mutex::new(state),
        });
        let listener = tokio::spawn(listen(shared.clone()));
        Ok(Self { shared, _listener: Arc::new(Listener(listener)) })
    }

    async fn ask(&self, request: Request) -> Result<Reply, VerifierError> {
        let shared = &self.shared;
        let config = &shared.config;
        let limits = Limits {
            timeout_ms: u64::try_from(config.check_timeout.as_millis()).unwrap_or(u64::MAX),
            max_heartbeats: config.max_heartbeats,
        };
        let id = format!("{}.{}", shared.client, shared.next.fetch_add(1, Ordering::Relaxed));
        let question = Question { id: id.clone(), limits, request };
        let bytes =
            serde_json::to_vec(&question).map_err(|error| QueueError::Unreadable(error.to_string()))?;
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = shared.state();
            if state.closed {
                return Err(VerifierError::Closed);
            }
            state.waiting.insert(id.clone(), Waiting { since: Instant::now(), sender });
        }
        let _forget = Forget(shared, &id);
        shared.publish(&id, bytes).await?;
        receiver.await.map_err(|_| VerifierError::Closed)?
    }

    /// Withdraws what no worker has taken yet and ends the connection.
    async fn withdraw(&self) {
        let shared = &self.shared;
        {
            let mut state = shared.state();
            state.closed = true;
            state.waiting.clear();
        }
        let withdraw = shared.hub.stream.purge().filter(shared.hub.subject(&shared.client));
        // If the server is away, workers judge in vain what is left.
        let _ = tokio::time::timeout(LOOK_AFTER, withdraw).await;
    }
}

impl Backend for RemotePool {
    fn request(&self, request: Request) -> Answered<'_> {
        Box::pin(self.ask(request))
    }

    /// As many as were promised.
    fn workers(&self) -> usize {
        self.shared.config.workers.max(1)
    }

    fn check_timeout(&self) -> Duration {
        self.shared.config.check_timeout
    }

    /// What this handle knows of it.
    fn stats(&self) -> PoolStats {
        self.shared.counters.stats()
    }

    /// The workers go on; only the connection ends.
    fn shutdown(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.withdraw())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a request into the stream; it returns when the server has it. Copies are dropped by its id.
    async fn publish(&self, id: &str, bytes: Vec<u8>) -> Result<(), QueueError> {
        let began = Instant::now();
        loop {
            let message = PublishMessage::build().message_id(id).payload(bytes.clone().into());
            let sent = match self.hub.context.send_publish(self.hub.subject(&self.client), message).await {
                Ok(sent) => sent.await.map(|_| ()),
                Err(error) => Err(error),
            };
            let Err(error) = sent else { return Ok(()) };
            if error.kind() == PublishErrorKind::MaxPayloadExceeded {
                return Err(QueueError::TooLarge { bytes: bytes.len() });
            }
            if began.elapsed() > self.config.patience {
                let seconds = began.elapsed().as_secs();
                return Err(QueueError::Lost { seconds, reason: error.to_string() });
            }
            tracing::warn!("a request is not in the queue yet: {error}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn deliver(&self, id: &str, bytes: &[u8]) {
        let mut state = self.state();
        state.last_answer = Instant::now();
        let Some(waiting) = state.waiting.remove(id) else { return };
        let read = serde_json::from_slice::<Answer>(bytes);
        let result = match read {
            Err(error) => Err(QueueError::Unreadable(error.to_string())),
            Ok(answer) => answer.taken(&mut state.toolchain),
        };
        drop(state);
        if let Ok(reply) = &result {
            self.count(reply);
        }
        // A requester that went away needs no answer.
        let _ = waiting.sender.send(result.map_err(VerifierError::from));
    }

    fn count(&self, reply: &Reply) {
        let add = |counter: &AtomicU64, count| counter.fetch_add(count, Ordering::Relaxed);
        add(&self.counters.checks, 1);
        if let Reply::Verdict(verdict) = reply {
            add(&self.counters.busy_ms, u64::from(verdict.elapsed_ms));
            add(&self.counters.timeouts, u64::from(verdict.status == Status::Timeout));
            add(&self.counters.crashes, u64::from(verdict.status == Status::Crashed));
        }
    }

    /// Looks for answers that were not announced, and gives up when there are none for too long.
    async fn look_after(&self) {
        let now = Instant::now();
        let mut due: Vec<_> = {
            let state = self.state();
            let old = |waiting: &Waiting| now.duration_since(waiting.since) > LOOK_AFTER;
            state.waiting.iter().filter(|(_, w)| old(w)).map(|(id, w)| (w.since, id.clone())).collect()
        };
        due.sort();
        for (_, id) in due.iter().take(LOOK_AT) {
            if let Ok(Some(bytes)) = self.hub.answers.get(id.as_str()).await {
                self.deliver(id, &bytes);
            }
        }
        let mut state = self.state();
        let heard = state.last_answer;
        let patience = self.config.patience;
        let given_up: Vec<_> = state
            .waiting
            .extract_if(|_, waiting| waiting.since.max(heard).elapsed() > patience)
            .map(|(_, waiting)| waiting)
            .collect();
        drop(state);
        for waiting in given_up {
            let seconds = waiting.since.max(heard).elapsed().as_secs();
            let _ =
                waiting.sender.send(Err(QueueError::NoWorker { seconds, url: self.hub.url.clone() }.into()));
        }
    }
}

/// Hands out answers as they are stored. Whatever it misses is found by looking.
async fn listen(shared: Arc<Shared>) {
    let keys = format!("{}.*", shared.client);
    let mut clock = tokio::time::interval(LOOK_AFTER);
    loop {
        let mut watch = match shared.hub.answers.watch_with_history(&keys).await {
            Ok(watch) => Some(watch),
            Err(error) => {
                tracing::warn!("answers are not announced: {error}");
                None
            }
        };
        loop {
            let next = async {
                match &mut watch {
                    Some(watch) => watch.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                entry = next => match entry {
                    Some(Ok(entry)) => shared.deliver(&entry.key, &entry.value),
                    Some(Err(error)) => tracing::warn!("answers are not announced: {error}"),
                    None => break,
                },
                _ = clock.tick() => {
                    shared.look_after().await;
                    if watch.is_none() {
                        break;
                    }
                }
            }
        }
    }
}

fn fresh_name() -> String {
    static CLIENTS: AtomicU64 = AtomicU64::new(0);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let count = CLIENTS.fetch_add(1, Ordering::Relaxed);
    let host = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digest = Sha256::digest(format!("{time} {count} {} {host}", std::process::id()));
    digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect()
}
