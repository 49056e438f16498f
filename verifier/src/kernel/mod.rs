//! Kernels of others: programs that read declarations in Lean's export format and check them all.
//!
//! With `--kernel PATH` a proof counts only if the checker and such a program accept it. The program gets one file: what the
//! theorem needs of the library, and the declarations that the checker was given. It never runs Lean, so it needs no sandbox beyond
//! those that a user puts around programs.

mod oleans;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::export::{Export, ExportError};

pub use oleans::{LITERALS, Oleans};

/// What of a program's output is reported.
const MAX_WORDS: usize = 400;
/// It says that it cannot judge the file at all: con-ron, con-leche and nanoda do so with this code.
const DECLINED: i32 = 2;

/// Why a kernel could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// There is no such program.
    #[error("there is no kernel at {}: {reason}. Give the path of a program that reads Lean's export format, such as nanoda_bin or con-ron, with --kernel.", program.display())]
    NoProgram {
        /// The path given.
        program: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// It works on compiled modules.
    #[error("{} checks compiled modules and reads no export files, so it cannot be asked about single proofs. Give nanoda_bin or con-ron with --kernel.", .0.display())]
    ReadsModules(PathBuf),
    /// It did not run.
    #[error(
        "the kernel {program} could not be run: {reason}. Try it by hand on a file of `stp export --format lean4export`."
    )]
    Run {
        /// Its name.
        program: String,
        /// What went wrong.
        reason: String,
    },
    /// The library's declarations cannot be had.
    #[error(
        "the declarations of {imports} could not be read for the kernel: {reason}. Its compiled modules must be those of Lean 4.26 to 4.35, found by LEAN_PATH or `lake env`."
    )]
    Library {
        /// The modules.
        imports: String,
        /// What went wrong.
        reason: String,
    },
    /// The library's declarations and the proof's do not fit.
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// What a kernel says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// All of it is right.
    Accepted,
    /// Some of it is wrong, with its words.
    Refused(String),
    /// It cannot say, with its words.
    Declined(String),
    /// It did not end in time.
    TimedOut,
}

/// How a program is told what to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// A configuration file is its one argument: `nanoda_bin`.
    Configuration,
    /// The export is its one argument: con-ron, con-leche, nano-lean.
    File,
}

/// A kernel that is asked beside Lean's own.
#[derive(Clone, Debug)]
pub struct Kernel {
    program: PathBuf,
    manner: Manner,
}

impl Kernel {
    /// The kernel at a path.
    ///
    /// # Errors
    /// [`KernelError`] if there is no file, or it is known to read no export files.
    pub fn at(program: &Path) -> Result<Self, KernelError> {
        let program = std::path::absolute(program).unwrap_or_else(|_| program.to_owned());
        match std::fs::metadata(&program) {
            Ok(found) if found.is_file() => {}
            Ok(_) => {
                let reason = "it is not a file".to_owned();
                return Err(KernelError::NoProgram { program, reason });
            }
            Err(error) => return Err(KernelError::NoProgram { program, reason: error.to_string() }),
        }
        let name = program.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if ["lean4lean", "lean4checker", "leanchecker"].iter().any(|word| name.starts_with(word)) {
            return Err(KernelError::ReadsModules(program));
        }
        let manner = if name.starts_with("nanoda") { Manner::Configuration } else { Manner::File };
        Ok(Self { program, manner })
    }

    /// What it is called in messages.
    pub fn name(&self) -> String {
        self.program.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What tells its verdicts from those of others: its path, size and date.
    pub fn identity(&self) -> String {
        let found = std::fs::metadata(&self.program).ok();
        let size = found.as_ref().map(std::fs::Metadata::len);
        let changed = found.and_then(|found| found.modified().ok());
        format!("{} {size:?} {changed:?}", self.program.display())
    }

    /// Asks about declarations on top of a library's, whose axioms are granted; those of the candidate are not.
    ///
    /// # Errors
    /// [`KernelError`] if the program cannot be run, or the two do not fit together. Whatever it says is a [`Word`].
    pub async fn judge(
        &self,
        library: &Export,
        candidate: &Export,
        limit: Duration,
    ) -> Result<Word, KernelError> {
        if let Some(axiom) = candidate.axioms().first() {
            return Ok(Word::Refused(format!("it declares the axiom {axiom}")));
        }
        let failed = |reason: std::io::Error| self.failed(&reason.to_string());
        let mut whole = library.clone();
        whole.append(candidate)?;
        let folder = tempfile::tempdir().map_err(failed)?;
        let file = folder.path().join("proof.ndjson");
        let out = std::io::BufWriter::new(std::fs::File::create(&file).map_err(failed)?);
        whole.write(out).map_err(failed)?;
        let argument = match self.manner {
            Manner::File => file,
            Manner::Configuration => {
                let place = folder.path().join("configuration.json");
                let configuration = configuration(&file, &whole.axioms());
                std::fs::write(&place, configuration.to_string()).map_err(failed)?;
                place
            }
        };
        self.run(&argument, limit).await
    }

    async fn run(&self, argument: &Path, limit: Duration) -> Result<Word, KernelError> {
        let mut child = Command::new(&self.program)
            .arg(argument)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.failed(&error.to_string()))?;
        let group = child.id().and_then(|id| i32::try_from(id).ok());
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let all = async {
            let (output, errors, status) = tokio::join!(last_words(output), last_words(errors), child.wait());
            (format!("{output} {errors}"), status)
        };
        let Ok((words, status)) = timeout(limit, all).await else {
            if let Some(group) = group {
                // It fails only if the group is gone already.
                let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
            }
            return Ok(Word::TimedOut);
        };
        let status = status.map_err(|error| self.failed(&error.to_string()))?;
        let words = words.trim().to_owned();
        Ok(match status.code() {
            Some(0) => Word::Accepted,
            Some(DECLINED) => Word::Declined(words),
            // A signal is no word on the proof.
            None => Word::Declined(format!("it ended with {status} {words}")),
            Some(_) => Word::Refused(words),
        })
    }

    fn failed(&self, reason: &str) -> KernelError {
        KernelError::Run { program: self.name(), reason: reason.to_owned() }
    }
}

/// What `nanoda_bin` reads in place of a command line.
fn configuration(file: &Path, axioms: &[String]) -> serde_json::Value {
    json!({
        "export_file_path": file,
        "permitted_axioms": axioms,
        "unpermitted_axiom_hard_error": true,
        "nat_extension": true,
        "string_extension": true,
        "print_success_message": false,
        "print_axioms": false,
    })
}

/// The end of what a program writes.
async fn last_words(stream: Option<impl tokio::io::AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut kept = Vec::new();
    let mut block = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut block).await {
        kept.extend_from_slice(&block[..count]);
        kept.drain(..kept.len().saturating_sub(MAX_WORDS));
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

#[cfg(test)]
mod tests;
