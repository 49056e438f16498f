//! A theorem of a whole text that a row brings, perhaps with the statement that it must prove.
//!
//! The statement is as foreign as the text. So it is elaborated where proofs are, and the checker tells of both what they
//! claim.

use stp_datasets::{Status, Verdict};

use crate::pool::{Pool, VerifierError};
use crate::protocol::{FileJudgement, JudgedFile, JudgedTheorem};

/// The verdict on the theorem called `name`, or on the last one. The first `added` lines of the text are not its writer's.
/// `statement`: header and signature.
pub(super) async fn judge(
    pool: &Pool,
    text: &str,
    added: u32,
    name: Option<&str>,
    statement: Option<(String, String)>,
) -> Result<Verdict, VerifierError> {
    let wanted = match statement {
        None => None,
        Some((header, signature)) => {
            let report = pool.foreign_statement(&header, &signature).await?;
            match report.fingerprint.filter(|_| report.ok) {
                Some(fingerprint) => Some(fingerprint),
                None => {
                    let verdict = Verdict::new(Status::StatementError, "");
                    return Ok(Verdict { messages: report.messages, ..verdict });
                }
            }
        }
    };
    let mut verdict = match pool.judge_file(text).await? {
        FileJudgement::Done(file) => theorem_of(file, name, wanted.as_deref()),
        FileJudgement::TimedOut(ms) => {
            Verdict::new(Status::Timeout, format!("the text took longer than {} s", ms as f64 / 1000.0))
        }
        FileJudgement::Crashed(reason) => Verdict::new(Status::Crashed, reason),
    };
    verdict.messages.iter_mut().for_each(|message| *message = below(added, message));
    Ok(verdict)
}

fn theorem_of(file: JudgedFile, name: Option<&str>, wanted: Option<&str>) -> Verdict {
    let is_wanted = |theorem: &JudgedTheorem| name.is_none_or(|name| is_named(&theorem.name, name));
    let Some(theorem) = file.theorems.into_iter().rev().find(is_wanted) else {
        let errors = file.messages.iter().filter(|message| message.severity == "error");
        let said = errors.map(|it| format!("{}:{}: {}", it.pos.line, it.pos.column, it.data));
        let missing = name.map_or("the text declares no theorem".to_owned(), |name| {
            format!("the text declares no theorem `{name}`")
        });
        return Verdict { messages: said.chain([missing]).collect(), ..Verdict::new(Status::Failed, "") };
    };
    let is_other = wanted.is_some_and(|wanted| theorem.fingerprint.as_deref() != Some(wanted));
    if theorem.verdict.is_proved() && is_other {
        return Verdict::new(Status::Rejected, "the theorem proved is not the statement asked for");
    }
    theorem.verdict
}

/// Whether a theorem's full name is what a row calls it, perhaps without its namespace.
fn is_named(full: &str, name: &str) -> bool {
    full.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// A message with the line that its place has in the text as it was written.
fn below(added: u32, message: &str) -> String {
    let placed = message.split_once(':').and_then(|(line, rest)| Some((line.parse::<u32>().ok()?, rest)));
    match placed {
        Some((line, rest)) if line > added => format!("{}:{rest}", line - added),
        Some((_, rest)) if added > 0 => format!("header:{rest}"),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{FileMessage, Position};

    fn theorem(name: &str, status: Status, fingerprint: &str) -> JudgedTheorem {
        let pos = Position { line: 1, column: 0 };
        let verdict = Verdict { messages: Vec::new(), ..Verdict::new(status, "") };
        JudgedTheorem { name: name.into(), pos, end_pos: pos, verdict, fingerprint: Some(fingerprint.into()) }
    }

    #[test]
    fn the_theorem_must_be_the_one_asked_for_and_claim_the_same() {
        let file = || {
            let theorems = [
                theorem("a", Status::Proved, "1"),
                theorem("b", Status::Failed, "2"),
                theorem("c", Status::Proved, "3"),
            ];
            JudgedFile { theorems: theorems.into(), messages: Vec::new() }
        };
        let status = |name, wanted| theorem_of(file(), name, wanted).status;
        assert_eq!(status(None, None), Status::Proved);
        assert_eq!(status(None, Some("3")), Status::Proved);
        assert_eq!(status(None, Some("1")), Status::Rejected);
        assert_eq!(status(Some("a"), Some("1")), Status::Proved);
        assert_eq!(status(Some("b"), None), Status::Failed);
        assert_eq!(status(Some("d"), None), Status::Failed);
        assert!(is_named("A.b", "b") && is_named("b", "b") && !is_named("ab", "b"));
        let unknown = JudgedTheorem { fingerprint: None, ..theorem("a", Status::Proved, "") };
        let file = JudgedFile { theorems: vec![unknown], messages: Vec::new() };
        assert_eq!(theorem_of(file, None, Some("1")).status, Status::Rejected);
    }

    #[test]
    fn errors_of_a_text_without_theorems_are_told() {
        let pos = Position { line: 3, column: 4 };
        let message = FileMessage { severity: "error".into(), pos, end_pos: None, data: "no".into() };
        let file = JudgedFile { theorems: Vec::new(), messages: vec![message] };
        let verdict = theorem_of(file, None, None);
        assert_eq!(verdict.messages, ["3:4: no", "the text declares no theorem"]);
        assert_eq!(below(2, "3:4: no"), "1:4: no");
        assert_eq!(below(3, "3:4: no"), "header:4: no");
        assert_eq!(below(0, "3:4: no"), "3:4: no");
        assert_eq!(below(2, "no"), "no");
    }
}
