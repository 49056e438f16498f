//! What a pool can be asked, here or on another machine.

use serde::{Deserialize, Serialize};
use stp_datasets::{Status, Verdict};

use super::{Candidate, FileJudgement, FileOutcome, SketchReport, StatementReport, Trust};

/// A request to a pool.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    Check(Candidate),
    Statement {
        header: String,
        signature: String,
        #[serde(default)]
        trust: Trust,
    },
    Signatures(Vec<String>),
    Theorems,
    File {
        code: String,
        timeout_ms: u64,
    },
    /// A whole text, each of its theorems judged.
    Source {
        code: String,
        timeout_ms: u64,
    },
    /// One theorem of a whole text, against a statement (header, signature) if there is one.
    TheoremOf {
        code: String,
        name: Option<String>,
        statement: Option<(String, String, Trust)>,
        timeout_ms: u64,
    },
    /// The declarations of a proof that the checker accepts, in Lean's export format.
    Export(Candidate),
    /// What is left to prove of a proof that fails.
    Sketch(Candidate),
}

/// What a pool answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    Verdict(Verdict),
    Statement(StatementReport),
    Signatures(Vec<Option<String>>),
    /// Empty where they cannot be listed.
    Theorems(Vec<String>),
    File(FileOutcome),
    Source(FileJudgement),
    /// The declarations, or the verdict that there are none.
    Export(Result<String, Verdict>),
    Sketch(SketchReport),
}

impl Request {
    /// The answer to a request whose process was lost.
    pub(crate) fn failure(&self, status: Status, reason: String) -> Reply {
        match self {
            Self::Check(_) | Self::TheoremOf { .. } => Reply::Verdict(Verdict::new(status, reason)),
            Self::Sketch(_) => Reply::Sketch(SketchReport::None { reason }),
            Self::Export(_) => Reply::Export(Err(Verdict::new(status, reason))),
            Self::Statement { .. } => Reply::Statement(StatementReport::refused(reason)),
            Self::Signatures(names) => Reply::Signatures(vec![None; names.len()]),
            Self::Theorems => Reply::Theorems(Vec::new()),
            Self::File { timeout_ms, .. } if status == Status::Timeout => {
                Reply::File(FileOutcome::TimedOut(*timeout_ms))
            }
            Self::File { .. } => Reply::File(FileOutcome::Crashed(reason)),
            Self::Source { timeout_ms, .. } if status == Status::Timeout => {
                Reply::Source(FileJudgement::TimedOut(*timeout_ms))
            }
            Self::Source { .. } => Reply::Source(FileJudgement::Crashed(reason)),
        }
    }
}
