//! The pool of this machine: N supervised Lean processes that elaborate, and one that judges what they hand out.
//!
//! Each process has one question at a time, so a candidate that kills or hangs it is named without doubt and costs nobody
//! else anything. Processes are started ahead, in the background. `judge` says how their answers become a verdict.

mod answer;
mod asked;
mod care;
mod claim;
mod config;
mod judge;
mod local;
mod processes;
mod references;
mod second;
mod source;
mod supervisor;

pub use config::PoolConfig;
pub(crate) use local::LocalPool;
pub(crate) use source::is_named;
