//! What a process may do, and what keeps it from more: plain data, whatever the system is.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use crate::toolchain::{ManagedLean, NativeLean};

/// The stack that processes have where nothing else is said, in bytes.
pub(super) const COMMON_STACK: u64 = 8 << 20;

/// Limits of one process, put on from outside while it starts.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux limits a process from outside"))]
pub(crate) struct Ceilings {
    pub(crate) open_files: u64,
    /// In bytes.
    pub(crate) file_size: u64,
    /// Processes and threads; only counted where it has a namespace of its own.
    pub(crate) processes: u64,
}

/// What a process is, which decides what it may do.
#[derive(Clone, Debug)]
pub(crate) enum Policy {
    /// The managed worker: one program that starts no other and writes no file.
    Alone { program: PathBuf },
    /// A native `lean`, perhaps through `lake`: it starts programs, and may write below one folder.
    Family { writable: Option<PathBuf> },
}

impl Policy {
    pub(crate) fn managed(lean: &ManagedLean) -> Self {
        Self::Alone { program: lean.node.clone() }
    }

    pub(crate) fn native(lean: &NativeLean) -> Self {
        Self::Family { writable: lean.cwd.as_ref().map(|folder| folder.join(".lake")) }
    }

    /// A short run of a program under this policy.
    pub(super) fn trial(&self) -> Command {
        let mut command = match self {
            Self::Alone { program } => Command::new(program),
            Self::Family { .. } => Command::new("/bin/sh"),
        };
        match self {
            Self::Alone { .. } => command.arg("--version"),
            Self::Family { .. } => command.args(["-c", "/bin/true"]),
        };
        command
    }
}

/// What keeps a Lean process from doing harm: which parts of a sandbox stand around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// It lives in a user and network namespace of its own: no network, no capabilities.
    pub namespace: bool,
    /// The kernel refuses it system calls for networking, other processes and the machine; a managed worker
    /// can start no process either.
    pub calls: bool,
    /// It can write no file (native: none outside the project's `.lake`), start no other program (native:
    /// it may), and signal no process but its own.
    pub files: bool,
    /// Limits on CPU time, data, open files, file size and processes.
    pub limits: bool,
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.namespace, "own network namespace"),
            (self.calls, "system-call filter"),
            (self.files, "read-only files (Landlock)"),
            (self.limits, "resource limits"),
        ];
        let list = |standing: bool| {
            let names: Vec<_> =
                parts.iter().filter(|(stands, _)| *stands == standing).map(|(_, name)| *name).collect();
            names.join(", ")
        };
        match (list(true).as_str(), list(false).as_str()) {
            ("", _) => write!(f, "none that this system offers"),
            (up, "") => write!(f, "{up}"),
            (up, down) => write!(f, "{up}; not to be had here: {down}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_with_those_that_are_missing() {
        let all = Sandbox { namespace: true, calls: true, files: true, limits: true };
        assert!(!all.to_string().contains("not to be had"));
        assert_eq!(
            Sandbox { namespace: false, files: false, ..all }.to_string(),
            "system-call filter, resource limits; not to be had here: own network namespace, read-only \
             files (Landlock)"
        );
        assert!(Sandbox::default().to_string().starts_with("none"));
    }
}
