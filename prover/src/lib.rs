//! The prover: a statement in, proofs out, and what their pass rates mean for training.
//!
//! Prompts, pass rates and the choice of statements and training proofs. All of it is pure; sampling itself
//! is the model's, judging the verifier's.

mod pass_rate;
mod prompt;
mod training;

pub use pass_rate::{PassRate, pass_at_k};
pub use prompt::{example, normalise_proof, prompt};
pub use training::{CorrectProof, Retry, TrainingProof, choose_statements, retraining_set, training_set};
