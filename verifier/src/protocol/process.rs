//! What Lean processes are asked: one JSON object a line, which carries a number that its answer repeats.
//!
//! Two kinds of process answer. The elaborator runs hostile text, so its word decides nothing. The checker never runs a
//! candidate's text; what is proved follows from its answers.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stp_datasets::{Status, Verdict};

use super::FileMessage;

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It runs hostile text and decides nothing.
    Elaborator,
    /// It decides and runs no hostile text.
    Checker,
}

/// How a question can end without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The time ran out; the process was killed.
    Timeout,
    /// The process ended or broke down, with what it said of it.
    Died(String),
}

/// A question to a process. Fields are named as in its JSON.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Question {
    /// Elaborator: a proof. `messages`: errors to print at most.
    Elaborate { header: String, signature: String, proof: String, foreign: bool, messages: usize },
    /// Elaborator: a statement that nobody trusts.
    Statement { header: String, signature: String },
    /// Elaborator: what is left to prove of a proof that fails.
    Sketch { header: String, signature: String, proof: String },
    /// Elaborator: a whole text, answered as the Lean REPL does.
    File { code: String },
    /// Elaborator: a whole text, command after command, with its declarations.
    Source { code: String },
    /// Checker: what a statement claims, from trusted text (`header`, `signature`) or from data (`imports`, `export`).
    Reference {
        #[serde(skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        imports: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        export: Option<String>,
    },
    /// Checker: verdicts on theorems that came as declarations, below a trusted header or below imports alone.
    Check {
        #[serde(skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        imports: Option<String>,
        export: String,
        roots: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
        proof: String,
    },
    /// Checker: the declarations of library constants and of all that they need, for other kernels.
    Declarations { imports: String, names: Vec<String> },
    /// Checker: types of library theorems.
    Signatures { names: Vec<String> },
    /// Checker: names of all library theorems.
    Theorems {},
}

impl Question {
    /// The line for a process, under a number that nobody can guess.
    pub(crate) fn line(&self, id: &str) -> Value {
        let mut line = serde_json::to_value(self).unwrap_or_else(|_| json!({}));
        line["id"] = id.into();
        line
    }
}

/// What an elaborator says of a candidate.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum Elaborated {
    /// Lean's errors.
    Errors { messages: Vec<String> },
    /// It elaborates, but is no proof of one theorem.
    Rejected { messages: Vec<String> },
    /// Its declarations.
    Done { export: String },
}

/// Declarations of the library.
#[derive(Debug, Deserialize)]
pub(crate) struct Declared {
    pub(crate) export: String,
}

/// What a statement claims, by the checker.
#[derive(Debug, Deserialize)]
pub(crate) struct Claim {
    pub(crate) ok: bool,
    #[serde(default)]
    pub(crate) messages: Vec<String>,
    #[serde(default)]
    pub(crate) fingerprint: Option<String>,
    /// What a proof's theorem is compared with.
    #[serde(default)]
    pub(crate) reference: Option<String>,
}

/// The checker's verdicts.
#[derive(Debug, Deserialize)]
pub(crate) struct Checked {
    pub(crate) verdicts: Vec<CheckedTheorem>,
}

/// The checker's verdict on one theorem.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CheckedTheorem {
    pub(crate) name: String,
    pub(crate) status: Status,
    #[serde(default)]
    pub(crate) messages: Vec<String>,
    #[serde(default)]
    pub(crate) axioms: Vec<String>,
    #[serde(default)]
    pub(crate) premises: Vec<String>,
    #[serde(default)]
    pub(crate) implicit_premises: Vec<String>,
    /// Where it is rejected for its axioms: the declarations of the candidate's own that it rests on.
    #[serde(default)]
    pub(crate) uses: Vec<String>,
}

impl CheckedTheorem {
    /// The verdict, without the time that it took.
    pub(crate) fn into_verdict(self) -> Verdict {
        Verdict {
            messages: self.messages,
            axioms: self.axioms,
            premises: self.premises,
            implicit_premises: self.implicit_premises,
            ..Verdict::new(self.status, "")
        }
    }
}

/// Lean's messages as the lines of a verdict.
pub(crate) fn lines_of(messages: &[FileMessage], severity: &str) -> Vec<String> {
    let chosen = messages.iter().filter(|message| message.severity == severity);
    chosen
        .map(|message| format!("{}:{}: {}: {}", message.pos.line, message.pos.column, severity, message.data))
        .collect()
}
