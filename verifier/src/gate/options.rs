//! What `open` and `set_option` may do inside a proof.

use super::lexer::{Lexeme, Token};

/// Highest `maxRecDepth` that a proof may set (Lean's default is 512).
pub const MAX_REC_DEPTH: u32 = 2048;

/// Options that change what is printed or which warnings are given, or how a tactic goes about it, and nothing else.
const FAMILIES: &[&str] = &["pp", "linter", "backward", "grind"];
/// Single ones.
const OPTIONS: &[&str] = &[
    "autoImplicit",
    "exponentiation.threshold",
    "relaxedAutoImplicit",
    "smartUnfolding",
    "tactic.hygienic",
    "tactic.customEliminators",
];

/// `open A B in`, `open scoped A in`, `open A (b c) in`, `open A hiding b in`, `open A renaming b → c in`.
///
/// # Errors
/// In words for people.
pub(super) fn check_open(after: &[Lexeme<'_>]) -> Result<(), String> {
    let is_name = |lexeme: &&Lexeme<'_>| match lexeme.token {
        Token::Word(word) => word != "in",
        Token::Open('(') | Token::Close(')') | Token::Symbol('→' | ',') => true,
        _ => false,
    };
    let count = after.iter().take_while(is_name).count();
    match after.get(count).map(|lexeme| lexeme.token) {
        Some(Token::Word("in")) if count > 0 => Ok(()),
        _ => Err("`open` may stand in a proof only as `open Name in`".to_owned()),
    }
}

/// `set_option maxRecDepth N in`, and others that change no meaning and check no less.
///
/// # Errors
/// In words for people.
pub(super) fn check_option(after: &[Lexeme<'_>]) -> Result<(), String> {
    let tokens: Vec<_> = after.iter().take(3).map(|lexeme| lexeme.token).collect();
    let [Token::Word(name), value, Token::Word("in")] = tokens[..] else {
        return Err("`set_option` may stand in a proof only as `set_option name value in`".to_owned());
    };
    let value_is_number = |most: u32| matches!(value, Token::Literal(number) if number.parse::<u32>().is_ok_and(|number| number <= most));
    match name {
        "maxRecDepth" if value_is_number(MAX_REC_DEPTH) => Ok(()),
        "maxRecDepth" => Err(format!("`maxRecDepth` may be set up to {MAX_REC_DEPTH}")),
        "maxHeartbeats" | "synthInstance.maxHeartbeats" => {
            Err(format!("a proof may not set `{name}`: the limit is the same for all"))
        }
        _ if is_harmless(name) => Ok(()),
        _ => Err(format!("a proof may not set the option `{name}`")),
    }
}

/// Whether an option changes no meaning and checks no less, whatever its value.
pub(super) fn is_harmless(name: &str) -> bool {
    OPTIONS.contains(&name)
        || FAMILIES.iter().any(|family| name.strip_prefix(family).is_some_and(|after| after.starts_with('.')))
}

#[cfg(test)]
mod tests {
    use super::super::check_proof;

    #[test]
    fn harmless_options_and_names_may_be_set_and_opened() {
        for proof in [
            "by set_option maxRecDepth 2048 in simp",
            "by\n  set_option pp.all true in\n  set_option linter.unusedVariables false in\n  simp",
            "by set_option tactic.hygienic false in intro",
            "open Classical in em _",
            "open scoped Foo in x",
            "by\n  open Nat (add_comm) in rw [add_comm]",
            "by open Nat hiding add_comm in rw [mul_comm]",
        ] {
            check_proof(proof).unwrap_or_else(|reason| panic!("{proof}: {reason}"));
        }
    }

    #[test]
    fn others_may_not() {
        for proof in [
            "by set_option maxRecDepth 2049 in simp",
            "by set_option maxRecDepth 99999999999 in simp",
            "by set_option maxHeartbeats 0 in simp",
            "by set_option debug.skipKernelTC true in simp",
            "by set_option Elab.async true in simp",
            "by set_option warn.sorry false in simp",
            "by set_option compiler.extract_closed true in simp",
            "by set_option interpreter.prefer_native true in simp",
            "by set_option trace.Meta.synthInstance true in simp",
            "by set_option pp true in simp",
            "by set_option pp.all true\n  simp",
            "set_option pp.all true",
            "open Nat",
            "open Nat x = in y",
            "open Lean in x",
            "open Foo.Elab in x",
        ] {
            assert!(check_proof(proof).is_err(), "{proof}");
        }
    }
}
