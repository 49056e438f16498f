//! How the process ends after an error, and what it says.

use stp_selfplay::error::{Interrupted, UsageError};

use crate::signals;

/// The process's exit code for an error.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if error.downcast_ref::<UsageError>().is_some() {
        2
    } else if error.downcast_ref::<Interrupted>().is_some() {
        signals::exit_code()
    } else {
        1
    }
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
    }

    #[test]
    fn a_cause_is_said_once() {
        let quoted = anyhow::anyhow!("disk full").context("cannot write: disk full");
        assert_eq!(paragraph(&quoted), "cannot write: disk full");
        let told = anyhow::anyhow!("disk full").context("cannot write.");
        assert_eq!(paragraph(&told), "cannot write. (disk full)");
    }
}
