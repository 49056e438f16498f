//! Hostile texts, a native Lean, and installs: tests with processes of their own. One binary, so that one test computes while
//! another waits for a limit or the network.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod hostile;
mod install;
mod native;
