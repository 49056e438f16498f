//! A native Lean as elaborator or checker: a program of ours in Lean, which `lean --run` keeps loaded.
//!
//! The two programs are `lean-project/Worker.lean` and `lean-project/Checker.lean`. They answer on a descriptor of their own, one
//! JSON line for each question, so that what a candidate prints is no answer. A worker's word decides nothing in any case: it
//! hands out declarations, and the checker, which never runs a candidate's text, judges these.

mod channel;
mod family;
mod repl;

use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use crate::imports;
use crate::lean_program;
use crate::loading::{Loaded, text_of};
use crate::protocol::{Lost, Question, Role};
use crate::toolchain::NativeLean;
use channel::Channel;
use repl::Repl;

/// What a process may take to load imports that it has not in memory, before a candidate's own time begins.
const LOADING: Duration = Duration::from_secs(120);
/// Imports that our programs keep in memory (`mostKept` there).
const KEPT: usize = 4;

/// A running native process.
#[derive(Debug)]
pub(crate) struct NativeProcess {
    channel: Channel,
    /// Imports in memory, as they are written.
    loaded: Loaded,
    /// What looks at proofs before our own worker does.
    first: Option<Repl>,
    /// Resident size after the last answer, in bytes.
    pub(crate) rss: u64,
    /// Questions answered.
    pub(crate) answered: u64,
    /// Time that Lean took for the last answer, in microseconds; 0 if it does not tell.
    pub(crate) lean_us: u64,
    /// Time that its printer of errors took for it.
    pub(crate) print_us: u64,
}

impl NativeProcess {
    /// Starts a process; Lean is loaded when [`Self::ready`] returns.
    ///
    /// # Errors
    /// If it cannot be started, in words for people.
    pub(crate) fn spawn(lean: &NativeLean, role: Role, heartbeats: u64) -> Result<Self, String> {
        let first = match (&lean.repl, role) {
            (Some(program), Role::Elaborator) => Some(Repl::spawn(program, lean, heartbeats)?),
            _ => None,
        };
        let channel = Channel::spawn(lean, role, heartbeats)?;
        let loaded = Loaded::new(KEPT);
        Ok(Self { channel, loaded, first, rss: 0, answered: 0, lean_us: 0, print_us: 0 })
    }

    /// Waits until Lean is loaded. After an error the process is dead.
    ///
    /// # Errors
    /// Why it did not start, in words for people.
    pub(crate) async fn ready(&mut self, limit: Duration) -> Result<(), String> {
        let reason = match timeout(limit, self.channel.ready()).await {
            Ok(Ok(rss)) => {
                self.rss = self.size(rss);
                return Ok(());
            }
            Ok(Err(reason)) => reason,
            Err(_) => format!("Lean was not loaded after {} s", limit.as_secs()),
        };
        let words = self.end().await;
        Err(format!("{reason} {words}").trim().to_owned())
    }

    /// What [`Self::ready`] has to say by now; `None` if Lean is still being loaded.
    pub(crate) fn ready_by_now(&mut self) -> Option<Result<(), String>> {
        // Reading lines may be broken off and begun again.
        self.ready(Duration::MAX).now_or_never()
    }

    /// Sends a question and waits for its answer. After an error the process is dead, as it is after more than `max_rss` bytes.
    ///
    /// # Errors
    /// [`Lost`].
    pub(crate) async fn ask(
        &mut self,
        question: &Question,
        limit: Duration,
        max_rss: u64,
    ) -> Result<Value, Lost> {
        let families = [Some(self.channel.family()), self.first.as_ref().map(Repl::family)];
        let [worker, first] = families.map(|family| async move {
            match family {
                Some(family) => family.outgrown(max_rss).await,
                None => std::future::pending().await,
            }
        });
        let head = imports::parts(text_of(question)).head.trim();
        let limit = if self.loaded.lacks(head) { limit.saturating_add(LOADING) } else { limit };
        let answered = tokio::select! {
            biased;
            answered = timeout(limit, self.exchange(question)) => answered,
            size = worker => Ok(Err(outgrown(size))),
            size = first => Ok(Err(outgrown(size))),
        };
        let lost = match answered {
            Ok(Ok(value)) => {
                self.answered += 1;
                return Ok(value);
            }
            Err(_) => Lost::Timeout,
            Ok(Err(reason)) => Lost::Died(reason),
        };
        self.end().await;
        Err(lost)
    }

    async fn exchange(&mut self, question: &Question) -> Result<Value, String> {
        if let Some(first) = &mut self.first
            && let Some(value) = ask_first(first, question).await?
        {
            return Ok(value);
        }
        let (answer, value) = self.channel.ask(question).await?;
        self.rss = self.size(answer.rss);
        (self.lean_us, self.print_us) = (answer.lean_us, answer.print_us);
        Ok(value)
    }

    /// What it says of its size, or what the system says if that is more: `lake` and the REPL count as well.
    fn size(&self, said: u64) -> u64 {
        let seen = self.channel.family().size().unwrap_or_default();
        let first = self.first.as_ref().and_then(|first| first.family().size()).unwrap_or_default();
        said.max(seen) + first
    }

    /// Ends the process and waits until it is gone.
    pub(crate) async fn kill(&mut self) {
        self.end().await;
    }

    async fn end(&mut self) -> String {
        if let Some(first) = &mut self.first {
            first.kill().await;
        }
        self.channel.kill().await
    }

    /// Its process id, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.channel.pid()
    }
}

/// What the REPL has to say of a question; nothing if it is for our own worker.
async fn ask_first(repl: &mut Repl, question: &Question) -> Result<Option<Value>, String> {
    match question {
        Question::Elaborate { header, signature, proof, messages, .. } => {
            let body = if proof.trim_start().starts_with('|') {
                format!("\n{proof}")
            } else {
                format!(":= {proof}")
            };
            let theorem = format!("theorem _root_.stp_target {signature} {body}");
            let errors = repl.errors(header, &theorem, *messages).await?;
            Ok((!errors.is_empty()).then(|| json!({ "outcome": "errors", "messages": errors })))
        }
        Question::File { code } => repl.file(code).await.map(Some),
        _ => Ok(None),
    }
}

fn outgrown(size: u64) -> String {
    format!("out of memory: the process grew to {} MB", size / 1_000_000)
}

/// A name for this version of the programs, which changes with every letter of them.
pub(crate) fn revision() -> String {
    let digest = [Role::Elaborator, Role::Checker]
        .iter()
        .fold(Sha256::new(), |hasher, role| hasher.chain_update(lean_program::native(*role)))
        .finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
