//! Ctrl-C, seen by the sampler's thread and by async code alike.

use tokio::sync::watch;

use crate::error::Interrupted;

/// A shared "please stop".
#[derive(Clone, Debug)]
pub struct Cancel {
    sender: watch::Sender<bool>,
}

impl Cancel {
    /// Not cancelled, and nothing listens for signals.
    pub fn new() -> Self {
        Self { sender: watch::Sender::new(false) }
    }

    /// Cancelled by the first Ctrl-C or SIGTERM; a second one ends the process at once.
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If the system refuses to install a signal handler.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let cancel = Self::new();
        let sender = cancel.sender.clone();
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::spawn(async move {
            for _ in 0..2 {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if sender.send_replace(true) {
                    std::process::exit(130);
                }
                eprintln!(
                    "Stopping: Lean's processes are being ended (press Ctrl-C again to leave at once)."
                );
            }
        });
        Ok(cancel)
    }

    /// Asks everything to stop.
    pub fn cancel(&self) {
        self.sender.send_replace(true);
    }

    /// Whether it was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        *self.sender.borrow()
    }

    /// An error if it was asked to stop, for `?` between pieces of work.
    ///
    /// # Errors
    /// [`Interrupted`].
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.is_cancelled() { Err(Interrupted) } else { Ok(()) }
    }

    /// Returns when it is asked to stop.
    pub async fn cancelled(&self) {
        let mut receiver = self.sender.subscribe();
        // The sender lives in `self`, so waiting can end only by being cancelled.
        let _ = receiver.wait_for(|cancelled| *cancelled).await;
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiters_and_checks_see_it() {
        let cancel = Cancel::new();
        assert!(cancel.check().is_ok());
        let waiter = tokio::spawn({
            let cancel = cancel.clone();
            async move { cancel.cancelled().await }
        });
        cancel.cancel();
        waiter.await.unwrap();
        assert!(cancel.check().is_err());
    }
}
