//! How strict the mask is.

use serde::{Deserialize, Serialize};

/// What a conjecture has to keep to while it is sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Masking {
    /// Nothing.
    #[default]
    Off,
    /// Brackets match, a `:` comes before the type, and there is no `:=`.
    Brackets,
    /// Also, only binders with names stand before the type, and no operator stands before a closing bracket or at the end.
    Binders,
    /// Also, names of one letter are bound somewhere before.
    Names,
}
