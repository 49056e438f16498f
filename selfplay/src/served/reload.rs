//! Giving servers the next checkpoint: the user's command is run for each, and then they are waited for.

use std::fs::File;
use std::io::{Read, Seek};
use std::ops::ControlFlow;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::client::Client;
use super::request::{GO_ON, LOOK, ServedModel};
use crate::config::Servers;
use crate::events::{Event, Events, ServerState};

/// So much of what a command said is shown.
const SHOWN: usize = 600;

/// Runs the command for every server at the same time and waits until one answers; `Break` if the user wants to stop. Without
/// a command nothing is done.
pub(super) fn reload(
    settings: &Servers,
    clients: &[Arc<Client>],
    model: &ServedModel,
    events: &Events,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<ControlFlow<()>> {
    if settings.reload.is_empty() {
        return Ok(ControlFlow::Continue(()));
    }
    let mut running = Vec::new();
    for client in clients {
        events.emit(&Event::Server { url: &client.url, state: ServerState::Reloads(&model.name) });
        running.push(Running::start(&settings.reload, &client.url, model)?);
    }
    while !running.is_empty() {
        if is_cancelled() {
            return Ok(ControlFlow::Break(()));
        }
        let mut left = Vec::new();
        for mut command in running {
            match command.child.0.try_wait().context("the reload command cannot be waited for")? {
                None => left.push(command),
                Some(status) => command.require_success(status, &settings.reload)?,
            }
        }
        running = left;
        std::thread::sleep(if running.is_empty() { Duration::ZERO } else { LOOK });
    }
    wait(settings, clients, model, is_cancelled)
}

/// Until a server answers. The others join as they come: one that died in the last round is not waited for.
fn wait(
    settings: &Servers,
    clients: &[Arc<Client>],
    model: &ServedModel,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<ControlFlow<()>> {
    let end = Instant::now() + Duration::from_secs_f64(settings.timeout_seconds);
    while !clients.iter().any(|client| client.is_there()) {
        if is_cancelled() {
            return Ok(ControlFlow::Break(()));
        }
        if Instant::now() > end {
            bail!(
                "No server answers within {} s after it was given {}, which sampling.server.timeout_seconds can change: {}. \
                 See that the command of sampling.server.reload starts it, and that it loads {}. {GO_ON}",
                settings.timeout_seconds,
                model.name,
                settings.urls.join(", "),
                model.folder.display()
            );
        }
        std::thread::sleep(LOOK);
    }
    Ok(ControlFlow::Continue(()))
}

/// A command that runs. What it starts may outlive it, so its output goes to a file: a pipe would have to be read for ever.
struct Running {
    child: Killed,
    said: File,
    url: String,
}

/// A process that does not outlive its owner.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            // What cannot be killed has ended.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

impl Running {
    fn start(command: &str, url: &str, model: &ServedModel) -> Result<Self> {
        let said =
            tempfile::tempfile().context("there is no room for what the reload command says; set TMPDIR")?;
        let copy = || said.try_clone().context("a file cannot be opened twice");
        let child = Command::new("sh")
            .args(["-c", command])
            .env("STP_CHECKPOINT", &model.folder)
            .env("STP_MODEL_NAME", &model.name)
            .env("STP_URL", url)
            .stdin(Stdio::null())
            .stdout(copy()?)
            .stderr(copy()?)
            .spawn()
            .context("the command of sampling.server.reload cannot be started: there is no `sh`")?;
        Ok(Self { child: Killed(child), said, url: url.to_owned() })
    }

    fn require_success(mut self, status: ExitStatus, command: &str) -> Result<()> {
        if status.success() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        let read = self.said.rewind().and_then(|()| self.said.read_to_end(&mut bytes));
        read.context("what the reload command said cannot be read")?;
        let text = String::from_utf8_lossy(&bytes);
        let words: Vec<char> = text.trim().chars().collect();
        let last: String = words[words.len().saturating_sub(SHOWN)..].iter().collect();
        bail!(
            "The command of sampling.server.reload for {} ended with {status}: {}. It is `{command}`. {GO_ON}",
            self.url,
            if last.is_empty() { "it said nothing" } else { &last }
        );
    }
}
