//! The run folder: what lies where, and that only one process works in it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::config::{RunConfig, differences};
use crate::error::UsageError;

/// How long a lock is waited for. A process that is just being started holds a copy of all open files for a moment, and with
/// it a lock that this process has given back.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);

/// An opened and locked run folder.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Opens the folder, making it if need be, and keeps other processes out until dropped.
    ///
    /// # Errors
    /// If it cannot be made or written, is in use, or holds a run with other settings.
    pub fn open(path: &Path, config: &RunConfig) -> Result<Self> {
        let folder = Self::lock(path)?;
        folder.keep_config(config)?;
        Ok(folder)
    }

    /// Opens a folder for work beside a run, which may go on meanwhile: it has its own ledger and reports.
    ///
    /// # Errors
    /// If it cannot be made or written, or is in use.
    pub fn open_beside(path: &Path) -> Result<Self> {
        Self::lock(path)
    }

    fn lock(path: &Path) -> Result<Self> {
        let advice = || {
            format!(
                "cannot make or write the run folder {}. Give another with --run-dir, or make it writable.",
                path.display()
            )
        };
        fs::create_dir_all(path).with_context(advice)?;
        let lock = File::create(path.join("lock")).with_context(advice)?;
        let began = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => anyhow::bail!(
                    "another process is working in {}. Wait for it, end it, or give another folder with --run-dir.",
                    path.display()
                ),
                Err(TryLockError::Error(error)) => return Err(error).with_context(advice),
            }
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    fn keep_config(&self, config: &RunConfig) -> Result<()> {
        let path = self.path.join("config.toml");
        if !path.exists() {
            let text = toml::to_string(config).context("the settings could not be written as TOML")?;
            return write_atomically(&path, &text);
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let kept: RunConfig = toml::from_str(&text).with_context(|| {
            format!("{} is damaged. Restore it, or give another folder with --run-dir.", path.display())
        })?;
        let differs = differences(&kept, config);
        if !differs.is_empty() {
            return Err(UsageError(format!(
                "{} holds a run with other settings ({}). Ask for the same settings to go on with it, or give another \
                 folder with --run-dir.",
                self.path.display(),
                differs.join(", ")
            ))
            .into());
        }
        Ok(())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The ledger's file.
    pub fn ledger(&self) -> PathBuf {
        self.path.join("ledger.sqlite")
    }

    /// Writes a report file of that name.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_report(&self, name: &str, text: &str) -> Result<()> {
        write_atomically(&self.path.join(name), text)
    }
}

/// The name that a run is shown and published by: its folder's own, for where a machine keeps its runs is nobody's business.
pub fn run_name(run_dir: &Path) -> String {
    let whole = std::path::absolute(run_dir).unwrap_or_else(|_| run_dir.to_owned());
    whole.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into())
}

/// The settings of a run, and the text that they stand in.
///
/// # Errors
/// If the folder holds no run, or its settings do not parse.
pub fn run_config(run_dir: &Path) -> Result<(RunConfig, String)> {
    let path = run_dir.join("config.toml");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("{} is no run folder: cannot read its config.toml.", run_dir.display()))?;
    let config = toml::from_str(&text).with_context(|| format!("{} is damaged.", path.display()))?;
    Ok((config, text))
}

/// Writes beside the file and renames, so that a reader sees the old text or the new, never half.
///
/// # Errors
/// If it cannot be written.
pub fn write_atomically(path: &Path, text: &str) -> Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, text).and_then(|()| fs::rename(&part, path)).with_context(|| {
        format!("cannot write {}. Is the disk full or the folder read-only?", path.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_takes_one_process_and_one_configuration() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("run");
        let config = RunConfig::load("smoke", None).unwrap();
        let first = RunFolder::open(&path, &config).unwrap();
        assert!(RunFolder::open(&path, &config).unwrap_err().to_string().contains("another process"));
        drop(first);
        drop(RunFolder::open(&path, &config).unwrap());
        let other = RunConfig { seed: 5, ..config };
        let error = RunFolder::open(&path, &other).unwrap_err();
        assert!(error.to_string().contains("other settings (seed: 0 -> 5)"), "{error}");
        assert!(error.downcast_ref::<UsageError>().is_some());
    }

    #[test]
    fn a_file_in_the_way_is_an_error_with_advice() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("file");
        std::fs::write(&path, "").unwrap();
        let config = RunConfig::load("smoke", None).unwrap();
        assert!(RunFolder::open(&path, &config).unwrap_err().to_string().contains("--run-dir"));
    }
}
