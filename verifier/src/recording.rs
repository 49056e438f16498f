//! Lean's answers written down, and given again where Lean cannot be installed: to try the rest of the program there.
//!
//! Nothing is made up: what is not in a recording is answered as if Lean's process had died on it, which proves nothing.
//! A recording proves nothing either, for it is a file that anybody may write.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use stp_datasets::Status;

use crate::protocol::{Answered, Backend, Counters, PoolStats, Reply, Request, VerifierError};

/// Wall-clock limit that is told of a recorded check.
const LIMIT: Duration = Duration::from_secs(10);

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be read or written.
    #[error("the recording {path} cannot be used ({reason}). Give another file.")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A line of it is none.
    #[error(
        "line {line} of {path} is no question with Lean's answer ({reason}). Record it anew with this version: \
         `stp train --no-cache --record-lean FILE`."
    )]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Line<Q, A> {
    question: Q,
    answer: A,
}

/// A backend whose answers are written to a file, a line for each.
#[derive(Debug)]
pub(crate) struct Recorder {
    backend: Arc<dyn Backend>,
    file: Mutex<File>,
}

impl Recorder {
    pub(crate) fn new(backend: Arc<dyn Backend>, path: &Path) -> Result<Self, RecordingError> {
        let file = File::create(path).map_err(|error| unusable(path, &error))?;
        Ok(Self { backend, file: Mutex::new(file) })
    }

    async fn ask(&self, question: Request) -> Result<Reply, VerifierError> {
        let answer = self.backend.request(question.clone()).await?;
        if let Ok(mut line) = serde_json::to_vec(&Line { question: &question, answer: &answer }) {
            line.push(b'\n');
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = file.write_all(&line) {
                tracing::warn!("an answer of Lean is missing in the recording: {error}");
            }
        }
        Ok(answer)
    }
}

impl Backend for Recorder {
    fn request(&self, request: Request) -> Answered<'_> {
        Box::pin(self.ask(request))
    }

    fn workers(&self) -> usize {
        self.backend.workers()
    }

    fn check_timeout(&self) -> Duration {
        self.backend.check_timeout()
    }

    fn stats(&self) -> PoolStats {
        self.backend.stats()
    }

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        self.backend.shutdown()
    }
}

/// A backend that answers out of a recording.
#[derive(Debug)]
pub(crate) struct Recording {
    answers: HashMap<String, Reply>,
    counters: Counters,
    missing: AtomicU64,
}

impl Recording {
    pub(crate) fn open(path: &Path) -> Result<Self, RecordingError> {
        let file = File::open(path).map_err(|error| unusable(path, &error))?;
        let mut answers = HashMap::new();
        for (number, line) in BufReader::new(file).lines().enumerate() {
            let line = line.map_err(|error| unusable(path, &error))?;
            let wrong = |error: serde_json::Error| RecordingError::Line {
                path: path.to_owned(),
                line: number + 1,
                reason: error.to_string(),
            };
            let Line::<Request, Reply> { question, answer } = serde_json::from_str(&line).map_err(wrong)?;
            answers.insert(key(&question).map_err(wrong)?, answer);
        }
        Ok(Self { answers, counters: Counters::default(), missing: AtomicU64::new(0) })
    }

    fn answer(&self, request: &Request) -> Reply {
        self.counters.checks.fetch_add(1, Ordering::Relaxed);
        let known = key(request).ok().and_then(|key| self.answers.get(&key));
        known.cloned().unwrap_or_else(|| {
            self.missing.fetch_add(1, Ordering::Relaxed);
            request.failure(Status::Crashed, "this is not in the recording, and there is no Lean".to_owned())
        })
    }
}

impl Backend for Recording {
    fn request(&self, request: Request) -> Answered<'_> {
        Box::pin(std::future::ready(Ok(self.answer(&request))))
    }

    fn workers(&self) -> usize {
        1
    }

    fn check_timeout(&self) -> Duration {
        LIMIT
    }

    fn stats(&self) -> PoolStats {
        PoolStats { crashes: self.missing.load(Ordering::Relaxed), ..self.counters.stats() }
    }

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

fn key(question: &Request) -> Result<String, serde_json::Error> {
    serde_json::to_string(question)
}

fn unusable(path: &Path, error: &std::io::Error) -> RecordingError {
    RecordingError::File { path: path.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Candidate;
    use crate::{Pool, Script};

    #[tokio::test]
    async fn what_was_recorded_is_answered_again_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lean.jsonl");
        let known = [("trivial", Status::Proved), ("by slow", Status::Timeout)];
        let asked = |proof: &str| Candidate::new("open Nat", ": True", proof);
        let recorded = Pool::scripted(Script::proofs(known)).recorded(&path).unwrap();
        let mut verdicts = Vec::new();
        for proof in ["trivial", "by slow", "by omega"] {
            verdicts.push(recorded.check(asked(proof)).await.unwrap());
        }
        let statement = recorded.statement("", ": True").await.unwrap();
        let replayed = Pool::replayed(&path).unwrap();
        for (proof, verdict) in ["trivial", "by slow", "by omega"].into_iter().zip(&verdicts) {
            assert_eq!(&replayed.check(asked(proof)).await.unwrap(), verdict);
        }
        assert_eq!(replayed.statement("", ": True").await.unwrap(), statement);
        let other = replayed.check(Candidate::new("", ": True", "trivial")).await.unwrap();
        assert_eq!(other.status, Status::Crashed, "another header is another question");
        assert!(!replayed.statement("", ": False").await.unwrap().ok);
        assert_eq!((replayed.stats().checks, replayed.stats().crashes), (6, 2));
    }

    #[test]
    fn a_file_that_is_no_recording_is_refused_by_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lean.jsonl");
        let error = Recording::open(&path).unwrap_err().to_string();
        assert!(error.contains("lean.jsonl"), "{error}");
        std::fs::write(&path, "{\"question\":\"theorems\",\"answer\":{\"theorems\":[]}}\nnonsense\n")
            .unwrap();
        let error = Recording::open(&path).unwrap_err().to_string();
        assert!(error.starts_with("line 2 of ") && error.contains("--record-lean"), "{error}");
    }
}
