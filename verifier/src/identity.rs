//! What names a Lean in the key of a verdict.

use crate::toolchain::{NativeLean, Toolchain};
use crate::{managed, native};

impl Toolchain {
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
}
