//! Which steps a run has, and how a round's proofs are shared out: pure functions.

use std::collections::HashSet;

use stp_datasets::{Corpus, CorpusEntry, Split, Statement, normalise_spaces};

use crate::config::{Method, RunConfig};

/// One step of a run. A step is done whole or done again; what it needs is in the ledger and in
/// checkpoints of earlier steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Check the corpus in Lean.
    Setup,
    /// Supervised fine-tuning on the corpus (stage 1).
    Stage1Train,
    /// Sample proofs of the validation statements from the stage-1 model.
    Stage1Valid,
    /// Generate and filter conjectures.
    Conjecture(u32),
    /// Sample proofs of statements and conjectures, and judge them.
    Prove(u32),
    /// Train on what was proved.
    Train(u32),
    /// Sample proofs of the validation statements from the round's model.
    Valid(u32),
    /// Re-train from the stage-1 checkpoint on all correct proofs (stage 3).
    FinalTrain,
    /// Sample proofs of the validation statements from the final model.
    FinalValid,
}

impl Step {
    /// The name in the ledger and on the screen.
    pub fn name(self) -> String {
        match self {
            Self::Setup => "setup".to_owned(),
            Self::Stage1Train => "stage1/train".to_owned(),
            Self::Stage1Valid => "stage1/valid".to_owned(),
            Self::Conjecture(round) => format!("round-{round}/conjecture"),
            Self::Prove(round) => format!("round-{round}/prove"),
            Self::Train(round) => format!("round-{round}/train"),
            Self::Valid(round) => format!("round-{round}/valid"),
            Self::FinalTrain => "final/train".to_owned(),
            Self::FinalValid => "final/valid".to_owned(),
        }
    }

    /// The round under which its attempts are kept: 0 before the first, `rounds + 1` for the final model.
    pub fn round(self, rounds: u32) -> u32 {
        match self {
            Self::Setup | Self::Stage1Train | Self::Stage1Valid => 0,
            Self::Conjecture(round) | Self::Prove(round) | Self::Train(round) | Self::Valid(round) => round,
            Self::FinalTrain | Self::FinalValid => rounds + 1,
        }
    }
}

/// All steps of a run in order.
pub fn steps(rounds: u32, method: Method) -> Vec<Step> {
    let mut steps = vec![Step::Setup, Step::Stage1Train, Step::Stage1Valid];
    for round in 1..=rounds {
        if method == Method::Stp {
            steps.push(Step::Conjecture(round));
        }
        steps.push(Step::Prove(round));
        if method.trains() {
            steps.push(Step::Train(round));
        }
        steps.push(Step::Valid(round));
    }
    if method.trains() {
        steps.extend([Step::FinalTrain, Step::FinalValid]);
    }
    steps
}

/// Samples for each of `statements` given statements and each of `conjectures` conjectures, in total
/// exactly `budget` if there is anything to sample.
///
/// Conjectures get `per_conjecture` each (fewer only if the budget does not reach); the given statements
/// share the rest evenly, the first ones getting one more where it does not divide. So self-play and
/// expert iteration spend the same number of proofs.
pub fn allocate(
    budget: usize,
    statements: usize,
    conjectures: usize,
    per_conjecture: u32,
) -> (Vec<u32>, Vec<u32>) {
    let wanted = conjectures * per_conjecture as usize;
    let for_conjectures = if statements == 0 && conjectures > 0 { budget } else { wanted.min(budget) };
    (share(budget - for_conjectures, statements), share(for_conjectures, conjectures))
}

fn share(total: usize, parts: usize) -> Vec<u32> {
    (0..parts)
        .map(|index| {
            let samples = total / parts + usize::from(index < total % parts);
            u32::try_from(samples).unwrap_or(u32::MAX)
        })
        .collect()
}

/// How the given statements' samples of a round are spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// First attempts.
    pub first: usize,
    /// Attempts at what the first ones did not prove.
    pub later: usize,
    /// Attempts that see a failed one.
    pub repairs: usize,
}

impl Parts {
    /// The parts of `all` samples that the settings ask for.
    pub fn of(all: usize, config: &RunConfig) -> Self {
        let part = |of: usize, share: f64| ((of as f64 * share).round() as usize).min(of);
        let repairs = if config.repair.enabled { part(all, config.repair.share) } else { 0 };
        let rest = all - repairs;
        let later =
            if config.control.adaptive_budget { part(rest, 1.0 - config.control.first_share) } else { 0 };
        Self { first: rest - later, later, repairs }
    }
}

/// `count` of `items`, evenly spread in their order; all of them if `count` is 0 or too large.
pub fn spread<T: Clone>(items: &[T], count: usize) -> Vec<T> {
    if count == 0 || count >= items.len() {
        return items.to_vec();
    }
    (0..count).map(|index| items[index * items.len() / count].clone()).collect()
}

/// What stage 1 is shown of the given statements `train`: ids and proofs.
pub fn supervised<'a>(
    corpus: &'a Corpus,
    train: &[Statement],
    config: &RunConfig,
) -> Vec<(&'a str, Vec<String>)> {
    let ids: HashSet<_> = train.iter().map(|statement| &statement.id).collect();
    let given = corpus.split(Split::Train).filter(|entry| ids.contains(&entry.statement.id));
    let with_proofs: Vec<_> = given.filter(|entry| !entry.proofs.is_empty()).collect();
    let chosen = spread(&with_proofs, config.max_supervised).into_iter();
    chosen.map(|entry| (entry.statement.id.as_str(), taught(entry, config.supervised_tactics))).collect()
}

/// The proofs of a corpus statement that stage 1 is shown: its own, and with `tactics` each single tactic that closes it.
pub fn taught(entry: &CorpusEntry, tactics: bool) -> Vec<String> {
    let closing = entry.closed_by.iter().filter(|_| tactics).map(|tactic| format!("by\n  {tactic}"));
    let mut proofs = entry.proofs.clone();
    for proof in closing {
        if !proofs.iter().any(|known| normalise_spaces(known) == normalise_spaces(&proof)) {
            proofs.push(proof);
        }
    }
    proofs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_run_goes_through_the_stages_in_the_papers_order() {
        let names: Vec<_> = steps(1, Method::Stp).into_iter().map(Step::name).collect();
        let expected = [
            "setup",
            "stage1/train",
            "stage1/valid",
            "round-1/conjecture",
            "round-1/prove",
            "round-1/train",
            "round-1/valid",
            "final/train",
            "final/valid",
        ];
        assert_eq!(names, expected);
        let has = |method, kind: fn(&Step) -> bool| steps(3, method).iter().any(kind);
        assert!(!has(Method::ExpertIteration, |step| matches!(step, Step::Conjecture(_))));
        assert!(!has(Method::Plain, |step| matches!(step, Step::Train(_) | Step::FinalTrain)));
    }

    proptest! {
        #[test]
        fn both_methods_spend_the_same_number_of_proofs(
            budget in 0usize..5000, statements in 0usize..300, conjectures in 0usize..300, each in 1u32..20,
        ) {
            let (given, conjectured) = allocate(budget, statements, conjectures, each);
            prop_assert_eq!((given.len(), conjectured.len()), (statements, conjectures));
            let spent: u32 = given.iter().chain(&conjectured).sum();
            prop_assert_eq!(spent as usize, if statements + conjectures == 0 { 0 } else { budget });
            if let (Some(most), Some(least)) = (given.iter().max(), given.iter().min()) {
                prop_assert!(most - least <= 1);
            }
            if statements > 0 {
                prop_assert!(conjectured.iter().all(|&samples| samples <= each));
            }
        }

        #[test]
        fn spread_keeps_order_and_count(length in 0usize..200, count in 0usize..250) {
            let items: Vec<_> = (0..length).collect();
            let chosen = spread(&items, count);
            let expected = if count == 0 { length } else { count.min(length) };
            prop_assert_eq!(chosen.len(), expected);
            prop_assert!(chosen.is_sorted());
            prop_assert_eq!(chosen.iter().collect::<HashSet<_>>().len(), expected);
        }
    }

    #[test]
    fn the_parts_of_a_budget_are_all_of_it() {
        let mut config = RunConfig::load("smoke", None).unwrap();
        assert_eq!(Parts::of(101, &config), Parts { first: 101, later: 0, repairs: 0 });
        config.repair.enabled = true;
        config.control.adaptive_budget = true;
        assert_eq!(Parts::of(100, &config), Parts { first: 37, later: 38, repairs: 25 });
        for all in 0..50 {
            let parts = Parts::of(all, &config);
            assert_eq!(parts.first + parts.later + parts.repairs, all);
        }
    }

    #[test]
    fn stage_1_is_shown_tactics_beside_the_proofs() {
        let mut entry = CorpusEntry::unchecked(Statement {
            id: "x".to_owned(),
            signature: "(n : Nat) : n + 0 = n".to_owned(),
            header: String::new(),
            topics: Vec::new(),
            split: Split::Train,
        });
        entry.proofs = vec!["by exact rfl".to_owned(), "by simp".to_owned()];
        entry.closed_by = vec!["simp".to_owned(), "omega".to_owned()];
        assert_eq!(taught(&entry, false), entry.proofs);
        assert_eq!(taught(&entry, true), ["by exact rfl", "by simp", "by\n  omega"], "none twice");
    }

    #[test]
    fn step_names_are_distinct() {
        let all = steps(12, Method::Stp);
        assert_eq!(all.iter().map(|step| step.name()).collect::<HashSet<_>>().len(), all.len());
    }
}
