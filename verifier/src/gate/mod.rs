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
mod rules;
mod whole;
mod words;

use std::borrow::Cow;

pub use code::may_run_code;
pub use header::check_header;
use lexer::{Lexeme, Token};
pub use options::MAX_REC_DEPTH;
pub use rules::{MAX_BYTES, MAX_DEPTH};
use rules::{check_tokens, lex};
pub(crate) use whole::still;

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

/// Whether a proof that may have `sorry` in it may go on to Lean, to be made a sketch of and not to be judged.
///
/// # Errors
/// The reason why not, for people.
pub fn check_sketch(proof: &str) -> Result<(), String> {
    let mut tokens = lex(proof)?;
    if tokens.is_empty() {
        return Err("the proof is empty".to_owned());
    }
    tokens.retain(|lexeme| lexeme.token != Token::Word("sorry"));
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
    let (mut depth, mut colon, mut lets) = (0usize, false, 0usize);
    for pair in tokens.windows(2) {
        match pair[0].token {
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth = depth.saturating_sub(1),
            Token::Word("let" | "have" | "letI" | "haveI") if depth == 0 && colon => lets += 1,
            Token::Symbol(':') if depth == 0 && pair[1].token == Token::Symbol('=') => {
                // One that gives a name its value belongs to the type, and any other would end it.
                lets = lets.checked_sub(1).ok_or("`:=` does not belong in a statement")?;
            }
            Token::Symbol(':') if depth == 0 => colon = true,
            Token::Symbol('|') if depth == 0 && !colon => {
                return Err("`|` does not belong before the type".to_owned());
            }
            // One that is defined by equations has no `:=`.
            Token::Symbol('|') if depth == 0 => lets = 0,
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
        for good in [
            "(a b : Nat) : a + b = b + a",
            ": True",
            "{α : Type} (xs : List α) : xs.length ≥ 0",
            "(n : Nat) : let m := n + 1; have h : m = n + 1 := rfl; m = n + 1",
            ": let f : Nat → Nat | 0 => 0 | n => n\n  f 0 = 0",
        ] {
            check_signature(good).unwrap();
        }
        for bad in [
            "(a : Nat)",
            ": True := trivial",
            ": let m := 1; True := trivial",
            ": let f : Nat → Nat | 0 => 0 | n => n; True := trivial",
            "(n : Nat) let : True := trivial",
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
