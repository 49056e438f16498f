//! The Lean community's REPL as a first elaborator: `{"cmd": …, "env": n}` in, messages and sorries out.
//!
//! It hands out no declarations. (It can save an environment as an image of its memory, but a process that ran hostile text
//! must not write what a checker maps into its own.) So its word makes a proof fail and never pass: what it has nothing
//! against is elaborated once more by our own worker, whose declarations the checker judges.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::channel::CEILINGS;
use super::family::Family;
use crate::confine::Policy;
use crate::imports;
use crate::lines::Lines;
use crate::protocol::{FileMessage, Sorry, lines_of};
use crate::toolchain::NativeLean;

const MAX_ANSWER: usize = 16 << 20;
/// Headers whose environments are known by number.
const HEADERS: usize = 16;

/// A running REPL.
#[derive(Debug)]
pub(super) struct Repl {
    child: Child,
    family: Family,
    input: ChildStdin,
    output: Lines<ChildStdout>,
    /// Headers with their environments; none where a header means nothing by itself.
    headers: VecDeque<(String, Option<u64>)>,
    options: String,
}

#[derive(Debug, Deserialize)]
struct Response {
    #[serde(default)]
    env: Option<u64>,
    #[serde(default)]
    messages: Vec<FileMessage>,
    #[serde(default)]
    sorries: Vec<Sorry>,
    /// An error of the REPL's own.
    #[serde(default)]
    message: Option<String>,
}

impl Repl {
    /// Starts the program in the environment of a Lean.
    ///
    /// # Errors
    /// If it cannot be started, in words for people.
    pub(super) fn spawn(program: &Path, lean: &NativeLean, heartbeats: u64) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot start the REPL {}: {error}", program.display());
        let mut command = command(program, lean);
        Policy::native(lean).enclose(command.as_std_mut()).map_err(failed)?;
        let mut child = command.spawn().map_err(failed)?;
        CEILINGS.put_on(child.id(), Policy::native(lean).sandbox());
        let family = Family(child.id());
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the REPL has no pipes".to_owned());
        };
        let options = format!(
            "set_option maxHeartbeats {heartbeats}\nset_option autoImplicit false\nset_option relaxedAutoImplicit false\n"
        );
        let output = Lines::new(output, MAX_ANSWER);
        Ok(Self { child, family, input, output, headers: VecDeque::new(), options })
    }

    /// The errors in a theorem below a header, as `LINE:COLUMN: error: …`; none if it elaborates, as far as the REPL says.
    pub(super) async fn errors(
        &mut self,
        header: &str,
        theorem: &str,
        most: usize,
    ) -> Result<Vec<String>, String> {
        let answer = match self.environment(header).await? {
            Some(env) => self.ask(&json!({ "cmd": theorem, "env": env })).await?,
            None => {
                let lead = u32::try_from(header.matches('\n').count() + 1).unwrap_or_default();
                let mut answer = self.ask(&json!({ "cmd": format!("{header}\n{theorem}") })).await?;
                for message in &mut answer.messages {
                    message.pos.line = message.pos.line.saturating_sub(lead);
                }
                answer
            }
        };
        let mut lines = lines_of(&answer.messages, "error");
        lines.truncate(most.max(1));
        Ok(lines)
    }

    /// What it says of a whole text.
    pub(super) async fn file(&mut self, code: &str) -> Result<Value, String> {
        let Response { messages, sorries, .. } = self.ask(&json!({ "cmd": code })).await?;
        Ok(json!({ "messages": messages, "sorries": sorries }))
    }

    /// The number of a header's environment; none if it has errors by itself.
    async fn environment(&mut self, header: &str) -> Result<Option<u64>, String> {
        if let Some((_, known)) = self.headers.iter().find(|(text, _)| text == header) {
            return Ok(*known);
        }
        let imports::Parts { head, rest, .. } = imports::parts(header);
        let text = format!("{head}\n{}{rest}", self.options);
        let answer = self.ask(&json!({ "cmd": text })).await?;
        let env = answer.env.filter(|_| lines_of(&answer.messages, "error").is_empty());
        if self.headers.len() >= HEADERS {
            self.headers.pop_front();
        }
        self.headers.push_back((header.to_owned(), env));
        Ok(env)
    }

    /// A command is a line of JSON and an empty one; an answer is JSON in lines and an empty one.
    async fn ask(&mut self, command: &Value) -> Result<Response, String> {
        let text = format!("{command}\n\n");
        self.input.write_all(text.as_bytes()).await.map_err(|error| error.to_string())?;
        self.input.flush().await.map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        loop {
            let Some(line) = self.output.next().await? else { return Err("the REPL ended".to_owned()) };
            if line.trim_ascii().is_empty() {
                if answer.is_empty() {
                    continue;
                }
                break;
            }
            answer.extend_from_slice(&line);
            answer.push(b'\n');
            if answer.len() > MAX_ANSWER {
                return Err("the REPL's answer is too long".to_owned());
            }
        }
        let response: Response = serde_json::from_slice(&answer)
            .map_err(|error| format!("the REPL's answer is unreadable: {error}"))?;
        match response.message {
            Some(reason) => Err(format!("the REPL says: {reason}")),
            None => Ok(response),
        }
    }

    pub(super) async fn kill(&mut self) {
        self.family.kill();
        // It fails only if the process is gone already.
        let _ = self.child.kill().await;
    }

    pub(super) fn family(&self) -> Family {
        self.family
    }
}

impl Drop for Repl {
    fn drop(&mut self) {
        self.family.kill();
    }
}

/// The program by itself, or as `lake env PROGRAM` where Lean is run by `lake env lean`.
fn command(program: &Path, lean: &NativeLean) -> Command {
    let absolute: PathBuf = std::path::absolute(program).unwrap_or_else(|_| program.to_owned());
    let through_lake = lean.args.first().is_some_and(|first| first == "env");
    let mut command = if through_lake { Command::new(&lean.program) } else { Command::new(&absolute) };
    if through_lake {
        command.arg("env").arg(&absolute);
    }
    if let Some(folder) = &lean.cwd {
        command.current_dir(folder);
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    command
}
