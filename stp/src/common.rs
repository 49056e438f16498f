//! What several commands need.

use anyhow::{Context, Result};
use stp_model::Numbers;
use stp_selfplay::error::UsageError;

/// Runs a command in a tokio runtime of its own.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the asynchronous runtime could not be started")?;
    runtime.block_on(work)
}

/// A device by its name; a name that this program does not know is a mistake in the command line.
pub fn device(name: &str) -> Result<stp_model::Device> {
    sampling_device(name, Numbers::F32)
}

/// The same for a model that is only sampled from, as such numbers.
pub fn sampling_device(name: &str, numbers: Numbers) -> Result<stp_model::Device> {
    stp_model::parse_sampling_device(name, numbers).map_err(|error| match error {
        stp_model::DeviceError::Unavailable { .. } => anyhow::Error::new(error),
        other => UsageError(other.to_string()).into(),
    })
}
