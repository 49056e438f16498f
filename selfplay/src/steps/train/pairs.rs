//! Which conjectures stage 1 teaches, and which of them a round teaches again.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use rand::seq::SliceRandom;
use stp_conjecturer::{Fate, GivenStatement, supervised_pairs, variant_pairs};
use stp_datasets::{Attempt, CorpusEntry, Phase};

use crate::config::Method;
use crate::context::Context;
use crate::context::history::without;
use crate::context::lemmas::lemmas_of;
use crate::random::generator_for;

/// What stage 1 teaches the conjecturer: from a proved statement to a harder one, or from a statement to one like it.
pub(super) struct SupervisedPair {
    /// Id of the statement that it begins with.
    pub(super) seed: String,
    /// Empty where none is shown.
    pub(super) seed_proof: String,
    /// Id of the statement to conjecture.
    pub(super) target: String,
    pub(super) lemma: Option<String>,
    /// What is said of the target, where the conjecturer learns that.
    pub(super) fate: Option<Fate>,
}

/// What stage 1 teaches the conjecturer; nothing where only expert iteration begins with it.
pub(super) fn stage1_pairs(context: &Context, proofs: &[Attempt]) -> Vec<SupervisedPair> {
    if !context.config.stage1_conjectures() {
        return Vec::new();
    }
    let entries: HashMap<_, _> =
        context.statements.corpus.entries.iter().map(|entry| (entry.statement.id.as_str(), entry)).collect();
    // Tactics that close a statement alone come after its own proofs, and say nothing of what makes it hard.
    let own: Vec<_> = proofs
        .iter()
        .filter(|it| {
            entries.get(it.statement.as_str()).is_none_or(|entry| (it.sample as usize) < entry.proofs.len())
        })
        .collect();
    let given = |id: &str, proof: Option<&Attempt>| {
        let entry = entries.get(id);
        GivenStatement {
            id: id.to_owned(),
            signature: entry.map(|entry| entry.statement.signature.clone()).unwrap_or_default(),
            proof: proof.map(|attempt| attempt.proof.clone()),
            lemmas: proof.map(lemmas_of).unwrap_or_default(),
            topics: entry.map(|entry| entry.statement.topics.clone()).unwrap_or_default(),
            closed_by: entry.map_or(0, |entry| entry.closed_by.len()),
        }
    };
    let mut all: Vec<_> = own.iter().map(|attempt| given(&attempt.statement, Some(attempt))).collect();
    if context.config.conjecturing.stage1_given {
        let proved = own.iter().map(|attempt| attempt.statement.clone()).collect();
        let open = without(&context.statements, &proved).into_iter();
        all.extend(open.map(|statement| given(&statement.id, None)));
    }
    let mut generator = generator_for(context.config.seed, &["pairs"]);
    let settings = &context.config.conjecturing;
    let pairs =
        supervised_pairs(&all, settings.stage1_pairs_per_statement, settings.pairing(), &mut generator);
    let from_proved = pairs.into_iter().map(|pair| SupervisedPair {
        seed: own[pair.seed].statement.clone(),
        seed_proof: own[pair.seed].proof.clone(),
        target: all[pair.target].id.clone(),
        lemma: pair.lemma,
        fate: None,
    });
    let mut pairs: Vec<_> = from_proved.chain(stage1_variants(context)).collect();
    if settings.fates {
        let proved: HashSet<_> = own.iter().map(|attempt| attempt.statement.as_str()).collect();
        pairs.iter_mut().for_each(|pair| pair.fate = fate(&entries, &proved, &pair.target));
    }
    pairs
}

/// What is said of a given statement to conjecture.
fn fate(entries: &HashMap<&str, &CorpusEntry>, proved: &HashSet<&str>, target: &str) -> Option<Fate> {
    let entry = entries.get(target)?;
    Some(Fate::of_given(&entry.closed_by, proved.contains(target)))
}

/// Pairs whose seed has no proof, where rounds will ask for conjectures of such seeds.
fn stage1_variants(context: &Context) -> Vec<SupervisedPair> {
    if context.config.conjecturing.unproved_seeds == 0.0 {
        return Vec::new();
    }
    let signatures: Vec<_> =
        context.statements.train.iter().map(|statement| statement.signature.as_str()).collect();
    let pairs = variant_pairs(&signatures, &mut generator_for(context.config.seed, &["variants"]));
    let id = |place: usize| context.statements.train[place].id.clone();
    let pair = |(seed, target)| SupervisedPair {
        seed: id(seed),
        seed_proof: String::new(),
        target: id(target),
        lemma: None,
        fate: None,
    };
    pairs.into_iter().map(pair).collect()
}

/// Those of stage 1's pairs that a round trains on again.
pub(super) fn replayed_pairs(context: &Context, round: u32) -> Result<Vec<SupervisedPair>> {
    let count = context.config.conjecturing.replayed_pairs;
    if count == 0 || context.config.method != Method::Stp {
        return Ok(Vec::new());
    }
    let mut pairs = stage1_pairs(context, &context.ledger.proofs_of(Phase::Corpus, 0..=0)?);
    pairs.shuffle(&mut generator_for(context.config.seed, &["replayed pairs", &round.to_string()]));
    pairs.truncate(count);
    Ok(pairs)
}
