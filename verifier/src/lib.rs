//! The judge: finding or installing a Lean, and a pool of Lean processes that gives verdicts on proofs.
//!
//! A verdict `proved` means that Lean accepted exactly the statement asked for, with no axiom beyond
//! `propext`, `Quot.sound` and `Classical.choice`.

pub mod cache;
mod confine;
pub mod gate;
mod managed;
mod native;
mod pool;
pub mod queue;
pub mod serve;
pub mod toolchain;

pub use cache::VerdictCache;
pub use confine::{Walls, managed_program};
pub use managed::command_line;
pub use pool::{
    Candidate, FileMessage, FileOutcome, FileReport, Pool, PoolConfig, PoolStats, Position, Sorry,
    StatementReport, VerifierError,
};
pub use toolchain::Toolchain;
