//! What a training reads: statements, proofs and conjectures as examples for the one model that plays both roles.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result};
use stp_datasets::Attempt;
use stp_model::{Example, Tokenizer};
use stp_prover::TrainingProof;

use super::pairs::SupervisedPair;
use crate::conjecturing::{lemma_signatures, lemmas_of};
use crate::run::Run;

/// Texts of statements and lemmas by name, for building examples.
pub(super) struct Texts {
    pub(super) signatures: HashMap<String, String>,
    pub(super) lemmas: HashMap<String, String>,
}

/// Signatures of all statements and accepted conjectures, and of the lemmas that the proofs mention.
pub(super) async fn texts(run: &Run, proofs: &[Attempt]) -> Result<Texts> {
    let mut signatures: HashMap<_, _> =
        run.train.iter().map(|statement| (statement.id.clone(), statement.signature.clone())).collect();
    for conjecture in run.ledger.conjectures()? {
        if let Some(id) = conjecture.statement {
            signatures.insert(id, conjecture.signature);
        }
    }
    let names: BTreeSet<_> = proofs.iter().flat_map(lemmas_of).collect();
    Ok(Texts { signatures, lemmas: lemma_signatures(run, names).await? })
}

pub(super) fn tokenizer_texts(run: &Run, proofs: &[Attempt], texts: &Texts) -> Vec<String> {
    let mut lemmas: Vec<_> = texts.lemmas.values().cloned().collect();
    lemmas.sort();
    let statements = run.train.iter().map(|statement| statement.signature.clone());
    statements.chain(proofs.iter().map(|proof| proof.proof.clone())).chain(lemmas).collect()
}

pub(super) fn proof_example(tokenizer: &Tokenizer, texts: &Texts, proof: &TrainingProof) -> Result<Example> {
    let signature = texts.signatures.get(&proof.statement).with_context(|| {
        format!(
            "the ledger has a proof of `{}`, which is neither in the corpus nor a conjecture",
            proof.statement
        )
    })?;
    Ok(stp_prover::example(tokenizer, signature, &proof.proof, proof.weight))
}

pub(super) fn weightless(attempt: &Attempt) -> TrainingProof {
    TrainingProof { statement: attempt.statement.clone(), proof: attempt.proof.clone(), weight: 1.0 }
}

pub(super) fn pair_example(tokenizer: &Tokenizer, texts: &Texts, pair: &SupervisedPair) -> Example {
    let seed = (pair.seed.as_str(), pair.seed_proof.as_str());
    conjecture_example(tokenizer, texts, pair.lemma.as_deref(), seed, &texts.signatures[&pair.target], 1.0)
}

/// Of a seed, its id and proof.
pub(super) fn conjecture_example(
    tokenizer: &Tokenizer,
    texts: &Texts,
    lemma: Option<&str>,
    (seed, proof): (&str, &str),
    target: &str,
    weight: f32,
) -> Example {
    let lemma = lemma.and_then(|name| texts.lemmas.get(name)).map(String::as_str);
    stp_conjecturer::example(tokenizer, lemma, &texts.signatures[seed], proof, target, weight)
}
