//! The user's command as a process: what it prints goes into a log and is read there line by line, and it never outlives this
//! process.
//!
//! A shell leads a process group of its own. A second one in that group, the guard, reads from a pipe whose other end this
//! process holds: it comes to its end when this process ends, however that happens, and the guard ends the group. The
//! guard also holds a lock as long as it lives, so that no second command is started beside a first one that is still ending.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write, pipe};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::process::Command;
use tokio::time::{interval, sleep};

use crate::context::Cancel;

/// Standard input is the lock and standard error the guard's pipe, until the first line has put them elsewhere. A word in the
/// pipe says that the command is to end, or that it has; the pipe's end, that this process has. Who is to end gets SIGTERM,
/// and SIGKILL thirty seconds later: a step of a large model takes its time.
const SHELL: &str = r#"
exec 3<&2 4<&0 </dev/null 2>&1
(
    trap '' TERM INT HUP
    exec >/dev/null 2>&1
    read -r word <&3
    if [ "$word" != ended ]; then
        kill -s TERM 0
        (sleep 30; kill -s KILL 0) &
        read -r word <&3 || wait
    fi
    kill -s KILL 0
) &
exec 3<&- 4<&-
exec sh -c "$1"
"#;
/// See [`SHELL`].
const STOP: &[u8] = b"stop\n";
/// See [`SHELL`].
const ENDED: &[u8] = b"ended\n";

/// How long a command that is still ending is waited for: longer than the guard waits.
const ENDING: Duration = Duration::from_secs(45);
/// How often the log is read.
const LOOK: Duration = Duration::from_millis(200);
/// A longer line is handed on in parts.
const LONGEST_LINE: usize = 1 << 16;

/// What is heard of a command.
pub enum Heard<'a> {
    /// A line that it printed.
    Line(&'a str),
    /// All lines that there were.
    Time,
}

/// Who hears it.
pub type Hear<'a> = &'a mut (dyn FnMut(Heard<'_>) + Send);

/// A command to run.
pub struct Job<'a> {
    /// For `sh -c`.
    pub command: &'a str,
    /// What it finds in its environment.
    pub variables: Vec<(&'static str, PathBuf)>,
    /// The file that all it prints is appended to.
    pub log: PathBuf,
    /// The file of the lock.
    pub lock: PathBuf,
}

impl Job<'_> {
    /// Runs it to its end. If the user wants to stop, it is asked to end, and killed thirty seconds later.
    ///
    /// # Errors
    /// If it cannot be started, or an earlier one does not end.
    pub async fn run(self, cancel: &Cancel, hear: Hear<'_>) -> Result<ExitStatus> {
        let lock = take(&self.lock).await?;
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("cannot write {}", self.log.display()))?;
        let mut lines = Lines::at_end(&self.log)?;
        let (guards, mut leash) = pipe()?;
        let mut child = Command::new("sh")
            .args(["-c", SHELL, "sh", self.command])
            .envs(self.variables)
            .stdin(Stdio::from(lock))
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(guards))
            .process_group(0)
            .spawn()
            .context("cannot start `sh` for training.command")?;
        // The guard may be dead already, by whoever killed the whole group: then writing fails, and nothing is to be done.
        let mut tell = |word: &[u8]| drop(leash.write_all(word));
        let (mut stopped, mut look) = (false, interval(LOOK));
        let status = loop {
            tokio::select! {
                status = child.wait() => break status.context("the training command was lost")?,
                _ = look.tick() => lines.hand_on(hear)?,
                () = cancel.cancelled(), if !stopped => {
                    stopped = true;
                    tell(STOP);
                }
            }
        };
        tell(ENDED);
        lines.hand_on(hear)?;
        lines.end(hear);
        Ok(status)
    }
}

/// The lock, for the new command to hold.
async fn take(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if began.elapsed() < ENDING => {
                sleep(Duration::from_millis(100)).await;
            }
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "an earlier training command of this run has not ended: a process holds {}. End it, and start the run again.",
                path.display()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
    }
}

/// The lines of a log, as it grows.
struct Lines {
    log: File,
    /// The beginning of a line that has not ended.
    line: Vec<u8>,
}

impl Lines {
    fn at_end(log: &Path) -> Result<Self> {
        let mut log = File::open(log)?;
        log.seek(SeekFrom::End(0))?;
        Ok(Self { log, line: Vec::new() })
    }

    /// Hands on what came since the last time; a progress bar's carriage return ends a line, too.
    fn hand_on(&mut self, hear: Hear<'_>) -> Result<()> {
        let mut bytes = Vec::new();
        self.log.read_to_end(&mut bytes).context("cannot read the log of the training command")?;
        for byte in bytes {
            if byte == b'\n' || byte == b'\r' || self.line.len() >= LONGEST_LINE {
                self.end(hear);
            }
            if byte != b'\n' && byte != b'\r' {
                self.line.push(byte);
            }
        }
        hear(Heard::Time);
        Ok(())
    }

    /// Hands on what there is of a line.
    fn end(&mut self, hear: Hear<'_>) {
        let text = String::from_utf8_lossy(&self.line).trim_end().to_owned();
        self.line.clear();
        if !text.is_empty() {
            hear(Heard::Line(&text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a command prints, and how it ends.
    async fn run(folder: &Path, command: &str, cancel: &Cancel) -> (ExitStatus, Vec<String>) {
        let mut said = Vec::new();
        let job = Job {
            command,
            variables: vec![("STP_TRAIN_STEP", "round-1".into())],
            log: folder.join("log"),
            lock: folder.join("lock"),
        };
        let mut hear = |heard: Heard<'_>| {
            if let Heard::Line(line) = heard {
                said.push(line.to_owned());
                // Whoever prints this wants to be ended.
                if line == "stop me" {
                    cancel.cancel();
                }
            }
        };
        let status = job.run(cancel, &mut hear).await.unwrap();
        (status, said)
    }

    #[tokio::test]
    async fn lines_of_both_streams_are_heard_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let command = "echo one $STP_TRAIN_STEP; printf '1%%\\r2%%\\n' >&2; printf end; exit 7";
        let (status, said) = run(folder.path(), command, &Cancel::new()).await;
        assert_eq!(status.code(), Some(7));
        assert_eq!(said, ["one round-1", "1%", "2%", "end"]);
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(log, "one round-1\n1%\r2%\nend");
    }

    #[tokio::test]
    async fn who_wants_to_stop_ends_the_whole_group() {
        let folder = tempfile::tempdir().unwrap();
        let command = "trap 'echo asked to end; exit 3' TERM; sleep 600 & echo stop me; wait";
        let (status, said) = run(folder.path(), command, &Cancel::new()).await;
        assert_eq!((status.code(), said), (Some(3), vec!["stop me".to_owned(), "asked to end".to_owned()]));
    }

    #[tokio::test]
    async fn what_a_command_leaves_behind_is_ended_before_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        // Whoever runs on in the group would print a second line, and hold the pipe.
        let (status, _) = run(folder.path(), "(sleep 600; echo late) & echo gone", &Cancel::new()).await;
        assert!(status.success());
        let (_, said) = run(folder.path(), "echo next", &Cancel::new()).await;
        assert_eq!(said, ["next"]);
    }
}
