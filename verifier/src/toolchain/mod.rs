//! Finding a Lean: an explicit program, a Lake project's, or the managed one.
//!
//! The order is fixed and the choice is always said aloud, because a verdict is worth as much as the Lean
//! that gave it.

mod install;
mod lean;
mod patch;
mod progress;
mod surface;
mod unpack;
mod wasm;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kernel::{Kernel, KernelError};

pub use install::{InstallError, ensure_managed, install, installed};
pub use lean::{ManagedLean, NativeLean, Toolchain};
pub use progress::Progress;

/// What the user asked for.
#[derive(Clone, Debug, Default)]
pub struct ToolchainOptions {
    /// `--lean` or `STP_LEAN`.
    pub lean: Option<PathBuf>,
    /// `--project`.
    pub project: Option<PathBuf>,
    /// `--home` or `STP_HOME`; default: `stp` in the user's cache folder.
    pub home: Option<PathBuf>,
    /// `--repl`: a REPL that looks at proofs first, for native Leans.
    pub repl: Option<PathBuf>,
    /// `--kernel`: a kernel that is asked beside Lean's own.
    pub kernel: Option<PathBuf>,
}

/// What [`locate`] found.
#[derive(Clone, Debug)]
pub enum Located {
    /// Ready to use.
    Ready(Toolchain),
    /// The managed Lean is to be used but not installed in this home folder yet.
    NotInstalled(PathBuf),
}

/// Why no Lean could be taken.
#[derive(Debug, thiserror::Error)]
pub enum ToolchainError {
    /// The program given is not a Lean 4.
    #[error(
        "{program} is not a Lean 4 that can be run: {reason}. Give the path of a `lean` program with --lean or STP_LEAN, or leave both out to use the managed Lean."
    )]
    NotLean {
        /// The command line tried.
        program: String,
        /// What went wrong.
        reason: String,
    },
    /// A project was asked for, but there is no Lake.
    #[error("the Lake project {} was asked for, but `lake` cannot be run ({reason}). Install elan (which brings lake and lean) and try again, or leave --project out to use the managed Lean.", project.display())]
    NoLake {
        /// The project's folder.
        project: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The folder is not a Lake project.
    #[error("{} holds no lakefile.toml or lakefile.lean, so it is not a Lake project. Check the path given with --project.", .0.display())]
    NotAProject(PathBuf),
    /// No place for the managed Lean.
    #[error(
        "there is no cache folder to keep the managed Lean in: neither HOME nor XDG_CACHE_HOME is set. Give a folder with --home or STP_HOME."
    )]
    NoHome,
    /// A REPL without a Lean that it belongs to.
    #[error(
        "--repl is for a native Lean: give its program with --lean, or its project with --project, as well."
    )]
    ReplAlone,
    /// There is no REPL at the path given.
    #[error("there is no REPL at {}. Build it in its own folder with `lake build` and give .lake/build/bin/repl with --repl.", .0.display())]
    NoRepl(PathBuf),
    /// There is no such kernel.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

/// Finds the Lean to use: `--lean`, then the project's, then the managed one.
///
/// # Errors
/// [`ToolchainError`] if what was asked for cannot be used; there is no silent falling back from it.
pub fn locate(options: &ToolchainOptions) -> Result<Located, ToolchainError> {
    let kernel = options.kernel.as_deref().map(Kernel::at).transpose()?;
    let with = |lean: NativeLean| {
        if let Some(repl) = options.repl.as_ref().filter(|repl| !repl.is_file()) {
            return Err(ToolchainError::NoRepl(repl.clone()));
        }
        let lean = NativeLean { repl: options.repl.clone(), kernel: kernel.clone(), ..lean };
        Ok(Located::Ready(Toolchain::Native(lean)))
    };
    if let Some(program) = &options.lean {
        let lean = native(program.clone(), Vec::new(), None, "given with --lean or STP_LEAN")?;
        return with(lean);
    }
    if let Some(project) = &options.project {
        return with(of_project(project)?);
    }
    if options.repl.is_some() {
        return Err(ToolchainError::ReplAlone);
    }
    let home = home(options)?;
    let ready = |lean| Located::Ready(Toolchain::Managed(ManagedLean { kernel, ..lean }));
    Ok(installed(&home).map_or(Located::NotInstalled(home), ready))
}

/// The folder in which the managed Lean is kept.
///
/// # Errors
/// [`ToolchainError::NoHome`] if none is given and the environment names none.
pub fn home(options: &ToolchainOptions) -> Result<PathBuf, ToolchainError> {
    let folder = |name| given(std::env::var_os(name)).map(PathBuf::from);
    options
        .home
        .clone()
        .or_else(|| folder("STP_HOME"))
        .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("stp")))
        .or_else(|| folder("HOME").map(|home| home.join(".cache").join("stp")))
        .ok_or(ToolchainError::NoHome)
}

/// What a variable of the environment says, if it says anything.
fn given(value: Option<OsString>) -> Option<OsString> {
    value.filter(|value| !value.is_empty())
}

fn of_project(project: &Path) -> Result<NativeLean, ToolchainError> {
    if !["lakefile.toml", "lakefile.lean"].iter().any(|file| project.join(file).is_file()) {
        return Err(ToolchainError::NotAProject(project.to_owned()));
    }
    if let Err(error) = Command::new("lake").arg("--version").output() {
        return Err(ToolchainError::NoLake { project: project.to_owned(), reason: error.to_string() });
    }
    let args = vec!["env".into(), "lean".into()];
    native(
        "lake".into(),
        args,
        Some(project.to_owned()),
        "`lake env lean` of the project given with --project",
    )
}

fn native(
    program: PathBuf,
    args: Vec<OsString>,
    cwd: Option<PathBuf>,
    source: &str,
) -> Result<NativeLean, ToolchainError> {
    let mut command = Command::new(&program);
    command.args(&args).arg("--version");
    if let Some(folder) = &cwd {
        command.current_dir(folder);
    }
    let not_lean =
        |reason: String| ToolchainError::NotLean { program: program.display().to_string(), reason };
    let output = command.output().map_err(|error| not_lean(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.lines().find(|line| line.contains("Lean (version 4.")).map(str::trim);
    let Some(version) = version else {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = text.lines().chain(said.lines()).next().unwrap_or("nothing").trim().to_owned();
        return Err(not_lean(format!("`--version` printed {said:?}")));
    };
    let (version, source) = (version.to_owned(), source.to_owned());
    // Its processes inherit it.
    let lean_path = given(std::env::var_os("LEAN_PATH"));
    Ok(NativeLean { program, args, cwd, lean_path, version, source, repl: None, kernel: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(options: ToolchainOptions) -> String {
        locate(&options).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_lean_is_refused_with_advice() {
        for (path, hint) in [("/no/such/lean", "No such file"), ("true", "--version"), ("echo", "--version")]
        {
            let message = located(ToolchainOptions { lean: Some(path.into()), ..Default::default() });
            assert!(message.contains(hint) && message.contains("--lean"), "{message}");
        }
    }

    #[test]
    fn an_empty_variable_says_nothing() {
        assert_eq!(given(None), None);
        assert_eq!(given(Some(OsString::new())), None);
        assert_eq!(given(Some("/a:/b".into())), Some("/a:/b".into()));
    }

    #[test]
    fn a_folder_without_a_lakefile_is_no_project() {
        let folder = tempfile::tempdir().unwrap();
        let project = Some(folder.path().to_owned());
        assert!(located(ToolchainOptions { project, ..Default::default() }).contains("not a Lake project"));
    }

    #[test]
    fn an_empty_home_says_that_an_install_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        let options = ToolchainOptions { home: Some(folder.path().to_owned()), ..Default::default() };
        assert!(matches!(locate(&options).unwrap(), Located::NotInstalled(home) if home == folder.path()));
    }
}
