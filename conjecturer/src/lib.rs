//! The conjecturer: a proved theorem and a lemma in, a harder statement out.
//!
//! Seeds, trigger lemmas, prompts, the filters on what was generated, and the choice of conjectures to train
//! on. All of it is pure; sampling itself is the model's, elaborating the verifier's.

mod filter;
mod inputs;
mod lemma;
mod pairs;
mod prompt;
mod selection;

pub use filter::{Sieve, is_plausible};
pub use inputs::{Input, InputLimits, Seed, plan_inputs};
pub use lemma::trigger_lemmas;
pub use pairs::{Pair, ProvedStatement, supervised_pairs};
pub use prompt::{example, prompt};
pub use selection::{Candidate, Kept, SelectionLimits, select};
