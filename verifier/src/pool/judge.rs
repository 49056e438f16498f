//! How a request becomes an answer: which process is asked what, and what follows from what it says.
//!
//! This is the only place where a proof becomes `proved`, and it does so on the checker's word alone. An elaborator can
//! make a proof fail, and nothing else; of a foreign statement it also says what it means.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use stp_datasets::{Status, Verdict};
use tokio::sync::{mpsc, oneshot};

use super::Inner;
use super::config::VerifierError;
use super::supervisor::{Care, Job};
use crate::gate;
use crate::protocol::{
    Candidate, Checked, CheckedTheorem, Claim, Elaborated, FileOutcome, FileReport, Lost, Question, Reply,
    Request, StatementReport, Trust,
};

/// What is left of a request when a process was lost.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) status: Status,
    pub(super) reason: String,
}

/// An answer, or how it was lost; outside of both, why Lean cannot be asked at all.
pub(super) type Asked<T> = Result<Result<T, Gone>, VerifierError>;

/// Goes on with what a process answered, or ends with how it was lost.
macro_rules! or_gone {
    ($asked:expr) => {
        match $asked.await? {
            Ok(answer) => answer,
            Err(gone) => return Ok(Err(gone)),
        }
    };
}
pub(super) use or_gone;

impl Inner {
    /// Answers a request, without the text gate, which is the caller's to apply.
    pub(super) async fn answer(&self, request: Request) -> Result<Reply, VerifierError> {
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
            Request::Export(candidate) => self.export(candidate).await?.map(Reply::Export),
        };
        Ok(answered.unwrap_or_else(|gone| request.failure(gone.status, gone.reason)))
    }

    async fn check(&self, candidate: &Candidate) -> Asked<Verdict> {
        let (verdict, _) = or_gone!(self.check_once(candidate));
        // A foreign statement's meaning comes from a process that ran hostile text. If a proof disagrees with it, one of
        // the two was told wrong: both are asked for again, once.
        let verdict = if candidate.trust == Trust::Foreign && is_other_statement(&verdict) {
            self.references.forget(&candidate.header, &candidate.signature, candidate.trust);
            or_gone!(self.check_once(candidate)).0
        } else {
            verdict
        };
        Ok(Ok(verdict))
    }

    /// The verdict, and the declarations that it is on; none if the proof did not elaborate.
    async fn check_once(&self, candidate: &Candidate) -> Asked<(Verdict, String)> {
        let reference =
            match or_gone!(self.reference(&candidate.header, &candidate.signature, candidate.trust)) {
                Ok(reference) => reference,
                Err(messages) => {
                    let verdict = Verdict { messages, ..Verdict::new(Status::StatementError, "") };
                    return Ok(Ok((verdict, String::new())));
                }
            };
        let (export, elaborated_ms) = match or_gone!(self.elaborate(candidate)) {
            (Ok(export), elapsed_ms) => (export, elapsed_ms),
            (Err(verdict), _) => return Ok(Ok((verdict, String::new()))),
        };
        let question = check_of(candidate, export.clone(), Some(reference));
        let care = match candidate.trust {
            Trust::Trusted => care_of(&candidate.header, &[]),
            Trust::Foreign => Care::Gated,
        };
        let value = or_gone!(self.ask(&self.checkers, question, self.check_timeout, care));
        let elapsed_ms = elaborated_ms.saturating_add(elapsed_of(&value));
        let checked = match read::<Checked>(&value) {
            Ok(checked) => checked,
            Err(gone) => return Ok(Err(gone)),
        };
        let Some(verdict) = checked.verdicts.into_iter().next().map(CheckedTheorem::into_verdict) else {
            return Ok(Err(unreadable()));
        };
        let imports = imports_of(&candidate.header);
        let verdict = or_gone!(self.agreed(verdict, &imports, &export, TARGET));
        Ok(Ok((Verdict { elapsed_ms, ..verdict }, export)))
    }

    /// The declarations of a proof that elaborates, or the verdict on one that does not; and the time it took.
    async fn elaborate(&self, candidate: &Candidate) -> Asked<(Result<String, Verdict>, u32)> {
        let Candidate { header, signature, proof, trust } = candidate.clone();
        let care = care_of(&header, &[&proof, &signature]);
        let foreign = trust == Trust::Foreign;
        let question = Question::Elaborate { header, signature, proof, foreign, messages: self.messages };
        let value = or_gone!(self.ask(&self.elaborators, question, self.check_timeout, care));
        let elapsed_ms = elapsed_of(&value);
        let refused = |status, messages| Err(Verdict { messages, elapsed_ms, ..Verdict::new(status, "") });
        let outcome = read::<Elaborated>(&value).map(|elaborated| match elaborated {
            Elaborated::Done { export } => Ok(export),
            Elaborated::Errors { messages } => refused(Status::Failed, messages),
            Elaborated::Rejected { messages } => refused(Status::Rejected, messages),
        });
        Ok(outcome.map(|outcome| (outcome, elapsed_ms)))
    }

    /// What a statement claims, or why it claims nothing.
    pub(super) async fn reference(
        &self,
        header: &str,
        signature: &str,
        trust: Trust,
    ) -> Asked<Result<String, Vec<String>>> {
        let place = self.references.of(header, signature, trust);
        if let Some(known) = place.get() {
            return Ok(Ok(Ok(known.clone())));
        }
        let claim = or_gone!(self.claim(header, signature, trust));
        Ok(match claim {
            Claim { ok: true, reference: Some(reference), .. } => {
                Ok(Ok(place.get_or_init(|| async { reference }).await.clone()))
            }
            Claim { messages, .. } => Ok(Err(messages)),
        })
    }

    async fn claim(&self, header: &str, signature: &str, trust: Trust) -> Asked<Claim> {
        let (question, care) = match trust {
            Trust::Trusted => {
                let question = Question::Reference {
                    header: Some(header.to_owned()),
                    signature: Some(signature.to_owned()),
                    imports: None,
                    export: None,
                };
                (question, care_of(header, &[signature]))
            }
            Trust::Foreign => {
                let care = care_of(header, &[signature]);
                let question =
                    Question::Statement { header: header.to_owned(), signature: signature.to_owned() };
                let refused = |messages| Claim { ok: false, messages, fingerprint: None, reference: None };
                match or_gone!(self.ask_elaborator::<Elaborated>(question, self.check_timeout, care)) {
                    Elaborated::Done { export } => {
                        let imports = Some(imports_of(header));
                        let question = Question::Reference {
                            header: None,
                            signature: None,
                            imports,
                            export: Some(export),
                        };
                        (question, Care::Gated)
                    }
                    Elaborated::Errors { messages } | Elaborated::Rejected { messages } => {
                        return Ok(Ok(refused(messages)));
                    }
                }
            }
        };
        let value = or_gone!(self.ask(&self.checkers, question, self.check_timeout, care));
        Ok(read(&value))
    }

    async fn statement(&self, header: &str, signature: &str, trust: Trust) -> Asked<StatementReport> {
        let claim = or_gone!(self.claim(header, signature, trust));
        if let (true, Some(reference)) = (claim.ok, claim.reference) {
            self.references.of(header, signature, trust).get_or_init(|| async { reference }).await;
        }
        Ok(Ok(StatementReport { ok: claim.ok, messages: claim.messages, fingerprint: claim.fingerprint }))
    }

    /// The very declarations that were judged.
    async fn export(&self, candidate: &Candidate) -> Asked<Result<String, Verdict>> {
        let (verdict, export) = or_gone!(self.check_once(candidate));
        Ok(Ok(if verdict.status == Status::Proved { Ok(export) } else { Err(verdict) }))
    }

    async fn signatures(&self, names: &[String]) -> Asked<Vec<Option<String>>> {
        let more = Duration::from_millis(100) * u32::try_from(names.len()).unwrap_or(u32::MAX);
        let question = Question::Signatures { names: names.to_vec() };
        let value = or_gone!(self.ask(&self.checkers, question, self.check_timeout + more, Care::Gated));
        Ok(read(&value["signatures"]))
    }

    async fn theorems(&self) -> Asked<Vec<String>> {
        let value =
            or_gone!(self.ask(&self.checkers, Question::Theorems {}, self.check_timeout, Care::Gated));
        Ok(read(&value["theorems"]))
    }

    async fn file(&self, code: &str, limit: Duration) -> Asked<FileOutcome> {
        let question = Question::File { code: code.to_owned() };
        let report: FileReport = or_gone!(self.ask_elaborator(question, limit, text_care(code)));
        Ok(Ok(FileOutcome::Done(report.complete())))
    }

    pub(super) async fn ask_checker<T: DeserializeOwned>(&self, question: Question) -> Asked<T> {
        let value = or_gone!(self.ask(&self.checkers, question, self.check_timeout, Care::Gated));
        Ok(read(&value))
    }

    pub(super) async fn ask_elaborator<T: DeserializeOwned>(
        &self,
        question: Question,
        limit: Duration,
        care: Care,
    ) -> Asked<T> {
        let value = or_gone!(self.ask(&self.elaborators, question, limit, care));
        Ok(read(&value))
    }

    async fn ask(
        &self,
        queue: &mpsc::UnboundedSender<Job>,
        question: Question,
        limit: Duration,
        care: Care,
    ) -> Asked<Value> {
        let (reply, receiver) = oneshot::channel();
        queue.send(Job { question, limit, care, reply }).map_err(|_| VerifierError::Closed)?;
        let answer = receiver.await.map_err(|_| VerifierError::Closed)??;
        Ok(answer.map_err(|lost| match lost {
            Lost::Timeout => {
                let reason = format!("no answer within {} s", limit.as_secs_f64());
                Gone { status: Status::Timeout, reason }
            }
            Lost::Died(reason) => Gone { status: Status::Crashed, reason },
        }))
    }
}

/// Texts that a gate has looked at, unless it was left out and they may run code, below a header that may run code as well.
fn care_of(header: &str, texts: &[&str]) -> Care {
    if texts.iter().any(|text| gate::may_run_code(text)) {
        Care::Last
    } else if gate::may_run_code(header) {
        Care::Header(header.to_owned())
    } else {
        Care::Gated
    }
}

/// A whole text of which nothing is judged.
fn text_care(code: &str) -> Care {
    if gate::may_run_code(code) { Care::Last } else { Care::Text }
}

/// The question whether the declarations of a candidate prove its statement.
fn check_of(candidate: &Candidate, export: String, reference: Option<String>) -> Question {
    let (header, imports) = match candidate.trust {
        Trust::Trusted => (Some(candidate.header.clone()), None),
        Trust::Foreign => (None, Some(imports_of(&candidate.header))),
    };
    let roots = vec![TARGET.to_owned()];
    Question::Check { header, imports, export, roots, reference, proof: candidate.proof.clone() }
}

/// The name under which candidates are elaborated.
const TARGET: &str = "stp_target";

/// The import lines of a header.
pub(super) fn imports_of(header: &str) -> String {
    let is_import = |line: &&str| {
        let words = line.split_whitespace().skip_while(|word| matches!(*word, "public" | "meta"));
        words.take(1).any(|word| word == "import")
    };
    header.lines().filter(is_import).collect::<Vec<_>>().join("\n")
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Gone> {
    T::deserialize(value).map_err(|error| Gone {
        status: Status::Crashed,
        reason: format!("the Lean process's answer is unreadable: {error}"),
    })
}

pub(super) fn unreadable() -> Gone {
    Gone { status: Status::Crashed, reason: "the checker gave no verdict".to_owned() }
}

const OTHER_STATEMENT: &str = "the theorem proved is not the statement asked for";

/// Whether the theorem proved is not the one asked for.
fn is_other_statement(verdict: &Verdict) -> bool {
    verdict.status == Status::Rejected && verdict.messages.iter().any(|text| text == OTHER_STATEMENT)
}

/// What an answer says of the time that Lean spent on it, in milliseconds.
fn elapsed_of(answer: &Value) -> u32 {
    answer["elapsed_ms"].as_u64().and_then(|elapsed| u32::try_from(elapsed).ok()).unwrap_or(0)
}

impl CheckedTheorem {
    pub(super) fn into_verdict(self) -> Verdict {
        Verdict {
            messages: self.messages,
            axioms: self.axioms,
            premises: self.premises,
            implicit_premises: self.implicit_premises,
            ..Verdict::new(self.status, "")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_told_from_other_lines() {
        let header = "import A\n  public meta import B\nopen Nat\n-- import C\nimportant";
        assert_eq!(imports_of(header), "import A\n  public meta import B");
    }
}
