//! A Lean program that speaks the judge's protocol: questions on its standard input, answers on a descriptor of its own.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::PipeWriter;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::family::{Family, last_words};
use crate::confine::{Ceilings, Policy};
use crate::lean_program;
use crate::lines::Lines;
use crate::protocol::{Question, Role};
use crate::toolchain::NativeLean;

/// An answer longer than this is not one of ours.
const MAX_ANSWER: usize = 64 << 20;
/// Lean maps each imported file, and `lake` starts it as a child.
pub(super) const CEILINGS: Ceilings = Ceilings { open_files: 16_384, file_size: 64 << 20, processes: 256 };
/// What a process that closed its output may still take to end.
const GRACE: Duration = Duration::from_secs(2);

/// A running program.
#[derive(Debug)]
pub(super) struct Channel {
    child: Child,
    family: Family,
    input: ChildStdin,
    answers: Lines<pipe::Receiver>,
    /// The end of what it wrote to its standard error.
    words: Option<JoinHandle<String>>,
    /// Holds the program.
    _folder: TempDir,
}

/// What every answer has.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    ready: bool,
    #[serde(default)]
    pub(super) rss: u64,
    #[serde(default)]
    pub(super) lean_us: u64,
    #[serde(default)]
    pub(super) print_us: u64,
    fatal: Option<String>,
    crashed: Option<String>,
}

impl Channel {
    /// Starts the program of a role.
    ///
    /// # Errors
    /// If it cannot be started, in words for people.
    pub(super) fn spawn(lean: &NativeLean, role: Role, heartbeats: u64) -> Result<Self, String> {
        let folder =
            tempfile::tempdir().map_err(|error| format!("cannot make a temporary folder: {error}"))?;
        let file = folder.path().join(if role == Role::Elaborator { "Worker.lean" } else { "Checker.lean" });
        std::fs::write(&file, lean_program::native(role))
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        let (answers, theirs) = std::io::pipe().map_err(|error| format!("cannot make a pipe: {error}"))?;
        let mut command = command(lean, &file, &theirs, heartbeats);
        hand_down(command.as_std_mut(), &theirs);
        Policy::native(lean)
            .enclose(command.as_std_mut())
            .map_err(|error| format!("cannot make a sandbox for {}: {error}", lean.program.display()))?;
        let mut child =
            command.spawn().map_err(|error| format!("cannot start {}: {error}", lean.program.display()))?;
        drop(theirs);
        CEILINGS.put_on(child.id(), Policy::native(lean).sandbox());
        let family = Family(child.id());
        let (Some(input), Some(errors)) = (child.stdin.take(), child.stderr.take()) else {
            return Err("the Lean process has no pipes".to_owned());
        };
        let answers = pipe::Receiver::from_owned_fd(OwnedFd::from(answers))
            .map_err(|error| format!("cannot read from a pipe: {error}"))?;
        let answers = Lines::new(answers, MAX_ANSWER);
        let words = Some(tokio::spawn(last_words(errors)));
        Ok(Self { child, family, input, answers, words, _folder: folder })
    }

    /// Waits for the first line, which says that Lean is loaded.
    pub(super) async fn ready(&mut self) -> Result<u64, String> {
        let (answer, _) = self.read().await?;
        match answer {
            Answer { ready: true, rss, .. } => Ok(rss),
            Answer { fatal: Some(reason), .. } => Err(reason),
            _ => Err("its first line was unexpected".to_owned()),
        }
    }

    /// One question, one answer. Nothing else may have been said in between.
    pub(super) async fn ask(&mut self, question: &Question) -> Result<(Answer, Value), String> {
        let id = fresh();
        let line = format!("{}\n", question.line(&id));
        self.input.write_all(line.as_bytes()).await.map_err(|error| error.to_string())?;
        self.input.flush().await.map_err(|error| error.to_string())?;
        let (answer, value) = self.read().await?;
        if let Some(reason) = answer.crashed {
            return Err(reason);
        }
        if answer.id != Value::String(id) {
            return Err("it answered what was not asked".to_owned());
        }
        Ok((answer, value))
    }

    async fn read(&mut self) -> Result<(Answer, Value), String> {
        let Some(line) = self.answers.next().await? else { return Err(self.end().await) };
        let unreadable = |error: serde_json::Error| format!("its answer is unreadable: {error}");
        let value: Value = serde_json::from_slice(&line).map_err(unreadable)?;
        let answer = Answer::deserialize(&value).map_err(unreadable)?;
        Ok((answer, value))
    }

    /// How the process ended, in words.
    async fn end(&mut self) -> String {
        match timeout(GRACE, self.child.wait()).await {
            Ok(Ok(status)) => format!("the Lean process ended with {status}"),
            _ => "the Lean process ended".to_owned(),
        }
    }

    /// Ends the process and its children, and waits until it is gone. The end of what it said, once.
    pub(super) async fn kill(&mut self) -> String {
        self.family.kill();
        // It fails only if the process is gone already.
        let _ = self.child.kill().await;
        match self.words.take() {
            Some(words) => timeout(GRACE, words).await.ok().and_then(Result::ok).unwrap_or_default(),
            None => String::new(),
        }
    }

    pub(super) fn family(&self) -> Family {
        self.family
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.family.kill();
    }
}

/// `lean --run FILE /dev/fd/N HEARTBEATS`, perhaps through `lake`.
fn command(lean: &NativeLean, file: &Path, answers: &PipeWriter, heartbeats: u64) -> Command {
    let mut command = Command::new(&lean.program);
    command
        .args(&lean.args)
        .arg("--run")
        .arg(file)
        .arg(format!("/dev/fd/{}", answers.as_raw_fd()))
        .arg(heartbeats.to_string())
        .stdin(Stdio::piped())
        // What candidates print is nobody's answer.
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(folder) = &lean.cwd {
        command.current_dir(folder);
    }
    command
}

/// Lets the new process, and no other that is started meanwhile, keep a descriptor.
#[expect(unsafe_code, reason = "what happens between fork and exec is beyond the language's promises")]
fn hand_down(command: &mut std::process::Command, descriptor: &PipeWriter) {
    let number = descriptor.as_raw_fd();
    let keep = move || {
        // SAFETY: the descriptor is open until the parent has spawned, and so it is in its copy.
        let descriptor = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
        rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::empty())?;
        Ok(())
    };
    // SAFETY: the closure makes one system call; it takes no lock and allocates nothing.
    unsafe { command.pre_exec(keep) };
}

/// A text that no candidate knows.
fn fresh() -> String {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    let asked = ASKED.fetch_add(1, Ordering::Relaxed);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    // Its keys come from the system's source of chance.
    let random = [(); 2].map(|()| RandomState::new().hash_one((asked, time)));
    format!("{:016x}{:016x}", random[0], random[1])
}
