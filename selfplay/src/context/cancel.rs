//! The wish to stop, seen by the sampler's thread and by async code alike.

use std::future::Future;

use tokio::sync::watch;

use crate::error::Interrupted;

/// A shared "please stop".
#[derive(Clone, Debug)]
pub struct Cancel {
    sender: watch::Sender<bool>,
}

impl Cancel {
    /// Not cancelled.
    pub fn new() -> Self {
        Self { sender: watch::Sender::new(false) }
    }

    /// Asks everything to stop. Whether it had been asked before is returned.
    pub fn cancel(&self) -> bool {
        self.sender.send_replace(true)
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

    /// Waits for `work`, or ends with [`Interrupted`] when it is asked to stop; `work` is dropped then.
    ///
    /// # Errors
    /// [`Interrupted`].
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        tokio::select! {
            () = self.cancelled() => Err(Interrupted),
            value = work => Ok(value),
        }
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
        assert!(!cancel.cancel() && cancel.cancel());
        waiter.await.unwrap();
        assert!(cancel.check().is_err());
        assert!(cancel.unless(std::future::pending::<()>()).await.is_err());
    }
}
