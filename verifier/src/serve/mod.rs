//! `stp serve`: the pool behind HTTP.
//!
//! Whole Lean texts are elaborated under the paths and in the JSON of the Kimina Lean server, so that its
//! Python client works against this server as it is; proofs are judged under a path of our own. The answer
//! to a whole text is Lean's word on a program that its sender wrote, and no more than that; only
//! `/api/judge` cannot be cheated.

mod admission;
mod answer;
mod api;
mod batch;
mod body;
mod connections;
mod hosts;
mod judge;
mod kimina;
mod metrics;
mod shared;
mod source;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::handle::Pool;
use admission::Admission;
pub use connections::Connections;
pub use hosts::{HostError, Hosts};
use metrics::Metrics;
pub use shared::ServeConfig;
use shared::{Shared, digest};

/// What handlers may still take to write their answers once the pool is gone.
const LAST_WORDS: Duration = Duration::from_secs(2);

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
