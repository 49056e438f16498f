//! What `stp verify` says of each claim and each theorem: one row, in whatever format it is written.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stp_datasets::{Status, Verdict};
use stp_verifier::hint::hint;

use super::unit::{Hashes, Place, Unit};

/// A row of the output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    /// The row's own id, or the theorem's name.
    pub id: Value,
    /// The file that it stands in; none for standard input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// In a Lean text, from 0, as Lean counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// Its number in a JSON array or Parquet file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// Which of `parts`, from 1: a theorem of its file, or a proof of its row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<u32>,
    /// How many there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<u32>,
    /// What came of it; `None` if it could not be judged.
    #[serde(flatten)]
    pub judged: Option<Judged>,
    /// Why it could not be judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What may be the cause, where the messages do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Of all that the verdict depends on; none where another try may end otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// A verdict as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Judged {
    /// One of [`super::glossary::VERDICTS`].
    pub verdict: String,
    /// Lean's messages, or the judge's reason.
    #[serde(default)]
    pub messages: Vec<String>,
    /// Axioms that it rests on.
    #[serde(default)]
    pub axioms: Vec<String>,
    /// Library theorems that the proof names.
    #[serde(default)]
    pub premises: Vec<String>,
    /// Library theorems that tactics found.
    #[serde(default)]
    pub implicit_premises: Vec<String>,
    /// Time that Lean took.
    #[serde(default)]
    pub seconds: f64,
}

/// A place in a Lean text: line from 1, column from 0.
pub(super) type Position = (u64, u64);

impl Row {
    /// The row of a unit, with nothing said of it yet.
    fn empty(unit: &Unit, hashes: &Hashes) -> Self {
        let (line, row) = match unit.place {
            Place::Line(line) => (Some(line), None),
            Place::Row(row) => (None, Some(row)),
            Place::File => (None, None),
        };
        Self {
            id: unit.id.clone(),
            file: unit.file.clone(),
            line,
            column: None,
            row,
            part: unit.part.map(|(part, _)| part),
            parts: unit.part.map(|(_, parts)| parts),
            judged: None,
            error: None,
            hint: None,
            hash: Some(hashes.plain.clone()),
        }
    }

    /// The row of a unit that cannot be judged.
    pub(super) fn error(unit: &Unit, hashes: &Hashes, error: String, text: &str) -> Self {
        let hint = hint(text, std::slice::from_ref(&error));
        Self { error: Some(error), hint, ..Self::empty(unit, hashes) }
    }

    /// The row of a verdict; `text` is the Lean that it is of.
    pub(super) fn verdict(unit: &Unit, hashes: &Hashes, verdict: Verdict, text: &str) -> Self {
        let hint = (!verdict.is_proved()).then(|| hint(text, &verdict.messages)).flatten();
        let hash = match verdict.status {
            Status::Crashed => None,
            Status::Timeout => Some(hashes.timeout.clone()),
            _ => Some(hashes.plain.clone()),
        };
        let judged = Judged {
            verdict: verdict.status.as_str().to_owned(),
            messages: verdict.messages,
            axioms: verdict.axioms,
            premises: verdict.premises,
            implicit_premises: verdict.implicit_premises,
            seconds: f64::from(verdict.elapsed_ms) / 1000.0,
        };
        Self { judged: Some(judged), hint, hash, ..Self::empty(unit, hashes) }
    }

    /// The same row at another place.
    pub(super) fn at(self, (line, column): Position) -> Self {
        Self { line: Some(line), column: Some(column), row: None, ..self }
    }

    /// The same row of a unit that stands elsewhere or is called something else.
    pub(super) fn of(self, unit: &Unit) -> Self {
        let hashes = Hashes { plain: String::new(), timeout: String::new() };
        let Self { judged, error, hint, hash, .. } = self;
        Self { judged, error, hint, hash, ..Self::empty(unit, &hashes) }
    }

    /// Whether it is one of a Lean file's theorems or errors.
    pub(super) fn is_of_file(&self) -> bool {
        self.column.is_some()
    }

    /// Whether it says what another check with these hashes would.
    pub(super) fn holds_for(&self, hashes: &Hashes) -> bool {
        let timeout = self.outcome() == Status::Timeout.as_str();
        self.hash.as_ref() == Some(if timeout { &hashes.timeout } else { &hashes.plain })
    }

    /// The verdict's name, or `malformed`.
    pub(super) fn outcome(&self) -> &str {
        self.judged.as_ref().map_or(super::glossary::MALFORMED, |judged| &judged.verdict)
    }

    /// Whether the proof counts.
    pub(super) fn is_proved(&self) -> bool {
        self.outcome() == Status::Proved.as_str()
    }

    /// The id for people.
    pub(super) fn name(&self) -> String {
        self.id.as_str().map_or_else(|| self.id.to_string(), str::to_owned)
    }

    /// What there is to say of a row that is not proved, each with its place in the row's file.
    pub(super) fn remarks(&self) -> Vec<(Option<Position>, String)> {
        let here = self.line.map(|line| (line, self.column.unwrap_or(0)));
        let none = [self.outcome().to_owned()];
        let messages = match (&self.judged, &self.error) {
            (Some(judged), _) if !judged.messages.is_empty() => &judged.messages[..],
            (_, Some(error)) => std::slice::from_ref(error),
            _ => &none,
        };
        let mut remarks: Vec<_> = messages.iter().map(|message| self.placed(message, here)).collect();
        if let (Some(hint), Some((_, last))) = (&self.hint, remarks.last_mut()) {
            last.push_str(&format!("\nhint: {hint}"));
        }
        remarks
    }

    /// A message without the `FILE:LINE:COL: ` before it, and that place.
    fn placed(&self, message: &str, here: Option<Position>) -> (Option<Position>, String) {
        let file = self.file.as_deref().filter(|_| self.column.is_some());
        let found = file.and_then(|file| split_position(message.strip_prefix(file)?.strip_prefix(':')?));
        match found {
            Some((position, rest)) => {
                (Some(position), rest.strip_prefix("error: ").unwrap_or(rest).to_owned())
            }
            None => (here, message.to_owned()),
        }
    }
}

/// `LINE:COL: TEXT` as position and text.
pub(super) fn split_position(message: &str) -> Option<(Position, &str)> {
    let (line, rest) = message.split_once(':')?;
    let (column, rest) = rest.split_once(':')?;
    let number = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    };
    Some(((number(line)?, number(column)?), rest.strip_prefix(' ').unwrap_or(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::verify::test_units::{hashes, unit};

    #[test]
    fn rows_are_written_and_read_back() {
        let verdict = Verdict { elapsed_ms: 1500, ..Verdict::new(Status::Failed, "no") };
        let row = Row::verdict(&unit("a"), &hashes(), verdict, "");
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(
            text,
            "{\"id\":\"a\",\"line\":1,\"verdict\":\"failed\",\"messages\":[\"no\"],\"axioms\":[],\"premises\":[],\
             \"implicit_premises\":[],\"seconds\":1.5,\"hash\":\"plain\"}"
        );
        assert_eq!(serde_json::from_str::<Row>(&text).unwrap(), row);
        let error = Row::error(&unit("b"), &hashes(), "bad".into(), "");
        let text = serde_json::to_string(&error).unwrap();
        assert_eq!(text, "{\"id\":\"b\",\"line\":1,\"error\":\"bad\",\"hash\":\"plain\"}");
        assert_eq!(serde_json::from_str::<Row>(&text).unwrap(), error);
    }

    #[test]
    fn crashes_are_tried_again_and_timeouts_for_longer_limits() {
        let hash = |status| Row::verdict(&unit("a"), &hashes(), Verdict::new(status, ""), "").hash;
        assert_eq!(hash(Status::Crashed), None);
        assert_eq!(hash(Status::Timeout).as_deref(), Some("timeout"));
        assert_eq!(hash(Status::Proved).as_deref(), Some("plain"));
    }

    #[test]
    fn remarks_are_where_lean_says() {
        let unit = Unit { file: Some("A:b.lean".into()), place: Place::File, ..unit("a") };
        let mut verdict = Verdict::new(Status::Failed, "A:b.lean:3:4: error: no");
        verdict.messages.push("depends on `b`, which failed".into());
        let row = Row::verdict(&unit, &hashes(), verdict, "").at((2, 1));
        assert_eq!(
            row.remarks(),
            [(Some((3, 4)), "no".to_owned()), (Some((2, 1)), "depends on `b`, which failed".to_owned())]
        );
        assert_eq!(split_position("3:4:x"), Some(((3, 4), "x")));
        assert!(
            split_position("a:4: x").is_none()
                && split_position("no").is_none()
                && split_position("::").is_none()
        );
    }
}
