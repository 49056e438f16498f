//! The self-play loop as a library: what a run's steps share, the steps, and their order.
//!
//! Nothing in here prints, draws or exits: [`events::Events`] says what happens to whoever listens.
//!
//! # Example
//!
//! What a run would do, and in which order; the values of a preset, changed as by `--set`.
//!
//! ```
//! use stp_selfplay::config::settings::Settings;
//! use stp_selfplay::plan;
//!
//! let mut settings = Settings::preset("smoke")?;
//! settings.assignment("rounds=1")?;
//! let config = settings.config()?;
//! let steps: Vec<_> = plan::steps(&config).into_iter().map(|step| step.name()).collect();
//! assert_eq!(steps[..3], ["setup", "stage1/train", "stage1/valid"]);
//! assert!(steps.contains(&"round-1/conjecture".to_owned()));
//! # Ok::<(), stp_selfplay::error::UsageError>(())
//! ```

mod attempt;
pub mod config;
pub mod context;
pub mod error;
pub mod events;
pub mod plan;
pub mod random;
pub mod records;
pub mod run;
pub mod search;
pub mod served;
pub mod spent;
pub mod steps;
#[cfg(test)]
mod test;
