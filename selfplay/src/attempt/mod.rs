//! Attempts at statements: what is to be proved, sampling proofs of it, and judging them, both at the same time.

pub mod judge;
pub mod sample;
pub mod target;

pub use self::judge::Judge;
pub use self::sample::{SamplingPlan, attempt_all};
pub use self::target::{Failure, Target};
