//! The text gate: what may stand in a proof at all, decided before Lean sees it.
//!
//! A proof is hostile text. It may be one term or tactic block and nothing else: nothing that ends the
//! declaration, starts a command, changes options or runs code while elaborating. The gate refuses too
//! much rather than too little; Lean's own answer and the kernel's second look come after it.
//!
//! Code can run in more ways than by commands: Lean evaluates what configures a tactic (`config`). So the same rules
//! hold for statements and headers that are not the user's own, whose binders may contain tactics.
//!
//! Of the forms that belong to commands, two may stand inside a proof, each closed by `in`: `open Name in`,
//! and `set_option` with options that change no meaning and check no less; `maxRecDepth` up to
//! [`MAX_REC_DEPTH`]. `maxHeartbeats` may not be set: the
//! pool's limit is the same for every candidate. `exact?`, `apply?` and their like are refused: they
//! search the whole library, and their first use in a process takes many seconds and over a gigabyte, so
//! that a verdict would depend on what the process did before. `let rec`, `where`, `termination_by` and
//! `decreasing_by` may stand: what they add is the theorem's own and goes through the kernel.

mod code;
mod config;
mod header;
mod lexer;
mod names;
mod options;
mod words;

use std::borrow::Cow;

pub use code::may_run_code;
pub use header::check_header;
use lexer::{Lexeme, Token};

/// Longest text in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// Deepest nesting of brackets.
pub const MAX_DEPTH: usize = 200;
/// Highest `maxRecDepth` that a proof may set (Lean's default is 512).
pub const MAX_REC_DEPTH: u32 = 2048;

/// Whether any text at all, whoever wrote it, may go on to Lean: a trusted header, a whole file.
///
/// # Errors
/// The reason why not, for people.
pub fn check_text(text: &str) -> Result<(), String> {
    match text.find('\0') {
        Some(place) => Err(format!(
            "line {} has the character U+0000, where Lean would take the text to end",
            text[..place].matches('\n').count() + 1
        )),
        None => Ok(()),
    }
}

/// The text as Lean takes it: without a byte order mark, and with lines that end in a line feed alone.
pub fn normalise(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) }
}

/// Whether `proof` may go on to Lean.
///
/// # Errors
/// The reason why not, for people.
pub fn check_proof(proof: &str) -> Result<(), String> {
    let tokens = lex(proof)?;
    if tokens.is_empty() {
        return Err("the proof is empty".to_owned());
    }
    check_tokens(&tokens)
}

/// Whether `signature` (binders, `:`, type) written by a model may go on to Lean.
///
/// # Errors
/// The reason why not, for people.
pub fn check_signature(signature: &str) -> Result<(), String> {
    let tokens = lex(signature)?;
    check_tokens(&tokens)?;
    // The proof comes after it in the same line.
    if lexer::tokens(&format!("{signature} x"))?.len() == tokens.len() {
        return Err("the statement ends in a comment that would hide its proof".to_owned());
    }
    let mut depth = 0usize;
    let mut colon = false;
    for pair in tokens.windows(2) {
        match pair[0].token {
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth = depth.saturating_sub(1),
            Token::Symbol(':') if depth == 0 && pair[1].token == Token::Symbol('=') => {
                return Err("`:=` does not belong in a statement".to_owned());
            }
            Token::Symbol(':') if depth == 0 => colon = true,
            Token::Symbol('|') if depth == 0 && !colon => {
                return Err("`|` does not belong before the type".to_owned());
            }
            Token::Word("where") if depth == 0 => {
                return Err("`where` does not belong in a statement".to_owned());
            }
            _ => {}
        }
    }
    if colon { Ok(()) } else { Err("the statement has no `:` before its type".to_owned()) }
}

/// Whether `text` is one name and nothing else.
pub fn is_name(text: &str) -> bool {
    let one_word = |tokens: &[Lexeme<'_>]| matches!(tokens, [Lexeme { token: Token::Word(_), .. }]);
    !text.contains(char::is_whitespace) && lexer::tokens(text).is_ok_and(|tokens| one_word(&tokens))
}

fn lex(text: &str) -> Result<Vec<Lexeme<'_>>, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("the text has {} bytes, more than {MAX_BYTES}", text.len()));
    }
    lexer::tokens(text)
}

fn check_tokens(tokens: &[Lexeme<'_>]) -> Result<(), String> {
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

fn check_brackets(tokens: &[Lexeme<'_>]) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_proofs_pass() {
        for proof in [
            "by\n  omega",
            "by simp [Nat.add_comm, ← h] at h₁ ⊢",
            "fun ⟨x, hx⟩ => ⟨hx.1, fun h => absurd h (Nat.lt_irrefl _)⟩",
            "by\n  induction n with\n  | zero => rfl\n  | succ n ih => rw [Nat.pow_succ, ih]; omega",
            "by\n  obtain ⟨k, rfl⟩ := h\n  exact ⟨k + 1, by rw [Nat.mul_add]⟩",
            "by\n  -- end of the sorry story\n  calc a = b := h\n    _ = c := h'",
            "by\n  show _ ∣ _\n  exact Nat.dvd_mul_right ..",
            "by decide",
            "match h with\n  | .inl h => .inr h\n  | .inr h => .inl h",
            "by\n  intro h; cases h <;> first | assumption | contradiction",
            "fun x ↦ x.elim id (· ▸ rfl)",
            "by simp [show #[1, 2].size = 2 from rfl, (5#8 : BitVec 8)]",
            "open Classical in em _",
            "by\n  open Nat (add_comm) in set_option maxRecDepth 1000 in rw [add_comm]",
            "by simp [show #v[1, 2].size = 2 from rfl, (0#w : BitVec w), x#n', #rows.card]",
            "by cases «P(a,a)» 1; simp [«f0=0»]",
            "by\r\n  rfl\r\n",
            "| 0 => rfl\n  | n + 1 => by simp [f n]\ntermination_by n => n\ndecreasing_by omega",
            "f x\n  where f : T := y\n  termination_by structural x => x",
            "by exact (congrArg (· ++ \"{\") h)",
            "Aᵀ = A ∧ sᶜ = Rˣ ∧ ‖x‖ ≤ 1",
            "by rw [xs[0]'h, Finset.sum_comm,-- first\n    foo]",
        ] {
            check_proof(proof).unwrap_or_else(|reason| panic!("{proof}: {reason}"));
        }
    }

    #[test]
    fn what_leaves_the_proof_is_refused() {
        for proof in [
            "",
            "-- only a comment",
            "trivial\naxiom cheat : False",
            "by exact test_sorry; sorry",
            "by native_decide",
            "by decide +native",
            "by decide (config := { native := true })",
            "by set_option debug.skipKernelTC true in decide",
            "trivial end X",
            "by run_tac pure ()",
            "by exact (by_elab return .const ``sorryAx [])",
            "Lean.ofReduceBool _ _ rfl",
            "trivial #eval 1",
            "trivial @[simp] theorem x : True := trivial",
            "by admit",
            "by stop",
            "include_str \"x\"",
            "open Nat",
            "open Lean.Elab in x",
            "set_option maxRecDepth 100000 in x",
            "set_option maxRecDepth 100\nx",
            "by set_option maxHeartbeats 0 in simp",
            "by exact?",
            "by\n  simp)\n  (",
            "«sorry»",
            "by simp («maxSteps» := f 5)",
            "«Lean».x",
            "x.«lcProof»",
            "«Lean.Meta» x",
            "stp_target",
            "(trivial",
            "by simp (maxSteps := f 5)",
            "trivial /-/- -/ #eval 1 --/",
            "trivial '' \"\n#eval 1 \"",
            "0#eval x",
            "0 #reduce x",
            "0#widget",
            "0#checkx",
            "x#evalx",
            "trace \"{x}\"",
            "`(tactic| skip)",
            "s!\"{sorry}\"",
            "local_inst\nlocal instance : X := y",
        ] {
            assert!(check_proof(proof).is_err(), "{proof}");
        }
        assert!(check_proof(&"x ".repeat(MAX_BYTES)).is_err());
        assert!(check_proof(&format!("{}x{}", "(".repeat(300), ")".repeat(300))).is_err());
    }

    #[test]
    fn statements_have_a_type_and_no_proof() {
        for good in ["(a b : Nat) : a + b = b + a", ": True", "{α : Type} (xs : List α) : xs.length ≥ 0"]
        {
            check_signature(good).unwrap();
        }
        for bad in [
            "(a : Nat)",
            ": True := trivial",
            ": x where y",
            "| 0 => 1",
            ": True\ntheorem y : False",
            ": sorry",
            ": True -- and so on",
            "(h : a = a := by simp (maxSteps := f 5)) : True",
            "(h : a = a := by decide (kernel := lcCast trivial)) : True",
            "(h : a = a := by run_tac x) : True",
            "(x : Nat := (by_elab x)) : True",
        ] {
            assert!(check_signature(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn texts_are_whole_and_their_lines_end_alike() {
        check_text("import Mathlib\r\n\topen Nat -- \u{202e}").unwrap();
        assert!(check_text("import Mathlib\nopen Nat\0axiom").unwrap_err().contains("line 2"));
        assert_eq!(normalise("\u{feff}a\r\nb\rc\n"), "a\nb\rc\n");
        assert!(matches!(normalise("a\nb"), Cow::Borrowed("a\nb")));
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(text in "\\PC{0,300}") {
            let _ = (check_proof(&text), check_signature(&text), check_header(&text), may_run_code(&text));
        }

        #[test]
        fn a_forbidden_word_is_found_wherever_it_stands(
            before in "[a-z ()]{0,20}", after in "[a-z ()]{0,20}",
            word in prop::sample::select(words::COMMANDS),
        ) {
            let text = format!("{before} {word} {after}");
            prop_assert!(check_proof(&text).is_err());
        }
    }
}
