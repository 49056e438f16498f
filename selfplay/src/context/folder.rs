//! The run folder: what lies where, that only one process works in it, and which settings it goes on with.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;
use stp_datasets::Ledger;

use super::longer::set_final_aside;
use crate::config::RunConfig;
use crate::config::change::{Difference, compare};
use crate::error::UsageError;

/// How long a lock is waited for. A process that is just being started holds a copy of all open files for a moment, and with
/// it a lock that this process has given back.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);
/// The file of the settings.
const CONFIG: &str = "config.toml";
/// The file of the ledger.
const LEDGER: &str = "ledger.sqlite";

/// An opened and locked run folder.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// The settings that it was opened with and that it had otherwise before.
    changed: Vec<Difference>,
    _lock: File,
}

impl RunFolder {
    /// Opens the folder, making it if need be, and keeps other processes out until dropped. A run that is there goes on
    /// with settings that may change ([`crate::config::change`]); if it gets more rounds, there is room for them then.
    ///
    /// # Errors
    /// If it cannot be made or written, is in use, holds a run with other settings, or holds a run without its ledger.
    pub fn open(path: &Path, config: &RunConfig) -> Result<Self> {
        let mut folder = Self::lock(path)?;
        folder.changed = folder.keep_config(config)?;
        Ok(folder)
    }

    /// Opens a folder for work beside a run, which may go on meanwhile: it has its own ledger and reports.
    ///
    /// # Errors
    /// If it cannot be made or written, or is in use.
    pub fn open_beside(path: &Path) -> Result<Self> {
        Self::lock(path)
    }

    /// The folder under another name, after it was moved there; it stays locked.
    pub(super) fn moved_to(self, path: &Path) -> Self {
        Self { path: path.to_owned(), ..self }
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
        Ok(Self { path: path.to_owned(), changed: Vec::new(), _lock: lock })
    }

    /// Keeps the settings if there are none, or compares them with those that are kept; returns what has changed.
    fn keep_config(&self, config: &RunConfig) -> Result<Vec<Difference>> {
        let path = self.path.join(CONFIG);
        self.require_ledger()?;
        if !path.exists() {
            // The ledger first: settings without one are those of a run that lost it.
            drop(Ledger::open(&self.ledger())?);
            self.write_config(config)?;
            return Ok(Vec::new());
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let kept: RunConfig = toml::from_str(&text).with_context(|| {
            format!("{} is damaged. Restore it, or give another folder with --run-dir.", path.display())
        })?;
        let differs = compare(&kept, config);
        let refused: Vec<_> = differs.iter().filter(|it| !it.may_go_on()).collect();
        if !refused.is_empty() {
            return Err(self.other_settings(&refused).into());
        }
        if !differs.is_empty() {
            let ledger = Ledger::open(&self.ledger())?;
            let changes: Vec<_> = differs.iter().map(ToString::to_string).collect();
            ledger.record_event("settings changed", &json!({ "changes": changes }))?;
            self.write_config(config)?;
            set_final_aside(&self.path, &ledger, config.rounds)?;
        }
        Ok(differs)
    }

    /// Writes the settings.
    pub(super) fn write_config(&self, config: &RunConfig) -> Result<()> {
        let text = toml::to_string(config).context("the settings could not be written as TOML")?;
        write_atomically(&self.path.join(CONFIG), &text)
    }

    /// A run whose ledger is gone is never begun anew in its folder.
    fn require_ledger(&self) -> Result<()> {
        let checkpoints = self.path.join("checkpoints");
        let has_models = fs::read_dir(&checkpoints).is_ok_and(|mut items| items.next().is_some());
        if self.ledger().exists() || !(has_models || self.path.join(CONFIG).exists()) {
            return Ok(());
        }
        anyhow::bail!(
            "{} holds {} of a run, but not its ledger.sqlite, without which it cannot go on. Restore the ledger from a copy, \
             or move the folder away or give another with --run-dir to begin anew; nothing was changed.",
            self.path.display(),
            if has_models { "checkpoints" } else { "the settings" }
        )
    }

    fn other_settings(&self, refused: &[&Difference]) -> UsageError {
        let list: Vec<_> = refused.iter().map(ToString::to_string).collect();
        let folder = self.path.display();
        let fewer = refused.iter().any(|it| it.key == "rounds");
        let rounds = if fewer { " A run may get more rounds, not fewer." } else { "" };
        UsageError(format!(
            "{folder} holds a run with other settings ({}), and these cannot change when it goes on.{rounds} Ask for the \
             same settings, give another folder with --run-dir, or begin a new run where this one is, with other settings: \
             --from {folder}.",
            list.join(", ")
        ))
    }

    /// The settings that changed when it was opened.
    pub fn changed(&self) -> &[Difference] {
        &self.changed
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The ledger's file.
    pub fn ledger(&self) -> PathBuf {
        self.path.join(LEDGER)
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
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => UsageError(format!(
            "{} is no run folder: there is no config.toml in it. `stp runs` lists the runs of a folder.",
            run_dir.display()
        ))
        .into(),
        _ => anyhow::Error::new(error).context(format!("cannot read {}.", path.display())),
    })?;
    let config = toml::from_str(&text).with_context(|| format!("{} is damaged.", path.display()))?;
    Ok((config, text))
}

/// The ledger of a run that is there.
///
/// # Errors
/// If the folder has none: opening one would make it.
pub fn run_ledger(run_dir: &Path) -> Result<PathBuf> {
    let ledger = run_dir.join(LEDGER);
    anyhow::ensure!(
        ledger.exists(),
        "{} has no ledger.sqlite: its run has not begun, or has lost it. Restore it from a copy, or give another folder.",
        run_dir.display()
    );
    Ok(ledger)
}

/// Whether a process is working in a run's folder now.
///
/// # Errors
/// If its lock cannot be read.
pub fn is_in_use(run_dir: &Path) -> std::io::Result<bool> {
    let lock = match File::open(run_dir.join("lock")) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        lock => lock?,
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Writes beside the file and renames, so that a reader sees the old text or the new, never half.
///
/// # Errors
/// If it cannot be written.
pub fn write_atomically(path: &Path, text: &str) -> Result<()> {
    stp_files::write(path, text).with_context(|| {
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
        assert!(is_in_use(&path).unwrap());
        drop(first);
        assert!(!is_in_use(&path).unwrap() && !is_in_use(scratch.path()).unwrap());
        drop(RunFolder::open(&path, &config).unwrap());
        let other = RunConfig { seed: 5, ..config };
        let error = RunFolder::open(&path, &other).unwrap_err();
        assert!(error.to_string().contains("other settings (seed: 0 -> 5)"), "{error}");
        assert!(error.downcast_ref::<UsageError>().is_some());
    }

    #[test]
    fn what_may_change_is_kept_and_what_may_not_is_named_with_both_values() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("run");
        let config = RunConfig::load("smoke", None).unwrap();
        assert!(RunFolder::open(&path, &config).unwrap().changed().is_empty());
        let mut more = RunConfig { rounds: 5, ..config.clone() };
        more.verifier.workers = 7;
        let opened = RunFolder::open(&path, &more).unwrap();
        let changed: Vec<_> = opened.changed().iter().map(ToString::to_string).collect();
        assert_eq!(changed, ["rounds: 2 -> 5", "verifier.workers: 1 -> 7"]);
        assert_eq!(run_config(&path).unwrap().0, more);
        let events = Ledger::open(&opened.ledger()).unwrap().events().unwrap();
        assert_eq!(events[0].detail, json!({ "changes": changed }));
        drop(opened);
        let mut other = more.clone();
        (other.rounds, other.sampling.top_p) = (4, 0.5);
        let text = RunFolder::open(&path, &other).unwrap_err().to_string();
        assert!(text.contains("(rounds: 5 -> 4, sampling.top_p: 0.95") && text.contains("-> 0.5"), "{text}");
        assert!(text.contains("not fewer") && text.contains("--from"), "{text}");
        assert_eq!(run_config(&path).unwrap().0, more, "nothing was changed");
    }

    #[test]
    fn a_run_that_lost_its_ledger_is_not_begun_anew() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("run");
        let config = RunConfig::load("smoke", None).unwrap();
        drop(RunFolder::open(&path, &config).unwrap());
        std::fs::remove_file(path.join("ledger.sqlite")).unwrap();
        assert!(run_ledger(&path).unwrap_err().to_string().contains("lost it"));
        let refused = || RunFolder::open(&path, &config).unwrap_err().to_string();
        assert!(refused().contains("the settings of a run, but not its ledger.sqlite"), "{}", refused());
        std::fs::create_dir_all(path.join("checkpoints/stage1")).unwrap();
        std::fs::remove_file(path.join("config.toml")).unwrap();
        assert!(refused().contains("checkpoints of a run"), "{}", refused());
        assert!(!path.join("ledger.sqlite").exists() && !path.join("config.toml").exists());
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
