//! The scripts of the managed workers, and where they lie: beside the Lean that they drive.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::confine::Ceilings;
use crate::lean_program::{ELABORATION, SKETCHES, one_file};

pub(super) const SCRIPTS: [(&str, &str); 20] = [
    ("answers.js", include_str!("answers.js")),
    ("checker.js", include_str!("checker.js")),
    ("comments.js", include_str!("comments.js")),
    ("compile.js", include_str!("compile.js")),
    ("constants.js", include_str!("constants.js")),
    ("declarations.js", include_str!("declarations.js")),
    ("elaborator.js", include_str!("elaborator.js")),
    ("export.js", include_str!("export.js")),
    ("expressions.js", include_str!("expressions.js")),
    ("file-op.js", include_str!("file-op.js")),
    ("imports.js", include_str!("imports.js")),
    ("kernel.js", include_str!("kernel.js")),
    ("lean-cli.js", include_str!("lean-cli.js")),
    ("library.js", include_str!("library.js")),
    ("runtime.js", include_str!("runtime.js")),
    ("session.js", include_str!("session.js")),
    ("sketch-op.js", include_str!("sketch-op.js")),
    ("sketch-program.js", include_str!("sketch-program.js")),
    ("source-op.js", include_str!("source-op.js")),
    ("words.js", include_str!("words.js")),
];
/// The program in Lean that makes sketches.
const PROGRAM: &str = "sketch.lean";
/// It reads a few hundred files of the library, one after the other, and runs about ten threads.
pub(super) const CEILINGS: Ceilings = Ceilings { open_files: 256, file_size: 0, processes: 64 };

/// The worker's script, written once for each version of it beside the Lean that it drives.
pub(super) fn scripts(root: &Path) -> io::Result<PathBuf> {
    let short = revision();
    let folder = root.join(format!("worker-{short}"));
    if !folder.join(SCRIPTS[0].0).is_file() {
        let staging = root.join(format!("worker-{short}.{}", std::process::id()));
        fs::create_dir_all(&staging)?;
        for (name, text) in SCRIPTS {
            fs::write(staging.join(name), text)?;
        }
        fs::write(staging.join(PROGRAM), program())?;
        // Another process may have been faster; its folder is the same.
        if fs::rename(&staging, &folder).is_err() {
            fs::remove_dir_all(&staging)?;
        }
    }
    Ok(folder.join(SCRIPTS[0].0))
}

fn program() -> String {
    one_file(&[&[ELABORATION], SKETCHES].concat())
}

/// A name for this version of the scripts, which changes with every letter of them.
pub(crate) fn revision() -> String {
    let scripts = SCRIPTS.iter().fold(Sha256::new(), |hasher, (_, text)| hasher.chain_update(text));
    let digest = scripts.chain_update(program()).finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
