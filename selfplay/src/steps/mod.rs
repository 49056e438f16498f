//! The steps of a run. Each takes the context, reads what earlier steps left in the ledger, and returns its record.

pub mod conjecture;
pub mod prove;
pub mod search;
pub mod setup;
pub mod train;
pub mod validate;
