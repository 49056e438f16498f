//! What may stand in a header that comes from someone who also wants a verdict.

use super::lexer::{self, Lexeme, Token};
use super::rules::{check_brackets, check_tokens};
use super::{names, options};

/// Options about limits. The time of a check is limited from outside as well.
const LIMITS: &[&str] = &[
    "maxHeartbeats",
    "maxRecDepth",
    "maxSynthPendingDepth",
    "synthInstance.maxHeartbeats",
    "synthInstance.maxSize",
];
const MAY: &str =
    "a header may only import, open, set options, declare universes and variables, and begin sections";

/// Whether `header` only imports, opens and declares variables: nothing that defines, runs or trusts.
///
/// # Errors
/// The reason why not, for people.
pub fn check_header(header: &str) -> Result<(), String> {
    let tokens = lexer::tokens(header)?;
    check_brackets(&tokens)?;
    let mut rest = &tokens[..];
    while let Some(first) = rest.first() {
        let Token::Word(command) = first.token else { return Err(MAY.to_owned()) };
        let end = 1 + rest[1..]
            .iter()
            .scan(0usize, starts_command)
            .position(|starts| starts)
            .unwrap_or(rest.len() - 1);
        let (own, others) = rest.split_at(end);
        check_command(command, &own[1..])?;
        rest = others;
    }
    Ok(())
}

/// Whether a command begins with this token, as far as a header may have commands.
fn starts_command(depth: &mut usize, lexeme: &Lexeme<'_>) -> Option<bool> {
    match lexeme.token {
        Token::Open(_) => *depth += 1,
        Token::Close(_) => *depth = depth.saturating_sub(1),
        _ => {}
    }
    let starts = |word| {
        matches!(
            word,
            "import"
                | "public"
                | "meta"
                | "open"
                | "universe"
                | "variable"
                | "set_option"
                | "noncomputable"
                | "section"
                | "namespace"
        )
    };
    Some(*depth == 0 && matches!(lexeme.token, Token::Word(word) if starts(word)))
}

fn check_command(command: &str, after: &[Lexeme<'_>]) -> Result<(), String> {
    match command {
        // `public import`, `noncomputable section`
        "public" | "meta" | "noncomputable" if after.is_empty() => Ok(()),
        "import" => match after {
            [name] | [Lexeme { token: Token::Word("all" | "runtime"), .. }, name]
                if is_module(name.token) =>
            {
                Ok(())
            }
            _ => Err("an `import` takes the name of one module".to_owned()),
        },
        "open" => check_names(after, |token| {
            matches!(
                token,
                Token::Open('(')
                    | Token::Close(')')
                    | Token::Symbol('→' | ',')
                    | Token::Word("scoped" | "hiding" | "renaming")
            )
        }),
        "universe" | "section" | "namespace" => check_names(after, |_| false),
        "variable" => check_variables(after),
        "set_option" => check_option(after),
        _ => Err(MAY.to_owned()),
    }
}

/// A module's name; the build system's own are nobody's to import.
fn is_module(token: Token<'_>) -> bool {
    matches!(token, Token::Word(word) if word.split('.').next() != Some("Lake"))
}

/// Names, and tokens that may stand between them.
fn check_names(tokens: &[Lexeme<'_>], may_stand: impl Fn(Token<'_>) -> bool) -> Result<(), String> {
    for (index, lexeme) in tokens.iter().enumerate() {
        match lexeme.token {
            token if may_stand(token) => {}
            Token::Word("in") => return Err("`in` hides a command in a header".to_owned()),
            Token::Word(word) => names::check(tokens, index, word)?,
            _ => return Err(MAY.to_owned()),
        }
    }
    Ok(())
}

/// Binders in brackets, under the same rules as in a statement: a default value may be a tactic block.
fn check_variables(tokens: &[Lexeme<'_>]) -> Result<(), String> {
    check_tokens(tokens)?;
    let mut depth = 0usize;
    for lexeme in tokens {
        match lexeme.token {
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth = depth.saturating_sub(1),
            Token::Word("in") if depth == 0 => return Err("`in` hides a command in a header".to_owned()),
            // `variable α` is an older way.
            Token::Word(_) => {}
            _ if depth == 0 => return Err(MAY.to_owned()),
            _ => {}
        }
    }
    Ok(())
}

fn check_option(after: &[Lexeme<'_>]) -> Result<(), String> {
    let tokens: Vec<_> = after.iter().map(|lexeme| lexeme.token).collect();
    match tokens[..] {
        [.., Token::Word("in")] => Err("`in` hides a command in a header".to_owned()),
        [Token::Word(name), Token::Literal(_) | Token::Word("true" | "false")]
            if LIMITS.contains(&name) || options::is_harmless(name) =>
        {
            Ok(())
        }
        [Token::Word(name), ..] => Err(format!("a header may not set the option `{name}`")),
        _ => Err("`set_option` takes a name and a value".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_headers_pass() {
        for header in [
            "",
            "import Std.Data.HashMap\nopen Nat",
            "import Mathlib\nset_option maxRecDepth 2000\nopen scoped BigOperators\nopen Real Nat",
            "import Mathlib\r\nimport Aesop\r\n\r\nset_option maxHeartbeats 400000\r\n\r\nopen BigOperators Real Nat Topology Rat\r\n",
            "universe u v\nvariable {α : Type u} [BEq α] (h : α → α → Prop)",
            "-- a comment with axiom\nopen Classical",
            "public import Mathlib\nimport Lean\nnoncomputable section\nnamespace Foo.Bar\nset_option linter.all false",
            "open Nat (add_comm) Finset hiding sum\nopen List renaming map → m, filter → f",
            "variable (n : Nat) (h : n = n := by simp (maxSteps := 5)) (k : Nat := n + 1)",
        ] {
            check_header(header).unwrap_or_else(|reason| panic!("{header}: {reason}"));
        }
    }

    const BAD: &[&str] = &[
        "axiom cheat : False",
        "set_option debug.skipKernelTC true",
        "set_option maxRecDepth 5 in axiom x : False",
        "open Lean in run_cmd logInfo \"x\"",
        "import Lean\nrun_cmd logInfo \"x\"",
        "#eval 1",
        "local infixl:65 \" + \" => fun _ _ => 3",
        "open Nat\ninstance : Add Nat := ⟨fun _ _ => 3⟩",
        "open Nat @[simp] theorem x : True := trivial",
        "def x := 1",
        "open Lean",
        "open Foo.Lean.Meta",
        "open Nat (lcProof)",
        "variable (h : 1 = 1 := by simp (maxSteps := f 5))",
        "variable (h : 1 = 1 := by run_tac x)",
        "variable (x : Nat := by_elab x)",
        "variable (x : Nat) in axiom y : False",
        "variable (x : Nat) #eval 1",
        "variable (x : Nat",
        "variable ⟨x⟩ := 5",
        "namespace Lean.Elab",
        "section\nend\nend",
        "import Mathlib\0axiom",
        "import Lake",
        "import Lean\nrun_cmd skip",
        "import Mathlib\nend",
        "import Mathlib Lean",
        "public meta def x := 1",
        "noncomputable def x := 1",
        "/-/- -/ #eval 1 --/",
        "open Nat '' \"\n#eval 1 \"",
        "\"a string\"",
    ];

    #[test]
    fn what_defines_runs_or_trusts_is_refused() {
        for header in BAD {
            assert!(check_header(header).is_err(), "{header}");
        }
    }

    proptest! {
        #[test]
        fn it_is_refused_wherever_it_stands(index in 0..BAD.len(), before in "(import [A-Z][a-z]{0,3}\n|open [A-Z]\n|universe u\n){0,3}") {
            let header = format!("{before}{}", BAD[index]);
            prop_assert!(check_header(&header).is_err());
        }
    }
}
