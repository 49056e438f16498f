//! What all steps share: settings, folder, ledger, statements, the judge, checkpoints, events, and the wish to stop.
//!
//! It lies below attempts and steps: every step takes `&Context`, and nothing in here calls a step.

mod beginning;
mod cancel;
mod checkpoints;
pub mod corpus;
pub mod folder;
pub mod fork;
pub mod history;
pub mod known;
pub mod lemmas;
pub mod longer;
pub mod prompts;
pub mod sampler;
mod served;
mod spending;
pub mod statements;
mod verifier;

use std::sync::Arc;

use stp_datasets::Ledger;
use stp_model::SampleConfig;
use stp_verifier::Pool;

pub use self::beginning::check_beginning;
pub use self::cancel::Cancel;
pub use self::checkpoints::{Checkpoints, base_path};
pub use self::folder::RunFolder;
pub use self::sampler::{SampleKind, Sampler};
pub use self::served::ServedSampler;
pub use self::spending::{CpuMeter, Spending};
pub use self::statements::Statements;
pub use self::verifier::pool_config;
use crate::config::RunConfig;
use crate::events::Events;
use crate::plan::checkpoint_of;

/// Everything that the steps share. Whatever in it changes has a lock of its own.
#[derive(Debug)]
pub struct Context {
    /// The settings.
    pub config: RunConfig,
    /// The run folder, locked.
    pub folder: RunFolder,
    /// The run's memory.
    pub ledger: Arc<Ledger>,
    /// The corpus, and which of its statements the run uses.
    pub statements: Statements,
    /// The judge.
    pub verifier: Pool,
    /// The models between steps.
    pub checkpoints: Checkpoints,
    /// Who is told what happens.
    pub events: Events,
    /// Whether the user wants to stop.
    pub cancel: Cancel,
    /// What the step that goes on has taken.
    pub spending: Spending,
}

impl Context {
    /// The checkpoint that samples after `round`; 0 is stage 1.
    pub fn model_after(&self, round: u32) -> String {
        checkpoint_of(if self.config.method.trains() { round } else { 0 }, self.config.rounds)
    }

    /// The sampler's settings for proofs or conjectures.
    pub fn sampling(&self, kind: SampleKind) -> SampleConfig {
        sampler::settings(&self.config.sampling, kind)
    }
}
