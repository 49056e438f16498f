//! Putting proofs of goals back into their sketches, from the deepest ones up.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;

use anyhow::Result;
use stp_datasets::{Attempt, LedgerSketch, Phase};

use super::checks::{attempt, judge};
use crate::context::Context;
use crate::events::SearchPart;

/// Attempts at goals are numbered from 0, wholes from here.
pub const FIRST_WHOLE: u32 = 1 << 20;
/// Wholes of one statement that are judged at the same time.
const AT_ONCE: usize = 4;

/// Judges every sketch whose goals have proofs, until nothing more is proved: the whole of a goal may be what its parent
/// waits for.
///
/// # Errors
/// If Lean or the ledger fails, or the user interrupts.
pub async fn put_together(context: &Context, round: u32) -> Result<()> {
    // Those that an interrupted process has recorded count as tried below.
    judge(context, round, SearchPart::Wholes, &[]).await?;
    let sketches: Vec<_> =
        context.ledger.sketches_up_to(round)?.into_iter().filter(|it| it.sketch.is_some()).collect();
    let mut proofs = HashMap::new();
    let names = names(&sketches);
    learn(context, Phase::Train, 0..=round, &names, &mut proofs)?;
    learn(context, Phase::Search, 0..=round, &names, &mut proofs)?;
    let mut tried = tried(context, round)?;
    loop {
        let wholes = wholes(&sketches, &proofs, &mut tried, round);
        if wholes.is_empty() {
            return Ok(());
        }
        judge(context, round, SearchPart::Wholes, &wholes).await?;
        learn(context, Phase::Search, round..=round, &names, &mut proofs)?;
    }
}

/// What sketches are of, and their goals.
fn names(sketches: &[LedgerSketch]) -> Vec<&str> {
    let mut names = HashSet::new();
    for sketch in sketches {
        names.insert(sketch.parent.as_str());
        names.extend(sketch.goals.iter().map(String::as_str));
    }
    names.into_iter().collect()
}

/// Takes the proofs of a phase in some rounds among the shortest proof of each of these statements.
fn learn(
    context: &Context,
    phase: Phase,
    rounds: RangeInclusive<u32>,
    names: &[&str],
    shortest: &mut HashMap<String, String>,
) -> Result<()> {
    for (name, proof) in context.ledger.shortest_proofs(phase, rounds, names)? {
        match shortest.get(&name) {
            Some(known) if known.len() <= proof.len() => {}
            _ => drop(shortest.insert(name, proof)),
        }
    }
    Ok(())
}

/// What was put together so far: the texts of each statement, and how many of them belong to the round.
fn tried(context: &Context, round: u32) -> Result<HashMap<String, (HashSet<String>, u32)>> {
    let mut tried: HashMap<String, (HashSet<String>, u32)> = HashMap::new();
    for of in 0..=round {
        context.ledger.each_attempt(of, Phase::Search, |attempt| {
            let (texts, count) = tried.entry(attempt.statement).or_default();
            if attempt.sample >= FIRST_WHOLE {
                texts.insert(attempt.proof);
                *count += u32::from(of == round);
            }
        })?;
    }
    Ok(tried)
}

/// The next wholes to judge: of statements without a proof, those whose goals all have one and that were not tried yet.
fn wholes(
    sketches: &[LedgerSketch],
    proofs: &HashMap<String, String>,
    tried: &mut HashMap<String, (HashSet<String>, u32)>,
    round: u32,
) -> Vec<Attempt> {
    let mut found: BTreeMap<&str, Vec<Attempt>> = BTreeMap::new();
    for record in sketches {
        let Some(sketch) = &record.sketch else { continue };
        let parent = record.parent.as_str();
        if proofs.contains_key(parent) || record.goals.iter().any(|goal| !proofs.contains_key(goal)) {
            continue;
        }
        let of_parent = found.entry(parent).or_default();
        if of_parent.len() >= AT_ONCE {
            continue;
        }
        let proof_of =
            |index: usize| record.goals.get(index).and_then(|goal| proofs.get(goal)).map(String::as_str);
        let Some(text) = sketch.filled(proof_of) else { continue };
        let (texts, count) = tried.entry(parent.to_owned()).or_default();
        if texts.insert(text.clone()) {
            of_parent.push(attempt(round, parent, FIRST_WHOLE + *count, &text));
            *count += 1;
        }
    }
    found.into_values().flatten().collect()
}

#[cfg(test)]
mod tests {
    use stp_datasets::{Goal, Hole, Sketch};

    use super::*;

    fn sketch(number: u32, parent: &str, goals: &[&str]) -> LedgerSketch {
        let proof = format!("by p{number}{}", "; sorry".repeat(goals.len()));
        let places = proof.match_indices("sorry").map(|(start, _)| start);
        let holes = places.map(|start| Hole {
            start,
            stop: start + 5,
            column: start,
            goals: 1,
            is_term: false,
            goal: Goal::Statement { signature: ": True".into(), setup: Vec::new() },
        });
        let holes = holes.collect();
        LedgerSketch {
            round: 1,
            number,
            parent: parent.into(),
            depth: 1,
            failed: format!("f{number}"),
            sketch: Some(Sketch { proof, holes, messages: Vec::new() }),
            reason: None,
            goals: goals.iter().map(|goal| (*goal).to_owned()).collect(),
        }
    }

    fn next(sketches: &[LedgerSketch], proofs: &[(&str, &str)]) -> Vec<(String, u32, String)> {
        let proofs = proofs.iter().map(|(name, proof)| ((*name).to_owned(), (*proof).to_owned())).collect();
        let mut tried = HashMap::from([("b".to_owned(), (HashSet::from(["by p3; simp".to_owned()]), 1))]);
        wholes(sketches, &proofs, &mut tried, 2)
            .into_iter()
            .map(|whole| (whole.statement, whole.sample - FIRST_WHOLE, whole.proof))
            .collect()
    }

    #[test]
    fn a_sketch_is_whole_when_all_its_goals_are_proved() {
        let sketches = [
            sketch(0, "a", &["g", "h"]),
            sketch(1, "a", &["h"]),
            sketch(2, "a", &[]),
            sketch(3, "b", &["h"]),
        ];
        let whole = |name: &str, number, text: &str| (name.to_owned(), number, text.to_owned());
        assert_eq!(next(&sketches, &[("g", "by rfl")]), [whole("a", 0, "by p2")]);
        let both = next(&sketches, &[("g", "by rfl"), ("h", "by simp")]);
        let wanted =
            [whole("a", 0, "by p0; rfl; simp"), whole("a", 1, "by p1; simp"), whole("a", 2, "by p2")];
        assert_eq!(both, wanted, "what was tried is not tried again");
        assert!(next(&sketches[..3], &[("a", "by omega"), ("h", "by simp")]).is_empty());
    }
}
