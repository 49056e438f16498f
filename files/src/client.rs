//! Running a package's client: `npm`, `pip`.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

/// How often progress is told.
const POLL: Duration = Duration::from_millis(200);
/// Lines of what a client said that an error repeats.
const LINES: usize = 3;

/// Why a client did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It cannot be run.
    #[error(transparent)]
    Start(io::Error),
    /// It failed; all that it printed.
    #[error("{}", end_of(.0))]
    Failed(String),
}

/// Runs a client to its end, without input. `each` is called now and then meanwhile, at least once.
///
/// # Errors
/// [`ClientError`].
pub fn run_client(command: &mut Command, each: &dyn Fn()) -> Result<(), ClientError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(ClientError::Start)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    // A client that prints much must not wait for its reader.
    let (status, said) = thread::scope(|scope| {
        let readers = [scope.spawn(|| text_of(out)), scope.spawn(|| text_of(err))];
        let status = wait(&mut child, each);
        (status, readers.map(|reader| reader.join().unwrap_or_default()).concat())
    });
    match status.map_err(ClientError::Start)? {
        status if status.success() => Ok(()),
        _ => Err(ClientError::Failed(said)),
    }
}

fn text_of(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // A client's words are only for the error text.
        let _ = stream.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn wait(child: &mut Child, each: &dyn Fn()) -> io::Result<ExitStatus> {
    loop {
        each();
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        thread::sleep(POLL);
    }
}

fn end_of(said: &str) -> String {
    let lines: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let end = lines[lines.len().saturating_sub(LINES)..].join("; ");
    if end.is_empty() { "it printed nothing".to_owned() } else { end }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn shell(script: &str) -> Result<u32, String> {
        let calls = Cell::new(0);
        let run = run_client(Command::new("sh").args(["-c", script]), &|| calls.set(calls.get() + 1));
        run.map(|()| calls.get()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_client_that_fails_is_quoted() {
        assert!(shell("echo done").unwrap() > 0);
        assert_eq!(shell("echo a; echo; echo b; echo c; echo d >&2; exit 3").unwrap_err(), "b; c; d");
        assert_eq!(shell("exit 1").unwrap_err(), "it printed nothing");
        let much = "i=0; while [ $i -lt 20000 ]; do echo 123456789; i=$((i+1)); done; exit 1";
        assert_eq!(shell(much).unwrap_err(), ["123456789"; LINES].join("; "), "more than a pipe holds");
        let missing = run_client(&mut Command::new("/nonexistent/npm"), &|| {}).unwrap_err();
        assert!(matches!(missing, ClientError::Start(_)), "{missing}");
    }
}
