//! The `stp` binary.
fn main() {}
