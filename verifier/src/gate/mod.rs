//! The text gate: what may stand in a proof at all, decided before Lean sees it.
//!
//! A proof is hostile text. It may be one term or tactic block and nothing else: nothing that ends the
//! declaration, starts a command, changes options or runs code while elaborating. The gate refuses too
//! much rather than too little; Lean's own answer and the kernel's second look come after it.
//!
//! Of the forms that belong to commands, two may stand inside a proof, each closed by `in`: `open Name in`,
//! and `set_option maxRecDepth N in` with N up to [`MAX_REC_DEPTH`]. `maxHeartbeats` may not be set: the
//! pool's limit is the same for every candidate. `exact?`, `apply?` and their like are refused: they
//! search the whole library, and their first use in a process takes many seconds and over a gigabyte, so
//! that a verdict would depend on what the process did before. `let rec` and `where` may stand: what
//! they add is the theorem's own and goes through the kernel.

mod code;
mod header;
mod lexer;
mod words;

pub use code::may_run_code;
pub use header::check_header;
use lexer::Token;
use words::{COMMAND_FAMILIES, COMMANDS, FORBIDDEN};

/// Longest text in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// Deepest nesting of brackets.
pub const MAX_DEPTH: usize = 200;
/// Highest `maxRecDepth` that a proof may set (Lean's default is 512).
pub const MAX_REC_DEPTH: u32 = 2048;

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

/// Whether a whole text may go on to Lean at all: whatever it says, it must be read as it stands.
///
/// # Errors
/// The reason why not, for people.
pub fn check_text(text: &str) -> Result<(), String> {
    if text.contains('\0') { Err("the text holds a NUL character".to_owned()) } else { Ok(()) }
}

/// Whether `signature` (binders, `:`, type) written by a model may go on to Lean.
///
/// # Errors
/// The reason why not, for people.
pub fn check_signature(signature: &str) -> Result<(), String> {
    let tokens = lex(signature)?;
    check_tokens(&tokens)?;
    let mut depth = 0usize;
    let mut colon = false;
    for pair in tokens.windows(2) {
        match pair[0] {
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth = depth.saturating_sub(1),
            Token::Symbol(':') if depth == 0 && pair[1] == Token::Symbol('=') => {
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
    !text.contains(char::is_whitespace) && matches!(lexer::tokens(text).as_deref(), Ok([Token::Word(_)]))
}

fn lex(text: &str) -> Result<Vec<Token<'_>>, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("the text has {} bytes, more than {MAX_BYTES}", text.len()));
    }
    if let Some(c) = text.chars().find(|c| (c.is_control() && *c != '\n') || is_invisible(*c)) {
        return Err(format!("the character U+{:04X} is not allowed, not even in a comment", u32::from(c)));
    }
    lexer::tokens(text)
}

/// Characters that make a text look like another one: without width, or changing the direction of writing.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn check_tokens(tokens: &[Token<'_>]) -> Result<(), String> {
    check_brackets(tokens)?;
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1);
        match token {
            Token::Word("open") => check_open(&tokens[index + 1..])?,
            Token::Word("set_option") => check_option(&tokens[index + 1..])?,
            Token::Word("scoped") if index > 0 && tokens[index - 1] == Token::Word("open") => {}
            Token::Word(word) => check_word(word, index.checked_sub(1).and_then(|i| tokens.get(i)), next)?,
            // `#[1, 2]` is an array and `5#8` a bit vector; a command is a `#` and a word.
            Token::Symbol('#') if !matches!(next, Some(Token::Open('[') | Token::Literal(_))) => {
                return Err("`#` starts a command".to_owned());
            }
            Token::Symbol('@') if next == Some(&Token::Open('[')) => {
                return Err("`@[` sets attributes".to_owned());
            }
            Token::Symbol('`') => {
                return Err("a back-quote quotes syntax, which proofs do not need".to_owned());
            }
            // `s!"…{x}"` runs terms inside what looks like a string.
            Token::Literal(text) if text.starts_with('"') && text.contains('{') => {
                return Err("a string with `{` may hide a term".to_owned());
            }
            _ => {}
        }
    }
    Ok(())
}

/// `open A B in`, `open scoped A in`, `open A (b c) in`.
fn check_open(after: &[Token<'_>]) -> Result<(), String> {
    let names = after.iter().take_while(|token| {
        matches!(token, Token::Word(word) if *word != "in")
            || matches!(token, Token::Open('(') | Token::Close(')'))
    });
    let count = names.count();
    match after.get(count) {
        Some(Token::Word("in")) if count > 0 => Ok(()),
        _ => Err("`open` may stand in a proof only as `open Name in`".to_owned()),
    }
}

/// `set_option maxRecDepth N in`.
fn check_option(after: &[Token<'_>]) -> Result<(), String> {
    match after {
        [Token::Word("maxRecDepth"), Token::Literal(number), Token::Word("in"), ..]
            if number.parse::<u32>().is_ok_and(|number| number <= MAX_REC_DEPTH) =>
        {
            Ok(())
        }
        _ => Err(format!("only `set_option maxRecDepth N in` may stand in a proof, N up to {MAX_REC_DEPTH}")),
    }
}

fn check_word(word: &str, previous: Option<&Token<'_>>, next: Option<&Token<'_>>) -> Result<(), String> {
    if word.contains('«') {
        return Err("`«»` names are not allowed".to_owned());
    }
    // `x.end` is a field, and Lean's keywords are no field names: only a bare word can be a command.
    if COMMANDS.contains(&word) || COMMAND_FAMILIES.iter().any(|family| word.starts_with(family)) {
        return Err(format!("`{word}` belongs to commands"));
    }
    if let Some(part) = word.split('.').find(|part| FORBIDDEN.contains(part)) {
        return Err(format!("`{part}` is not allowed in a proof"));
    }
    if next == Some(&Token::Symbol('%'))
        && matches!(word, "eval" | "include_str" | "type_of" | "ensure_type_of")
    {
        return Err(format!("`{word}%` is not allowed in a proof"));
    }
    let configures = |marks: &[Token<'_>]| previous.is_some_and(|token| marks.contains(token));
    if word == "native"
        && (configures(&[Token::Symbol('+'), Token::Open('(')]) || next == Some(&Token::Symbol(':')))
    {
        return Err("`native` evaluation is not allowed".to_owned());
    }
    let roots = ["debug", "skipKernelTC", "Lean", "Elab", "Meta", "IO", "System"];
    let root = word.split('.').next().unwrap_or_default();
    if roots.contains(&root) {
        return Err(format!("`{word}` reaches into Lean's own machinery"));
    }
    if word.starts_with("stp_target") || word.contains(".stp_target") {
        return Err("`stp_target` is the judge's own name".to_owned());
    }
    Ok(())
}

fn check_brackets(tokens: &[Token<'_>]) -> Result<(), String> {
    let mut open = Vec::new();
    for token in tokens {
        match token {
            Token::Open(bracket) => {
                open.push(closing(*bracket));
                if open.len() > MAX_DEPTH {
                    return Err(format!("brackets nest deeper than {MAX_DEPTH}"));
                }
            }
            Token::Close(bracket) if open.pop() != Some(*bracket) => {
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
            "stp_target",
            "(trivial",
            "trivial termination_by 1",
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
        ] {
            assert!(check_signature(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(text in "\\PC{0,300}") {
            let _ = (check_proof(&text), check_signature(&text));
        }

        #[test]
        fn a_forbidden_word_is_found_wherever_it_stands(
            before in "[a-z ()]{0,20}", after in "[a-z ()]{0,20}", index in 0usize..30,
        ) {
            let word = FORBIDDEN[index % FORBIDDEN.len()];
            let text = format!("{before} {word} {after}");
            prop_assert!(check_proof(&text).is_err());
        }
    }
}
