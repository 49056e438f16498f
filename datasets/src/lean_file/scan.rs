//! Which characters of a Lean text are code, and the words and brackets among them.
//!
//! Comments, strings and character literals are skipped, so that `theorem` in a comment starts nothing.

use crate::lean_text::{Span, SpanKind, spans};

/// A piece of code: where it begins (in bytes) and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) start: usize,
    pub(super) text: &'a str,
    pub(super) kind: Kind,
}

impl Piece<'_> {
    /// The byte after it.
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    /// One character of punctuation; `:=` is one piece.
    Symbol,
    /// A string or character literal, or a quote that is neither's.
    Literal,
    /// `/-- … -/`, which belongs to the declaration after it.
    DocComment,
}

/// The pieces of a text. What is not closed reaches to the end.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found: Vec<Piece<'_>> = Vec::new();
    for span in spans(text).filter(|span| !span.text.chars().all(char::is_whitespace)) {
        let Some(kind) = kind_of(&span) else { continue };
        match found.last_mut() {
            Some(last) if last.end() == span.start && is_one(last, &span) => {
                last.text = &text[last.start..span.end()];
            }
            _ => found.push(Piece { start: span.start, text: span.text, kind }),
        }
    }
    found
}

/// `None` for what is no code.
fn kind_of(span: &Span<'_>) -> Option<Kind> {
    Some(match span.kind {
        SpanKind::Comment | SpanKind::Space => return None,
        SpanKind::Doc => Kind::DocComment,
        SpanKind::Word | SpanKind::Number => Kind::Word,
        SpanKind::Text | SpanKind::Char => Kind::Literal,
        // A quote that is no character's.
        _ if span.text.starts_with('\'') => Kind::Literal,
        _ if matches!(span.text, "#" | "@") => Kind::Word,
        _ => Kind::Symbol,
    })
}

/// Whether a span belongs to the piece before it: `:=`, `#eval`.
fn is_one(last: &Piece<'_>, span: &Span<'_>) -> bool {
    match last.text {
        ":" => span.text == "=",
        "#" => matches!(span.kind, SpanKind::Word | SpanKind::Number),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        pieces(text).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn comments_are_skipped_and_literals_are_one_piece() {
        assert_eq!(
            texts("theorem /- x /- y -/ -/ a' : \"-- \\\" no\" = 'c' := by -- rest\n simp"),
            ["theorem", "a'", ":", "\"-- \\\" no\"", "=", "'c'", ":=", "by", "simp"]
        );
    }

    #[test]
    fn names_keep_their_parts() {
        assert_eq!(
            texts("Nat.add_comm.{u} h₁ #eval @[simp]"),
            ["Nat.add_comm", ".", "{", "u", "}", "h₁", "#eval", "@", "[", "simp", "]"]
        );
    }

    proptest::proptest! {
        #[test]
        fn pieces_lie_in_order_and_within_the_text(text in "[-/\"'«»a-c.:=(){} \n@#é→\\\\]{0,60}") {
            let mut last = 0;
            for piece in pieces(&text) {
                proptest::prop_assert!(piece.start >= last && !piece.text.is_empty());
                last = piece.start + piece.text.len();
            }
            proptest::prop_assert!(last <= text.len());
        }
    }
}
