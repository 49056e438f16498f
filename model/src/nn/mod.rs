//! The layers of the transformer. Activations travel as `[batch * time, width]`, so that every
//! projection is one matrix product.

mod attention;
mod block;
mod cache;
mod init;
mod lm;
mod mask;
mod rope;

pub(crate) use cache::KvCache;
pub(crate) use init::unit;
pub use lm::Lm;

#[cfg(test)]
mod tests;
