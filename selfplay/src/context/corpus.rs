//! The corpus that a run began with: it goes on with no other.

use anyhow::Result;
use stp_datasets::{Corpus, KeepCorpusError, Ledger};

use super::statements::load_corpus;
use crate::config::RunConfig;
use crate::error::UsageError;

/// Keeps the corpus in the ledger, or compares it with the one that is kept; the same for the library that the model is
/// pretrained on.
///
/// # Errors
/// [`UsageError`] naming the first difference.
pub fn keep(ledger: &Ledger, corpus: &Corpus, config: &RunConfig) -> Result<()> {
    ledger.keep_corpus(corpus).map_err(|error| explain(error, &config.corpus))?;
    if config.pretraining.corpus.is_empty() {
        return Ok(());
    }
    let library = load_corpus(&config.pretraining.corpus)?;
    let now = library.digest();
    let kept = ledger.remember("pretraining corpus", &now)?;
    if kept == now {
        return Ok(());
    }
    Err(UsageError(format!(
        "The corpus `{}` (pretraining.corpus) is not the one that this run began with. {ADVICE}",
        config.pretraining.corpus
    ))
    .into())
}

const ADVICE: &str = "Restore it, or give another folder with --run-dir.";

fn explain(error: KeepCorpusError, name: &str) -> anyhow::Error {
    match error {
        KeepCorpusError::Differs(differs) => UsageError(format!(
            "The corpus `{name}` is not the one that this run began with: `{}` (entry {}) {}. {ADVICE}",
            differs.name, differs.entry, differs.change
        ))
        .into(),
        KeepCorpusError::Ledger(error) => error.into(),
    }
}
