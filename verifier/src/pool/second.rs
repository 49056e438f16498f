//! The second opinion: another kernel is asked about what the checker accepts, and both must agree.

use std::sync::Arc;
use std::time::Duration;

use stp_datasets::{Status, Verdict};

use super::Inner;
use super::config::VerifierError;
use super::judge::{Asked, or_gone};
use crate::export::Export;
use crate::kernel::{Kernel, KernelError, LITERALS, Oleans, Word};
use crate::protocol::{Declared, Question};
use crate::toolchain::Toolchain;

/// What another kernel may take beyond a check: it looks at all that the proof needs of the library as well.
const MORE_TIME: u32 = 10;

/// A kernel, and where the library's declarations come from.
#[derive(Debug)]
pub(super) struct Second {
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

impl Second {
    /// The kernel that a toolchain was given, if any. Where a native Lean's modules are is asked at once.
    pub(super) fn of(toolchain: &Toolchain) -> Option<Result<Self, Arc<KernelError>>> {
        let kernel = toolchain.kernel()?.clone();
        let library = match toolchain {
            Toolchain::Managed(_) => Ok(Library::Checker),
            Toolchain::Native(lean) => Oleans::of(lean).map(|oleans| Library::Oleans(Arc::new(oleans))),
        };
        Some(library.map(|library| Self { kernel, library }).map_err(Arc::new))
    }
}

impl Inner {
    /// The verdict on one theorem of an export, once the checker has given its own.
    pub(super) async fn agreed(
        &self,
        verdict: Verdict,
        imports: &str,
        data: &str,
        root: &str,
    ) -> Asked<Verdict> {
        let second = match &self.second {
            Some(Ok(second)) if verdict.is_proved() => second,
            Some(Err(error)) => return Err(VerifierError::Kernel(error.clone())),
            _ => return Ok(Ok(verdict)),
        };
        let name = second.kernel.name();
        let refused = |reason: String| Ok(Ok(Verdict::new(Status::Rejected, reason)));
        let part = Export::read(data.as_bytes()).and_then(|whole| whole.only(&[root.to_owned()]));
        let part = match part {
            Ok(part) if part.declares(root) => part,
            Ok(_) => return refused(format!("{root} is not among the declarations for {name}")),
            Err(error) => return refused(format!("{name} cannot be asked: {error}")),
        };
        let library = or_gone!(self.library(&second.library, imports, &part));
        let limit = self.check_timeout.saturating_mul(MORE_TIME).max(Duration::from_secs(60));
        let word = second.kernel.judge(&library, &part, limit).await;
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

    /// What declarations need of the modules that they import.
    async fn library(&self, library: &Library, imports: &str, part: &Export) -> Asked<Export> {
        let mut names = part.missing();
        match library {
            Library::Oleans(oleans) => {
                let (oleans, modules) = (oleans.clone(), modules_of(imports));
                let read = tokio::task::spawn_blocking(move || oleans.below(&modules, &names)).await;
                let read = read.map_err(|_| VerifierError::Closed)?;
                Ok(Ok(read.map_err(kernel_error)?))
            }
            Library::Checker => {
                names.extend(LITERALS.map(str::to_owned));
                let question = Question::Declarations { imports: imports.to_owned(), names };
                let Declared { export } = or_gone!(self.ask_checker(question));
                let read = Export::read(export.as_bytes()).map_err(KernelError::from);
                Ok(Ok(read.map_err(kernel_error)?))
            }
        }
    }
}

fn kernel_error(error: KernelError) -> VerifierError {
    VerifierError::Kernel(Arc::new(error))
}

/// The modules that import lines name; `Init` where there are none.
fn modules_of(imports: &str) -> Vec<String> {
    let words = |line: &str| {
        let mut words = line.split_whitespace().skip_while(|word| *word != "import").skip(1);
        words.find(|word| *word != "all").map(str::to_owned)
    };
    let mut modules: Vec<_> = imports.lines().filter_map(words).collect();
    if modules.is_empty() {
        modules.push("Init".to_owned());
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn import_lines_name_modules() {
        assert_eq!(
            modules_of("import Mathlib.Data.Nat\n  public import all A\n-- no"),
            ["Mathlib.Data.Nat", "A"]
        );
        assert_eq!(modules_of(""), ["Init"]);
    }
}
