//! What a training reads: statements, proofs and conjectures as examples for the one model that plays both roles.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context as _, Result};
use stp_conjecturer::{SeedTheorem, proof_with_fate};
use stp_datasets::Attempt;
use stp_model::Example;
use stp_prover::{Goal, Learned, TrainingProof};

use super::pairs::SupervisedPair;
use crate::context::Context;
use crate::context::lemmas::{lemma_signatures, lemmas_of};
use crate::context::prompts::Prompts;
use crate::events::Event;

/// Texts of statements and lemmas by name, for building examples.
pub struct Texts {
    /// Headers and signatures of statements and conjectures.
    pub statements: HashMap<String, (String, String)>,
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
        let mut statements: HashMap<_, _> =
            given.map(|it| (it.id.clone(), (it.header.clone(), it.signature.clone()))).collect();
        let others: Vec<_> = names.iter().copied().filter(|name| !statements.contains_key(*name)).collect();
        let others = context.ledger.statements_of(&others)?.into_iter();
        statements.extend(others.map(|(name, it)| (name, (it.header, it.signature))));
        let lemmas = lemma_signatures(&context.verifier, &context.cancel, lemmas).await?;
        Ok(Self { statements, lemmas })
    }

    /// A statement to prove, if it is known.
    pub fn known<'a>(&'a self, name: &'a str) -> Option<Goal<'a>> {
        let (header, signature) = self.statements.get(name)?;
        Some(Goal { name, header, signature })
    }

    fn goal<'a>(&'a self, name: &'a str) -> Result<Goal<'a>> {
        self.known(name).with_context(|| {
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

/// Examples for the prover. Proofs that no answer of the layout has are left out, and that is told.
///
/// # Errors
/// If a statement is unknown.
pub fn proof_examples(
    context: &Context,
    prompts: &Prompts,
    texts: &Texts,
    proofs: &[TrainingProof],
) -> Result<Vec<Example>> {
    let mut examples = Vec::new();
    for proof in proofs {
        examples.extend(prompts.proof_example(texts.goal(&proof.statement)?, learned(proof))?);
    }
    tell_left_out(context, proofs.len() - examples.len());
    Ok(examples)
}

/// A proof as an answer.
pub fn learned(proof: &TrainingProof) -> Learned<'_> {
    Learned { proof: &proof.proof, thought: proof.thought.as_deref(), weight: proof.weight }
}

/// Tells how many proofs are left out, if any are.
pub fn tell_left_out(context: &Context, proofs: usize) {
    if proofs > 0 {
        context.events.emit(&Event::ProofsLeftOut { proofs });
    }
}

/// A proof that weighs as much as every other.
pub fn unweighted(attempt: &Attempt) -> TrainingProof {
    TrainingProof {
        statement: attempt.statement.clone(),
        proof: attempt.proof.clone(),
        thought: None,
        weight: 1.0,
    }
}

/// An example for the conjecturer, of stage 1.
///
/// # Errors
/// If one of the statements is unknown.
pub fn pair_example(prompts: &Prompts, texts: &Texts, pair: &SupervisedPair) -> Result<Example> {
    let proof = proof_with_fate(&pair.seed_proof, pair.fate);
    let seed = (pair.seed.as_str(), &*proof);
    let target = texts.goal(&pair.target)?.signature;
    conjecture_example(prompts, texts, pair.lemma.as_deref(), seed, target, 1.0)
}

/// An example for the conjecturer. Of a seed, its name and proof.
///
/// # Errors
/// If the seed is unknown.
pub fn conjecture_example(
    prompts: &Prompts,
    texts: &Texts,
    lemma: Option<&str>,
    (seed, proof): (&str, &str),
    target: &str,
    weight: f32,
) -> Result<Example> {
    let lemma = lemma.and_then(|name| texts.lemmas.get(name)).map(String::as_str);
    let Goal { name, header, signature } = texts.goal(seed)?;
    let seed = SeedTheorem { lemma, name, header, signature, proof };
    Ok(prompts.conjecture_example(seed, target, weight)?)
}
