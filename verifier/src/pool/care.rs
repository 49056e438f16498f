//! What a question does to a process: what may have been there before it, and what may come after.

use crate::gate;

/// What a process must not have done before a question, and may not do after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// A text that passed the gate: the process goes on, and must have run nothing that did not.
    Gated,
    /// A gated text below a header of the user's own that may run code: the process goes on, for this header alone.
    Header(String),
    /// A text that may run code: the process is not asked again.
    Last,
    /// A whole text of which nothing is judged: others of its kind may have been there before, but nothing that is judged
    /// may come after it.
    Text,
}

/// Texts that a gate has looked at, unless it was left out and they may run code, below a header that may run code as well.
pub(super) fn care_of(header: &str, texts: &[&str]) -> Care {
    if texts.iter().any(|text| gate::may_run_code(text)) {
        Care::Last
    } else if gate::may_run_code(header) {
        Care::Header(header.to_owned())
    } else {
        Care::Gated
    }
}

/// A whole text of which nothing is judged.
pub(super) fn text_care(code: &str) -> Care {
    if gate::may_run_code(code) { Care::Last } else { Care::Text }
}
