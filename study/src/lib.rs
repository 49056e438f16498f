//! What is measured of runs: evaluations of their models, reports, experiments of several runs, and what a run would cost.
//!
//! Everything is worked out from a run's folder, and nothing in here draws, prints or exits: events say what happens, and
//! tables are texts.
//!
//! # Example
//!
//! How long a run of a preset would take, before anything is started.
//!
//! ```
//! use stp_selfplay::config::RunConfig;
//! use stp_study::cost::{Assumptions, Data, Hardware, times, work};
//!
//! let config = RunConfig::load("tiny", None)?;
//! let data = Data { statements: 1000, proofs: 1604, valid: 294, library: 0 };
//! let work = work(&config, data, Assumptions::default());
//! let hours = times(&work, &Hardware::TwoCores.speeds(1_328_448, false)).wall / 3600.0;
//! assert!(hours < 1.0);
//! # Ok::<(), stp_selfplay::error::UsageError>(())
//! ```

pub mod bootstrap;
pub mod clock;
pub mod cost;
pub mod effort;
pub mod evaluation;
pub mod experiment;
mod files;
pub mod report;
pub mod runs;
pub mod search;
pub mod statement;
pub mod statistics;
pub mod tables;
