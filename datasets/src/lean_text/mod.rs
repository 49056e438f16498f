//! Lean text divided into words, literals, comments and symbols: the one lexer of this workspace.
//!
//! [`spans`] divides every text, whatever is wrong with it. Where Lean might divide it otherwise (with other notation in
//! scope, as an older version, or while it looks for the next command after an error) the span has a doubt. Who must be
//! sure that Lean reads the same, as the verifier's gate must, refuses a text with any doubt, and one that
//! [`disguise`] names something in; who only compares or takes apart texts leaves the doubts aside.
//!
//! ```
//! use stp_datasets::lean_text::{SpanKind, spans};
//!
//! let words = spans("x₁ + 2 -- not x₂").filter(|span| span.kind == SpanKind::Word);
//! assert_eq!(words.map(|span| span.text).collect::<Vec<_>>(), ["x₁"]);
//! ```

mod characters;
mod lexer;
mod literals;
mod span;

pub use characters::is_late_letter;
pub use lexer::{Spans, disguise, spans};
pub use span::{Span, SpanKind};
