//! Configurations of tactics. Lean *runs* them: `simp (maxSteps := E)` compiles and evaluates `E`, whatever it is,
//! and so does `(config := { E with … })`. So only what needs no running may stand there.
//!
//! A named argument of a function, `f (n := E)`, looks the same and is everyday. What tells them apart is the name,
//! where no function has such an argument, or the tactic before it.

mod lists;
mod value;

use super::lexer::{self, Lexeme, Token};
use super::names::parts;
use lists::{COMMON_FIELDS, FIELDS, NOT_RUN, TACTICS};
use value::Value;

/// Whether somewhere in `text` a term may be run, as far as can be told without cutting it into tokens: a cheap test that says yes
/// too often.
pub(super) fn may_run(text: &str) -> bool {
    let mut rest = text;
    while let Some(place) = rest.find(":=") {
        let (before, after) = (&rest[..place], &rest[place + 2..]);
        rest = after;
        // What stands in the parentheses so far; a comment may be among it.
        let inside = before.rsplit_once('(').map_or("", |(_, inside)| inside);
        let is_name = |text: &str| !text.contains(|c: char| c.is_whitespace() || "(){}[]".contains(c));
        let commented = inside.contains("--") || inside.contains("/-");
        let known = |part: &str| FIELDS.contains(&part) || COMMON_FIELDS.contains(&part);
        let is_field = |word: &str| parts(word).any(known);
        let in_question = if commented {
            inside.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '\''))).any(is_field)
        } else {
            is_name(inside.trim()) && is_field(inside.trim())
        };
        if !in_question {
            continue;
        }
        let plain = !commented
            && after.find(')').is_some_and(|end| {
                lexer::tokens(&after[..=end]).is_ok_and(|tokens| {
                    let mut value = Value { tokens: &tokens };
                    value.read() && value.take(Token::Close(')'))
                })
            });
        if !plain {
            return true;
        }
    }
    false
}

/// Whether a term is run where a parenthesis at `open` begins `(NAME := …)`.
///
/// # Errors
/// In words for people.
pub(super) fn check(tokens: &[Lexeme<'_>], open: usize) -> Result<(), String> {
    let [_, name, colon, equals, value @ ..] = &tokens[open..] else { return Ok(()) };
    let (Token::Word(name), Token::Symbol(':'), Token::Symbol('=')) = (name.token, colon.token, equals.token)
    else {
        return Ok(());
    };
    // `(have := h; t)` and `(let x := e; t)`.
    if matches!(name, "have" | "haveI" | "let" | "letI" | "this") {
        return Ok(());
    }
    if !parts(name).any(|part| FIELDS.contains(&part)) && !configures(tokens, open, name) {
        return Ok(());
    }
    let mut value = Value { tokens: value };
    if value.read() && value.take(Token::Close(')')) {
        return Ok(());
    }
    Err(format!(
        "`{name} := …` configures a tactic, which Lean runs as a program: only `true`, `false`, numbers, `.name` and \
         records of these may stand there"
    ))
}

/// Whether the parenthesis at `open` belongs to a tactic that takes a configuration.
fn configures(tokens: &[Lexeme<'_>], open: usize, name: &str) -> bool {
    if NOT_RUN.contains(&name) {
        return false;
    }
    let mut depth = 0usize;
    let mut previous = tokens[..open].iter().rev().peekable();
    while let Some(lexeme) = previous.next() {
        match lexeme.token {
            Token::Close(_) => depth += 1,
            Token::Open(_) if depth == 0 => return false,
            Token::Open(_) => depth -= 1,
            _ if depth > 0 => {}
            Token::Symbol('*' | '!' | '?') | Token::Word("only") => {}
            Token::Word(word) => {
                // `+zetaDelta`, `-failIfUnchanged`.
                let flag = previous
                    .next_if(|before| lexeme.joined && matches!(before.token, Token::Symbol('+' | '-')));
                if flag.is_none() && matches!(word, "decide" | "native_decide") {
                    // As a function `decide` has an argument `p`.
                    return name == "revert";
                }
                if flag.is_none() {
                    return TACTICS.contains(&word.trim_end_matches(['!', '?']));
                }
            }
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests;
