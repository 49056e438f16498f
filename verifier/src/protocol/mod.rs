//! What is asked of the judge and of its processes, and what they answer: the floor on which pool, cache, queue and
//! backends stand. Nothing here knows how an answer is found.

mod backend;
mod candidate;
mod error;
mod file;
mod process;
mod request;
mod sketch;
mod source;
mod stats;

pub(crate) use backend::{Answered, Backend};
pub use candidate::{Candidate, StatementReport, Trust};
pub use error::{QueueError, VerifierError};
pub use file::{FileMessage, FileOutcome, FileReport, Position, Sorry};
pub(crate) use process::{
    Checked, CheckedTheorem, Claim, Declared, Elaborated, Lost, Question, Role, lines_of,
};
pub(crate) use request::{Reply, Request};
pub use sketch::SketchReport;
pub(crate) use source::{Command, Source};
pub use source::{FileJudgement, JudgedFile, JudgedTheorem};
pub(crate) use stats::Counters;
pub use stats::PoolStats;
