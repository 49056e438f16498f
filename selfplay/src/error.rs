//! Errors of the loop, told apart by what the user has to do about them.

/// The command line or a settings file asks for something that is not there: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// The run was asked to stop, by Ctrl-C (exit code 130) or SIGTERM (143).
#[derive(Debug, thiserror::Error)]
#[error("Stopped. Everything up to here is kept; the same command again goes on from there.")]
pub struct Interrupted;
