//! The second opinion: another kernel is asked about what the checker accepts, and both must agree.

use std::sync::Arc;
use std::time::Duration;

use stp_datasets::{Status, Verdict};

use super::asked::{Asked, or_gone};
use super::processes::Processes;
use crate::export::Export;
use crate::imports::imports_of;
use crate::kernel::{Kernel, KernelError, LITERALS, Oleans, Word};
use crate::protocol::{Declared, Question, VerifierError};
use crate::toolchain::Toolchain;

/// What another kernel may take beyond a check: it looks at all that the proof needs of the library as well.
const MORE_TIME: u32 = 10;

/// Another kernel, if there is one, or why it cannot be asked.
#[derive(Debug)]
pub(super) struct SecondOpinion(Option<Result<Second, Arc<KernelError>>>);

/// A kernel, and where the library's declarations come from.
#[derive(Debug)]
struct Second {
    kernel: Kernel,
    library: Library,
}

#[derive(Debug)]
enum Library {
    /// The compiled modules of a native Lean.
    Oleans(Arc<Oleans>),
    /// The checker, for the managed Lean. Theorems of its library have no proofs and come as axioms.
    Checker,
}

impl SecondOpinion {
    /// The kernel that a toolchain was given, if any. Where a native Lean's modules are is asked at once.
    pub(super) fn of(toolchain: &Toolchain) -> Self {
        let Some(kernel) = toolchain.kernel().cloned() else { return Self(None) };
        let library = match toolchain {
            Toolchain::Managed(_) => Ok(Library::Checker),
            Toolchain::Native(lean) => Oleans::of(lean).map(|oleans| Library::Oleans(Arc::new(oleans))),
        };
        Self(Some(library.map(|library| Second { kernel, library }).map_err(Arc::new)))
    }

    /// The verdict on one theorem of an export, once the checker has given its own.
    pub(super) async fn agreed(
        &self,
        processes: &Processes,
        verdict: Verdict,
        imports: &str,
        data: &str,
        root: &str,
    ) -> Asked<Verdict> {
        match &self.0 {
            Some(Ok(second)) if verdict.is_proved() => {
                second.agreed(processes, verdict, imports, data, root).await
            }
            Some(Err(error)) => Err(VerifierError::Kernel(error.clone())),
            _ => Ok(Ok(verdict)),
        }
    }
}

impl Second {
    async fn agreed(
        &self,
        processes: &Processes,
        verdict: Verdict,
        imports: &str,
        data: &str,
        root: &str,
    ) -> Asked<Verdict> {
        let name = self.kernel.name();
        let refused = |reason: String| Ok(Ok(Verdict::new(Status::Rejected, reason)));
        let part = Export::read(data.as_bytes()).and_then(|whole| whole.only(&[root.to_owned()]));
        let part = match part {
            Ok(part) if part.declares(root) => part,
            Ok(_) => return refused(format!("{root} is not among the declarations for {name}")),
            Err(error) => return refused(format!("{name} cannot be asked: {error}")),
        };
        let library = or_gone!(self.library.below(processes, imports, &part));
        let limit = processes.check_timeout.saturating_mul(MORE_TIME).max(Duration::from_secs(60));
        let word = self.kernel.judge(&library, &part, limit).await;
        Ok(Ok(match word.map_err(kernel_error)? {
            Word::Accepted => verdict,
            Word::Refused(words) => Verdict::new(Status::Rejected, format!("{name} refuses it: {words}")),
            Word::Declined(words) => {
                Verdict::new(Status::Rejected, format!("{name} cannot judge it: {words}"))
            }
            Word::TimedOut => {
                let reason = format!("{name} gave no answer within {} s", limit.as_secs());
                Verdict::new(Status::Timeout, reason)
            }
        }))
    }
}

impl Library {
    /// What declarations need of the modules that they import.
    async fn below(&self, processes: &Processes, imports: &str, part: &Export) -> Asked<Export> {
        let mut names = part.missing();
        match self {
            Self::Oleans(oleans) => {
                let (oleans, modules) = (oleans.clone(), modules_of(imports));
                let read = tokio::task::spawn_blocking(move || oleans.below(&modules, &names)).await;
                let read = read.map_err(|_| VerifierError::Closed)?;
                Ok(Ok(read.map_err(kernel_error)?))
            }
            Self::Checker => {
                names.extend(LITERALS.map(str::to_owned));
                let question = Question::Declarations { imports: imports.to_owned(), names };
                let Declared { export } = or_gone!(processes.ask_checker(question));
                let read = Export::read(export.as_bytes()).map_err(KernelError::from);
                Ok(Ok(read.map_err(kernel_error)?))
            }
        }
    }
}

fn kernel_error(error: KernelError) -> VerifierError {
    VerifierError::Kernel(Arc::new(error))
}

/// The modules that imports name; `Init` where there are none.
fn modules_of(imports: &str) -> Vec<String> {
    let lines = imports_of(imports);
    let mut modules: Vec<_> =
        lines.lines().filter_map(|line| line.strip_prefix("import ")).map(str::to_owned).collect();
    if modules.is_empty() {
        modules.push("Init".to_owned());
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_name_modules() {
        assert_eq!(
            modules_of("import Mathlib.Data.Nat\n  public import all A import B /-\nimport C\n-/\n-- no"),
            ["Mathlib.Data.Nat", "A", "B"]
        );
        assert_eq!(modules_of(""), ["Init"]);
    }
}
