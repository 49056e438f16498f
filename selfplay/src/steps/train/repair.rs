//! Examples of proof repair: a failed proof with Lean's message, and a proof that holds.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use anyhow::Result;
use stp_datasets::{Attempt, Ledger};
use stp_model::Example;
use stp_prover::{Failed, TrainingProof};

use super::examples::{Texts, learned};
use crate::attempt::Failure;
use crate::context::prompts::Prompts;

/// Examples of repair for the prover: the shortest of a statement's training proofs, asked for with the likeliest of its
/// refused attempts in these rounds.
///
/// # Errors
/// If the ledger cannot be read, or a template of the prompts does not take one of the texts.
pub fn examples(
    ledger: &Ledger,
    prompts: &Prompts,
    texts: &Texts,
    proofs: &[TrainingProof],
    rounds: RangeInclusive<u32>,
    room: usize,
) -> Result<Vec<Example>> {
    let mut shortest: HashMap<&str, &TrainingProof> = HashMap::new();
    for proof in proofs {
        let known = shortest.entry(&proof.statement).or_insert(proof);
        if proof.proof.len() < known.proof.len() {
            *known = proof;
        }
    }
    let names: Vec<_> = shortest.keys().copied().collect();
    let mut failures: HashMap<String, Attempt> = HashMap::new();
    for round in rounds {
        for attempt in ledger.refused_of(round, &names)? {
            match failures.get(&attempt.statement) {
                Some(known) if !Failure::is_likelier(&attempt, known) => {}
                _ => drop(failures.insert(attempt.statement.clone(), attempt)),
            }
        }
    }
    let mut chosen: Vec<_> = shortest.into_values().collect();
    chosen.sort_by(|a, b| a.statement.cmp(&b.statement));
    let example = |proof: &TrainingProof| {
        let failed = std::slice::from_ref(failures.get(&proof.statement)?);
        let failure = Failure::refused(failed).into_iter().next()?;
        let goal = texts.known(&proof.statement)?;
        let failed = Failed { proof: &failure.proof, message: &failure.message, room };
        prompts.repair_example(goal, failed, learned(proof)).transpose()
    };
    Ok(chosen.into_iter().filter_map(example).collect::<Result<_, _>>()?)
}
