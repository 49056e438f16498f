//! Stretches of work and what they came to, with the words that people see.

use std::fmt;

/// Which proofs of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProvePart {
    /// First attempts.
    First,
    /// More attempts at statements that no first attempt proved.
    Further,
    /// Second attempts, which see a failed one.
    Repair,
}

/// A part of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchPart {
    /// Lean is asked for sketches.
    Sketches,
    /// Automation tries the goals.
    Goals,
    /// Closed goals are put back.
    Wholes,
}

/// A stretch of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// The corpus' statements are elaborated.
    SetupStatements,
    /// The corpus' proofs are judged.
    SetupProofs,
    /// Conjectures are sampled.
    Conjecture {
        /// The round.
        round: u32,
    },
    /// Conjectures are elaborated.
    Elaborate {
        /// The round.
        round: u32,
    },
    /// Proofs are sampled and judged.
    Prove {
        /// The round.
        round: u32,
        /// Which of its proofs.
        part: ProvePart,
    },
    /// Failed proofs are looked at, and what they leave open is tried.
    Search {
        /// The round.
        round: u32,
        /// What is done.
        part: SearchPart,
    },
    /// Proofs of validation statements are sampled and judged.
    Validate {
        /// The checkpoint that samples.
        checkpoint: String,
    },
    /// Proofs of an evaluation's statements are sampled and judged.
    Evaluate {
        /// The checkpoint that samples.
        checkpoint: String,
        /// The set of statements.
        set: String,
    },
    /// A model is trained.
    Train {
        /// The checkpoint that it becomes.
        checkpoint: String,
    },
    /// A tactic is tried on every statement of a set.
    Tactic {
        /// The set.
        set: String,
        /// The tactic.
        tactic: String,
        /// Whether it is only the warm-up, which is not measured: the first use of a tactic costs more.
        warm_up: bool,
    },
}

/// The title that people see, for example `round 1: prove`.
impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetupStatements => f.write_str("setup: statements"),
            Self::SetupProofs => f.write_str("setup: corpus proofs"),
            Self::Conjecture { round } => write!(f, "round {round}: conjecture"),
            Self::Elaborate { round } => write!(f, "round {round}: elaborate"),
            Self::Prove { round, part: ProvePart::First } => write!(f, "round {round}: prove"),
            Self::Prove { round, part: ProvePart::Further } => write!(f, "round {round}: prove on"),
            Self::Prove { round, part: ProvePart::Repair } => write!(f, "round {round}: repair"),
            Self::Search { round, part: SearchPart::Sketches } => write!(f, "round {round}: failed proofs"),
            Self::Search { round, part: SearchPart::Goals } => write!(f, "round {round}: open goals"),
            Self::Search { round, part: SearchPart::Wholes } => write!(f, "round {round}: put together"),
            Self::Validate { checkpoint } => write!(f, "{checkpoint}: valid"),
            Self::Evaluate { checkpoint, set } => write!(f, "{checkpoint}: {set}"),
            Self::Train { checkpoint } => write!(f, "{checkpoint}: train"),
            Self::Tactic { set, tactic, warm_up: false } => write!(f, "{set}: by {tactic}"),
            Self::Tactic { set, tactic, warm_up: true } => write!(f, "{set}: by {tactic}: warm-up"),
        }
    }
}

/// What a stretch of work came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Done {
    /// Statements that elaborate.
    Elaborated {
        /// How many.
        statements: usize,
    },
    /// Corpus proofs that hold.
    Held {
        /// How many.
        proved: usize,
        /// Of how many.
        of: u64,
    },
    /// Sampled texts.
    Texts {
        /// How many.
        texts: usize,
    },
    /// Accepted conjectures of the round so far.
    Accepted {
        /// How many.
        conjectures: usize,
    },
    /// Judged proofs.
    Judged {
        /// How many.
        proofs: u64,
    },
    /// A training.
    Trained {
        /// Optimiser steps.
        steps: usize,
        /// Of these by a process that was stopped.
        resumed: usize,
        /// Mean loss of the first step's tokens, in nats.
        first_loss: f32,
        /// Mean loss of the last step's tokens, in nats.
        last_loss: f32,
        /// Examples that were longer than the longest sequence.
        dropped: usize,
    },
    /// A training by the user's command.
    TrainedByCommand {
        /// Optimiser steps that it told of.
        steps: u64,
        /// The last loss that it told of.
        loss: Option<f32>,
        /// Examples that were longer than the longest sequence.
        left_out: usize,
    },
    /// Statements that a tactic proves.
    Proved {
        /// How many.
        proved: usize,
        /// Of how many.
        of: usize,
    },
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elaborated { statements } => write!(f, "{statements} statements elaborate"),
            Self::Held { proved, of } => write!(f, "{proved} of {of} hold"),
            Self::Texts { texts } => write!(f, "{texts} texts"),
            Self::Accepted { conjectures } => write!(f, "{conjectures} conjectures accepted"),
            Self::Judged { proofs } => write!(f, "{proofs} proofs judged"),
            Self::Proved { proved, of } => write!(f, "{proved} of {of} proved"),
            Self::TrainedByCommand { steps, loss, left_out } => {
                write!(f, "by command: ")?;
                if *steps > 0 {
                    write!(f, "{steps} steps, ")?;
                }
                if let Some(loss) = loss {
                    write!(f, "loss {loss:.3}, ")?;
                }
                write!(f, "{left_out} examples too long")
            }
            Self::Trained { steps, resumed, first_loss, last_loss, dropped } => {
                write!(f, "{steps} steps")?;
                if *resumed > 0 {
                    write!(f, " ({resumed} of them before it was stopped)")?;
                }
                write!(f, ", loss {first_loss:.3} → {last_loss:.3}, {dropped} examples too long")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_results_are_what_people_know() {
        assert_eq!(Work::Prove { round: 2, part: ProvePart::Further }.to_string(), "round 2: prove on");
        let done = Done::Trained { steps: 9, resumed: 4, first_loss: 2.0, last_loss: 0.5, dropped: 0 };
        let text = "9 steps (4 of them before it was stopped), loss 2.000 → 0.500, 0 examples too long";
        assert_eq!(done.to_string(), text);
        let by_command = |steps, loss| Done::TrainedByCommand { steps, loss, left_out: 1 }.to_string();
        assert_eq!(by_command(9, Some(0.5)), "by command: 9 steps, loss 0.500, 1 examples too long");
        assert_eq!(by_command(0, None), "by command: 1 examples too long");
    }
}
