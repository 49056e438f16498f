//! The two kinds of Lean, and what is known of them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::kernel::Kernel;

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
    /// Folders of modules of the user's own (`LEAN_PATH`), if there are any when it is found.
    pub lean_path: Option<OsString>,
    /// What `--version` printed.
    pub version: String,
    /// Why it was taken.
    pub source: String,
    /// A program with the protocol of the Lean community's REPL, which looks at proofs first.
    pub repl: Option<PathBuf>,
    /// A kernel that is asked beside Lean's own.
    pub kernel: Option<Kernel>,
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

    /// Whether the same name means the same library tomorrow; a Lake project's own files may change, and so may modules on
    /// `LEAN_PATH`.
    pub fn is_fixed(&self) -> bool {
        match self {
            Self::Managed(_) => true,
            Self::Native(lean) => lean.cwd.is_none() && lean.lean_path.is_none(),
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
                let more = |title: &str, path: Option<&Path>| {
                    path.map(|path| format!("\n{title} {}", path.display())).unwrap_or_default()
                };
                format!(
                    "native Lean: {}\nwhy:    {}\ncommand: {} {}{}{}",
                    lean.version,
                    lean.source,
                    lean.program.display(),
                    args.join(" "),
                    more("REPL:  ", lean.repl.as_deref()),
                    more("LEAN_PATH (no verdict is kept):", lean.lean_path.as_deref().map(Path::new)),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_may_change_is_not_fixed() {
        let alone = NativeLean {
            program: "lean".into(),
            args: Vec::new(),
            cwd: None,
            lean_path: None,
            version: "Lean (version 4.28.0)".to_owned(),
            source: "a test".to_owned(),
            repl: None,
            kernel: None,
        };
        let with_modules = NativeLean { lean_path: Some("/own/modules".into()), ..alone.clone() };
        let of_project = NativeLean { cwd: Some("/own/project".into()), ..alone.clone() };
        let is_fixed = |lean: NativeLean| Toolchain::Native(lean).is_fixed();
        assert!(is_fixed(alone) && !is_fixed(with_modules.clone()) && !is_fixed(of_project));
        let said = Toolchain::Native(with_modules).describe();
        assert!(said.ends_with("no verdict is kept): /own/modules"), "{said}");
    }
}
