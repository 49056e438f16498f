//! `stp serve`: the pool behind HTTP.
//!
//! Whole Lean texts are elaborated under the paths and in the JSON of the Kimina Lean server, so that its
//! Python client works against this server as it is; proofs are judged under a path of our own. The answer
//! to a whole text is Lean's word on a program that its sender wrote, and no more than that; only
//! `/api/judge` cannot be cheated.
//!
//! What knows nothing of Lean is for other servers, too: [`Listening`], [`Connections`], [`Hosts`], [`Key`],
//! [`Admission`], [`read_body`] and [`Page`].

mod admission;
mod answer;
mod api;
mod batch;
mod body;
mod connections;
mod hosts;
mod judge;
mod key;
mod kimina;
mod listening;
mod metrics;
mod page;
mod shared;
mod source;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::handle::Pool;
pub use admission::{Admission, Place};
pub use body::{BodyError, read_body};
pub use connections::Connections;
pub use hosts::{HostError, Hosts};
pub use key::Key;
pub use listening::{Listening, ServeError};
use metrics::Metrics;
pub use page::{Durations, Page};
pub use shared::ServeConfig;
use shared::Shared;

/// A server that holds its address but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listening: Listening,
    key: Key,
    pool: Pool,
    config: ServeConfig,
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// [`ServeError`] if it cannot be had, or the key is none.
    pub async fn bind(pool: Pool, config: ServeConfig) -> Result<Self, ServeError> {
        let key = Key::new(config.api_key.as_deref())?;
        let listening = Listening::bind(&config.listen, &config.allow_hosts).await?;
        Ok(Self { listening, key, pool, config })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// Answers requests until `stop` is ready. Then it takes no more of them, lets running ones finish within
    /// the grace, and returns when the pool's processes are gone.
    ///
    /// # Errors
    /// [`ServeError::Broken`].
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), ServeError> {
        let Self { listening, key, pool, config } = self;
        let grace = config.grace;
        let connections = Connections::new(config.max_connections, config.read_timeout);
        let shared = Arc::new(Shared {
            key,
            admission: Admission::new(config.max_waiting.saturating_add(pool.workers())),
            metrics: Metrics::default(),
            connections: connections.clone(),
            pool: pool.clone(),
            config,
        });
        listening.answer(api::router(shared), connections, grace, stop, || pool.shutdown()).await
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
