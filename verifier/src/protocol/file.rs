//! Whole Lean texts: what is asked and answered, in the terms of the Lean REPL.

use serde::{Deserialize, Serialize};

/// A place in a text, as Lean counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// From 1.
    pub line: u32,
    /// In characters, from 0.
    pub column: u32,
}

/// One message of Lean's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileMessage {
    /// `info`, `warning` or `error`.
    pub severity: String,
    /// Where it begins.
    pub pos: Position,
    /// Where it ends, if Lean says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_pos: Option<Position>,
    /// The message.
    pub data: String,
}

/// An open end of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sorry {
    /// Where the word begins.
    pub pos: Position,
    /// Where it ends.
    pub end_pos: Position,
    /// The goal with its hypotheses; empty where Lean does not tell.
    pub goal: String,
}

/// What Lean says of a whole text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// All messages, in order.
    pub messages: Vec<FileMessage>,
    /// All sorries, in order.
    #[serde(default)]
    pub sorries: Vec<Sorry>,
    /// Time Lean spent on it, in milliseconds.
    #[serde(default)]
    pub elapsed_ms: u32,
    /// Resident size of the process after it, in bytes, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss: Option<u64>,
}

impl FileReport {
    /// Adds an entry for each `declaration uses sorry` that no entry explains (a macro's, or any on a
    /// native Lean, which does not list them), so that no open end looks like a proof.
    pub(crate) fn complete(mut self) -> Self {
        let warned = |message: &&FileMessage| {
            message.data.starts_with("declaration uses `sorry`")
                || message.data.starts_with("declaration uses 'sorry'")
        };
        let warnings: Vec<_> = self.messages.iter().filter(warned).collect();
        let unexplained = warnings.iter().enumerate().filter(|(index, warning)| {
            let next = warnings.get(index + 1).map_or(u32::MAX, |next| next.pos.line);
            let (from, to) = (warning.pos.line, next.max(warning.pos.line + 1));
            !self.sorries.iter().any(|sorry| (from..to).contains(&sorry.pos.line))
        });
        let made: Vec<_> = unexplained
            .map(|(_, warning)| Sorry {
                pos: warning.pos,
                end_pos: warning.end_pos.unwrap_or(warning.pos),
                goal: String::new(),
            })
            .collect();
        self.sorries.extend(made);
        self.sorries.sort_by_key(|sorry| (sorry.pos.line, sorry.pos.column));
        self
    }
}

/// How the elaboration of a whole text ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileOutcome {
    /// Lean went through it.
    Done(FileReport),
    /// The time ran out and the process was killed; the limit in milliseconds.
    TimedOut(u64),
    /// The process died of it, with what is known of why.
    Crashed(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(line: u32) -> FileMessage {
        let pos = Position { line, column: 8 };
        let data = "declaration uses `sorry`".to_owned();
        FileMessage { severity: "warning".into(), pos, end_pos: None, data }
    }

    #[test]
    fn a_warning_without_a_sorry_becomes_one() {
        let pos = Position { line: 3, column: 2 };
        let known = Sorry { pos, end_pos: pos, goal: "⊢ True".into() };
        let report = FileReport {
            messages: vec![warning(1), warning(5)],
            sorries: vec![known.clone()],
            ..FileReport::default()
        };
        let sorries = report.complete().sorries;
        assert_eq!((sorries.len(), &sorries[0]), (2, &known));
        assert_eq!((sorries[1].pos.line, sorries[1].goal.as_str()), (5, ""));
    }
}
