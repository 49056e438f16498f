//! A model over HTTP.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use stp_completions::{ServeConfig, Served, Server};
use stp_model::{Checkpoint, SampleConfig};
use stp_selfplay::error::UsageError;

use super::args::{ServeArgs, seconds};
use crate::common::sampling_device;
use crate::display::Display;
use crate::models::{home, located};
use crate::signals::cancel_on_signals;

pub(super) async fn serve(args: ServeArgs, place: &Path) -> Result<ExitCode> {
    let config = ServeConfig {
        listen: args.listen,
        allow_hosts: args.allow_host,
        api_key: args.api_key,
        max_waiting: args.max_waiting,
        max_samples: args.model.max_samples,
        max_connections: args.max_connections,
        read_timeout: seconds("--read-timeout", args.read_timeout)?,
        ..ServeConfig::default()
    };
    let display = Display::new(true);
    let device = sampling_device(&args.model.device, args.model.precision.precision)?;
    let name = args.model.model_name.map_or_else(|| name_of(place), Ok)?;
    let place = located(place, || home(&args.lean), &display)?;
    // Whoever cannot have the address is told before a large model is read.
    let server = Server::bind(config).await?;
    let checkpoint = Checkpoint::load(&place, &device)?;
    let settings = SampleConfig {
        batch: args.model.batch,
        cache_mb: args.model.cache_mb,
        precision: args.model.precision.precision.precision(),
        max_seq: args.model.max_seq.map_or(usize::MAX, |longest| longest as usize),
        ..SampleConfig::default()
    };
    let served = Served::new(name, checkpoint, &settings)?;
    let cancel = cancel_on_signals().context("signals cannot be listened for")?;
    display.line(&format!("serving the model `{}` under /v1", served.name));
    display.line(&format!("listening on http://{} (Ctrl-C stops)", server.address()));
    server.run(served, async move { cancel.cancelled().await }).await?;
    Ok(ExitCode::SUCCESS)
}

/// The name of a model's folder or file; of a run's `checkpoints/final` that is `final`.
fn name_of(place: &Path) -> Result<String, UsageError> {
    let whole = std::fs::canonicalize(place).unwrap_or_else(|_| place.to_owned());
    let gguf = whole.extension().is_some_and(|it| it.eq_ignore_ascii_case("gguf"));
    let name = if gguf { whole.file_stem() } else { whole.file_name() };
    let name = name.map(|name| name.to_string_lossy().into_owned()).filter(|name| !name.is_empty());
    name.ok_or_else(|| UsageError(format!("{} has no name; give one with --model-name.", place.display())))
}
