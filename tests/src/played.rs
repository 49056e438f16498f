//! A finished `smoke` run that many tests look at: it is played once, and each test has a copy of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::{finish, smoke};

/// The name that the manual gives to a run.
const NAME: &str = "tiny-stp-seed0";
/// What Lean said in it.
const LEAN: &str = "lean.jsonl";

/// Puts a copy of the run at `copy`, where nothing is yet. `test_folder` is what cargo gives to integration tests.
///
/// # Panics
/// If it cannot be played or copied.
pub fn smoke_run(test_folder: &str, copy: &Path) {
    copied(&played(test_folder).join(NAME), copy);
}

/// Puts a copy of what Lean said in that run at `copy`: a file of `--record-lean`.
///
/// # Panics
/// As [`smoke_run`].
pub fn smoke_lean(test_folder: &str, copy: &Path) {
    copied(&played(test_folder).join(LEAN), copy);
}

/// The folder with the run, which is played by the first who asks; others wait.
fn played(test_folder: &str) -> &'static Path {
    static PLAYED: OnceLock<PathBuf> = OnceLock::new();
    PLAYED.get_or_init(|| {
        let folder = Path::new(test_folder).join("played");
        // What an earlier build played.
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        let lean = folder.join(LEAN).display().to_string();
        finish(&mut smoke(&folder.join(NAME), &["--record-lean", &lean]));
        folder
    })
}

fn copied(from: &Path, to: &Path) {
    assert!(!to.exists(), "{} is there already", to.display());
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    finish(Command::new("cp").arg("-r").args([from, to]));
}
