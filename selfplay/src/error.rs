//! Errors of the loop, told apart by what the user has to do about them.

/// The command line or a settings file asks for something that is not there: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// The user ended the run with Ctrl-C: exit code 130.
#[derive(Debug, thiserror::Error)]
#[error("Stopped. Everything up to here is kept; the same command again goes on from there.")]
pub struct Interrupted;
