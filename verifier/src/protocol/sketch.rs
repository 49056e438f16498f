//! What is said of a proof that is to be made a sketch of.

use serde::{Deserialize, Serialize};
use stp_datasets::Sketch;

/// A sketch, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum SketchReport {
    /// The proof with a hole for each tactic that failed; without holes if what failed was not needed.
    Sketch(Sketch),
    /// There is none.
    None {
        /// Why, for people.
        reason: String,
    },
}

impl SketchReport {
    /// The sketch, if there is one.
    pub fn sketch(self) -> Option<Sketch> {
        match self {
            Self::Sketch(sketch) => Some(sketch),
            Self::None { .. } => None,
        }
    }
}
