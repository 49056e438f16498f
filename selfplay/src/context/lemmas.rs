//! Trigger lemmas: the library theorems that a proof rests on, by name and as signatures for prompts.

use std::collections::{BTreeSet, HashMap};

use anyhow::Result;
use stp_conjecturer::trigger_lemmas;
use stp_datasets::Attempt;
use stp_verifier::Pool;

use super::Cancel;

/// Signatures of library theorems by name, as Lean prints them; names that Lean doesn't know are left out.
///
/// # Errors
/// If Lean fails or the user interrupts.
pub async fn lemma_signatures(
    verifier: &Pool,
    cancel: &Cancel,
    names: BTreeSet<String>,
) -> Result<HashMap<String, String>> {
    let names: Vec<_> = names.into_iter().collect();
    let signatures = cancel.unless(verifier.signatures(&names)).await??;
    Ok(names.into_iter().zip(signatures).filter_map(|(name, signature)| Some((name, signature?))).collect())
}

/// The trigger lemmas of an attempt's proof.
pub fn lemmas_of(attempt: &Attempt) -> Vec<String> {
    let Some(verdict) = &attempt.verdict else { return Vec::new() };
    let premises: Vec<_> = verdict.premises.iter().chain(&verdict.implicit_premises).cloned().collect();
    trigger_lemmas(&premises, &attempt.proof)
}
