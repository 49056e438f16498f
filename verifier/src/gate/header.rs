//! What may stand in a header that comes from someone who also wants a verdict.

use super::lexer::{self, Token};

/// Options that change no meaning and check no less.
const OPTIONS: &[&str] = &["autoImplicit", "relaxedAutoImplicit", "maxRecDepth"];

/// Whether `header` only imports, opens and declares variables: nothing that defines, runs or trusts.
///
/// # Errors
/// The reason why not, for people.
pub fn check_header(header: &str) -> Result<(), String> {
    let tokens = lexer::tokens(header)?;
    let mut command = "";
    let mut words = tokens.iter().peekable();
    while let Some(token) = words.next() {
        match *token {
            Token::Word(word @ ("import" | "open" | "universe" | "universes" | "variable" | "variables")) => {
                command = word;
            }
            Token::Word("set_option") => {
                command = "set_option";
                match words.next() {
                    Some(Token::Word(name)) if OPTIONS.contains(name) || name.starts_with("pp.") => {}
                    _ => return Err(format!("a header may set only {} and pp options", OPTIONS.join(", "))),
                }
            }
            Token::Word("scoped" | "hiding" | "renaming" | "public") if matches!(command, "open" | "") => {}
            Token::Word("in") if matches!(command, "open" | "set_option") => {
                return Err("`in` hides a command in a header".to_owned());
            }
            _ if command.is_empty() => {
                return Err(
                    "a header may only import, open, set options and declare universes and variables"
                        .to_owned(),
                );
            }
            ref other => super::check_tokens(std::slice::from_ref(other))
                .or_else(|reason| if is_bracket(other) { Ok(()) } else { Err(reason) })?,
        }
    }
    Ok(())
}

fn is_bracket(token: &Token<'_>) -> bool {
    matches!(token, Token::Open(_) | Token::Close(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_headers_pass() {
        for header in [
            "",
            "import Std.Data.HashMap\nopen Nat",
            "import Mathlib\nset_option maxRecDepth 2000\nopen scoped BigOperators\nopen Real Nat",
            "universe u v\nvariable {α : Type u} [BEq α] (h : α → α → Prop)",
            "-- a comment with axiom\nopen Classical",
        ] {
            check_header(header).unwrap_or_else(|reason| panic!("{header}: {reason}"));
        }
    }

    #[test]
    fn what_defines_runs_or_trusts_is_refused() {
        for header in [
            "axiom cheat : False",
            "set_option debug.skipKernelTC true",
            "open Lean in run_cmd logInfo \"x\"",
            "import Lean\nrun_cmd logInfo \"x\"",
            "#eval 1",
            "local infixl:65 \" + \" => fun _ _ => 3",
            "open Nat\ninstance : Add Nat := ⟨fun _ _ => 3⟩",
            "open Nat @[simp] theorem x : True := trivial",
            "def x := 1",
        ] {
            assert!(check_header(header).is_err(), "{header}");
        }
    }
}
