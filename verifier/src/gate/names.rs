//! What a single word may not be.

use super::lexer::{Lexeme, Token};
use super::words::{COMMAND_FAMILIES, COMMANDS, FORBIDDEN, MACHINERY, MACHINERY_PARTS, MACHINERY_PREFIXES};

/// Letters with which symbols of libraries go on, as in `≃o`: the word begins behind them.
const TAILS: &[&str] =
    &["A", "B", "C", "K", "L", "O", "P", "S", "SL", "T", "b", "c", "co", "g", "i", "m", "o", "q", "r"];
/// The same of `[`, as in `a ≡ b [MOD n]`.
const BRACKET_TAILS: &[&str] = &["MOD", "PMOD", "SMOD", "ZMOD"];
/// Commands whose names fields have, and which do no harm where Lean reads a command after all.
const FIELDS: &[&str] = &["end", "prefix", "section"];

/// Whether the word at `index` may stand in a proof or statement.
///
/// # Errors
/// The reason why not, for people.
pub(super) fn check(tokens: &[Lexeme<'_>], index: usize, word: &str) -> Result<(), String> {
    if !(FIELDS.contains(&word) && is_field(tokens, index)) {
        check_command(word)?;
    }
    check_parts(word)?;
    check_mark(tokens, index, word)?;
    // Other notation, or an older Lean, may find the word's beginning later.
    for rest in later_beginnings(tokens, index, word) {
        check_command(rest)?;
        check_parts(rest)?;
    }
    Ok(())
}

/// A word that starts a command; `x.end` is a name, and one word.
fn check_command(word: &str) -> Result<(), String> {
    if COMMANDS.contains(&word) || COMMAND_FAMILIES.iter().any(|family| word.starts_with(family)) {
        return Err(format!("`{word}` belongs to commands"));
    }
    Ok(())
}

/// The parts of a dotted name, without the marks of `«x»`. What stands in the marks is divided, too.
pub(super) fn parts(word: &str) -> impl Iterator<Item = &str> {
    word.split(['.', '«', '»', ' ']).filter(|part| !part.is_empty())
}

/// Every part of a dotted name counts: `Foo.Lean.Meta` is as near to Lean's machinery as `Lean.Meta`.
fn check_parts(word: &str) -> Result<(), String> {
    // Theorems and no more, which `simp?` and `grind?` print.
    let word = word.strip_prefix("Lean.Grind.").or_else(|| word.strip_prefix("Lean.Omega.")).unwrap_or(word);
    for part in parts(word) {
        if FORBIDDEN.contains(&part) {
            return Err(format!("`{part}` is not allowed in a proof"));
        }
        if part == "_root_" {
            return Err("`_root_` names are not allowed".to_owned());
        }
        if is_machinery(part) {
            return Err(format!("`{word}` reaches into Lean's own machinery"));
        }
        if part.starts_with("stp_target") {
            return Err("`stp_target` is the judge's own name".to_owned());
        }
    }
    Ok(())
}

/// Whether one part of a name belongs to Lean's machinery.
pub(super) fn is_machinery(part: &str) -> bool {
    MACHINERY.contains(&part)
        // `simp [-simprocs]` names a set that is there.
        || (part != "simprocs" && MACHINERY_PARTS.iter().any(|piece| part.contains(piece)))
        || MACHINERY_PREFIXES.iter().any(|prefix| {
            part.strip_prefix(prefix).is_some_and(|after| after.starts_with(|c: char| c.is_uppercase()))
        })
        || part.starts_with("dbg_")
}

/// Words that mean something else in their place only.
fn check_mark(tokens: &[Lexeme<'_>], index: usize, word: &str) -> Result<(), String> {
    let token = |offset: usize| tokens.get(index + offset).map(|lexeme| lexeme.token);
    if token(1) == Some(Token::Symbol('%'))
        && matches!(word, "eval" | "include_str" | "type_of" | "ensure_type_of")
    {
        return Err(format!("`{word}%` is not allowed in a proof"));
    }
    let before = index.checked_sub(1).map(|before| tokens[before].token);
    // `have native := h` is a name.
    let sets = (token(1), token(2)) == (Some(Token::Symbol(':')), Some(Token::Symbol('=')))
        && (tokens[index].first || matches!(before, Some(Token::Open(_) | Token::Symbol(','))));
    let flag = before == Some(Token::Symbol('+')) && tokens[index].joined;
    if word == "native" && (sets || flag) {
        return Err("`native` evaluation is not allowed".to_owned());
    }
    if word == "stop" && starts_tactic(tokens, index) {
        return Err("`stop` gives up the rest of a proof".to_owned());
    }
    // Mathlib's runs a term for its message.
    let message = matches!(token(1), Some(Token::Literal(text)) if text.starts_with('"'));
    if word == "trace" && !message && starts_tactic(tokens, index) {
        return Err("`trace` runs a term".to_owned());
    }
    Ok(())
}

/// Whether a tactic may begin at `index`. A term may begin in some of these places, too.
fn starts_tactic(tokens: &[Lexeme<'_>], index: usize) -> bool {
    let Some(before) = index.checked_sub(1).map(|before| tokens[before].token) else { return false };
    // `stop + 1`, `stop.1`.
    if matches!(tokens.get(index + 1), Some(Lexeme { token: Token::Symbol(c), .. }) if !matches!(c, ';' | '|' | '·' | '<'))
    {
        return false;
    }
    match before {
        Token::Word(
            "by" | "try" | "repeat" | "all_goals" | "any_goals" | "focus" | "then" | "else" | "first" | "do"
            | "next",
        ) => true,
        Token::Symbol(';' | '·' | '>') => true,
        // `(stop)` is a tactic or a term, `(stop x)` and `| stop => x` are terms.
        Token::Open('(' | '{') | Token::Symbol('|') => {
            matches!(
                tokens.get(index + 1).map(|lexeme| lexeme.token),
                Some(Token::Close(_) | Token::Symbol(';'))
            )
        }
        Token::Word(_) | Token::Close(_) | Token::Literal(_) => tokens[index].first,
        Token::Symbol(_) | Token::Open(_) => false,
    }
}

/// Whether the word at `index` is a field: `(f x).prefix`, `h.1.end`. Lean reads any word there, but `..end` and `1.end`
/// are a symbol or a number and then a word.
fn is_field(tokens: &[Lexeme<'_>], index: usize) -> bool {
    tokens[index].joined
        && index > 0
        && tokens[index - 1].token == Token::Symbol('.')
        && is_access(tokens, index - 1)
}

/// Whether the dot at `index` takes a field of what stands before it.
fn is_access(tokens: &[Lexeme<'_>], index: usize) -> bool {
    if index == 0 || !tokens[index].joined {
        return false;
    }
    match tokens[index - 1].token {
        Token::Close(_) => true,
        Token::Literal(number) => {
            // `x.1.end`; the words before it, `x.y`, are one.
            number.bytes().all(|byte| byte.is_ascii_digit())
                && index > 2
                && tokens[index - 1].joined
                && tokens[index - 2].token == Token::Symbol('.')
                && (tokens[index - 2].joined && matches!(tokens[index - 3].token, Token::Word(_))
                    || is_access(tokens, index - 2))
        }
        _ => false,
    }
}

/// What is left of the word at `index` where a symbol takes its first letters, or an older Lean does not know one.
fn later_beginnings<'a>(tokens: &[Lexeme<'_>], index: usize, word: &'a str) -> Vec<&'a str> {
    let tails = match index.checked_sub(1).map(|before| tokens[before].token) {
        Some(Token::Symbol('←' | '¬' | '∀' | '∃' | 'λ' | '·')) | None => &[],
        Some(Token::Symbol(c)) if !c.is_ascii() || matches!(c, '=' | '*' | '+') => TAILS,
        Some(Token::Open('[')) => BRACKET_TAILS,
        _ => &[],
    };
    let tails = if tokens[index].joined { tails } else { &[] };
    let mut found: Vec<_> = tails.iter().filter_map(|tail| word.strip_prefix(tail)).collect();
    let late = word.char_indices().filter(|(_, c)| stp_datasets::lean_text::is_late_letter(*c));
    found.extend(late.map(|(at, c)| &word[at + c.len_utf8()..]));
    found
}

#[cfg(test)]
mod tests {
    use super::super::check_proof;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_mathematics_pass() {
        for proof in [
            "Nat.lcm_comm a b",
            "Int.lcm x y",
            "lcm_dvd",
            "exact List.prefix_append _ _",
            "h.prefix",
            "(f x).prefix",
            "h.1.end",
            "x.2.1.section",
            "(h stop).trans native",
            "by simp [stop, native, module]",
            "by\n  exact stop",
            "fun stop : Nat => stop + 1",
            "by\n  have native := h\n  exact native",
            "a.stop + b.native",
            "by simp [-simprocs]",
            "Matrix.trace A",
            "by rw [trace x]",
            "(trace x)",
            "by trace \"x\"; rfl",
            "ptr",
            "by simp [Lean.Grind.toInt_fin, Lean.Omega.Int.x, hint]",
            "dbg",
            "by cases constant",
            "module",
            "Gödel x",
            "f ≃o g",
            "by exact universes",
            "h.extend",
            "←append x",
            "[foo, extend]",
            "(append xs ys)",
            "motive_meta",
            "Metatheory.x",
        ] {
            check_proof(proof).unwrap_or_else(|reason| panic!("{proof}: {reason}"));
        }
    }

    #[test]
    fn machinery_is_refused_in_every_part() {
        for name in [
            "lcProof",
            "lcUnreachable",
            "lcCast",
            "lcAny",
            "lcErased",
            "unsafeCast",
            "unsafeIO",
            "unsafeEIO",
            "unsafeBaseIO",
            "ptrAddrUnsafe",
            "ptrEq",
            "withPtrEq",
            "withPtrEqDecEq",
            "withPtrAddr",
            "dbgTrace",
            "dbgSleep",
            "dbg_trace",
            "dbgStackTrace",
            "isExclusiveUnsafe",
            "Runtime",
            "ShareCommon",
            "Dynamic",
            "TypeName",
            "_root_",
            "Lean.Grind.Lean",
            "Lean",
            "Meta",
            "Elab",
            "IO",
            "EIO",
            "BaseIO",
            "System",
            "simproc",
            "dsimproc",
            "simproc_decl",
            "dsimproc_decl",
            "builtin_simproc_decl",
            "builtin_dsimproc",
            "simproc_pattern",
            "reduceBool",
            "ofReduceNat",
            "uset",
            "ugetUnsafe",
            "implemented_by",
            "sorryAx",
            "stp_target_1",
        ] {
            for word in [
                name.to_owned(),
                format!("Foo.{name}"),
                format!("{name}.foo"),
                format!("_root_.{name}"),
                format!("a.{name}.b"),
            ] {
                for proof in
                    [word.clone(), format!("by exact {word} x"), format!("(f x).{word}"), format!("≃o{word}")]
                {
                    assert!(check_proof(&proof).is_err(), "{proof}");
                }
            }
        }
    }

    #[test]
    fn words_are_commands_where_lean_reads_commands() {
        for proof in [
            "x end",
            "x\nend",
            "1.end",
            "1. end",
            "x ..end",
            "⟨x, ..end",
            "x .. end",
            "≃oend",
            "f →rend",
            "⊗end",
            "éend",
            "x=end",
            "(f x).axiom",
            "[MODend",
            "by stop",
            "by\n  skip\n  stop",
            "by skip; stop",
            "by (stop)",
            "by decide +native",
            "by trace f x",
            "by\n  skip\n  trace x",
            "by cases h with | inl h => stop\n | inr h => skip",
        ] {
            assert!(check_proof(proof).is_err(), "{proof}");
        }
    }

    proptest! {
        #[test]
        fn a_forbidden_part_is_found_wherever_it_stands(
            before in "[A-Z]?[a-z]{0,5}\\.?", after in "(\\.[a-z]{1,5})?",
            part in prop::sample::select([FORBIDDEN, MACHINERY].concat()),
        ) {
            let before = if before.ends_with('.') && before.len() > 1 { before } else { String::new() };
            let proof = format!("by exact {before}{part}{after}");
            prop_assert!(check_proof(&proof).is_err(), "{}", proof);
        }
    }
}
