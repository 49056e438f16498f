//! The conjecturer: a proved theorem and a lemma in, a harder statement out.
//!
//! Seeds, trigger lemmas, prompts, the filters on what was generated, and the choice of conjectures to train
//! on. All of it is pure; sampling itself is the model's, elaborating the verifier's.
//!
//! # Example
//!
//! Of two conjectures the one that is always proved is dropped, and the other forgets a lemma that its proof does
//! without.
//!
//! ```
//! use stp_conjecturer::{TriedConjecture, Kept, SelectionLimits, select};
//!
//! let conjecture = |id: &str, proved| TriedConjecture {
//!     id: id.to_owned(),
//!     signature: "(n : Nat) : n + 0 * n = n".to_owned(),
//!     lemma: Some("Nat.add_comm".to_owned()),
//!     proved,
//!     judged: 8,
//!     proofs: vec![("by simp".to_owned(), vec!["Nat.zero_mul".to_owned()])],
//! };
//! let kept = select(&[conjecture("barely", 1), conjecture("always", 8)], SelectionLimits::default());
//! assert_eq!(kept, [Kept { id: "barely".to_owned(), lemma: None }]);
//! ```

mod checks;
mod fate;
mod filter;
mod inputs;
mod lemma;
mod mask;
mod pairs;
mod prompt;
mod recursion;
mod selection;
mod terms;
pub mod transport;
mod variants;

pub use checks::{first_of, refutation, trivial_proof};
pub use fate::{Fate, proof_with_fate};
pub use filter::{KnownStatements, ShapeCounts, is_plausible};
pub use inputs::{Budget, Input, InputLimits, Seed, mixed_seeds, one_for_each_lemma, plan_inputs};
pub use lemma::trigger_lemmas;
pub use mask::{Masking, Scan, Signatures, mask};
pub use pairs::{GivenStatement, Pair, Pairing, supervised_pairs};
pub use prompt::{ConjectureLayout, SeedTheorem, StatementCut, example, prompt};
pub use selection::{Kept, SelectionLimits, TriedConjecture, select, used_lemma};
pub use transport::Transport;
pub use variants::variant_pairs;
