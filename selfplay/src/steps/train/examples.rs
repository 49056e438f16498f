//! What a training reads: statements, proofs and conjectures as examples for the one model that plays both roles.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context as _, Result};
use stp_conjecturer::proof_with_fate;
use stp_datasets::Attempt;
use stp_model::{Example, Tokenizer};
use stp_prover::TrainingProof;

use super::pairs::SupervisedPair;
use crate::context::Context;
use crate::context::lemmas::{lemma_signatures, lemmas_of};

/// Texts of statements and lemmas by name, for building examples.
pub struct Texts {
    /// Signatures of statements and conjectures.
    pub signatures: HashMap<String, String>,
    /// Signatures of lemmas.
    pub lemmas: HashMap<String, String>,
}

impl Texts {
    /// Those of the given statements, of the ledger's statements `names`, and of these lemmas.
    ///
    /// # Errors
    /// If Lean or the ledger fails, or the user interrupts.
    pub async fn of(context: &Context, names: &[&str], lemmas: BTreeSet<String>) -> Result<Self> {
        let given = context.statements.train.iter();
        let mut signatures: HashMap<_, _> =
            given.map(|statement| (statement.id.clone(), statement.signature.clone())).collect();
        let others: Vec<_> = names.iter().copied().filter(|name| !signatures.contains_key(*name)).collect();
        let others = context.ledger.statements_of(&others)?.into_iter();
        signatures.extend(others.map(|(name, statement)| (name, statement.signature)));
        let lemmas = lemma_signatures(&context.verifier, &context.cancel, lemmas).await?;
        Ok(Self { signatures, lemmas })
    }

    fn signature(&self, name: &str) -> Result<&str> {
        self.signatures.get(name).map(String::as_str).with_context(|| {
            format!("the ledger speaks of `{name}`, which is neither in the corpus nor a conjecture")
        })
    }
}

/// The trigger lemmas of these proofs.
pub fn lemmas(proofs: &[Attempt]) -> BTreeSet<String> {
    proofs.iter().flat_map(lemmas_of).collect()
}

/// What the tokenizer learns its words from.
pub fn tokenizer_texts(context: &Context, proofs: &[Attempt], texts: &Texts) -> Vec<String> {
    let mut lemmas: Vec<_> = texts.lemmas.values().cloned().collect();
    lemmas.sort();
    let statements = context.statements.train.iter().map(|statement| statement.signature.clone());
    statements.chain(proofs.iter().map(|proof| proof.proof.clone())).chain(lemmas).collect()
}

/// An example for the prover.
///
/// # Errors
/// If the statement is unknown.
pub fn proof_example(tokenizer: &Tokenizer, texts: &Texts, proof: &TrainingProof) -> Result<Example> {
    let signature = texts.signature(&proof.statement)?;
    Ok(stp_prover::example(tokenizer, signature, &proof.proof, proof.weight))
}

/// A proof that weighs as much as every other.
pub fn unweighted(attempt: &Attempt) -> TrainingProof {
    TrainingProof { statement: attempt.statement.clone(), proof: attempt.proof.clone(), weight: 1.0 }
}

/// An example for the conjecturer, of stage 1.
///
/// # Errors
/// If one of the statements is unknown.
pub fn pair_example(tokenizer: &Tokenizer, texts: &Texts, pair: &SupervisedPair) -> Result<Example> {
    let proof = proof_with_fate(&pair.seed_proof, pair.fate);
    let seed = (pair.seed.as_str(), proof.as_str());
    let target = texts.signature(&pair.target)?;
    conjecture_example(tokenizer, texts, pair.lemma.as_deref(), seed, target, 1.0)
}

/// An example for the conjecturer. Of a seed, its name and proof.
///
/// # Errors
/// If the seed is unknown.
pub fn conjecture_example(
    tokenizer: &Tokenizer,
    texts: &Texts,
    lemma: Option<&str>,
    (seed, proof): (&str, &str),
    target: &str,
    weight: f32,
) -> Result<Example> {
    let lemma = lemma.and_then(|name| texts.lemmas.get(name)).map(String::as_str);
    Ok(stp_conjecturer::example(tokenizer, lemma, texts.signature(seed)?, proof, target, weight))
}
