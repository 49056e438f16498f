//! What trainings share, whoever computes them: what they begin with, what they are not asked about, what they leave.

use std::path::PathBuf;

use anyhow::Result;
use stp_model::Checkpoint;

use crate::context::Context;
use crate::events::Recorded;
use crate::plan::{self, EarlierFinal, Step};
use crate::random::seed_for;
use crate::records::TrainRecord;

/// Decoupled weight decay.
pub const WEIGHT_DECAY: f32 = 0.05;
/// Largest norm of a whole gradient.
pub const GRADIENT_CLIP: f32 = 1.0;

/// What a training begins with.
pub struct Beginning {
    /// The model.
    pub checkpoint: Checkpoint,
    /// The folder that it was read from; none if it was made just now, or is no folder of Hugging Face.
    pub folder: Option<PathBuf>,
}

impl Beginning {
    /// A checkpoint of the run.
    ///
    /// # Errors
    /// If it is missing or damaged.
    pub fn of_run(context: &Context, name: &str) -> Result<Self> {
        let (checkpoint, folder) = (context.checkpoints.load(name)?, context.checkpoints.path(name));
        Ok(Self { checkpoint, folder: Some(folder) })
    }

    /// The checkpoint that the settings begin with.
    ///
    /// # Errors
    /// If it is missing or damaged.
    pub fn of_base(context: &Context) -> Result<Self> {
        let base = &context.config.model.base;
        let checkpoint = context.checkpoints.base(base)?;
        Ok(Self { checkpoint, folder: context.checkpoints.base_folder(base)? })
    }

    /// A model of random numbers.
    pub fn fresh(checkpoint: Checkpoint) -> Self {
        Self { checkpoint, folder: None }
    }
}

/// The training before stage 1, and the checkpoint that it makes.
pub const PRETRAINED: &str = "pretrained";

/// How a training that broke down can have a lower learning rate, by the checkpoint that it makes. What comes before the
/// rounds cannot be forked: a fork takes it over.
pub fn lower_rate(name: &str) -> &'static str {
    match name {
        "stage1" | PRETRAINED => {
            "a lower stage1.learning_rate needs a new run: give another folder with --run-dir, or move this one away"
        }
        _ => {
            "a lower round.learning_rate or retraining.learning_rate needs a fork: stp train --from RUN_FOLDER --set \
             round.learning_rate=…"
        }
    }
}

/// The seed of the training that makes this checkpoint.
pub fn seed(context: &Context, name: &str) -> u64 {
    seed_for(context.config.seed, &["train", name])
}

/// Writes down a checkpoint that is in its place: what the ledger names is there.
///
/// # Errors
/// If the ledger cannot be written.
pub fn note(context: &Context, name: &str, record: &TrainRecord) -> Result<()> {
    context.ledger.record_checkpoint(name, &serde_json::to_value(record)?)?;
    context.events.recorded(Recorded::Checkpoint);
    Ok(())
}

/// Training steps of the run's finished trainings.
///
/// # Errors
/// If a record is damaged.
pub fn steps_before(context: &Context) -> Result<u64> {
    let mut before = 0;
    let steps = plan::steps(&context.config);
    for step in steps.into_iter().filter(|step| step.trains()) {
        let record = TrainRecord::read(&context.ledger, step)?;
        before += record.and_then(|record| record.steps).unwrap_or(0);
    }
    for rounds in 0..context.config.rounds {
        let earlier = context.ledger.step(&EarlierFinal { rounds }.training())?;
        let record = earlier.map(|step| TrainRecord::parse(Step::FinalTrain, step.detail)).transpose()?;
        before += record.and_then(|record| record.steps).unwrap_or(0);
    }
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::change::{Change, change_of};

    #[test]
    fn a_fork_is_advised_only_where_it_may_have_that_rate() {
        assert_eq!(change_of("stage1.learning_rate"), Change::Never);
        for name in ["stage1", PRETRAINED] {
            assert!(lower_rate(name).contains("--run-dir") && !lower_rate(name).contains("--from"), "{name}");
        }
        for name in ["round-1", "final"] {
            let text = lower_rate(name);
            assert!(text.contains("--from") && text.contains("retraining.learning_rate"), "{name}");
            assert!(
                ["round", "retraining"]
                    .iter()
                    .all(|it| change_of(&format!("{it}.learning_rate")) == Change::Fork)
            );
        }
    }
}
