//! The corpus that a run began with: it goes on with no other.

use anyhow::Result;
use stp_datasets::{Corpus, KeepCorpusError, Ledger};

use super::statements::load_corpus;
use crate::config::RunConfig;
use crate::error::UsageError;
use crate::plan::Step;

/// Where the ledger keeps a hash of the library.
const LIBRARY: &str = "pretraining corpus";

/// Keeps the corpus in the ledger, or compares it with the one that is kept. The library that the model is pretrained on
/// is looked at only until stage 1 is finished: later it changes nothing.
///
/// # Errors
/// [`UsageError`] naming the first difference.
pub fn keep(ledger: &Ledger, corpus: &Corpus, config: &RunConfig) -> Result<()> {
    ledger.keep_corpus(corpus).map_err(|error| explain(error, &config.corpus))?;
    let name = &config.pretraining.corpus;
    if name.is_empty() || ledger.step(&Step::Stage1Train.name())?.is_some() {
        return Ok(());
    }
    let now = load_corpus(name)?.digest();
    let kept = match ledger.recall(LIBRARY)? {
        Some(kept) => kept,
        None => ledger.remember(LIBRARY, &now)?,
    };
    if kept == now {
        return Ok(());
    }
    Err(UsageError(format!(
        "The corpus `{name}` (pretraining.corpus) is not the one that this run began with. {ADVICE}"
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
