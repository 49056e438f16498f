//! Tokens as text again, with spaces that are always the same.

use super::lexer::{Kind, Token};

/// The text of tokens: one space between two of them, or none where none is usual or Lean minds it.
pub(super) fn print(tokens: &[Token<'_>]) -> String {
    let mut text = String::new();
    for (index, token) in tokens.iter().enumerate() {
        if index > 0 && spaced(&tokens[index - 1], token) {
            text.push(' ');
        }
        text.push_str(&token.text);
    }
    text
}

/// Whether a space is printed between two tokens: always the same, except where Lean minds it.
fn spaced(before: &Token<'_>, token: &Token<'_>) -> bool {
    if before.kind == Kind::Open || matches!(token.kind, Kind::Close | Kind::Comma) {
        return false;
    }
    before.kind == Kind::Comma || !(token.glued && minded(before, token))
}

/// Whether a space between two tokens can change the meaning.
pub(super) fn minded(before: &Token<'_>, token: &Token<'_>) -> bool {
    let ends_term = matches!(before.kind, Kind::Word | Kind::Number | Kind::Literal | Kind::Close);
    before.kind == Kind::Dot
        || matches!(token.kind, Kind::Dot | Kind::Literal)
        || (token.is("[") && ends_term)
        || token.text.starts_with(['!', '?'])
}
