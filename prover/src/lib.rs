//! The prover: a statement in, proofs out, and what their pass rates mean for training.
//!
//! Prompts, pass rates and the choice of statements and training proofs. All of it is pure; sampling itself
//! is the model's, judging the verifier's.
//!
//! # Example
//!
//! Two correct proofs of a hard statement share its weight; an easy statement teaches nothing new.
//!
//! ```
//! use stp_datasets::Tally;
//! use stp_prover::{CorrectProof, Decay, TrainingLimits, pass_at_k, training_set};
//!
//! let found = |statement: &str, proof: &str, correct| CorrectProof {
//!     statement: statement.to_owned(),
//!     round: 1,
//!     proof: proof.to_owned(),
//!     is_conjecture: false,
//!     pass_rate: Tally { proved: correct, judged: 8 },
//!     seconds: 0.1,
//! };
//! let proofs = [found("hard", "by omega", 2), found("hard", "by grind", 2), found("easy", "by simp", 8)];
//! let decay = Decay { length: 0.001, seconds: 0.0 };
//! let set = training_set(&proofs, 1, TrainingLimits { replay: 3, highest_rate: 0.5, decay });
//! assert_eq!(set.iter().map(|proof| proof.proof.as_str()).collect::<Vec<_>>(), ["by omega", "by grind"]);
//! assert!((set[0].weight - 0.5 * (-0.008f32).exp()).abs() < 1e-6);
//! assert!((pass_at_k(8, 2, 1) - 0.25).abs() < 1e-12);
//! ```

mod answer;
pub mod control;
mod pass_at_k;
mod prompt;
mod training;

pub use answer::{Cut, normalise_proof};
pub use pass_at_k::pass_at_k;
pub use prompt::{Failed, Goal, Learned, ProofLayout, example, prompt, repair_example, repair_prompt};
pub use training::{
    CorrectProof, Decay, Resampling, TrainingLimits, TrainingProof, choose_statements, retraining_set,
    training_set,
};
