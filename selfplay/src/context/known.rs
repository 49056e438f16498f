//! The corpus as what new statements are compared with.

use anyhow::Result;
use stp_conjecturer::KnownStatements;
use stp_datasets::{Split, canonical_statement};

use super::Context;
use crate::plan::Step;
use crate::records::{self, SetupRecord};

/// The corpus' training statements as known ones and all others as held out, by text and by Lean's fingerprint.
///
/// # Errors
/// If the setup is not finished or its record is damaged.
pub fn corpus_statements(context: &Context) -> Result<KnownStatements> {
    let fingerprints = records::require::<SetupRecord>(&context.ledger, Step::Setup)?.fingerprints;
    let mut known = KnownStatements::default();
    for entry in &context.statements.corpus.entries {
        let statement = &entry.statement;
        let canonical = canonical_statement(&statement.signature);
        let print = fingerprints.get(&statement.id).map(String::as_str);
        for key in [Some(canonical.as_str()), print].into_iter().flatten() {
            match statement.split {
                Split::Train => known.know(key),
                Split::Valid | Split::Test => known.hold_out(key),
            }
        }
    }
    Ok(known)
}
