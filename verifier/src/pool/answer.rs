//! How a request becomes an answer: whoever knows how is asked.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::asked::{Asked, or_gone, read};
use super::care::{Care, care_of, text_care};
use super::local::LocalPool;
use crate::protocol::{
    Answered, Backend, Candidate, FileOutcome, FileReport, PoolStats, Question, Reply, Request, Role,
    SketchReport, VerifierError,
};

/// A sketch elaborates its proof as often as something more of it fails, and each of its goals.
const SKETCH_CHECKS: u32 = 4;
/// The first sketch of a process waits for the program that makes them.
const LOADING: Duration = Duration::from_secs(60);

impl Backend for LocalPool {
    fn request(&self, request: Request) -> Answered<'_> {
        Box::pin(self.answer(request))
    }

    fn workers(&self) -> usize {
        self.processes.workers
    }

    fn check_timeout(&self) -> Duration {
        self.processes.check_timeout
    }

    fn stats(&self) -> PoolStats {
        self.processes.counters.stats()
    }

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.processes.shutdown())
    }
}

impl LocalPool {
    async fn answer(&self, request: Request) -> Result<Reply, VerifierError> {
        let answered = match &request {
            Request::Check(candidate) => self.check(candidate).await?.map(Reply::Verdict),
            Request::Statement { header, signature, trust } => {
                self.statement(header, signature, *trust).await?.map(Reply::Statement)
            }
            Request::Signatures(names) => self.signatures(names).await?.map(Reply::Signatures),
            Request::Theorems => self.theorems().await?.map(Reply::Theorems),
            Request::File { code, timeout_ms } => {
                self.file(code, Duration::from_millis(*timeout_ms)).await?.map(Reply::File)
            }
            Request::Source { code, timeout_ms } => {
                self.source(code, Duration::from_millis(*timeout_ms)).await?.map(Reply::Source)
            }
            Request::TheoremOf { code, name, statement, timeout_ms } => {
                let limit = Duration::from_millis(*timeout_ms);
                self.theorem_of(code, name.as_deref(), statement.as_ref(), limit).await?.map(Reply::Verdict)
            }
            Request::Sketch(candidate) => self.sketch(candidate).await?.map(Reply::Sketch),
            Request::Export(candidate) => self.export(candidate).await?.map(Reply::Export),
        };
        Ok(answered.unwrap_or_else(|gone| request.failure(gone.status, gone.reason)))
    }

    async fn sketch(&self, candidate: &Candidate) -> Asked<SketchReport> {
        let Candidate { header, signature, proof, .. } = candidate.clone();
        let care = care_of(&header, &[&proof, &signature]);
        let limit = self.processes.check_timeout * SKETCH_CHECKS + LOADING;
        self.processes.ask_elaborator(Question::Sketch { header, signature, proof }, limit, care).await
    }

    async fn signatures(&self, names: &[String]) -> Asked<Vec<Option<String>>> {
        let more = Duration::from_millis(100) * u32::try_from(names.len()).unwrap_or(u32::MAX);
        let question = Question::Signatures { names: names.to_vec() };
        let value = or_gone!(self.processes.ask(
            Role::Checker,
            question,
            self.processes.check_timeout + more,
            Care::Gated
        ));
        Ok(read(&value["signatures"]))
    }

    async fn theorems(&self) -> Asked<Vec<String>> {
        let value = or_gone!(self.processes.ask(
            Role::Checker,
            Question::Theorems {},
            self.processes.check_timeout,
            Care::Gated
        ));
        Ok(read(&value["theorems"]))
    }

    async fn file(&self, code: &str, limit: Duration) -> Asked<FileOutcome> {
        let question = Question::File { code: code.to_owned() };
        let report: FileReport = or_gone!(self.processes.ask_elaborator(question, limit, text_care(code)));
        Ok(Ok(FileOutcome::Done(report.complete())))
    }
}
