//! The commands: each has its options and turns them into calls of the libraries.

pub mod bench;
pub mod config;
pub mod corpus;
pub mod dashboard;
pub mod data;
pub mod estimate;
pub mod eval;
pub mod experiment;
pub mod export;
pub mod generate;
pub mod model;
pub mod prove;
pub mod report;
pub mod runs;
pub mod serve;
pub mod shell;
pub mod show;
pub mod toolchain;
pub mod train;
pub mod verify;
pub mod worker;
