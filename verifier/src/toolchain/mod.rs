//! Finding a Lean: an explicit program, a Lake project's, or the managed one.
//!
//! The order is fixed and the choice is always said aloud, because a verdict is worth as much as the Lean
//! that gave it.

mod install;
mod patch;
mod surface;
mod unpack;
mod wasm;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kernel::{Kernel, KernelError};
use crate::{managed, native};

pub use install::{InstallError, Progress, ensure_managed, install, installed};

/// A Lean that can be run.
#[derive(Clone, Debug)]
pub enum Toolchain {
    /// The WebAssembly build, kept loaded by a script of ours.
    Managed(ManagedLean),
    /// A `lean` program, run on files.
    Native(NativeLean),
}

/// The managed fallback: Lean compiled to WebAssembly and the Node.js that runs it.
#[derive(Clone, Debug)]
pub struct ManagedLean {
    /// The folder that holds all of it.
    pub root: PathBuf,
    /// The Node.js program.
    pub node: PathBuf,
    /// The patched start script of the build.
    pub lean_js: PathBuf,
    /// The folder of `.olean` files.
    pub library: PathBuf,
    /// Versions of Lean's package and of Node.js.
    pub version: String,
    /// A kernel that is asked beside Lean's own.
    pub kernel: Option<Kernel>,
}

/// A native `lean`.
#[derive(Clone, Debug)]
pub struct NativeLean {
    /// The program to start.
    pub program: PathBuf,
    /// Arguments before ours, such as `env lean` of `lake`.
    pub args: Vec<OsString>,
    /// The folder to start it in.
    pub cwd: Option<PathBuf>,
    /// What `--version` printed.
    pub version: String,
    /// Why it was taken.
    pub source: String,
    /// A program with the protocol of the Lean community's REPL, which looks at proofs first.
    pub repl: Option<PathBuf>,
    /// A kernel that is asked beside Lean's own.
    pub kernel: Option<Kernel>,
}

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
    let variable =
        |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from);
    options
        .home
        .clone()
        .or_else(|| variable("STP_HOME"))
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("stp")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache").join("stp")))
        .ok_or(ToolchainError::NoHome)
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
    let version = version.to_owned();
    Ok(NativeLean { program, args, cwd, version, source: source.to_owned(), repl: None, kernel: None })
}

impl ManagedLean {
    /// Arguments for Node.js before the script: read-only access to this folder and nothing else of the
    /// file system, no processes, no native code.
    ///
    /// Lean's code runs inside WebAssembly and reaches the system only through Node.js, which refuses. The
    /// network is not among what this version of Node.js refuses.
    pub fn node_arguments(&self) -> [OsString; 6] {
        let mut readable = OsString::from("--allow-fs-read=");
        readable.push(&self.root);
        [
            // In KiB; the other half is for what is not JavaScript or WebAssembly.
            format!("--stack-size={}", crate::confine::stack() >> 11).into(),
            "--no-warnings".into(),
            "--disallow-code-generation-from-strings".into(),
            "--permission".into(),
            "--allow-worker".into(),
            readable,
        ]
    }
}

impl Toolchain {
    /// The version, by which results of one Lean are told from those of another.
    pub fn version(&self) -> &str {
        match self {
            Self::Managed(lean) => &lean.version,
            Self::Native(lean) => &lean.version,
        }
    }

    /// The kernel that is asked beside Lean's own.
    pub fn kernel(&self) -> Option<&Kernel> {
        match self {
            Self::Managed(lean) => lean.kernel.as_ref(),
            Self::Native(lean) => lean.kernel.as_ref(),
        }
    }

    /// What names this Lean, and the kernel beside it, in the key of a verdict: another Lean, another name.
    pub fn identity(&self) -> String {
        let kernel = self.kernel().map(|kernel| format!(" and {}", kernel.identity())).unwrap_or_default();
        format!("{}{kernel}", self.own_identity())
    }

    fn own_identity(&self) -> String {
        match self {
            Self::Managed(lean) => {
                let folder = lean.root.file_name().unwrap_or_default().to_string_lossy();
                format!("managed {} {folder} {}", lean.version, managed::revision())
            }
            Self::Native(lean) => {
                let NativeLean { program, args, cwd, version, repl, .. } = lean;
                format!(
                    "native {version} {} {args:?} {cwd:?} {repl:?} {}",
                    program.display(),
                    native::revision()
                )
            }
        }
    }

    /// Whether the same name means the same library tomorrow; a Lake project's own files may change.
    pub fn is_fixed(&self) -> bool {
        match self {
            Self::Managed(_) => true,
            Self::Native(lean) => lean.cwd.is_none(),
        }
    }

    /// A few lines for `stp toolchain status`: what it is, why it was taken and where it lies.
    pub fn describe(&self) -> String {
        let kernel = self.kernel().map(|kernel| format!("\nkernel:  {}, which must agree", kernel.name()));
        format!("{}{}", self.describe_lean(), kernel.unwrap_or_default())
    }

    fn describe_lean(&self) -> String {
        match self {
            Self::Managed(lean) => format!(
                "managed Lean: {}\nwhy:     no --lean, STP_LEAN or --project was given\nplace:   {}\nnote:    one \
                 person's WebAssembly build, not the Lean project's; re-check published results with an official \
                 toolchain",
                lean.version,
                lean.root.display()
            ),
            Self::Native(lean) => {
                let args: Vec<_> = lean.args.iter().map(|arg| arg.to_string_lossy()).collect();
                format!(
                    "native Lean: {}\nwhy:    {}\ncommand: {} {}{}",
                    lean.version,
                    lean.source,
                    lean.program.display(),
                    args.join(" "),
                    lean.repl
                        .as_ref()
                        .map(|repl| format!("\nREPL:   {}", repl.display()))
                        .unwrap_or_default()
                )
            }
        }
    }
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
