//! A pool that answers from functions: for tests of what asks, never of Lean.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use stp_datasets::{Status, Verdict};
use tokio::sync::watch;

use crate::protocol::{
    Answered, Backend, Candidate, Counters, PoolStats, Reply, Request, SketchReport, StatementReport, Trust,
    VerifierError,
};

type Verdicts = dyn Fn(&Candidate) -> Verdict + Send + Sync;
type Reports = dyn Fn(&str, &str) -> StatementReport + Send + Sync;
type Sketches = dyn Fn(&Candidate) -> SketchReport + Send + Sync;
type Signatures = dyn Fn(&str) -> Option<String> + Send + Sync;

/// What a pool of [`crate::Pool::scripted`] answers, and how many questions it takes side by side.
///
/// Proofs, statements and signatures have answers, and the list of all theorems is empty; whole texts and exports are
/// `crashed`.
pub struct Script {
    verdict: Box<Verdicts>,
    report: Box<Reports>,
    signature: Box<Signatures>,
    sketch: Box<Sketches>,
    workers: usize,
    silent_after: usize,
    log: Arc<ScriptLog>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Script");
        shown
            .field("workers", &self.workers)
            .field("silent_after", &self.silent_after)
            .finish_non_exhaustive()
    }
}

impl Script {
    /// Every proof gets the verdict of a function. Every statement is one, with its signature as its fingerprint; no
    /// name has a signature; there is one worker.
    pub fn new(verdict: impl Fn(&Candidate) -> Verdict + Send + Sync + 'static) -> Self {
        let report = |_: &str, signature: &str| StatementReport {
            ok: true,
            messages: Vec::new(),
            fingerprint: Some(signature.to_owned()),
        };
        Self {
            verdict: Box::new(verdict),
            report: Box::new(report),
            signature: Box::new(|_| None),
            sketch: Box::new(|_| SketchReport::None { reason: "the script has no sketches".to_owned() }),
            workers: 1,
            silent_after: usize::MAX,
            log: Arc::default(),
        }
    }

    /// Proof texts that are known, with what becomes of them, whatever they prove; any other proof is `failed`.
    pub fn proofs<'a>(known: impl IntoIterator<Item = (&'a str, Status)>) -> Self {
        let known: HashMap<_, _> =
            known.into_iter().map(|(proof, status)| (proof.to_owned(), status)).collect();
        Self::new(move |candidate| match known.get(&candidate.proof) {
            Some(status) => Verdict::new(*status, ""),
            None => Verdict::new(Status::Failed, "the script does not know this proof"),
        })
    }

    /// What is said of a statement, by its header and its signature.
    #[must_use]
    pub fn statements(self, report: impl Fn(&str, &str) -> StatementReport + Send + Sync + 'static) -> Self {
        Self { report: Box::new(report), ..self }
    }

    /// The signature of a library theorem, by its name.
    #[must_use]
    pub fn signatures(self, signature: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { signature: Box::new(signature), ..self }
    }

    /// The sketch of a proof that fails.
    #[must_use]
    pub fn sketches(self, sketch: impl Fn(&Candidate) -> SketchReport + Send + Sync + 'static) -> Self {
        Self { sketch: Box::new(sketch), ..self }
    }

    /// How many workers the pool says that it has.
    #[must_use]
    pub fn workers(self, workers: usize) -> Self {
        Self { workers, ..self }
    }

    /// So many questions are answered; those asked after them wait until the pool is shut down, as if Lean hung.
    #[must_use]
    pub fn silent_after(self, answers: usize) -> Self {
        Self { silent_after: answers, ..self }
    }

    /// What will have been asked, to be looked at afterwards.
    pub fn log(&self) -> Arc<ScriptLog> {
        self.log.clone()
    }
}

/// A question that passed the text gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To judge a proof.
    Proof(Candidate),
    /// What a statement claims.
    Statement {
        /// Lean text before it.
        header: String,
        /// Its binders and type.
        signature: String,
        /// Whose it is.
        trust: Trust,
    },
    /// Signatures of library theorems, by their names.
    Signatures(Vec<String>),
    /// For a sketch of a proof.
    Sketch(Candidate),
    /// Anything else.
    Other,
}

impl Asked {
    fn of(request: &Request) -> Self {
        match request {
            Request::Check(candidate) => Self::Proof(candidate.clone()),
            Request::Statement { header, signature, trust } => {
                Self::Statement { header: header.clone(), signature: signature.clone(), trust: *trust }
            }
            Request::Sketch(candidate) => Self::Sketch(candidate.clone()),
            Request::Signatures(names) => Self::Signatures(names.clone()),
            _ => Self::Other,
        }
    }
}

/// What was asked of a scripted pool.
#[derive(Debug, Default)]
pub struct ScriptLog {
    asked: Mutex<Vec<Asked>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

impl ScriptLog {
    /// All questions in the order in which they came, those without an answer among them.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The proofs among them.
    pub fn proofs(&self) -> Vec<Candidate> {
        let proof = |asked| match asked {
            Asked::Proof(candidate) => Some(candidate),
            _ => None,
        };
        self.asked().into_iter().filter_map(proof).collect()
    }

    /// The largest number of questions that waited for their answers at the same time.
    pub fn most_under_way(&self) -> usize {
        self.most_under_way.load(Ordering::Relaxed)
    }

    /// Writes a question down; its number, from 0.
    fn write(&self, asked: Asked) -> usize {
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(asked);
        all.len() - 1
    }
}

/// A question that waits, answered or given up when this is dropped.
struct UnderWay<'a>(&'a ScriptLog);

impl<'a> UnderWay<'a> {
    fn begin(log: &'a ScriptLog) -> Self {
        let now = log.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        log.most_under_way.fetch_max(now, Ordering::Relaxed);
        Self(log)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A script as what stands behind a pool.
#[derive(Debug)]
pub(crate) struct ScriptedPool {
    script: Script,
    counters: Counters,
    closing: watch::Sender<bool>,
}

impl ScriptedPool {
    pub(crate) fn new(script: Script) -> Self {
        Self { script, counters: Counters::default(), closing: watch::Sender::new(false) }
    }

    async fn ask(&self, request: Request) -> Result<Reply, VerifierError> {
        if *self.closing.borrow() {
            return Err(VerifierError::Closed);
        }
        let number = self.script.log.write(Asked::of(&request));
        let _under_way = UnderWay::begin(&self.script.log);
        if number >= self.script.silent_after {
            // It cannot fail: the sender lives as long as this pool.
            let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
            return Err(VerifierError::Closed);
        }
        // Others that were asked at the same time come in between, as they would with Lean.
        tokio::task::yield_now().await;
        let reply = self.answer(&request);
        self.count(&reply);
        Ok(reply)
    }

    fn answer(&self, request: &Request) -> Reply {
        match request {
            Request::Check(candidate) => Reply::Verdict((self.script.verdict)(candidate)),
            Request::Statement { header, signature, .. } => {
                Reply::Statement((self.script.report)(header, signature))
            }
            Request::Signatures(names) => {
                Reply::Signatures(names.iter().map(|name| (self.script.signature)(name)).collect())
            }
            Request::Sketch(candidate) => Reply::Sketch((self.script.sketch)(candidate)),
            Request::Theorems => Reply::Theorems(Vec::new()),
            other => other.failure(Status::Crashed, "a script answers no such question".to_owned()),
        }
    }

    fn count(&self, reply: &Reply) {
        self.counters.checks.fetch_add(1, Ordering::Relaxed);
        if let Reply::Verdict(verdict) = reply {
            self.counters.busy_ms.fetch_add(u64::from(verdict.elapsed_ms), Ordering::Relaxed);
        }
    }
}

impl Backend for ScriptedPool {
    fn request(&self, request: Request) -> Answered<'_> {
        Box::pin(self.ask(request))
    }

    fn workers(&self) -> usize {
        self.script.workers.max(1)
    }

    fn check_timeout(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn stats(&self) -> PoolStats {
        self.counters.stats()
    }

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        self.closing.send_replace(true);
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::Pool;

    fn proof(text: &str) -> Candidate {
        Candidate::new("open Nat", ": True", text)
    }

    #[tokio::test]
    async fn proofs_get_the_verdicts_of_the_script() {
        let script = Script::proofs([("trivial", Status::Proved), ("by slow", Status::Timeout)]);
        let log = script.log();
        let pool = Pool::scripted(script);
        for (text, status) in
            [("trivial", Status::Proved), ("by slow", Status::Timeout), ("by omega", Status::Failed)]
        {
            assert_eq!(pool.check(proof(text)).await.unwrap().status, status, "{text}");
        }
        assert_eq!(log.proofs(), ["trivial", "by slow", "by omega"].map(proof));
        assert_eq!((pool.workers(), pool.stats().checks, log.most_under_way()), (1, 3, 1));
    }

    #[tokio::test]
    async fn the_gate_stands_before_the_script() {
        let script = Script::new(|_| Verdict::new(Status::Proved, ""));
        let log = script.log();
        let pool = Pool::scripted(script);
        assert_eq!(pool.check(proof("by sorry")).await.unwrap().status, Status::Rejected);
        assert!(!pool.statement("", ": True := trivial").await.unwrap().ok);
        assert_eq!(log.asked(), []);
    }

    #[tokio::test]
    async fn statements_and_signatures_have_answers_and_whole_texts_none() {
        let script = Script::proofs([]).workers(3);
        let log = script.log();
        let pool = Pool::scripted(script);
        let report = pool.foreign_statement("open Nat", ": True").await.unwrap();
        assert_eq!((report.ok, report.fingerprint.as_deref()), (true, Some(": True")));
        assert_eq!(pool.signatures(&["a".to_owned()]).await.unwrap(), [None]);
        let whole = pool.judge_source("theorem a : True := trivial", None, None).await.unwrap();
        assert_eq!(whole.status, Status::Crashed);
        let statement =
            Asked::Statement { header: "open Nat".into(), signature: ": True".into(), trust: Trust::Foreign };
        assert_eq!(log.asked(), [statement, Asked::Signatures(vec!["a".to_owned()]), Asked::Other]);

        let refused = |_: &str, _: &str| StatementReport::refused("no");
        let script = Script::proofs([]).statements(refused).signatures(|name| Some(format!(": {name}")));
        let pool = Pool::scripted(script);
        assert!(!pool.statement("", ": True").await.unwrap().ok);
        assert_eq!(pool.signatures(&["a".to_owned()]).await.unwrap(), [Some(": a".to_owned())]);
    }

    #[tokio::test]
    async fn a_silent_script_lets_wait_until_it_is_shut_down() {
        let script = Script::proofs([("trivial", Status::Proved)]).silent_after(1);
        let log = script.log();
        let pool = Pool::scripted(script);
        assert!(pool.check(proof("trivial")).await.unwrap().is_proved());
        let waits = pool.check(proof("trivial"));
        assert!(timeout(Duration::from_millis(50), waits).await.is_err());
        let (answer, ()) = tokio::join!(pool.check(proof("trivial")), pool.shutdown());
        assert!(matches!(answer, Err(VerifierError::Closed)));
        assert!(matches!(pool.check(proof("trivial")).await, Err(VerifierError::Closed)));
        assert_eq!((log.asked().len(), log.most_under_way()), (3, 1));
    }
}
