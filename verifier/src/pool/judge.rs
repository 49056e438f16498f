//! How a proof is judged: which process is asked what, and what follows from what it says.
//!
//! This is the only place where a proof becomes `proved`, and it does so on the checker's word alone. An elaborator can
//! make a proof fail, and nothing else; of a foreign statement it also says what it means.

use serde_json::Value;
use stp_datasets::{Status, Verdict};

use super::asked::{Asked, or_gone, read, unreadable};
use super::care::{Care, care_of};
use super::local::LocalPool;
use crate::imports::imports_of;
use crate::protocol::{Candidate, Checked, CheckedTheorem, Elaborated, Question, Role, Trust};

impl LocalPool {
    pub(super) async fn check(&self, candidate: &Candidate) -> Asked<Verdict> {
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
        let value = or_gone!(self.processes.ask(Role::Checker, question, self.processes.check_timeout, care));
        let elapsed_ms = elaborated_ms.saturating_add(elapsed_of(&value));
        let checked = match read::<Checked>(&value) {
            Ok(checked) => checked,
            Err(gone) => return Ok(Err(gone)),
        };
        let Some(verdict) = checked.verdicts.into_iter().next().map(CheckedTheorem::into_verdict) else {
            return Ok(Err(unreadable()));
        };
        let imports = imports_of(&candidate.header);
        let verdict = or_gone!(self.second.agreed(&self.processes, verdict, &imports, &export, TARGET));
        Ok(Ok((Verdict { elapsed_ms, ..verdict }, export)))
    }

    /// The declarations of a proof that elaborates, or the verdict on one that does not; and the time it took.
    async fn elaborate(&self, candidate: &Candidate) -> Asked<(Result<String, Verdict>, u32)> {
        let Candidate { header, signature, proof, trust } = candidate.clone();
        let care = care_of(&header, &[&proof, &signature]);
        let foreign = trust == Trust::Foreign;
        let question = Question::Elaborate { header, signature, proof, foreign, messages: self.messages };
        let value =
            or_gone!(self.processes.ask(Role::Elaborator, question, self.processes.check_timeout, care));
        let elapsed_ms = elapsed_of(&value);
        let refused = |status, messages| Err(Verdict { messages, elapsed_ms, ..Verdict::new(status, "") });
        let outcome = read::<Elaborated>(&value).map(|elaborated| match elaborated {
            Elaborated::Done { export } => Ok(export),
            Elaborated::Errors { messages } => refused(Status::Failed, messages),
            Elaborated::Rejected { messages } => refused(Status::Rejected, messages),
        });
        Ok(outcome.map(|outcome| (outcome, elapsed_ms)))
    }

    /// The very declarations that were judged.
    pub(super) async fn export(&self, candidate: &Candidate) -> Asked<Result<String, Verdict>> {
        let (verdict, export) = or_gone!(self.check_once(candidate));
        Ok(Ok(if verdict.status == Status::Proved { Ok(export) } else { Err(verdict) }))
    }
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

const OTHER_STATEMENT: &str = "the theorem proved is not the statement asked for";

/// Whether the theorem proved is not the one asked for.
fn is_other_statement(verdict: &Verdict) -> bool {
    verdict.status == Status::Rejected && verdict.messages.iter().any(|text| text == OTHER_STATEMENT)
}

/// What an answer says of the time that Lean spent on it, in milliseconds.
fn elapsed_of(answer: &Value) -> u32 {
    answer["elapsed_ms"].as_u64().and_then(|elapsed| u32::try_from(elapsed).ok()).unwrap_or(0)
}
