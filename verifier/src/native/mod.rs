//! Judging with a native `lean --json`, on files that hold a batch of candidates.
//!
//! Each candidate is a theorem under an unguessable name, followed by `#print axioms` of it; messages are
//! mapped back by line. Whatever is not plain (no answer about axioms, a message between candidates, a
//! process that died or ran out of time) is asked again in smaller files, down to one candidate alone.

mod file;
mod whole;

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use stp_datasets::{Status, Verdict};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};

use crate::confine::{Ceilings, Policy};
use crate::pool::{FileOutcome, Reply, Request, StatementReport};
use crate::toolchain::NativeLean;
use file::{BatchFile, Finding};

/// What a process may take to start and import before its candidates' own time begins.
const START_ALLOWANCE: Duration = Duration::from_secs(30);
/// More output than this ends the process.
const MAX_OUTPUT: u64 = 16 << 20;
/// Lean maps each imported file, and `lake` starts it as a child.
const CEILINGS: Ceilings = Ceilings { open_files: 16_384, file_size: 64 << 20, processes: 256 };
/// What a process that closed its output may still take to end.
const GRACE: Duration = Duration::from_secs(5);

/// Limits of native checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Wall-clock limit for each candidate in a file.
    pub(crate) check_timeout: Duration,
    /// Lean's own limit.
    pub(crate) max_heartbeats: u64,
}

/// How a run of `lean` on a file ended.
enum Run {
    Finished(String),
    TimedOut,
    Died(String),
}

/// Answers all requests, in order.
///
/// # Errors
/// If `lean` cannot be started or files cannot be written, in words for people.
pub(crate) async fn answer(
    lean: &NativeLean,
    requests: &[Request],
    limits: &Limits,
    place: &mut Place,
) -> Result<Vec<Reply>, String> {
    let mut replies: Vec<Option<Reply>> = vec![None; requests.len()];
    for (request, reply) in requests.iter().zip(&mut replies) {
        if let Request::File { code, timeout_ms } = request {
            let limit = Duration::from_millis(*timeout_ms);
            *reply = Some(Reply::File(whole::elaborate(lean, code, limit, limits, place).await?));
        }
    }
    let mut groups: Vec<Vec<usize>> = file::group(requests);
    while let Some(group) = groups.pop() {
        let chosen: Vec<_> = group.iter().map(|&index| &requests[index]).collect();
        let batch = BatchFile::new(&chosen, limits.max_heartbeats);
        let began = Instant::now();
        let limit = START_ALLOWANCE + limits.check_timeout * u32::try_from(group.len()).unwrap_or(u32::MAX);
        let run = run(lean, &[], &batch.text, limit, place).await?;
        let each = began.elapsed() / u32::try_from(group.len()).unwrap_or(1);
        let alone = group.len() == 1;
        match run {
            Run::Finished(output) => {
                for (finding, &index) in batch.read(&output).into_iter().zip(&group) {
                    match reply(&requests[index], finding, each) {
                        Some(reply) => replies[index] = Some(reply),
                        None if alone => replies[index] = Some(unclear(&requests[index])),
                        None => groups.push(vec![index]),
                    }
                }
            }
            Run::TimedOut if alone => {
                let text = format!("no answer within {} s", limit.as_secs());
                replies[group[0]] = Some(failure(&requests[group[0]], Status::Timeout, &text));
            }
            Run::Died(text) if alone => {
                replies[group[0]] = Some(failure(&requests[group[0]], Status::Crashed, &text));
            }
            Run::TimedOut | Run::Died(_) => {
                let (first, second) = group.split_at(group.len() / 2);
                groups.extend([first.to_vec(), second.to_vec()]);
            }
        }
    }
    Ok(replies
        .into_iter()
        .zip(requests)
        .map(|(reply, request)| reply.unwrap_or_else(|| unclear(request)))
        .collect())
}

async fn run(
    lean: &NativeLean,
    options: &[&str],
    text: &str,
    limit: Duration,
    place: &mut Place,
) -> Result<Run, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("cannot make a temporary folder: {error}"))?;
    let path = folder.path().join("Batch.lean");
    std::fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    let output = place.start(lean, options, &path)?;
    let mut text = Vec::new();
    let read = tokio::time::timeout(limit, output.take(MAX_OUTPUT).read_to_end(&mut text)).await;
    // The end of the output is the end of the file's elaboration, or more of it than anybody needs.
    let status = match read {
        Err(_) => {
            place.kill().await;
            return Ok(Run::TimedOut);
        }
        Ok(Err(error)) => {
            place.kill().await;
            return Ok(Run::Died(error.to_string()));
        }
        Ok(Ok(_)) => place.end().await,
    };
    // 0 and 1 are Lean's own: without and with errors in the file.
    match status {
        Ok(status) if matches!(status.code(), Some(0 | 1)) => {
            Ok(Run::Finished(String::from_utf8_lossy(&text).into_owned()))
        }
        Ok(status) => Ok(Run::Died(format!("lean ended with {status}"))),
        Err(error) => Ok(Run::Died(error.to_string())),
    }
}

/// Where a supervisor keeps its process, so that it can end it whenever it is told to stop.
#[derive(Debug, Default)]
pub(crate) struct Place {
    running: Option<(Child, Group)>,
}

impl Place {
    fn start(&mut self, lean: &NativeLean, options: &[&str], file: &Path) -> Result<ChildStdout, String> {
        let mut command = Command::new(&lean.program);
        command
            .args(&lean.args)
            .args(options)
            .arg("--json")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(cwd) = &lean.cwd {
            command.current_dir(cwd);
        }
        let policy = Policy::native(lean);
        policy
            .enclose(command.as_std_mut())
            .map_err(|error| format!("cannot wall in {}: {error}", lean.program.display()))?;
        let mut child =
            command.spawn().map_err(|error| format!("cannot start {}: {error}", lean.program.display()))?;
        CEILINGS.put_on(child.id(), policy.walls());
        let output = child.stdout.take().ok_or("lean has no output pipe")?;
        let group = Group(child.id());
        self.running = Some((child, group));
        Ok(output)
    }

    /// Waits for the end of a process that closed its output, and kills it if it goes on without.
    async fn end(&mut self) -> std::io::Result<ExitStatus> {
        let Some((child, group)) = &mut self.running else {
            return Err(std::io::Error::other("no process was started"));
        };
        let status = match tokio::time::timeout(GRACE, child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                group.kill();
                child.wait().await
            }
        };
        self.running = None;
        status
    }

    /// Ends the process and its children, and waits until it is gone.
    pub(crate) async fn kill(&mut self) {
        if let Some((mut child, group)) = self.running.take() {
            group.kill();
            // It fails only if the process is gone already.
            let _ = child.kill().await;
        }
    }
}

/// Ends a whole process group when dropped: `lake` starts `lean` as a child of its own.
#[derive(Debug)]
struct Group(Option<u32>);

impl Group {
    fn kill(&self) {
        if let Some(id) = self.0.and_then(|id| i32::try_from(id).ok()) {
            // It fails only if the group is gone already.
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

fn reply(request: &Request, finding: Finding, each: Duration) -> Option<Reply> {
    if finding.stray {
        return None;
    }
    match request {
        Request::Check(_) => verdict(finding, each).map(Reply::Verdict),
        Request::Statement { .. } => Some(Reply::Statement(StatementReport {
            ok: finding.statement_errors.is_empty(),
            messages: finding.statement_errors,
            fingerprint: None,
        })),
        Request::Signatures(_) => Some(Reply::Signatures(finding.signatures)),
        Request::Theorems => Some(Reply::Theorems(Vec::new())),
        Request::File { .. } => None,
    }
}

fn verdict(finding: Finding, each: Duration) -> Option<Verdict> {
    let elapsed_ms = u32::try_from(each.as_millis()).unwrap_or(u32::MAX);
    let with = |status, messages| Verdict { messages, elapsed_ms, ..Verdict::new(status, "") };
    if !finding.statement_errors.is_empty() {
        return Some(with(Status::StatementError, finding.statement_errors));
    }
    if !finding.proof_errors.is_empty() {
        return Some(with(Status::Failed, finding.proof_errors));
    }
    let axioms = finding.axioms?;
    let bad: Vec<_> =
        axioms.iter().filter(|name| !file::STANDARD_AXIOMS.contains(&name.as_str())).cloned().collect();
    let (status, messages) = if bad.is_empty() {
        (Status::Proved, Vec::new())
    } else {
        (Status::Rejected, vec![format!("it depends on {}", bad.join(", "))])
    };
    Some(Verdict { axioms, ..with(status, messages) })
}

fn unclear(request: &Request) -> Reply {
    failure(request, Status::Failed, "Lean did not say which axioms the proof depends on")
}

fn failure(request: &Request, status: Status, text: &str) -> Reply {
    match request {
        Request::Check(_) => Reply::Verdict(Verdict::new(status, text)),
        Request::Statement { .. } => Reply::Statement(StatementReport {
            ok: false,
            messages: vec![text.to_owned()],
            fingerprint: None,
        }),
        Request::Signatures(names) => Reply::Signatures(vec![None; names.len()]),
        Request::Theorems => Reply::Theorems(Vec::new()),
        Request::File { .. } => Reply::File(FileOutcome::Crashed(text.to_owned())),
    }
}
