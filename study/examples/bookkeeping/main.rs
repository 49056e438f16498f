//! What a run's bookkeeping costs after ten large rounds: `cargo run --release -p stp-study --example bookkeeping [FOLDER]`.
//!
//! Makes a ledger of a million judged attempts and 200,000 accepted conjectures, then does round 11 with a scripted model
//! and a scripted judge, so that all time and memory are the ledger's and the loop's own. A process of its own does each
//! part, for memory that a process had stays with it. With FOLDER the ledger stays there.

mod made;
mod memory;
mod round;
mod script;
mod tables;

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => all(&tempfile::tempdir()?.path().join("bookkeeping")),
        ["--make", folder] => made::make(folder.as_ref()),
        ["--round", folder] => round::play(folder.as_ref()),
        ["--tables", folder] => tables::read(folder.as_ref()),
        [folder] => all(folder.as_ref()),
        _ => anyhow::bail!("at most one folder is expected"),
    }
}

fn all(folder: &Path) -> Result<()> {
    if !folder.join("ledger.sqlite").exists() {
        itself("--make", folder)?;
    }
    itself("--tables", folder)?;
    itself("--round", folder)
}

fn itself(part: &str, folder: &Path) -> Result<()> {
    let done = Command::new(std::env::current_exe()?).arg(part).arg(folder).status()?;
    ensure!(done.success(), "{part} failed");
    Ok(())
}
