//! In which numbers products are computed.

use serde::{Deserialize, Serialize};

/// In which numbers a model computes. Weights, their moments and the loss are 32-bit numbers in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits, eight of them for the exponent. The processor rounds what goes into a product and sums in 32 bits, several times
    /// as fast where it has tiles for that; a GPU computes everything so when it trains, in half the memory.
    Bf16,
}
