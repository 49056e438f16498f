//! `stp serve`: the pool behind HTTP.
//!
//! Whole Lean texts are elaborated under the paths and in the JSON of the Kimina Lean server, so that its
//! Python client works against this server as it is; proofs are judged under a path of our own. The answer
//! to a whole text is Lean's word on a program that its sender wrote, and no more than that; only
//! `/api/judge` cannot be cheated.

mod admission;
mod api;
mod batch;
mod connections;
mod hosts;
mod judge;
mod kimina;
mod metrics;
mod source;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::handle::Pool;
use admission::Admission;
pub use connections::Connections;
pub use hosts::{HostError, Hosts};
use metrics::Metrics;

/// What handlers may still take to write their answers once the pool is gone.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Address and limits of a server.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// `HOST:PORT`; port 0 takes a free one.
    pub listen: String,
    /// Names besides `localhost` and the address by which it may be asked, as behind a proxy.
    pub allow_hosts: Vec<String>,
    /// What requests must bring as `Authorization: Bearer KEY`; `None` lets everybody in.
    pub api_key: Option<String>,
    /// Snippets and rows that may wait for a Lean process; then requests are answered 429.
    pub max_waiting: usize,
    /// Snippets or rows of one request.
    pub max_snippets: usize,
    /// Size of a request's body in bytes.
    pub max_body_bytes: usize,
    /// Size of one snippet's text in bytes.
    pub max_code_bytes: usize,
    /// Connections open at once; more are answered 503.
    pub max_connections: usize,
    /// How long a client may take to send a request's head, to send its body (and a second more for each 16 KiB of
    /// it), or to take the answer.
    pub read_timeout: Duration,
    /// Longest time limit that a request gets for each of its snippets, whatever it asks for.
    pub max_timeout: Duration,
    /// What running requests may still take when the server is told to stop.
    pub grace: Duration,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            allow_hosts: Vec::new(),
            api_key: None,
            max_waiting: 1024,
            max_snippets: 256,
            max_body_bytes: 16 << 20,
            max_code_bytes: 256 << 10,
            max_connections: 512,
            read_timeout: Duration::from_secs(20),
            max_timeout: Duration::from_secs(300),
            grace: Duration::from_secs(20),
        }
    }
}

/// Why a server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another program listens there.
    #[error(
        "{0} is taken: another program listens there, perhaps another `stp serve`. End it, or choose another port with --listen HOST:PORT (port 0 takes a free one)."
    )]
    Taken(String),
    /// The address is none, or not one of this machine's.
    #[error(
        "cannot listen on `{listen}`: {reason}. Give an address of this machine with --listen HOST:PORT, such as 127.0.0.1:8000, or 0.0.0.0:8000 for all its networks."
    )]
    Listen {
        /// What was asked for.
        listen: String,
        /// What the system says.
        reason: String,
    },
    /// The key cannot be matched by any request.
    #[error(
        "the API key is empty or has spaces around it. Give one with --api-key or STP_API_KEY, or leave it out."
    )]
    BadKey,
    /// A name in [`ServeConfig::allow_hosts`] is none.
    #[error(transparent)]
    BadHost(#[from] HostError),
    /// The listening socket broke down.
    #[error("the server stopped accepting connections: {0}. Start it again.")]
    Broken(io::Error),
}

/// What all requests share.
struct Shared {
    pool: Pool,
    config: ServeConfig,
    key: Option<[u8; 32]>,
    admission: Arc<Admission>,
    metrics: Metrics,
    connections: Arc<Connections>,
}

/// A server that holds its address but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    hosts: Hosts,
    pool: Pool,
    config: ServeConfig,
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// [`ServeError`] if it cannot be had, or the key is none.
    pub async fn bind(pool: Pool, config: ServeConfig) -> Result<Self, ServeError> {
        if config.api_key.as_ref().is_some_and(|key| key.is_empty() || key.trim() != key) {
            return Err(ServeError::BadKey);
        }
        let explain = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => ServeError::Taken(config.listen.clone()),
            _ => ServeError::Listen { listen: config.listen.clone(), reason: error.to_string() },
        };
        let listener = TcpListener::bind(&config.listen).await.map_err(explain)?;
        let address = listener.local_addr().map_err(explain)?;
        let hosts = Hosts::new(&config.listen, address, &config.allow_hosts)?;
        Ok(Self { listener, address, hosts, pool, config })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `stop` is ready. Then it takes no more of them, lets running ones finish within
    /// the grace, and returns when the pool's processes are gone.
    ///
    /// # Errors
    /// [`ServeError::Broken`].
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), ServeError> {
        let Self { listener, pool, config, hosts, .. } = self;
        let grace = config.grace;
        let connections = Connections::new(config.max_connections, config.read_timeout);
        let shared = Arc::new(Shared {
            key: config.api_key.as_ref().map(|key| digest(key)),
            admission: Admission::new(config.max_waiting.saturating_add(pool.workers())),
            metrics: Metrics::default(),
            connections: connections.clone(),
            pool: pool.clone(),
            config,
        });
        let (stopping, mut stopped) = watch::channel(false);
        let router = hosts.guard(api::router(shared));
        let mut server = Box::pin(connections.serve(listener, router, stopping.subscribe()));
        tokio::spawn(async move {
            stop.await;
            stopping.send_replace(true);
        });
        let out_of_grace = async {
            // It cannot fail: the sender lives as long as this function.
            let _ = stopped.wait_for(|stop| *stop).await;
            tokio::time::sleep(grace).await;
        };
        let outcome = tokio::select! {
            outcome = &mut server => outcome,
            () = out_of_grace => {
                pool.shutdown().await;
                tokio::time::timeout(LAST_WORDS, server).await.unwrap_or(Ok(()))
            }
        };
        pool.shutdown().await;
        outcome.map_err(ServeError::Broken)
    }
}

/// Binds, tells `ready` the address, and answers until `stop` is ready.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    pool: Pool,
    config: ServeConfig,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let server = Server::bind(pool, config).await?;
    ready(server.address());
    server.run(stop).await
}

/// Keys are compared by their digests, so that the time it takes tells nothing of the key.
fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}
