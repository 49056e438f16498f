//! The search for a proof of one statement, by all means: Lean's automation, a model's samples and second attempts, and the
//! goals that failed proofs leave open.
//!
//! [`tree`] and [`queue`] decide, and ask nobody; [`ask`] asks Lean and the model within a budget; [`solve()`] goes on until
//! the judge has accepted the whole. `stp prove` is a face of it.

pub mod ask;
pub mod automation;
pub mod order;
pub mod queue;
pub mod shorten;
pub mod solve;
pub mod tree;

#[cfg(test)]
mod test;
#[cfg(test)]
mod tests;

pub use ask::{Budget, Model, Spent, Tools};
pub use solve::{Found, Limits, Outcome, Problem, solve};
