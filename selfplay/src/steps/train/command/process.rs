//! The user's command as a process: what it prints goes into a log and is read there line by line, and it never outlives this
//! process.
//!
//! It leads a process group of its own. Another process, the guard, reads from a pipe whose other end this process holds: it
//! comes to its end when this process ends, however that happens, and the guard ends the group. The guard also holds a lock
//! as long as it lives, so that no second command is started beside a first one that is still ending.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{PipeWriter, Read, Seek, SeekFrom, Write, pipe};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::process::{Child, Command};
use tokio::time::{interval, sleep};

use crate::context::Cancel;

/// The guard: it reads the group's number, then a word: that the command has ended, or that it is to end. The pipe's end says
/// that this process has ended. Who is to end gets SIGTERM, and SIGKILL forty seconds later: a step of a large model takes
/// its time, and torchrun gives its workers, which are in other groups, thirty seconds. Standard output is the lock.
const GUARD: &str = r#"
trap '' TERM INT HUP
works() {
    kill -s 0 -- "-$group" || return
    [ -r /proc/self/stat ] || return 0
    # Who has ended stays as a zombie where nobody waits for it, as in many containers.
    for stat in /proc/[0-9]*/stat; do
        read -r line <"$stat" || continue
        set -- ${line##*) }
        if [ "$3" = "$group" ] && [ "$1" != Z ]; then return 0; fi
    done
    return 1
}
read -r group || exit
read -r word
if [ "$word" != ended ]; then
    kill -s TERM -- "-$group"
    fifths=0
    while [ "$fifths" -lt 200 ] && works; do
        sleep 0.2
        fifths=$((fifths + 1))
    done
fi
kill -s KILL -- "-$group"
"#;
/// The command waits until the guard knows of it.
const GUARDED: &str = r#"read -r word || exit; exec sh -c "$1" </dev/null"#;
/// See [`GUARD`].
const STOP: &[u8] = b"stop\n";
/// See [`GUARD`].
const ENDED: &[u8] = b"ended\n";

/// How long a command that is still ending is waited for: longer than the guard waits.
const ENDING: Duration = Duration::from_secs(60);
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
    /// Runs it to its end. If the user wants to stop, it is asked to end, and killed forty seconds later; whatever it started
    /// in its group has that time, too.
    ///
    /// # Errors
    /// If it cannot be started, or an earlier one does not end.
    pub async fn run(self, cancel: &Cancel, hear: Hear<'_>) -> Result<ExitStatus> {
        let lock = cancel.unless(take(&self.lock)).await??;
        let mut guard = Guard::start(lock)?;
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("cannot write {}", self.log.display()))?;
        let mut lines = Lines::at_end(&self.log)?;
        let mut child = self.start(log, &mut guard)?;
        let (mut stopped, mut look) = (false, interval(LOOK));
        let status = loop {
            tokio::select! {
                status = child.wait() => break status.context("the training command was lost")?,
                _ = look.tick() => {
                    lines.hand_on(hear)?;
                    // Nothing would end the command with this process any more.
                    if guard.has_ended()? && child.try_wait()?.is_none() {
                        child.start_kill()?;
                        anyhow::bail!(
                            "somebody killed the process that guards the training command. The command was ended; start the run \
                             again, and it goes on with this training."
                        );
                    }
                }
                () = cancel.cancelled(), if !stopped => {
                    stopped = true;
                    guard.tell(STOP);
                }
            }
        };
        // The command may be a shell that was the first to end of all that it started.
        if !stopped {
            guard.tell(ENDED);
        }
        while !guard.has_ended()? {
            look.tick().await;
            lines.hand_on(hear)?;
        }
        lines.hand_on(hear)?;
        lines.end(hear);
        Ok(status)
    }

    /// Starts it, guarded.
    fn start(&self, log: File, guard: &mut Guard) -> Result<Child> {
        let (waits, mut go) = pipe()?;
        let child = Command::new("sh")
            .args(["-c", GUARDED, "sh", self.command])
            .envs(self.variables.iter().map(|(name, path)| (name, path)))
            .stdin(Stdio::from(waits))
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .process_group(0)
            .spawn()
            .context("cannot start `sh` for training.command")?;
        let group = child.id().context("the training command was lost")?;
        guard.tell(format!("{group}\n").as_bytes());
        go.write_all(b"go\n").context("the training command was lost")?;
        Ok(child)
    }
}

/// See [`GUARD`].
struct Guard {
    process: Child,
    leash: PipeWriter,
}

impl Guard {
    fn start(lock: File) -> Result<Self> {
        let (reads, leash) = pipe()?;
        let process = Command::new("sh")
            .args(["-c", GUARD])
            .stdin(Stdio::from(reads))
            .stdout(Stdio::from(lock))
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot start `sh` for training.command")?;
        Ok(Self { process, leash })
    }

    /// Whoever killed it too is no concern of ours.
    fn tell(&mut self, word: &[u8]) {
        drop(self.leash.write_all(word));
    }

    fn has_ended(&mut self) -> Result<bool> {
        Ok(self.process.try_wait().context("the guard of the training command was lost")?.is_some())
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
    async fn who_saves_when_asked_to_end_has_the_time_even_below_a_shell() {
        let folder = tempfile::tempdir().unwrap();
        let saved = folder.path().join("saved");
        let trainer = format!(
            "trap \"sleep 1; touch '{}'; exit 1\" TERM; echo stop me; while :; do sleep 0.1; done",
            saved.display()
        );
        let script = folder.path().join("trainer.sh");
        std::fs::write(&script, trainer).unwrap();
        let command = format!("sh '{}'; echo after it", script.display());
        let began = Instant::now();
        let (status, _) = run(folder.path(), &command, &Cancel::new()).await;
        assert!(!status.success() && saved.exists());
        assert!(began.elapsed() < Duration::from_secs(30), "what has ended is not waited for");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_command_whose_guard_was_killed_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("lock");
        let command = format!(
            "for it in /proc/[0-9]*; do [ \"$(readlink $it/fd/1)\" = '{}' ] && kill -9 ${{it#/proc/}}; done; sleep 600",
            lock.display()
        );
        let (variables, log) = (Vec::new(), folder.path().join("log"));
        let job = Job { command: &command, variables, log, lock };
        let error = job.run(&Cancel::new(), &mut |_| {}).await.unwrap_err();
        assert!(error.to_string().contains("guards the training command"), "{error}");
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
