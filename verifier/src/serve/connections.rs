//! Connections: how many, and how long one may keep the server waiting.
//!
//! Whoever opens a connection and says nothing, sends half a request, or does not read the answer would otherwise
//! hold a place for ever, at no cost.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use nix::errno::Errno;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Sleep, sleep, timeout};

/// After an error of accepting, most often for want of file descriptors, which come back.
const PAUSE: Duration = Duration::from_secs(1);
/// So many errors of accepting in a row are the listening socket's own.
const MAX_ERRORS: u32 = 60;
/// Connections over the limit that are told so at the same time; more are closed without a word.
const TURNED_AWAY: usize = 64;
/// What one of them may still send before it reads that.
const FAREWELL: Duration = Duration::from_secs(1);
const UNREAD: u64 = 64 << 10;

/// The connections of a server.
#[derive(Debug)]
pub struct Connections {
    limit: u32,
    patience: Duration,
    places: Arc<Semaphore>,
    turning_away: Arc<Semaphore>,
    refused: AtomicU64,
}

impl Connections {
    /// `limit` at once. `patience` is how long each may take to send a request's head, from its first moment or
    /// from the last answer, and how long it may leave an answer unread.
    pub fn new(limit: usize, patience: Duration) -> Arc<Self> {
        let limit = u32::try_from(limit.clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        Arc::new(Self {
            limit,
            patience,
            places: Arc::new(Semaphore::new(limit as usize)),
            turning_away: Arc::new(Semaphore::new(TURNED_AWAY)),
            refused: AtomicU64::new(0),
        })
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        (self.limit as usize).saturating_sub(self.places.available_permits())
    }

    /// How many were turned away.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Accepts connections and answers their requests until `stop` turns true; returns when all are closed.
    ///
    /// # Errors
    /// If the listening socket breaks down.
    pub async fn serve(
        &self,
        listener: TcpListener,
        router: Router,
        mut stop: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let mut errors = 0;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stopped(&mut stop) => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    errors = 0;
                    self.welcome(stream, &router, &stop);
                }
                Err(error) if is_of_peer(&error) => {}
                Err(error) if errors >= MAX_ERRORS && !is_want(&error) => return Err(error),
                Err(error) => {
                    tracing::warn!("a connection was not accepted: {error}");
                    errors += 1;
                    sleep(PAUSE).await;
                }
            }
        }
        drop(listener);
        // All places are free when all connections are closed; nobody closes the semaphore.
        let _ = self.places.acquire_many(self.limit).await;
        Ok(())
    }

    fn welcome(&self, stream: TcpStream, router: &Router, stop: &watch::Receiver<bool>) {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            let stream = Patient { stream, patience: self.patience, stalled: None };
            tokio::spawn(converse(stream, self.patience, router.clone(), stop.clone(), place));
            return;
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        if let Ok(place) = self.turning_away.clone().try_acquire_owned() {
            tokio::spawn(turn_away(stream, self.limit, place));
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody can stop it any more, which is the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Whether it went away before it was accepted.
fn is_of_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Whether the system lacks something that comes back: file descriptors or memory.
fn is_want(error: &io::Error) -> bool {
    let wants = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
    error.raw_os_error().is_some_and(|code| wants.contains(&Errno::from_raw(code)))
}

/// Answers the requests of one connection, one after the other.
async fn converse(
    stream: Patient,
    patience: Duration,
    router: Router,
    mut stop: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(patience);
    let service = TowerToHyperService::new(router);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        outcome = connection.as_mut() => Some(outcome),
        () = stopped(&mut stop) => None,
    };
    let outcome = match ended {
        Some(outcome) => outcome,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!("a connection ended: {error}");
    }
}

/// Tells a connection that there are too many, and reads what it sends meanwhile: closing on unread bytes would
/// take the answer away from it.
async fn turn_away(mut stream: TcpStream, limit: u32, _place: OwnedSemaphorePermit) {
    let body = format!("{{\"detail\":\"{limit} connections are open already; try again later\"}}");
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         retry-after: 1\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let farewell = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut (&mut stream).take(UNREAD), &mut tokio::io::sink()).await
    };
    // It was told, or it was not: either way it is closed.
    let _ = timeout(FAREWELL, farewell).await;
}

/// A stream that breaks when its other end takes nothing for too long.
struct Patient {
    stream: TcpStream,
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn bounded<T>(
        &mut self,
        context: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.stalled = None;
            return progress;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bounded(context, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.bounded(context, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
