//! The plain way: a `lean` process for each proof, as it would be called by hand. Nothing is judged.

use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result};
use stp_verifier::Candidate;
use stp_verifier::toolchain::NativeLean;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::candidates::text_of;
use super::meter::{Measured, Meter};
use crate::display::Display;

/// Runs a process for each candidate, so many at once. What Lean has no error in counts as accepted.
pub(super) async fn measure(
    lean: &NativeLean,
    candidates: &[Candidate],
    processes: usize,
    display: &Display,
) -> Result<Measured> {
    let folder = tempfile::tempdir().context("there is no folder for temporary files")?;
    let progress = display.phase("bench", candidates.len() as u64);
    let meter = Meter::start();
    let limit = Arc::new(Semaphore::new(processes));
    let mut runs = JoinSet::new();
    let mut accepted = 0;
    for (index, candidate) in candidates.iter().enumerate() {
        let permit = limit.clone().acquire_owned().await?;
        let file = folder.path().join(format!("{index}.lean"));
        std::fs::write(&file, text_of(candidate))
            .with_context(|| format!("cannot write {}", file.display()))?;
        let mut command = Command::new(&lean.program);
        command.args(&lean.args).arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(folder) = &lean.cwd {
            command.current_dir(folder);
        }
        let program = lean.program.display().to_string();
        runs.spawn(async move {
            let _permit = permit;
            command.status().await.with_context(|| format!("cannot start {program}"))
        });
        progress.advance(1);
    }
    while let Some(done) = runs.join_next().await {
        accepted += usize::from(done??.success());
    }
    progress.finish(&format!("{} candidates, {accepted} accepted", candidates.len()));
    Ok(meter.stop(candidates.len(), accepted))
}
