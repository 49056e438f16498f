//! The self-play loop: rounds, resuming, presets, reports and the command line of `stp`.
//!
//! # Example
//!
//! What a run would do, and in which order; the values of a preset, changed as by `--set`.
//!
//! ```
//! use stp_selfplay::plan;
//! use stp_selfplay::settings::Settings;
//!
//! let mut settings = Settings::preset("smoke")?;
//! settings.assignment("rounds=1")?;
//! let config = settings.config()?;
//! let steps: Vec<_> = plan::steps(config.rounds, config.method).into_iter().map(|step| step.name()).collect();
//! assert_eq!(steps[..3], ["setup", "stage1/train", "stage1/valid"]);
//! assert!(steps.contains(&"round-1/conjecture".to_owned()));
//! # Ok::<(), stp_selfplay::error::UsageError>(())
//! ```

mod attempting;
pub mod cancel;
pub mod cli;
pub mod commands;
pub mod config;
mod conjecturing;
pub mod cost;
pub mod dashboard;
pub mod display;
pub mod error;
pub mod evaluation;
pub mod experiment;
pub mod folder;
mod judging;
pub mod language;
mod learning;
pub mod metrics;
pub mod plan;
pub mod pretraining;
mod proving;
mod repairing;
pub mod report;
pub mod run;
mod sampling;
mod screening;
mod seeds;
mod selecting;
pub mod settings;
mod setup;
pub mod start;
pub mod statistics;
mod steering;
mod weighing;
