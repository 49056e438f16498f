//! Where a server listens, and how it stops: the same for what answers of Lean and for what answers of a model.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::connections::Connections;
use super::hosts::{HostError, Hosts};

/// What handlers may still take to write their answers once there is nothing to answer with.
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

/// An address that is held, whose requests nobody answers yet.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    hosts: Hosts,
}

impl Listening {
    /// Takes `HOST:PORT`; port 0 takes a free one. It may be asked by its own names and by those of `allow_hosts`.
    ///
    /// # Errors
    /// [`ServeError`] if it cannot be had.
    pub async fn bind(listen: &str, allow_hosts: &[String]) -> Result<Self, ServeError> {
        let explain = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => ServeError::Taken(listen.to_owned()),
            _ => ServeError::Listen { listen: listen.to_owned(), reason: error.to_string() },
        };
        let listener = TcpListener::bind(listen).await.map_err(explain)?;
        let address = listener.local_addr().map_err(explain)?;
        let hosts = Hosts::new(listen, address, allow_hosts)?;
        Ok(Self { listener, address, hosts })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `stop` is ready. Then it takes no more of them, and lets running ones finish within the
    /// grace. After that `close` takes away what they wait for, and they say their last words.
    ///
    /// # Errors
    /// [`ServeError::Broken`].
    pub async fn answer<C: Future<Output = ()>>(
        self,
        router: Router,
        connections: Arc<Connections>,
        grace: Duration,
        stop: impl Future<Output = ()> + Send + 'static,
        close: impl Fn() -> C,
    ) -> Result<(), ServeError> {
        let (stopping, mut stopped) = watch::channel(false);
        let router = self.hosts.guard(router);
        let mut server = Box::pin(connections.serve(self.listener, router, stopping.subscribe()));
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
                close().await;
                tokio::time::timeout(LAST_WORDS, server).await.unwrap_or(Ok(()))
            }
        };
        close().await;
        outcome.map_err(ServeError::Broken)
    }
}
