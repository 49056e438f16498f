//! The layers of the transformer. Activations travel as `[batch * time, width]`, so that every
//! projection is one matrix product.

mod attention;
mod block;
mod cache;
mod layout;
mod lm;
mod mask;
mod rope;
mod weights;

pub(crate) use cache::KvCache;
pub(crate) use layout::Layout;
pub use lm::Lm;
pub(crate) use weights::{Named, Weight, Weights, unit};

#[cfg(test)]
mod tests;
