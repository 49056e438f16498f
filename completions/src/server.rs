//! The server: where it listens, what it bears, how it stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use stp_verifier::serve::{Admission, Connections, Key, Listening, ServeError};

use crate::metrics::Metrics;
use crate::router::router;
use crate::shared::{Served, Shared, now};

/// Address and limits of a server.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// `HOST:PORT`; port 0 takes a free one.
    pub listen: String,
    /// Names besides `localhost` and the address by which it may be asked, as behind a proxy.
    pub allow_hosts: Vec<String>,
    /// What requests must bring as `Authorization: Bearer KEY`; `None` lets everybody in.
    pub api_key: Option<String>,
    /// Samples that may be under way, running and waiting; then requests are answered 429.
    pub max_waiting: usize,
    /// Samples of one request: its prompts times `n`.
    pub max_samples: usize,
    /// Size of a request's body in bytes.
    pub max_body_bytes: usize,
    /// Connections open at once; more are answered 503.
    pub max_connections: usize,
    /// How long a client may take to send a request's head, to send its body (and a second more for each 16 KiB of
    /// it), or to take the answer.
    pub read_timeout: Duration,
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
            max_samples: 128,
            max_body_bytes: 16 << 20,
            max_connections: 512,
            read_timeout: Duration::from_secs(20),
            grace: Duration::from_secs(20),
        }
    }
}

/// A server that holds its address but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listening: Listening,
    key: Key,
    config: ServeConfig,
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// [`ServeError`] if it cannot be had, or the key is none.
    pub async fn bind(config: ServeConfig) -> Result<Self, ServeError> {
        let key = Key::new(config.api_key.as_deref())?;
        let listening = Listening::bind(&config.listen, &config.allow_hosts).await?;
        Ok(Self { listening, key, config })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// Answers requests for a model until `stop` is ready. Then it takes no more of them, lets running ones finish within
    /// the grace, and ends all samples.
    ///
    /// # Errors
    /// [`ServeError::Broken`].
    pub async fn run(
        self,
        served: Served,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let Self { listening, key, config } = self;
        let connections = Connections::new(config.max_connections, config.read_timeout);
        let shared = Arc::new(Shared {
            served,
            key,
            admission: Admission::new(config.max_waiting),
            metrics: Metrics::default(),
            connections: connections.clone(),
            max_samples: config.max_samples,
            max_body_bytes: config.max_body_bytes,
            patience: config.read_timeout,
            since: now(),
        });
        let close = || {
            shared.served.engine.close();
            std::future::ready(())
        };
        listening.answer(router(shared.clone()), connections, config.grace, stop, close).await
    }
}
