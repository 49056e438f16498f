//! One unit judged: the pool's answer as rows, with the messages where the user finds them.

use serde_json::Value;
use stp_datasets::{Claim, Status, Verdict};
use stp_verifier::{
    Candidate, FileJudgement, JudgedFile, JudgedTheorem, Pool, Position, Trust, VerifierError,
};

use super::row::{Row, split_position};
use super::unit::{Hashes, Unit, Work};

/// The rows of a unit: one for a claim; for a Lean file one for each theorem and each error outside of theorems.
pub(super) async fn judge(pool: Pool, unit: Unit, hashes: Hashes) -> Result<Vec<Row>, VerifierError> {
    let rows = match &unit.work {
        Err(error) => vec![Row::error(&unit, &hashes, error.clone(), "")],
        Ok(Work::Claim(claim)) => {
            let verdict = verdict_on(&pool, claim).await?;
            vec![Row::verdict(&unit, &hashes, verdict, &lean_of(claim))]
        }
        Ok(Work::File(lean)) => match pool.judge_file(&lean.text).await? {
            FileJudgement::Done(found) => file_rows(&unit, &hashes, found, &lean.text),
            FileJudgement::TimedOut(limit) => {
                let said = format!("the file took longer than {:.1} s", limit as f64 / 1e3);
                vec![Row::verdict(&unit, &hashes, Verdict::new(Status::Timeout, said), &lean.text)]
            }
            FileJudgement::Crashed(why) => {
                vec![Row::verdict(&unit, &hashes, Verdict::new(Status::Crashed, why), &lean.text)]
            }
        },
    };
    Ok(rows)
}

async fn verdict_on(pool: &Pool, claim: &Claim) -> Result<Verdict, VerifierError> {
    match claim.clone() {
        Claim::Proof { header, signature, proof, .. } => {
            let verdict = pool.check(Candidate::new(header, signature, proof)).await?;
            match claim.with_its_name().filter(|_| verdict.status == Status::Failed) {
                Some(named) => Box::pin(verdict_on(pool, &named)).await,
                None => Ok(verdict),
            }
        }
        Claim::Text { text, added, name, statement } => {
            let statement = statement
                .as_ref()
                .map(|(header, signature)| (header.as_str(), signature.as_str(), Trust::Trusted));
            let mut verdict = pool.judge_source(&text, name.as_deref(), statement).await?;
            verdict.messages = verdict.messages.into_iter().map(|message| without(added, message)).collect();
            Ok(verdict)
        }
    }
}

/// A message on a text that has lines before it which its writer did not write.
fn without(added: u32, message: String) -> String {
    match split_position(&message) {
        Some(((line, column), rest)) if line > u64::from(added) => {
            format!("{}:{column}: {rest}", line - u64::from(added))
        }
        Some((_, rest)) => format!("header: {rest}"),
        None => message,
    }
}

/// All Lean of a claim, for hints.
fn lean_of(claim: &Claim) -> String {
    match claim {
        Claim::Proof { header, signature, proof, .. } => format!("{header}\n{signature} :=\n{proof}"),
        Claim::Text { text, .. } => text.clone(),
    }
}

/// Theorems and errors of a file in the order of their places.
fn file_rows(unit: &Unit, hashes: &Hashes, found: JudgedFile, text: &str) -> Vec<Row> {
    let file = unit.file.as_deref().unwrap_or("standard input");
    let theorem = |it: JudgedTheorem| {
        let at = place(it.pos);
        let id: Value = if it.name.is_empty() { format!("line {}", at.0).into() } else { it.name.into() };
        let mut verdict = it.verdict;
        let of_file = |message| in_file(file, at, message);
        verdict.messages = verdict.messages.into_iter().map(of_file).collect();
        let lean = part_of(text, it.pos.line, it.end_pos.line);
        Row::verdict(&Unit { id, ..unit.clone() }, hashes, verdict, &lean).at(at)
    };
    let error = |it: stp_verifier::FileMessage| {
        let at = place(it.pos);
        let unit = Unit { id: format!("line {}", at.0).into(), ..unit.clone() };
        let last = it.end_pos.unwrap_or(it.pos).line;
        let said = in_file(file, at, format!("{}:{}: error: {}", at.0, at.1, it.data));
        Row::error(&unit, hashes, said, &part_of(text, it.pos.line, last)).at(at)
    };
    let errors = found.messages.into_iter().filter(|message| message.severity == "error").map(error);
    let mut rows: Vec<_> = found.theorems.into_iter().map(theorem).chain(errors).collect();
    rows.sort_by_key(|row| (row.line, row.column));
    let parts = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    for (part, row) in (1..).zip(&mut rows) {
        (row.part, row.parts) = (Some(part), Some(parts));
    }
    rows
}

/// The imports of a text and some of its lines, from 1: what a message on these lines can be about.
fn part_of(text: &str, first: u32, last: u32) -> String {
    let wanted = |(line, written): &(u32, &str)| (first..=last).contains(line) || written.contains("import ");
    (1..).zip(text.lines()).filter(wanted).map(|(_, line)| format!("{line}\n")).collect()
}

fn place(pos: Position) -> (u64, u64) {
    (pos.line.into(), pos.column.into())
}

/// `FILE:LINE:COL: TEXT`; a message without a place of its own gets its theorem's.
fn in_file(file: &str, at: (u64, u64), message: String) -> String {
    match split_position(&message) {
        Some(_) => format!("{file}:{message}"),
        None => format!("{file}:{}:{}: {message}", at.0, at.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::verify::test_units::{hashes, unit};
    use stp_verifier::FileMessage;

    fn theorem(name: &str, line: u32, messages: &[&str]) -> JudgedTheorem {
        let status = if messages.is_empty() { Status::Proved } else { Status::Failed };
        let messages = messages.iter().map(|&message| message.to_owned()).collect();
        let (pos, end_pos) = (Position { line, column: 2 }, Position { line: line + 1, column: 0 });
        let verdict = Verdict { messages, ..Verdict::new(status, "") };
        JudgedTheorem { name: name.into(), pos, end_pos, verdict }
    }

    #[test]
    fn a_files_rows_are_in_its_order_and_name_their_places() {
        let data = "Unknown identifier `x`".to_owned();
        let pos = Position { line: 4, column: 9 };
        let error = FileMessage { severity: "error".into(), pos, end_pos: None, data };
        let info = FileMessage { severity: "info".into(), ..error.clone() };
        let found = JudgedFile {
            theorems: vec![
                theorem("a", 1, &[]),
                theorem("b", 6, &["7:3: unsolved goals"]),
                theorem("", 8, &["depends on `b`, which failed"]),
            ],
            messages: vec![error, info],
        };
        let unit = Unit { file: Some("F.lean".into()), ..unit("") };
        let rows = file_rows(&unit, &hashes(), found, "");
        let brief: Vec<_> = rows.iter().map(|row| (row.name(), row.outcome().to_owned(), row.part)).collect();
        let expected =
            [("a", "proved", 1), ("line 4", "malformed", 2), ("b", "failed", 3), ("line 8", "failed", 4)];
        assert_eq!(brief, expected.map(|(name, outcome, part)| (name.into(), outcome.into(), Some(part))));
        assert_eq!(rows[1].error.as_deref(), Some("F.lean:4:9: error: Unknown identifier `x`"));
        let said = |row: &Row| row.judged.as_ref().unwrap().messages.join("|");
        assert_eq!(said(&rows[2]), "F.lean:7:3: unsolved goals");
        assert_eq!(said(&rows[3]), "F.lean:8:2: depends on `b`, which failed");
        assert_eq!((rows[3].line, rows[3].column, rows[3].parts), (Some(8), Some(2), Some(4)));
    }

    #[test]
    fn lines_of_a_header_that_was_added_are_not_counted() {
        assert_eq!(without(2, "5:1: no".into()), "3:1: no");
        assert_eq!(without(2, "2:1: no".into()), "header: no");
        assert_eq!(without(2, "no".into()), "no");
    }
}
