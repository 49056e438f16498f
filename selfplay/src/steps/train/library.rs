//! Before stage 1: what a prover that begins with random numbers is shown of Lean's library, theorem by theorem with its
//! name as the proof. A language model that was trained on the web knows them; one of our own does not.

use anyhow::Result;
use rand::seq::SliceRandom;
use stp_conjecturer::{GivenStatement, SeedTheorem, supervised_pairs};
use stp_datasets::{Corpus, CorpusEntry, canonical_explicit};
use stp_model::Example;
use stp_prover::{Goal, Learned};

use super::examples::tell_left_out;
use crate::config::RunConfig;
use crate::context::Context;
use crate::context::prompts::{Prompts, goal};
use crate::context::statements::{load_corpus, spread, stage1_proofs_of};
use crate::random::generator_for;

/// The entries to pretrain on: no statement of the run's own corpus is among them, whichever its split.
///
/// # Errors
/// If the corpus to pretrain on cannot be read.
pub fn entries(config: &RunConfig, corpus: &Corpus) -> Result<Vec<CorpusEntry>> {
    let settings = &config.pretraining;
    if settings.corpus.is_empty() {
        return Ok(Vec::new());
    }
    // A library's theorems take implicitly what the corpus' statements take as hypotheses.
    let given = corpus.explicit_keys();
    let mut entries = load_corpus(&settings.corpus)?.entries;
    entries.retain(|entry| {
        !entry.proofs.is_empty() && !given.contains(&canonical_explicit(&entry.statement.signature))
    });
    Ok(spread(&entries, settings.statements))
}

/// The texts that a tokenizer learns from.
pub fn texts(entries: &[CorpusEntry]) -> impl Iterator<Item = String> {
    entries.iter().flat_map(|entry| [entry.statement.signature.clone(), entry.proofs[0].clone()])
}

/// How many examples [`examples`] makes of some entries, at most: an entry without a partner is in no pair.
pub fn count(config: &RunConfig, entries: &[CorpusEntry]) -> usize {
    let proofs: usize =
        entries.iter().map(|entry| stage1_proofs_of(entry, config.supervised_tactics).len()).sum();
    proofs + if config.stage1_conjectures() { entries.len() } else { 0 }
}

/// Examples for the prover, and for the conjecturer from one theorem to another of its topic.
///
/// # Errors
/// If a template of the prompts does not take one of the texts.
pub fn examples(context: &Context, prompts: &Prompts, entries: &[CorpusEntry]) -> Result<Vec<Example>> {
    let proofs = entries.iter().flat_map(|entry| {
        let proofs = stage1_proofs_of(entry, context.config.supervised_tactics);
        proofs.into_iter().map(|proof| {
            let learned = Learned { proof: &proof, thought: None, weight: 1.0 };
            prompts.proof_example(goal(&entry.statement), learned)
        })
    });
    let proofs = proofs.collect::<Result<Vec<_>, _>>()?;
    let given = proofs.len();
    let mut examples: Vec<_> = proofs.into_iter().flatten().collect();
    tell_left_out(context, given - examples.len());
    let mut generator = generator_for(context.config.seed, &["library pairs"]);
    if !context.config.stage1_conjectures() {
        examples.shuffle(&mut generator);
        return Ok(examples);
    }
    let given: Vec<_> = entries
        .iter()
        .map(|entry| GivenStatement {
            id: entry.statement.id.clone(),
            signature: entry.statement.signature.clone(),
            proof: entry.proofs.first().cloned(),
            lemmas: Vec::new(),
            topics: entry.statement.topics.clone(),
            closed_by: entry.closed_by.len(),
        })
        .collect();
    let pairs = supervised_pairs(&given, 1, context.config.conjecturing.pairing(), &mut generator)
        .into_iter()
        .map(|pair| {
            let (seed, target) = (&entries[pair.seed], &entries[pair.target].statement.signature);
            let Goal { name, header, signature } = goal(&seed.statement);
            let seed = SeedTheorem { lemma: None, name, header, signature, proof: &seed.proofs[0] };
            prompts.conjecture_example(seed, target, 1.0)
        });
    examples.extend(pairs.collect::<Result<Vec<_>, _>>()?);
    examples.shuffle(&mut generator);
    Ok(examples)
}
