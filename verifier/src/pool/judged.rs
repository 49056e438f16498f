//! Stand-in for the judge of whole texts, so that its users compile.

use serde::{Deserialize, Serialize};
use stp_datasets::{Status, Verdict, theorems};

use super::file::{FileMessage, FileOutcome, Position};
use super::{Candidate, Pool, VerifierError};

/// One theorem found in a whole Lean text, with the checker's verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedTheorem {
    /// Its name; empty for an `example`.
    pub name: String,
    /// Where it begins.
    pub pos: Position,
    /// Where it ends.
    pub end_pos: Position,
    /// The checker's verdict.
    pub verdict: Verdict,
    /// A hash of its type.
    pub fingerprint: Option<String>,
}

/// All theorems of a text, in order, and the errors that stand outside of theorems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedFile {
    /// In the text's order.
    pub theorems: Vec<JudgedTheorem>,
    /// Errors outside of theorems.
    pub messages: Vec<FileMessage>,
}

/// How judging a text ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FileJudgement {
    /// Lean went through it.
    Done(JudgedFile),
    /// After so many milliseconds.
    TimedOut(u64),
    /// With what is known of why.
    Crashed(String),
}

impl Pool {
    /// Judges each theorem of a whole text.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub async fn judge_file(&self, text: &str) -> Result<FileJudgement, VerifierError> {
        let report = match self.run_file(text, std::time::Duration::from_secs(60)).await? {
            FileOutcome::Done(report) => report,
            FileOutcome::TimedOut(limit) => return Ok(FileJudgement::TimedOut(limit)),
            FileOutcome::Crashed(why) => return Ok(FileJudgement::Crashed(why)),
        };
        let mut messages: Vec<_> = report.messages.into_iter().filter(|it| it.severity == "error").collect();
        let found = theorems(text);
        let lines: Vec<u32> = found.iter().map(|it| it.as_ref().map_or_else(|e| e.line, |it| it.line) as u32).collect();
        let mut judged = Vec::new();
        for (index, theorem) in found.into_iter().enumerate() {
            let from = lines[index];
            let to = lines.get(index + 1).copied().unwrap_or(u32::MAX);
            let mine = |message: &FileMessage| (from..to).contains(&message.pos.line);
            let said: Vec<_> = messages.iter().filter(|it| mine(it)).map(|it| format!("{}:{}: {}", it.pos.line, it.pos.column, it.data)).collect();
            messages.retain(|it| !mine(it));
            let (name, sorry) = match theorem {
                Ok(it) => (it.name, it.proof.contains("sorry")),
                Err(error) => (error.name, false),
            };
            let mut verdict = Verdict::new(if said.is_empty() { Status::Proved } else { Status::Failed }, "");
            verdict.messages = said;
            if sorry && verdict.is_proved() {
                verdict = Verdict::new(Status::Rejected, "it uses `sorry`");
            }
            let pos = Position { line: from, column: 0 };
            judged.push(JudgedTheorem { name, pos, end_pos: pos, verdict, fingerprint: None });
        }
        Ok(FileJudgement::Done(JudgedFile { theorems: judged, messages }))
    }

    /// Judges one theorem of a whole text.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub async fn judge_source(
        &self,
        text: &str,
        name: Option<&str>,
        statement: Option<(&str, &str)>,
    ) -> Result<Verdict, VerifierError> {
        let found = theorems(text).into_iter().flatten().filter(|it| name.is_none_or(|name| it.name == name)).next_back();
        let Some(theorem) = found else { return Ok(Verdict::new(Status::Failed, "there is no theorem in it")) };
        let signature = statement.map_or(theorem.signature.clone(), |(_, signature)| signature.to_owned());
        if signature.split_whitespace().ne(theorem.signature.split_whitespace()) {
            return Ok(Verdict::new(Status::Failed, "it proves another statement"));
        }
        self.check(Candidate { header: theorem.header, signature, proof: theorem.proof }).await
    }
}
