//! Whole Lean texts, judged theorem by theorem.

use serde::{Deserialize, Serialize};
use stp_datasets::Verdict;

use super::{FileMessage, Position};

/// One theorem of a whole Lean text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedTheorem {
    /// Its full name; empty for an `example`.
    pub name: String,
    /// Where its command begins.
    pub pos: Position,
    /// Where its command ends.
    pub end_pos: Position,
    /// The checker's verdict. Messages of Lean's begin with LINE:COLUMN of the text.
    pub verdict: Verdict,
}

/// All theorems of a text, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JudgedFile {
    /// Theorems, lemmas, examples, and instances that are proofs.
    pub theorems: Vec<JudgedTheorem>,
    /// What Lean says of the rest.
    pub messages: Vec<FileMessage>,
}

/// How judging a whole text ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileJudgement {
    /// Every theorem has its verdict.
    Done(JudgedFile),
    /// The time ran out; the limit in milliseconds.
    TimedOut(u64),
    /// The process died of it, with what is known of why.
    Crashed(String),
}

/// A text as the elaborator understood it: its word decides nothing.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Source {
    #[serde(default)]
    pub(crate) commands: Vec<Command>,
    /// Import lines that the declarations need below them.
    #[serde(default)]
    pub(crate) imports: String,
    /// All that the text declares.
    #[serde(default)]
    pub(crate) export: String,
    /// Messages outside of all commands: of the text's own imports.
    #[serde(default)]
    pub(crate) messages: Vec<FileMessage>,
}

/// One command of a text.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Command {
    pub(crate) pos: Position,
    pub(crate) end_pos: Position,
    /// Theorems that it declares for its user.
    #[serde(default)]
    pub(crate) theorems: Vec<String>,
    /// Whether it means to declare theorems: one with errors may have declared none.
    #[serde(default)]
    pub(crate) is_theorem: bool,
    /// The name that the text gives the theorem, as far as it can be read; empty for an `example`.
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) messages: Vec<FileMessage>,
}
