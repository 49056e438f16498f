//! The judge: finding or installing a Lean, and a pool of Lean processes that gives verdicts on proofs.
//!
//! A verdict `proved` means that Lean accepted exactly the statement asked for, with no axiom beyond
//! `propext`, `Quot.sound` and `Classical.choice`.
//!
//! # Example
//!
//! ```no_run
//! use stp_verifier::toolchain::{Located, ToolchainOptions, locate};
//! use stp_verifier::{Candidate, Pool, PoolConfig};
//!
//! # async fn judge() -> Result<(), Box<dyn std::error::Error>> {
//! let Located::Ready(lean) = locate(&ToolchainOptions::default())? else {
//!     return Err("first run `stp toolchain install`".into());
//! };
//! let pool = Pool::start(&lean, PoolConfig::default());
//! let candidate = Candidate::new("", "(a b : Nat) : a + b = b + a", "by omega");
//! assert!(pool.check(candidate).await?.is_proved());
//! pool.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod ask;
pub mod cache;
mod confine;
pub mod export;
pub mod gate;
mod handle;
pub mod hint;
mod identity;
mod imports;
pub mod kernel;
mod lean_program;
mod lines;
mod loading;
mod managed;
mod native;
mod pool;
mod process;
mod protocol;
pub mod queue;
mod recording;
pub mod scripted;
pub mod serve;
pub mod toolchain;
mod worker;

pub use ask::ask_each;
pub use cache::VerdictCache;
pub use confine::{Sandbox, managed_program};
pub use handle::Pool;
pub use imports::imports_of;
#[doc(hidden)]
pub use lean_program::native_programs;
pub use managed::command_line;
pub use pool::PoolConfig;
pub use protocol::{
    Candidate, FileJudgement, FileMessage, FileOutcome, FileReport, JudgedFile, JudgedTheorem, PoolStats,
    Position, SketchReport, Sorry, StatementReport, Trust, VerifierError,
};
pub use recording::RecordingError;
pub use scripted::{Asked, Script, ScriptLog};
pub use toolchain::Toolchain;
