//! Giving servers the next checkpoint: the user's command is run for each, and then they are waited for.

use std::fs::File;
use std::io::{Read, Seek};
use std::ops::ControlFlow;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::client::Client;
use super::request::{GO_ON, LOOK, ServedModel};
use crate::config::Servers;
use crate::events::{Event, Events, ServerState};

/// So much of what a command said is shown.
const SHOWN: usize = 600;

/// What became of the servers, in their order: of those that could not be given the checkpoint, why.
pub(super) type Reloaded = Vec<Option<String>>;

/// Runs the command for every server at the same time, for at most `limit`, and waits until one that has the checkpoint
/// answers; `Break` if the user wants to stop. Without a command nothing is done.
///
/// # Errors
/// If no server could be given the checkpoint, or none answers.
pub(super) fn reload(
    settings: &Servers,
    clients: &[Arc<Client>],
    model: &ServedModel,
    limit: Duration,
    events: &Events,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<ControlFlow<(), Reloaded>> {
    if settings.reload.is_empty() {
        return Ok(ControlFlow::Continue(vec![None; clients.len()]));
    }
    let mut running = Vec::new();
    for client in clients {
        events.emit(&Event::Server { url: &client.url, state: ServerState::Reloads(&model.name) });
        running.push(Running::start(&settings.reload, &client.url, model)?);
    }
    let ControlFlow::Continue(reloaded) = ends(running, limit, is_cancelled)? else {
        return Ok(ControlFlow::Break(()));
    };
    let (mut ready, mut reasons) = (Vec::new(), Vec::new());
    for (client, reason) in clients.iter().zip(&reloaded) {
        match reason {
            None => ready.push(client),
            Some(reason) => reasons.push((client, reason.as_str())),
        }
    }
    if ready.is_empty() {
        let reasons: Vec<_> = reasons.into_iter().map(|(_, reason)| reason).collect();
        bail!("{} {GO_ON}", reasons.join(" "));
    }
    for (client, reason) in reasons {
        events.emit(&Event::Server { url: &client.url, state: ServerState::Aside(reason) });
    }
    let waited = wait(settings, &ready, model, is_cancelled)?;
    Ok(waited.map_continue(|()| reloaded))
}

/// How the commands end, in their order: why one failed, if it did. One that takes longer than `limit` is ended.
fn ends(
    running: Vec<Running>,
    limit: Duration,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<ControlFlow<(), Reloaded>> {
    let end = Instant::now() + limit;
    let mut reloaded = vec![None; running.len()];
    let mut running: Vec<_> = running.into_iter().enumerate().collect();
    while !running.is_empty() {
        if is_cancelled() {
            return Ok(ControlFlow::Break(()));
        }
        let mut left = Vec::new();
        for (server, mut command) in running {
            match command.child.0.try_wait().context("the reload command cannot be waited for")? {
                None if Instant::now() < end => left.push((server, command)),
                None => reloaded[server] = Some(command.failed(&too_long(limit))?),
                Some(status) if status.success() => {}
                Some(status) => reloaded[server] = Some(command.failed(&format!("ended with {status}"))?),
            }
        }
        running = left;
        std::thread::sleep(if running.is_empty() { Duration::ZERO } else { LOOK });
    }
    Ok(ControlFlow::Continue(reloaded))
}

fn too_long(limit: Duration) -> String {
    format!(
        "did not end within {} s and was ended (let it start a server that takes longer in the background, or raise \
         sampling.server.timeout_seconds above that)",
        limit.as_secs_f64()
    )
}

/// Until a server answers. The others join as they come: one that died in the last round is not waited for.
fn wait(
    settings: &Servers,
    clients: &[&Arc<Client>],
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
                clients.iter().map(|client| client.url.as_str()).collect::<Vec<_>>().join(", "),
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
    command: String,
    url: String,
}

/// A process that does not outlive its owner; nor does what it waits for, which is in its process group.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            // What cannot be killed has ended.
            let group = format!("kill -s KILL -- -{}", self.0.id());
            let _ = Command::new("sh").args(["-c", &group]).stderr(Stdio::null()).status();
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
            .process_group(0)
            .spawn()
            .context("the command of sampling.server.reload cannot be started: there is no `sh`")?;
        Ok(Self { child: Killed(child), said, command: command.to_owned(), url: url.to_owned() })
    }

    /// Why its server does not have the checkpoint, by how the command failed and what it said.
    fn failed(mut self, how: &str) -> Result<String> {
        let mut bytes = Vec::new();
        let read = self.said.rewind().and_then(|()| self.said.read_to_end(&mut bytes));
        read.context("what the reload command said cannot be read")?;
        let text = String::from_utf8_lossy(&bytes);
        let words: Vec<char> = text.trim().chars().collect();
        let last: String = words[words.len().saturating_sub(SHOWN)..].iter().collect();
        Ok(format!(
            "The command of sampling.server.reload for {} {how}: {}. It is `{}`.",
            self.url,
            if last.is_empty() { "it said nothing" } else { &last },
            self.command
        ))
    }
}
