//! What a Lean process may not do, whatever the text is that it elaborates.
//!
//! No verdict rests on this sandbox: the gate lets no proof run code. It is for what might get past it
//! one day, and for the whole texts that `stp serve` takes, which run what they like. Each part is put up
//! where the kernel allows it; which ones stand is tried out, not guessed, and said at start-up.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;
mod policy;
mod size;

use std::ffi::OsString;
use std::process::Command;
use std::sync::OnceLock;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

use crate::toolchain::{ManagedLean, Toolchain};

pub use policy::Sandbox;
pub(crate) use policy::{Ceilings, Policy};
pub(crate) use size::outgrown;
#[cfg(target_os = "linux")]
pub(crate) use size::status_bytes;
pub(crate) use system::{limit_cpu, limit_growth};

/// Bytes of stack that a process of [`managed_program`] may use.
pub(crate) fn stack() -> u64 {
    system::stack()
}

impl Ceilings {
    pub(crate) fn put_on(self, pid: Option<u32>, sandbox: Sandbox) {
        system::put_on(self, pid, sandbox);
    }
}

impl Policy {
    /// The sandbox around processes of this kind; tried out once.
    pub(crate) fn sandbox(&self) -> Sandbox {
        static ALONE: OnceLock<Sandbox> = OnceLock::new();
        static FAMILY: OnceLock<Sandbox> = OnceLock::new();
        let known = match self {
            Self::Alone { .. } => &ALONE,
            Self::Family { .. } => &FAMILY,
        };
        *known.get_or_init(|| system::try_out(self))
    }

    /// Puts a sandbox around a process before it starts; [`Ceilings`] are for afterwards.
    pub(crate) fn enclose(&self, command: &mut Command) -> std::io::Result<()> {
        system::enclose(command, self, self.sandbox())
    }
}

impl Sandbox {
    /// What stands around the processes of a Lean on this machine.
    pub fn around(lean: &Toolchain) -> Self {
        match lean {
            Toolchain::Managed(lean) => Policy::managed(lean).sandbox(),
            Toolchain::Native(lean) => Policy::native(lean).sandbox(),
        }
    }
}

impl ManagedLean {
    /// Arguments for Node.js before the script: read-only access to this folder and nothing else of the
    /// file system, no processes, no native code.
    ///
    /// Lean's code runs inside WebAssembly and reaches the system only through Node.js, which refuses. The
    /// network is not among what this version of Node.js refuses.
    pub fn node_arguments(&self) -> [OsString; 7] {
        let mut readable = OsString::from("--allow-fs-read=");
        readable.push(&self.root);
        [
            // In KiB; the other half is for what is not JavaScript or WebAssembly.
            format!("--stack-size={}", stack() >> 11).into(),
            "--no-warnings".into(),
            // A function of Lean's is validated when it is first called, before it is compiled, and not every one at the start.
            "--wasm-lazy-validation".into(),
            "--disallow-code-generation-from-strings".into(),
            "--permission".into(),
            "--allow-worker".into(),
            readable,
        ]
    }
}

/// The program of the managed Lean in its sandbox, without any argument.
///
/// # Errors
/// If the sandbox cannot be described to the kernel.
#[doc(hidden)]
pub fn managed_program(lean: &ManagedLean) -> std::io::Result<Command> {
    let mut command = Command::new(&lean.node);
    Policy::managed(lean).enclose(&mut command)?;
    // What the user's environment holds is nobody's to read there.
    command.env_clear();
    Ok(command)
}
