//! One managed worker: a child process that keeps Lean loaded and speaks JSON lines.

pub(crate) mod program;
mod scripts;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::process::Stdio;
use std::time::Duration;

use futures_util::FutureExt;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::confine::{self, Policy};
use crate::imports::imports_of;
use crate::lines::Lines;
use crate::loading::{Loaded, text_of};
use crate::protocol::{Lost, Question, Role};
use crate::toolchain::{ManagedLean, NativeLean};

use scripts::{CEILINGS, scripts};

pub(crate) use scripts::revision;

/// Lines of the worker's that are answers begin so; whatever else Lean's build prints is noise.
const MARK: &[u8] = b"@stp ";
/// A line longer than this, in bytes, is no answer of ours.
const MAX_ANSWER: usize = 64 << 20;

/// What a process may take to load imports that it has not in memory, before a candidate's own time begins.
const LOADING: Duration = Duration::from_secs(30);
/// Imports that the scripts keep in memory, one set aside for the program of sketches (`ENVIRONMENTS` of `session.js`), and, for
/// whole texts, the last ones (that of `file-op.js`, which does not go by their use).
const KEPT: usize = 3;
const KEPT_OF_TEXTS: usize = 1;

/// CPU time over the wall-clock limit, for the engine's own threads.
const SPARE_CPU: Duration = Duration::from_secs(10);
/// What a process that closed its output may still take to end.
const GRACE: Duration = Duration::from_secs(1);

/// A running worker.
#[derive(Debug)]
pub(crate) struct ManagedWorker {
    child: Child,
    input: ChildStdin,
    output: Lines<ChildStdout>,
    /// Imports in memory, and those of whole texts.
    loaded: Loaded,
    loaded_of_texts: Loaded,
    /// The end of what it wrote to its standard error.
    last_words: Option<JoinHandle<String>>,
    /// Resident size after the last answer, in bytes.
    pub(crate) rss: u64,
    /// Requests answered.
    pub(crate) answered: u64,
    /// CPU time of Lean's elaborator and kernel for the last answer, in microseconds.
    pub(crate) lean_us: u64,
    /// CPU time of Lean's printer of errors for it, in microseconds.
    pub(crate) print_us: u64,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    id: String,
    #[serde(default)]
    ready: bool,
    #[serde(default)]
    rss: u64,
    #[serde(default)]
    lean_us: u64,
    #[serde(default)]
    print_us: u64,
    fatal: Option<String>,
    crashed: Option<String>,
}

impl ManagedWorker {
    /// Starts a process; Lean is loaded when [`Self::ready`] returns.
    ///
    /// # Errors
    /// If it cannot be started, in words for people.
    pub(crate) fn spawn(lean: &ManagedLean, role: Role, heartbeats: u64) -> Result<Self, String> {
        let script = scripts(&lean.root).map_err(|error| {
            format!("cannot write the worker's script in {}: {error}", lean.root.display())
        })?;
        let program = confine::managed_program(lean)
            .map_err(|error| format!("cannot make a sandbox for {}: {error}", lean.node.display()))?;
        let mut child = Command::from(program)
            .args(lean.node_arguments())
            .arg(script.with_file_name(script_of(role)))
            .arg(&lean.lean_js)
            .arg(&lean.library)
            .arg(heartbeats.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", lean.node.display()))?;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("the worker has no pipes".to_owned());
        };
        CEILINGS.put_on(child.id(), Policy::managed(lean).sandbox());
        let last_words = Some(tokio::spawn(last_words(errors)));
        Ok(Self {
            child,
            input,
            output: Lines::new(output, MAX_ANSWER),
            loaded: Loaded::new(KEPT),
            loaded_of_texts: Loaded::new(KEPT_OF_TEXTS),
            last_words,
            rss: 0,
            answered: 0,
            lean_us: 0,
            print_us: 0,
        })
    }

    /// Waits until Lean is loaded and warm. After an error the process is dead.
    ///
    /// # Errors
    /// Why it did not start, in words for people.
    pub(crate) async fn ready(&mut self, limit: Duration) -> Result<(), String> {
        let reason = match timeout(limit, self.read_answer()).await {
            Ok(Ok((answer, _))) if answer.ready => {
                self.rss = answer.rss;
                return Ok(());
            }
            Ok(Ok((answer, _))) => answer.fatal.unwrap_or_else(|| "its first line was unexpected".to_owned()),
            Ok(Err(reason)) => reason,
            Err(_) => format!("Lean was not loaded after {} s", limit.as_secs()),
        };
        self.kill().await;
        let words = match self.last_words.take() {
            Some(words) => words.await.unwrap_or_default(),
            None => String::new(),
        };
        Err(format!("{reason} {words}").trim().to_owned())
    }

    /// What [`Self::ready`] has to say by now; `None` if Lean is still being loaded.
    pub(crate) fn ready_by_now(&mut self) -> Option<Result<(), String>> {
        // Reading lines may be broken off and begun again.
        self.ready(Duration::MAX).now_or_never()
    }

    /// Sends a request and waits for its answer. After an error the worker is dead.
    ///
    /// Over `max_rss` bytes it is killed at once; it can use twice the CPU time of the limit.
    pub(crate) async fn ask(
        &mut self,
        question: &Question,
        limit: Duration,
        max_rss: u64,
    ) -> Result<Value, Lost> {
        let limit = if self.loads(question) { limit.saturating_add(LOADING) } else { limit };
        let outgrown = confine::outgrown(self.child.id(), max_rss);
        confine::limit_cpu(self.child.id(), limit.saturating_mul(2) + SPARE_CPU);
        let id = unguessable();
        let line = format!("{}\n", question.line(&id));
        let exchange = async {
            self.input.write_all(line.as_bytes()).await.map_err(|error| error.to_string())?;
            self.input.flush().await.map_err(|error| error.to_string())?;
            self.read_answer().await
        };
        let answered = tokio::select! {
            biased;
            answered = timeout(limit, exchange) => answered,
            rss = outgrown => Ok(Err(format!("out of memory: the process grew to {} MB", rss / 1_000_000))),
        };
        let outcome = match answered {
            Err(_) => Err(Lost::Timeout),
            Ok(Err(reason)) => Err(Lost::Died(reason)),
            Ok(Ok((answer, _))) if answer.id != id => {
                Err(Lost::Died("it answered another question".to_owned()))
            }
            Ok(Ok((Answer { crashed: Some(reason), .. }, _))) => Err(Lost::Died(reason)),
            Ok(Ok((answer, value))) => {
                self.rss = answer.rss;
                self.answered += 1;
                self.lean_us = answer.lean_us;
                self.print_us = answer.print_us;
                Ok(value)
            }
        };
        if outcome.is_err() {
            self.kill().await;
        }
        outcome
    }

    /// Whether imports must be loaded for a question, which are in memory afterwards.
    fn loads(&mut self, question: &Question) -> bool {
        let imports = imports_of(text_of(question));
        let of_text = matches!(question, Question::File { .. } | Question::Source { .. });
        // What imports nothing is kept in one place.
        let loaded =
            if of_text && !imports.is_empty() { &mut self.loaded_of_texts } else { &mut self.loaded };
        loaded.lacks(&imports)
    }

    async fn read_answer(&mut self) -> Result<(Answer, Value), String> {
        loop {
            let Some(line) = self.output.next().await? else { return Err(self.end().await) };
            let Some(text) = line.strip_prefix(MARK) else { continue };
            let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
            let answer = Answer::deserialize(&value).map_err(|error| error.to_string())?;
            return Ok((answer, value));
        }
    }

    /// How the process ended, in words.
    async fn end(&mut self) -> String {
        match timeout(GRACE, self.child.wait()).await {
            Ok(Ok(status)) => format!("the Lean process ended with {status}"),
            _ => "the Lean process ended".to_owned(),
        }
    }

    /// Ends the process and waits until it is gone.
    pub(crate) async fn kill(&mut self) {
        // It fails only if the process is gone already.
        let _ = self.child.kill().await;
    }

    /// The child's process id, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }
}

fn script_of(role: Role) -> &'static str {
    match role {
        Role::Elaborator => "elaborator.js",
        Role::Checker => "checker.js",
    }
}

/// A number for one question. A process that wrote an answer before it was asked is found out by it.
fn unguessable() -> String {
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}

async fn last_words(mut errors: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut block = [0; 4096];
    while let Ok(count @ 1..) = errors.read(&mut block).await {
        kept.extend_from_slice(&block[..count]);
        kept.drain(..kept.len().saturating_sub(1000));
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

/// The managed Lean under the command line of `lean`, which takes one process for each file.
///
/// # Errors
/// If its scripts cannot be written beside it.
pub fn command_line(lean: &ManagedLean) -> io::Result<NativeLean> {
    let script = scripts(&lean.root)?.with_file_name("lean-cli.js");
    Ok(NativeLean {
        program: lean.node.clone(),
        args: vec!["--stack-size=4000".into(), script.into(), (&lean.lean_js).into(), (&lean.library).into()],
        cwd: None,
        lean_path: None,
        version: lean.version.clone(),
        source: "the managed Lean, one process for each file".to_owned(),
        repl: None,
        kernel: None,
    })
}
