//! The gate's tokens: Lean text divided by the lexer of [`stp_datasets::lean_text`], without any doubt.
//!
//! What Lean might divide otherwise is an error here, and the gate refuses it: or else what is a string or a comment to the
//! gate could be code to Lean.

use stp_datasets::lean_text::{self, Span, SpanKind};

/// One token of Lean text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// A word with its dotted parts: `Nat.add_comm`, `h₁`, `«x»`.
    Word(&'a str),
    /// An opening bracket.
    Open(char),
    /// A closing bracket.
    Close(char),
    /// A number, string or character literal.
    Literal(&'a str),
    /// Any other character.
    Symbol(char),
}

/// A token and how it stands to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lexeme<'a> {
    pub token: Token<'a>,
    /// Nothing stands between the two.
    pub joined: bool,
    /// It is the first of its line.
    pub first: bool,
}

/// The tokens of a text, comments and spaces left out.
///
/// # Errors
/// What cannot be divided into tokens, in words for people.
pub fn tokens(text: &str) -> Result<Vec<Lexeme<'_>>, String> {
    // In comments and strings, too: what cannot be seen makes a text look like another.
    if let Some(reason) = lean_text::disguise(text) {
        return Err(reason);
    }
    let mut found = Vec::new();
    for span in lean_text::spans(text) {
        let token = token(&span);
        if let Some(doubt) = span.doubt {
            return Err(doubt.into_owned());
        }
        found.extend(token.map(|token| Lexeme { token, joined: span.joined, first: span.first }));
    }
    Ok(found)
}

fn token<'a>(span: &Span<'a>) -> Option<Token<'a>> {
    let first = span.text.chars().next()?;
    Some(match span.kind {
        SpanKind::Word => Token::Word(span.text),
        SpanKind::Number | SpanKind::Char => Token::Literal(span.text),
        // Of a raw string what begins with its quote.
        SpanKind::Text => Token::Literal(span.text.trim_start_matches(['r', '#'])),
        SpanKind::Open => Token::Open(first),
        SpanKind::Close => Token::Close(first),
        SpanKind::Symbol => Token::Symbol(first),
        SpanKind::Comment | SpanKind::Doc | SpanKind::Space => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        let keep = |lexeme: Lexeme<'_>| match lexeme.token {
            Token::Word(word) => Some(word.to_owned()),
            _ => None,
        };
        tokens(text).unwrap().into_iter().filter_map(keep).collect()
    }

    #[test]
    fn comments_and_strings_hide_words() {
        assert_eq!(
            words("a -- sorry\n b /- x /- y -/ z -/ c \"axiom \\\" sorry\" d r#\"sorry\"q\"# e"),
            ["a", "b", "c", "d", "e"]
        );
    }

    #[test]
    fn words_keep_their_dotted_parts_and_primes() {
        assert_eq!(
            words("Nat.add_comm h₁' x.1.foo «a b».c f? Gödel x⊗y"),
            ["Nat.add_comm", "h₁'", "x", "foo", "«a b».c", "f?", "Gödel", "x", "y"]
        );
    }

    #[test]
    fn subscripts_belong_to_names_or_symbols() {
        assert_eq!(words("x₁ ‖y‖₂ A *ᵥ v →ₗ[R] w"), ["x₁", "y", "A", "v", "R", "w"]);
    }

    #[test]
    fn places_are_told() {
        let places: Vec<_> =
            tokens("a.b\n  (-- c\r\n d )").unwrap().iter().map(|l| (l.joined, l.first)).collect();
        assert_eq!(places, [(false, true), (false, true), (false, true), (false, false)]);
        let joined: Vec<_> = tokens("x#w = 0#v").unwrap().iter().map(|l| l.joined).collect();
        assert_eq!(joined, [false, true, true, false, false, true, true]);
    }

    #[test]
    fn comments_may_follow_what_no_token_goes_on_from() {
        for text in [
            "(-- c\n x)",
            "⟨/- c -/x⟩",
            "f a,-- c\n b",
            "x :=-- c\n y",
            "fun x =>/- c -/ x",
            "·-- c\n x",
            "x/- -/y",
        ] {
            tokens(text).unwrap_or_else(|reason| panic!("{text}: {reason}"));
        }
        for text in ["rw [<--sorry]", "a //- b -/", "p \\/- q -/", "h |--x", "x =--y", "x >/- -/", "→--c"] {
            assert!(tokens(text).is_err(), "{text}");
        }
    }

    #[test]
    fn comments_are_divided_as_lean_does() {
        for text in ["/-- doc -/ x", "/-! doc -/ x", "/-/- -/ x --/", "/-/ x -/", "/- /- -/"] {
            assert!(tokens(text).is_err(), "{text}");
        }
        assert_eq!(words("/- a /-/ b -/ c -/ d"), ["d"]);
    }

    #[test]
    fn lines_end_as_they_do_everywhere() {
        assert_eq!(words("by\r\n  rfl -- c\r\n"), ["by", "rfl"]);
        assert!(tokens("a\rb").unwrap_err().contains("carriage return"));
        assert!(tokens("a\tb").unwrap_err().contains("tabs"));
        assert_eq!(words("a -- \t\n /- \t ✔\u{fe0f} -/ b"), ["a", "b"]);
    }

    #[test]
    fn invisible_and_look_alike_characters_are_errors() {
        for c in [
            '\u{200b}', '\u{202e}', '\u{feff}', '\u{ff41}', '\0', '\t', '\r', '\u{a0}', 'а', '\u{0301}',
            '\u{fe0f}',
        ] {
            assert!(tokens(&format!("x{c}y")).is_err(), "{c:?}");
        }
        for c in ['\u{202e}', '\u{200b}', '\0', '\u{1b}'] {
            for text in [format!("x -- {c}"), format!("x /- {c} -/"), format!("\"{c}\"")] {
                assert!(tokens(&text).is_err(), "{text:?}");
            }
        }
    }

    #[test]
    fn characters_are_told_from_primes() {
        assert_eq!(tokens("'a' h' '\\n' '\\'' '\"'").unwrap().len(), 5);
    }

    #[test]
    fn operators_may_end_in_a_prime() {
        for text in [
            "xs[i]'h",
            "xs[0]'(by simp)",
            "α ×' β",
            "Σ' n, p n",
            "∑' n, f n",
            "f ⁻¹' s",
            "f '' s",
            "(f '' s)",
        ] {
            tokens(text).unwrap_or_else(|reason| panic!("{text}: {reason}"));
        }
    }

    /// Where no notation has it, Lean goes on from behind the second character after the prime.
    #[test]
    fn what_lean_would_divide_otherwise_is_an_error() {
        for text in [
            "f '' \"\n#eval 1 \"",
            "f ''\"x\"",
            "f '' r\"\\\" x \"",
            "f⁻¹'\"' x",
            "f ⁻¹' '\"' x",
            "f ⁻¹' -- x",
            "f '' /- x -/",
            "1r\"\\\" axiom \"",
            "x.1r\"a\"",
            "→r\"\\\" x\"",
            "ér\"\\\" x\"",
            "'\\n axiom'",
            "\"\\q\"",
            "\"\\u{41}\"",
            "\"a\\\n\n b\"",
            "0x\" a \"",
            "1e\" a \"",
            "1_\" a \"",
            "1_e5",
            "0b2",
        ] {
            assert!(tokens(text).is_err(), "{text}");
        }
        assert_eq!(tokens("1e5 1e-5 0xff 0b1 0o17 1_000 '\\x41' \"a\\\n b\" f '' s").unwrap().len(), 11);
    }

    #[test]
    fn what_is_not_closed_is_an_error() {
        for text in ["\"abc", "/- x", "'a", "«x", "r#\"x\"", "/- /- -/"] {
            assert!(tokens(text).is_err(), "{text}");
        }
    }

    #[test]
    fn factorials_are_numbers_with_a_mark() {
        assert_eq!(tokens("9! = 362880").unwrap().len(), 4);
        assert!(tokens("9!x").is_err());
    }

    proptest! {
        #[test]
        fn any_text_ends_without_panic(text in "\\PC{0,200}") {
            let _ = tokens(&text);
        }

        #[test]
        fn lean_like_text_ends_without_panic(text in "[-/\"'«»a-c.(){} \nr#\\\\0-1_x]{0,80}") {
            let _ = tokens(&text);
        }
    }
}
