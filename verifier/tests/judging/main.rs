//! The judge with real Lean: verdicts, what must not become one, and the servers that give them. One binary, whose tests
//! share the processes of one pool.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod cheats;
mod forged;
mod gate;
mod judge;
mod kimina;
mod neighbours;
mod serve;
mod sketches;
mod texts;
