//! The self-play loop: rounds, resuming, presets, reports and the command line of `stp`.

pub mod cancel;
pub mod cli;
pub mod commands;
pub mod config;
mod conjecturing;
pub mod dashboard;
pub mod display;
pub mod error;
pub mod folder;
mod judging;
pub mod language;
mod learning;
pub mod metrics;
pub mod plan;
mod proving;
pub mod report;
pub mod run;
mod sampling;
mod seeds;
mod setup;
