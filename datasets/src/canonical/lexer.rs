//! The tokens of Lean terms, which keep of the spacing only what can change the meaning.

use std::borrow::Cow;

use crate::lean_text::{Span, SpanKind, spans};

/// What a token is, as far as binding names is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier with its dotted parts, or a keyword.
    Word,
    Number,
    /// A string or character literal.
    Literal,
    Open,
    Close,
    Comma,
    Dot,
    Symbol,
}

/// A token; `glued` if no space stands before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: Cow<'a, str>,
    pub(super) glued: bool,
}

impl Token<'_> {
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text && !matches!(self.kind, Kind::Literal)
    }
}

const OPEN: &str = "([{⟨⦃⟦⌊⌈⟪";
const CLOSE: &str = ")]}⟩⦄⟧⌋⌉⟫";

/// Symbols that are tokens of their own wherever they stand.
const SOLO: &str = "¬∀∃λΣΠ∑∏⋃⋂⨆⨅∫·↑;`«»";

/// Two spellings of the same token of core Lean.
const SYNONYMS: [(&str, &str); 8] = [
    ("->", "→"),
    ("<->", "↔"),
    ("<=", "≤"),
    (">=", "≥"),
    ("/\\", "∧"),
    ("\\/", "∨"),
    ("↦", "=>"),
    ("λ", "fun"),
];

/// The bracket that closes `open`.
pub(super) fn closing(open: &str) -> Option<char> {
    OPEN.chars().zip(CLOSE.chars()).find(|(o, _)| open.starts_with(*o)).map(|(_, c)| c)
}

/// The tokens of a text, comments left out; `None` if a comment, string or character is not closed.
pub(super) fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut found = plain_tokens(text)?;
    let mut after_lambda = false;
    for token in &mut found {
        token.glued &= !after_lambda;
        let synonym = SYNONYMS.iter().find(|(old, _)| token.kind == Kind::Symbol && *old == token.text);
        after_lambda = token.kind == Kind::Symbol && token.text == "λ";
        if let Some((_, new)) = synonym {
            token.text = Cow::Borrowed(*new);
        }
        if after_lambda {
            (token.kind, token.glued) = (Kind::Word, false);
        }
    }
    Some(found)
}

/// The tokens as they are spelt, with symbols that nothing divides as one.
fn plain_tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut found: Vec<Token<'_>> = Vec::new();
    let mut end = 0;
    for span in spans(text) {
        if !span.closed {
            return None;
        }
        if !span.is_code() || span.text.chars().all(char::is_whitespace) {
            continue;
        }
        let kind = kind_of(&span)?;
        let glued = span.start == end && !found.is_empty();
        end = span.end();
        match found.last_mut() {
            Some(last) if glued && goes_on(last) && kind == Kind::Symbol && !SOLO.contains(span.text) => {
                last.text.to_mut().push_str(span.text);
            }
            _ => found.push(Token { kind, text: Cow::Borrowed(span.text), glued }),
        }
    }
    Some(found)
}

/// Whether a symbol that follows at once belongs to the same token.
fn goes_on(token: &Token<'_>) -> bool {
    token.kind == Kind::Symbol && !SOLO.contains(&*token.text)
}

/// `None` for a quote that belongs to no character.
fn kind_of(span: &Span<'_>) -> Option<Kind> {
    Some(match span.kind {
        SpanKind::Word => Kind::Word,
        SpanKind::Number => Kind::Number,
        SpanKind::Text | SpanKind::Char => Kind::Literal,
        _ => match span.text {
            "," => Kind::Comma,
            "." => Kind::Dot,
            text if text.starts_with('\'') => return None,
            text if OPEN.contains(text) => Kind::Open,
            text if CLOSE.contains(text) => Kind::Close,
            _ => Kind::Symbol,
        },
    })
}
