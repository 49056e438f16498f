//! What statements claim: by the checker where they are trusted, else by an elaborator's data, which the checker reads.

use super::asked::{Asked, or_gone, read};
use super::care::{Care, care_of};
use super::local::LocalPool;
use crate::imports::imports_of;
use crate::protocol::{Claim, Elaborated, Question, Role, StatementReport, Trust};

impl LocalPool {
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
                match or_gone!(self.processes.ask_elaborator::<Elaborated>(
                    question,
                    self.processes.check_timeout,
                    care
                )) {
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
        let value = or_gone!(self.processes.ask(Role::Checker, question, self.processes.check_timeout, care));
        Ok(read(&value))
    }

    /// What is said of a statement.
    pub(super) async fn statement(
        &self,
        header: &str,
        signature: &str,
        trust: Trust,
    ) -> Asked<StatementReport> {
        let claim = or_gone!(self.claim(header, signature, trust));
        if let (true, Some(reference)) = (claim.ok, claim.reference) {
            self.references.of(header, signature, trust).get_or_init(|| async { reference }).await;
        }
        Ok(Ok(StatementReport { ok: claim.ok, messages: claim.messages, fingerprint: claim.fingerprint }))
    }
}
