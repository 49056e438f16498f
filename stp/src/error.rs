//! How the process ends after an error, and what it says.

use std::io::ErrorKind;

use stp_datasets::{CorpusError, ImportError};
use stp_selfplay::error::{Interrupted, UsageError};

use crate::signals;

/// The process's exit code for an error.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if error.downcast_ref::<UsageError>().is_some() || is_not_there(error) {
        2
    } else if error.downcast_ref::<Interrupted>().is_some() {
        signals::exit_code()
    } else {
        1
    }
}

/// Whether a corpus or file that was asked for is not there, or none that can be imported.
fn is_not_there(error: &anyhow::Error) -> bool {
    let missing = |source: &std::io::Error| source.kind() == ErrorKind::NotFound;
    let of_corpus = |error: &CorpusError| match error {
        CorpusError::Read { source, .. } => missing(source),
        CorpusError::Empty(_) => true,
        CorpusError::Line { .. } => false,
    };
    let of_import = |error: &ImportError| match error {
        ImportError::Read { source, .. } => missing(source),
        ImportError::Kind(_) | ImportError::Columns { .. } => true,
        _ => false,
    };
    error.chain().any(|cause| {
        cause.downcast_ref().is_some_and(of_corpus) || cause.downcast_ref().is_some_and(of_import)
    })
}

/// An error and its causes as one paragraph; a cause that its effect already quotes is not said twice.
pub fn paragraph(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{} ({cause})", text.trim_end());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn exit_codes_survive_context() {
        let usage: anyhow::Result<()> = Err(UsageError("x".into()).into());
        assert_eq!(exit_code(&usage.context("while y").unwrap_err()), 2);
        assert_eq!(exit_code(&Interrupted.into()), 130);
        assert_eq!(exit_code(&anyhow::anyhow!("disk")), 1);
        let lost = |kind: ErrorKind| ImportError::Read { path: "x".into(), source: kind.into() };
        assert_eq!(exit_code(&anyhow::Error::new(lost(ErrorKind::NotFound)).context("while y")), 2);
        assert_eq!(exit_code(&lost(ErrorKind::PermissionDenied).into()), 1);
        assert_eq!(exit_code(&CorpusError::Empty("x".into()).into()), 2);
    }

    #[test]
    fn a_cause_is_said_once() {
        let quoted = anyhow::anyhow!("disk full").context("cannot write: disk full");
        assert_eq!(paragraph(&quoted), "cannot write: disk full");
        let told = anyhow::anyhow!("disk full").context("cannot write.");
        assert_eq!(paragraph(&told), "cannot write. (disk full)");
    }
}
