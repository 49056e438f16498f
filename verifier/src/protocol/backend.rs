//! What stands behind a [`crate::Pool`].

use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{PoolStats, Reply, Request, VerifierError};

/// An answer that is on its way.
pub(crate) type Answered<'a> = BoxFuture<'a, Result<Reply, VerifierError>>;

/// What answers requests: processes of this machine, workers of others, or a script.
pub(crate) trait Backend: Debug + Send + Sync {
    /// Answers without the text gate, which is the caller's to apply.
    fn request(&self, request: Request) -> Answered<'_>;

    /// How many requests it works on side by side.
    fn workers(&self) -> usize;

    /// Wall-clock limit of one check.
    fn check_timeout(&self) -> Duration;

    /// What it has done so far.
    fn stats(&self) -> PoolStats;

    /// Ends it, and waits until nothing of it is left. Requests that wait get [`VerifierError::Closed`].
    fn shutdown(&self) -> BoxFuture<'_, ()>;
}
