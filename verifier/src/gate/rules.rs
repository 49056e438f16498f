//! What the tokens of a proof or a statement may be, and how they may stand together.

use super::lexer::{self, Lexeme, Token};
use super::{config, names, options, words};

/// Longest text in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// Deepest nesting of brackets.
pub const MAX_DEPTH: usize = 200;

/// The tokens of a text that is not too long.
///
/// # Errors
/// The reason why it has none, for people.
pub(super) fn lex(text: &str) -> Result<Vec<Lexeme<'_>>, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("the text has {} bytes, more than {MAX_BYTES}", text.len()));
    }
    lexer::tokens(text)
}

/// Whether a proof or a statement may hold these tokens.
///
/// # Errors
/// The reason why not, for people.
pub(super) fn check_tokens(tokens: &[Lexeme<'_>]) -> Result<(), String> {
    check_brackets(tokens)?;
    for (index, lexeme) in tokens.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| tokens[before].token);
        match lexeme.token {
            Token::Word("open") => options::check_open(&tokens[index + 1..])?,
            Token::Word("set_option") => options::check_option(&tokens[index + 1..])?,
            Token::Word("scoped") if before == Some(Token::Word("open")) => {}
            Token::Word(word) => names::check(tokens, index, word)?,
            Token::Open('(') => config::check(tokens, index)?,
            Token::Symbol('#') if !is_term_hash(&tokens[index + 1..]) => {
                return Err("`#` starts a command".to_owned());
            }
            Token::Symbol('@') if tokens.get(index + 1).map(|next| next.token) == Some(Token::Open('[')) => {
                return Err("`@[` sets attributes".to_owned());
            }
            Token::Symbol('`') => {
                return Err("a back-quote quotes syntax, which proofs do not need".to_owned());
            }
            // `s!"…{x}"` runs terms inside what looks like a string. What interpolates is a word.
            Token::Literal(text)
                if text.starts_with('"')
                    && text.contains('{')
                    && !matches!(before, Some(Token::Symbol(_) | Token::Open(_))) =>
            {
                return Err("a string with `{` may hide a term".to_owned());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a `#` before these tokens is part of a term: `#[1, 2]`, `#v[1]`, `5#8`, `0#w`, and in Mathlib `#s` and
/// `#(f s)`. Lean reads the longest token, so whatever begins with a command's name is the command.
fn is_term_hash(after: &[Lexeme<'_>]) -> bool {
    match after.first() {
        Some(Lexeme { token: Token::Open('[' | '(' | '{') | Token::Literal(_), .. }) => true,
        Some(Lexeme { token: Token::Word(word), joined: true, .. }) => {
            !words::HASH_COMMANDS.iter().any(|command| word.starts_with(command))
        }
        _ => false,
    }
}

/// Whether brackets are closed in their order and do not nest too deep.
///
/// # Errors
/// The reason why not, for people.
pub(super) fn check_brackets(tokens: &[Lexeme<'_>]) -> Result<(), String> {
    let mut open = Vec::new();
    for lexeme in tokens {
        match lexeme.token {
            Token::Open(bracket) => {
                open.push(closing(bracket));
                if open.len() > MAX_DEPTH {
                    return Err(format!("brackets nest deeper than {MAX_DEPTH}"));
                }
            }
            Token::Close(bracket) if open.pop() != Some(bracket) => {
                return Err(format!("`{bracket}` closes nothing"));
            }
            _ => {}
        }
    }
    match open.last() {
        Some(bracket) => Err(format!("a `{bracket}` is missing")),
        None => Ok(()),
    }
}

fn closing(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        '{' => '}',
        '⟨' => '⟩',
        '⦃' => '⦄',
        '⟦' => '⟧',
        _ => '›',
    }
}
