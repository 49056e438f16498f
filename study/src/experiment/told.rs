//! What an experiment tells while it goes on, beside the events of its runs.

use std::fmt;

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StudyEvent<'a> {
    /// A run of the matrix begins or goes on.
    ArmStarted {
        /// Its arm.
        arm: &'a str,
        /// Its seed.
        seed: u64,
    },
    /// The stage 1 that runs share is played.
    SharedStage1 {
        /// Their seed.
        seed: u64,
    },
    /// What is in a folder was made with other settings or another corpus, so it is done again.
    PlayedAgain {
        /// The name of the run, of its evaluation or of the ledger of tactics.
        run: &'a str,
        /// The name that the old one is kept under, beside the new one.
        kept: &'a str,
        /// What differs.
        differs: &'a [String],
    },
}

impl fmt::Display for StudyEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ArmStarted { arm, seed } => write!(f, "--- {arm} · seed {seed}"),
            Self::SharedStage1 { seed } => write!(f, "stage 1 for all arms with seed {seed}"),
            Self::PlayedAgain { run, kept, differs } => write!(
                f,
                "{run} is done again, for it is not what is asked for now ({}); the old one is kept as {kept}",
                differs.join(", ")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_people_know() {
        let line = StudyEvent::ArmStarted { arm: "self-play", seed: 2 }.to_string();
        assert_eq!(line, "--- self-play · seed 2");
        assert_eq!(StudyEvent::SharedStage1 { seed: 2 }.to_string(), "stage 1 for all arms with seed 2");
        let differs = ["rounds: 2 -> 1".to_owned()];
        let line = StudyEvent::PlayedAgain { run: "a-seed0", kept: "a-seed0.old-1", differs: &differs };
        assert!(line.to_string().contains("(rounds: 2 -> 1)") && line.to_string().ends_with("a-seed0.old-1"));
    }
}
