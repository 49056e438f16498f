//! What a Lean process may not do, whatever the text is that it elaborates.
//!
//! No verdict rests on these walls: the gate lets no proof run code. They are for what might get past it
//! one day, and for the whole texts that `stp serve` takes, which run what they like. Each wall is put up
//! where the kernel allows it; which ones stand is tried out, not guessed, and said at start-up.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

use crate::toolchain::{ManagedLean, NativeLean, Toolchain};

pub(crate) use system::{limit_cpu, limit_growth};

/// The stack that processes have where nothing else is said, in bytes.
const COMMON_STACK: u64 = 8 << 20;

/// Bytes of stack that a process of [`managed_program`] may use.
pub(crate) fn stack() -> u64 {
    system::stack()
}

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

impl Ceilings {
    pub(crate) fn put_on(self, pid: Option<u32>, walls: Walls) {
        system::put_on(self, pid, walls);
    }
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
    fn trial(&self) -> Command {
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

    /// The walls that stand around processes of this kind; tried out once.
    pub(crate) fn walls(&self) -> Walls {
        static ALONE: OnceLock<Walls> = OnceLock::new();
        static FAMILY: OnceLock<Walls> = OnceLock::new();
        let known = match self {
            Self::Alone { .. } => &ALONE,
            Self::Family { .. } => &FAMILY,
        };
        *known.get_or_init(|| system::try_out(self))
    }

    /// Puts up the walls around a process before it starts; [`Ceilings`] are for afterwards.
    pub(crate) fn enclose(&self, command: &mut Command) -> std::io::Result<()> {
        system::enclose(command, self, self.walls())
    }
}

/// The walls around a Lean process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walls {
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

impl Walls {
    /// What stands around the processes of a Lean on this machine.
    pub fn around(lean: &Toolchain) -> Self {
        match lean {
            Toolchain::Managed(lean) => Policy::managed(lean).walls(),
            Toolchain::Native(lean) => Policy::native(lean).walls(),
        }
    }
}

impl fmt::Display for Walls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let walls = [
            (self.namespace, "own network namespace"),
            (self.calls, "system-call filter"),
            (self.files, "read-only files (Landlock)"),
            (self.limits, "resource limits"),
        ];
        let list = |standing: bool| {
            let names: Vec<_> =
                walls.iter().filter(|(stands, _)| *stands == standing).map(|(_, name)| *name).collect();
            names.join(", ")
        };
        match (list(true).as_str(), list(false).as_str()) {
            ("", _) => write!(f, "none that this system offers"),
            (up, "") => write!(f, "{up}"),
            (up, down) => write!(f, "{up}; not to be had here: {down}"),
        }
    }
}

/// The program of the managed Lean behind its walls, without any argument.
///
/// # Errors
/// If the walls cannot be described to the kernel.
#[doc(hidden)]
pub fn managed_program(lean: &ManagedLean) -> std::io::Result<Command> {
    let mut command = Command::new(&lean.node);
    Policy::managed(lean).enclose(&mut command)?;
    // What the user's environment holds is nobody's to read there.
    command.env_clear();
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walls_are_named_with_those_that_are_missing() {
        let all = Walls { namespace: true, calls: true, files: true, limits: true };
        assert!(!all.to_string().contains("not to be had"));
        assert_eq!(
            Walls { namespace: false, files: false, ..all }.to_string(),
            "system-call filter, resource limits; not to be had here: own network namespace, read-only \
             files (Landlock)"
        );
        assert!(Walls::default().to_string().starts_with("none"));
    }
}
