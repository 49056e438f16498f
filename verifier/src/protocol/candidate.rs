//! A proof to judge, and what is said of a statement.

use serde::{Deserialize, Serialize};

/// Who wrote the header and the statement of a candidate. A proof is never trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The user: a process that runs no proof elaborates them, and the proof must prove what it found.
    #[default]
    Trusted,
    /// A model or somebody else: they are elaborated where proofs are, and come to the judge as data.
    Foreign,
}

/// A proof to judge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Candidate {
    /// Lean text before the theorem; empty for core Lean.
    #[serde(default)]
    pub header: String,
    /// Binders and type: `(a b : Nat) : a + b = b + a`.
    pub signature: String,
    /// The text after `:=`, or equations that begin with `|`.
    pub proof: String,
    /// Who wrote header and signature.
    #[serde(default)]
    pub trust: Trust,
}

impl Candidate {
    /// A proof of the user's own statement.
    pub fn new(header: impl Into<String>, signature: impl Into<String>, proof: impl Into<String>) -> Self {
        Self {
            header: header.into(),
            signature: signature.into(),
            proof: proof.into(),
            trust: Trust::Trusted,
        }
    }

    /// The same under a statement that nobody vouches for.
    #[must_use]
    pub fn foreign(self) -> Self {
        Self { trust: Trust::Foreign, ..self }
    }
}

/// What Lean says of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementReport {
    /// Whether it elaborates as a theorem.
    pub ok: bool,
    /// Lean's errors.
    #[serde(default)]
    pub messages: Vec<String>,
    /// A hash of its type that ignores bound names.
    #[serde(default)]
    pub fingerprint: Option<String>,
}

impl StatementReport {
    /// A statement that is none, with the reason.
    pub(crate) fn refused(reason: impl Into<String>) -> Self {
        Self { ok: false, messages: vec![reason.into()], fingerprint: None }
    }
}
