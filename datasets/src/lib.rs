//! Statements, proofs, attempts, corpora and the run ledger.
//!
//! This crate knows nothing of Lean processes or models. Every record that crosses a crate boundary
//! is a plain serde struct here.

mod record;

pub use record::{CorpusEntry, Lemma, Split, Statement, Status, Verdict};
