//! Statements, proofs, attempts, corpora and the run ledger.
//!
//! This crate knows nothing of Lean processes or models. Every record that crosses a crate boundary
//! is a plain serde struct here.
//!
//! # Example
//!
//! ```
//! use stp_datasets::{Corpus, Ledger, Split, canonical_text};
//!
//! let corpus = Corpus::core()?;
//! let statement = corpus.statements(Split::Train).remove(0);
//! assert_eq!(canonical_text("(x  y : Nat) : x + y = y + x"), canonical_text("(a b : Nat) : a + b = b + a"));
//!
//! let folder = tempfile::tempdir()?;
//! let ledger = Ledger::open(&folder.path().join("ledger.sqlite"))?;
//! ledger.record_statements(std::slice::from_ref(&statement))?;
//! assert_eq!(ledger.statements()?[0].statement, statement);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod canonical;
mod code_block;
mod corpus;
mod digest;
pub mod export;
mod import;
mod lean_file;
pub mod lean_text;
mod ledger;
mod nearest;
mod overlap;
mod record;
mod sketch;

pub use canonical::{
    Binder, binders, canonical_explicit, canonical_shape, canonical_statement, canonical_text,
    normalise_spaces, words,
};
pub use code_block::last_block;
pub use corpus::{Corpus, CorpusError};
pub use digest::sha256;
pub use import::{
    Claim, ClaimRow, Field, ImportError, ImportOptions, Imported, Layout, RowSource, distinct_id,
    import_file, import_files, plain_id, read_claims,
};
pub use lean_file::{
    LeanFileError, LeanTheorem, Outlined, OutlinedKind, begins_command, mentions, outline, signature_of,
    theorem_names, theorems,
};
pub use ledger::{
    Attempt, Conjecture, ConjectureOutcome, CorpusChange, CorpusDiffers, Cut, Effort, Event, KeepCorpusError,
    KnownVerdicts, Ledger, LedgerError, LedgerSketch, LedgerStatement, LedgerStats, Origin, Phase, Source,
    Step, Tally, Thoughts,
};
pub use nearest::{did_you_mean, nearest};
pub use overlap::{Overlap, contamination, near_duplicates};
pub use record::{
    CONJECTURE, CorpusEntry, Lemma, SINGLE_TACTICS, SUBGOAL, Split, Statement, Status, Verdict,
};
pub use sketch::{Goal, Hole, Sketch, after_by, tactics_of};
