//! All end-to-end tests as one program, `cargo test --release --workspace --test end_to_end NAME`; each file says what its own are for.
#![allow(clippy::unwrap_used)]

mod circles;
mod corpus;
mod data;
mod docs;
mod experiment;
mod fleet;
mod forms;
mod generate;
mod gpu_check;
mod live;
mod package;
mod prove;
mod recipe;
mod replay;
mod report;
mod runs;
mod self_play;
mod served;
mod trainer;
mod verify;
