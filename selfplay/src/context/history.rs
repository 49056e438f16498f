//! What several steps ask of earlier rounds.

use std::collections::HashSet;

use anyhow::Result;
use stp_datasets::{CONJECTURE, Conjecture, Ledger, Phase, Split, Statement};

use super::Statements;

/// Whether a corpus proof makes a statement a proved one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorpusProofs {
    /// It does: what has one needs no conjectures near it.
    Count,
    /// Only sampled proofs do: the model itself has to know it.
    DoNotCount,
}

/// The given statements without a proof in the rounds before `before`.
///
/// # Errors
/// If the ledger cannot be read.
pub fn unproved<'a>(
    ledger: &Ledger,
    statements: &'a Statements,
    before: u32,
    corpus: CorpusProofs,
) -> Result<Vec<&'a Statement>> {
    let mut proved = ledger.proved_names(Phase::Train, before)?;
    if corpus == CorpusProofs::Count {
        proved.extend(ledger.proved_names(Phase::Corpus, u32::MAX)?);
    }
    Ok(without(statements, &proved))
}

/// The given statements that are not among these names.
pub fn without<'a>(statements: &'a Statements, names: &HashSet<String>) -> Vec<&'a Statement> {
    statements.train.iter().filter(|statement| !names.contains(&statement.id)).collect()
}

/// An accepted conjecture as a statement to prove, under its seed's header.
pub fn as_statement(conjecture: Conjecture) -> Option<Statement> {
    Some(Statement {
        id: conjecture.statement?,
        signature: conjecture.signature,
        header: conjecture.header,
        topics: vec![CONJECTURE.to_owned()],
        split: Split::Train,
    })
}
