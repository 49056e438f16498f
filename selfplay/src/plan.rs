//! Which steps a run has, and how a round's proofs are shared out: pure functions.

use stp_prover::control;

use crate::config::{ConjectureSource, RunConfig};

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
    /// Search for proofs of what the samples left open.
    Search(u32),
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
            Self::Search(round) => format!("round-{round}/search"),
            Self::Train(round) => format!("round-{round}/train"),
            Self::Valid(round) => format!("round-{round}/valid"),
            Self::FinalTrain => "final/train".to_owned(),
            Self::FinalValid => "final/valid".to_owned(),
        }
    }

    /// Whether it trains a model.
    pub fn trains(self) -> bool {
        matches!(self, Self::Stage1Train | Self::Train(_) | Self::FinalTrain)
    }

    /// Whether a row of the report is complete with it.
    pub fn completes_row(self) -> bool {
        matches!(self, Self::Stage1Valid | Self::Valid(_) | Self::FinalValid)
    }

    /// The round under which its attempts are kept: 0 before the first, `rounds + 1` for the final model.
    pub fn round(self, rounds: u32) -> u32 {
        match self {
            Self::Setup | Self::Stage1Train | Self::Stage1Valid => 0,
            Self::Conjecture(round)
            | Self::Prove(round)
            | Self::Search(round)
            | Self::Train(round)
            | Self::Valid(round) => round,
            Self::FinalTrain | Self::FinalValid => rounds + 1,
        }
    }
}

/// All steps of a run in order.
pub fn steps(config: &RunConfig) -> Vec<Step> {
    let wanted = |step: &Step| match step {
        Step::Conjecture(_) => config.conjectures_from(ConjectureSource::Model),
        Step::Search(_) => config.search.enabled,
        Step::Train(_) | Step::FinalTrain | Step::FinalValid => config.method.trains(),
        _ => true,
    };
    all_steps(config.rounds).into_iter().filter(wanted).collect()
}

/// All steps that a run of so many rounds can have, in order.
pub fn all_steps(rounds: u32) -> Vec<Step> {
    let of_round = |round| {
        [
            Step::Conjecture(round),
            Step::Prove(round),
            Step::Search(round),
            Step::Train(round),
            Step::Valid(round),
        ]
    };
    let first = [Step::Setup, Step::Stage1Train, Step::Stage1Valid];
    let last = [Step::FinalTrain, Step::FinalValid];
    first.into_iter().chain((1..=rounds).flat_map(of_round)).chain(last).collect()
}

/// The name of the checkpoint that the model of a round is kept under; 0 is stage 1.
pub fn checkpoint_of(round: u32, rounds: u32) -> String {
    match round {
        0 => "stage1".to_owned(),
        _ if round <= rounds => format!("round-{round}"),
        _ => "final".to_owned(),
    }
}

/// Attempts of a final model whose run went on are kept under a round above all others: this and the rounds it had.
const EARLIER_FINAL: u32 = 1_000_000;

/// The final model of a run that was finished with fewer rounds and then went on: it keeps its record under other names, so
/// that the run has room for more rounds and for another final model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlierFinal {
    /// The rounds that the run had.
    pub rounds: u32,
}

impl EarlierFinal {
    /// The one whose attempts are kept under that round, if it is none of the run's own.
    pub fn of_round(round: u32) -> Option<Self> {
        round.checked_sub(EARLIER_FINAL).map(|rounds| Self { rounds })
    }

    /// Its checkpoint.
    pub fn checkpoint(self) -> String {
        format!("final-{}", self.rounds)
    }

    /// The name of its training among the steps.
    pub fn training(self) -> String {
        format!("{}/train", self.checkpoint())
    }

    /// The name of its validation among the steps.
    pub fn validation(self) -> String {
        format!("{}/valid", self.checkpoint())
    }

    /// The round under which its attempts are kept.
    pub fn round(self) -> u32 {
        EARLIER_FINAL + self.rounds
    }
}

/// Samples for each of `statements` given statements and each of `conjectures` conjectures, in total
/// exactly `budget` if there is anything to sample.
///
/// Conjectures get `per_conjecture` each, but no more than `most` together (fewer also if the budget does not reach); if
/// there is nothing else to sample, they get all. The given statements share the rest evenly, the first ones getting one
/// more where it does not divide. So self-play and expert iteration spend the same number of proofs.
pub fn allocate(
    budget: usize,
    statements: usize,
    conjectures: usize,
    per_conjecture: u32,
    most: usize,
) -> (Vec<u32>, Vec<u32>) {
    let wanted = (conjectures * per_conjecture as usize).min(most);
    let for_conjectures = if statements == 0 && conjectures > 0 { budget } else { wanted.min(budget) };
    (evenly(budget - for_conjectures, statements), evenly(for_conjectures, conjectures))
}

/// The first samples of conjectures that get so many in all: `each`, as far as they reach.
pub fn first_samples(all: &[u32], each: u32) -> Vec<u32> {
    evenly(total(all).min(all.len() * each as usize), all.len())
}

/// All of them together.
pub fn total(samples: &[u32]) -> usize {
    samples.iter().map(|&samples| samples as usize).sum()
}

fn evenly(total: usize, parts: usize) -> Vec<u32> {
    control::share(total, &vec![1.0; parts])
}

/// How the given statements' samples of a round are spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleShares {
    /// First attempts.
    pub first: usize,
    /// Attempts at what the first ones did not prove.
    pub later: usize,
    /// Attempts that see a failed one.
    pub repairs: usize,
}

impl SampleShares {
    /// The parts of `all` samples that the settings ask for.
    pub fn of(all: usize, config: &RunConfig) -> Self {
        let part = |of: usize, share: f64| ((of as f64 * share).round() as usize).min(of);
        let repairs = if config.repair.enabled { part(all, config.repair.share) } else { 0 };
        let rest = all - repairs;
        let later =
            if config.control.adaptive_budget { part(rest, 1.0 - config.control.first_share) } else { 0 };
        Self { first: rest - later, later, repairs }
    }

    /// With `spared` samples that were meant for conjectures, after the first attempts.
    #[must_use]
    pub fn with(self, spared: usize, config: &RunConfig) -> Self {
        let all = self.first + self.later + self.repairs + spared;
        let repairs = Self::of(all, config).repairs.min(all - self.first);
        Self { first: self.first, later: all - self.first - repairs, repairs }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::config::Method;
    use proptest::prelude::*;

    #[test]
    fn a_run_goes_through_the_stages_in_the_papers_order() {
        let mut config = RunConfig::load("smoke", None).unwrap();
        config.rounds = 1;
        config.search.enabled = false;
        let names: Vec<_> = steps(&config).into_iter().map(Step::name).collect();
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
        let has =
            |method, kind: fn(&Step) -> bool| steps(&RunConfig { method, ..config.clone() }).iter().any(kind);
        assert!(!has(Method::ExpertIteration, |step| matches!(step, Step::Conjecture(_))));
        assert!(!has(Method::Plain, |step| matches!(step, Step::Train(_) | Step::FinalTrain)));
    }

    proptest! {
        #[test]
        fn both_methods_spend_the_same_number_of_proofs(
            budget in 0usize..5000, statements in 0usize..300, conjectures in 0usize..300, each in 1u32..20,
            most in 0usize..5000,
        ) {
            let (given, conjectured) = allocate(budget, statements, conjectures, each, most);
            prop_assert_eq!((given.len(), conjectured.len()), (statements, conjectures));
            let spent: u32 = given.iter().chain(&conjectured).sum();
            prop_assert_eq!(spent as usize, if statements + conjectures == 0 { 0 } else { budget });
            if let (Some(most), Some(least)) = (given.iter().max(), given.iter().min()) {
                prop_assert!(most - least <= 1);
            }
            if statements > 0 {
                prop_assert!(conjectured.iter().all(|&samples| samples <= each));
                prop_assert!(conjectured.iter().sum::<u32>() as usize <= most);
            }
        }

    }

    #[test]
    fn the_parts_of_a_budget_are_all_of_it() {
        let mut config = RunConfig::load("smoke", None).unwrap();
        config.repair.enabled = false;
        assert_eq!(SampleShares::of(101, &config), SampleShares { first: 101, later: 0, repairs: 0 });
        config.repair.enabled = true;
        config.control.adaptive_budget = true;
        assert_eq!(SampleShares::of(100, &config), SampleShares { first: 37, later: 38, repairs: 25 });
        for all in 0..50 {
            let parts = SampleShares::of(all, &config);
            assert_eq!(parts.first + parts.later + parts.repairs, all);
            for spared in [0, 1, 7, 50] {
                let more = parts.with(spared, &config);
                assert_eq!((more.first, more.first + more.later + more.repairs), (parts.first, all + spared));
            }
            assert_eq!(parts.with(0, &config), parts);
        }
        assert_eq!(first_samples(&[16, 16, 16], 2), [2, 2, 2]);
        assert_eq!(first_samples(&[2, 1, 1], 2), [2, 1, 1]);
    }

    #[test]
    fn step_names_are_distinct() {
        let all = all_steps(12);
        let earlier = (0..12).map(|rounds| EarlierFinal { rounds });
        let earlier = earlier.flat_map(|it| [it.training(), it.validation()]);
        let names: Vec<_> = all.iter().map(|step| step.name()).chain(earlier).collect();
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        assert!(all.iter().all(|step| EarlierFinal::of_round(step.round(12)).is_none()));
        let earlier = EarlierFinal { rounds: 3 };
        assert_eq!(EarlierFinal::of_round(earlier.round()), Some(earlier));
    }
}
