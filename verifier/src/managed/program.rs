//! The compiled program of sketches, which lies beside the scripts: made when it is first needed, and again if it is damaged.
//!
//! It is made by a process of its own that runs no other text. Elaborators alone load it, and they decide nothing; in their
//! sandbox it cannot be written.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::scripts::{CEILINGS, scripts};
use crate::confine::{self, Policy};
use crate::toolchain::ManagedLean;

/// The script that makes it.
const COMPILER: &str = "compile.js";
/// The file; 32 bytes of SHA-256 stand before what they are of.
const COMPILED: &str = "sketch.compiled";
const DIGEST: usize = 32;
/// What making it may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

/// The files that this process has looked at: they are whole, or cannot be made.
static LOOKED_AT: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);

/// Makes the file if there is no whole one. Where that fails, each process elaborates the program by itself, which takes longer.
pub(crate) async fn ensure(lean: &ManagedLean) {
    // Who needs it meanwhile waits.
    let mut looked_at = LOOKED_AT.lock().await;
    let Ok(script) = scripts(&lean.root) else { return };
    let path = script.with_file_name(COMPILED);
    if looked_at.contains(&path) {
        return;
    }
    if !is_whole(&path) {
        match make(lean, &script.with_file_name(COMPILER), &path).await {
            Ok(()) => tracing::debug!("the program of sketches was compiled to {}", path.display()),
            Err(reason) => tracing::warn!(
                "the program of sketches could not be compiled, so each Lean process elaborates it: {reason}"
            ),
        }
    }
    looked_at.insert(path);
}

fn is_whole(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| is_right(&bytes))
}

fn is_right(bytes: &[u8]) -> bool {
    let parts = bytes.split_at_checked(DIGEST).filter(|(_, content)| !content.is_empty());
    parts.is_some_and(|(digest, content)| Sha256::digest(content).as_slice() == digest)
}

async fn make(lean: &ManagedLean, compiler: &Path, path: &Path) -> Result<(), String> {
    let program = confine::managed_program(lean).map_err(|error| error.to_string())?;
    let child = Command::from(program)
        .args(lean.node_arguments())
        .arg(compiler)
        .arg(&lean.lean_js)
        .arg(&lean.library)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", lean.node.display()))?;
    CEILINGS.put_on(child.id(), Policy::managed(lean).sandbox());
    let output = timeout(LIMIT, child.wait_with_output())
        .await
        .map_err(|_| format!("it was not done after {} s", LIMIT.as_secs()))?
        .map_err(|error| error.to_string())?;
    if !output.status.success() || !is_right(&output.stdout) {
        return Err(format!("{} {}", output.status, String::from_utf8_lossy(&output.stderr).trim()));
    }
    write(path, &output.stdout).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Writes a file beside its place and renames it: whoever reads it finds all of it or none.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(COMPILED);
        assert!(!is_whole(&path));
        let mut bytes = Sha256::digest(b"program").to_vec();
        bytes.extend(b"program");
        write(&path, &bytes).unwrap();
        assert!(is_whole(&path));
        for damaged in [&bytes[..bytes.len() - 1], &bytes[..DIGEST], &bytes[1..], b""] {
            write(&path, damaged).unwrap();
            assert!(!is_whole(&path));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    /// What judges must not be able to load it.
    #[test]
    fn the_checker_knows_nothing_of_it() {
        let text_of = |name: &str| {
            let known = super::super::scripts::SCRIPTS.iter().find(|(of, _)| *of == name);
            known.map(|(_, text)| *text).unwrap_or_else(|| panic!("{name}"))
        };
        let (mut seen, mut left) = (HashSet::new(), vec!["checker.js".to_owned()]);
        while let Some(name) = left.pop() {
            let text = text_of(&name);
            assert!(!text.contains(COMPILED) && !text.contains("eval_const"), "{name}");
            let needed = text.split("require('./").skip(1).filter_map(|rest| rest.split('\'').next());
            let new = needed.filter(|it| !seen.contains(*it)).map(str::to_owned).collect::<Vec<_>>();
            left.extend(new);
            seen.insert(name);
        }
        assert!(seen.len() > 5 && !seen.contains("sketch-program.js"), "{seen:?}");
        assert!(text_of("sketch-program.js").contains(COMPILED));
    }
}
