//! Numbers, strings and characters, and the `'` that belongs to none of them.

use super::characters::{is_late_letter, is_word_rest};
use super::lexer::{Lexer, Token};

impl<'a> Lexer<'a> {
    /// A number; `x.1` and `1.5` alike: what follows the dot is its own token.
    ///
    /// To Lean a number ends where a word begins, and `1r"..."` is a number and a raw string: refused. So is what it
    /// calls a wrong number.
    pub(super) fn number(&mut self) -> Result<Token<'a>, String> {
        let start = self.position;
        match self.rest().get(..2) {
            Some("0x" | "0X") => self.digits(2, |c| c.is_ascii_hexdigit())?,
            Some("0b" | "0B") => self.digits(2, |c| matches!(c, '0' | '1'))?,
            Some("0o" | "0O") => self.digits(2, |c| matches!(c, '0'..='7'))?,
            _ => {
                self.digits(0, |c| c.is_ascii_digit())?;
                if self.rest().starts_with(['e', 'E']) {
                    let sign = self.rest()[1..].starts_with(['+', '-']);
                    self.digits(1 + usize::from(sign), |c| c.is_ascii_digit())?;
                }
            }
        }
        let joined = self.peek().is_some_and(|c| is_word_rest(c) || c == '«');
        if joined && !self.at_factorial() {
            return Err("a word follows a number without a space".to_owned());
        }
        Ok(Token::Literal(&self.text[start..self.position]))
    }

    /// Digits behind a mark of so many bytes.
    fn digits(&mut self, mark: usize, is_digit: impl Fn(char) -> bool) -> Result<(), String> {
        self.position += mark;
        let digits = self.take_while(|c| is_digit(c) || c == '_');
        if digits.is_empty() || digits.starts_with('_') || digits.ends_with('_') {
            return Err("a number lacks its digits".to_owned());
        }
        Ok(())
    }

    /// Whether a lone `!` comes next, as in `9! = 362880`.
    fn at_factorial(&self) -> bool {
        let after = self.rest().strip_prefix('!');
        after.is_some_and(|after| !after.starts_with(|c| is_word_rest(c) || matches!(c, '=' | '[' | '«')))
    }

    pub(super) fn string(&mut self) -> Result<Token<'a>, String> {
        if matches!(self.before.token, Some(Token::Word(word)) if word.contains(is_late_letter)) {
            return Err("a string follows a name without a space".to_owned());
        }
        let start = self.position;
        self.position += 1;
        while let Some(c) = self.peek() {
            self.position += c.len_utf8();
            match c {
                '"' => return Ok(Token::Literal(&self.text[start..self.position])),
                '\\' => self.escape(true)?,
                _ => {}
            }
        }
        Err("a string is not closed".to_owned())
    }

    /// What follows a backslash in a string or character: only what Lean knows.
    fn escape(&mut self, in_string: bool) -> Result<(), String> {
        if in_string && self.rest().starts_with(['\n', '\r']) {
            return self.string_gap();
        }
        let digits = match self.peek() {
            Some('\\' | '"' | '\'' | 'n' | 't' | 'r') => 0,
            Some('x') => 2,
            Some('u') => 4,
            _ => return Err("a backslash is followed by what Lean does not know".to_owned()),
        };
        self.position += 1;
        if self.rest().bytes().take(digits).filter(u8::is_ascii_hexdigit).count() < digits {
            return Err("an escaped character has too few digits".to_owned());
        }
        self.position += digits;
        Ok(())
    }

    /// A string that goes on in the next line.
    fn string_gap(&mut self) -> Result<(), String> {
        let gap = self.take_while(|c| matches!(c, ' ' | '\n' | '\r' | '\t'));
        match gap.matches('\n').count() {
            1 if gap.starts_with('\n') || gap.starts_with("\r\n") => Ok(()),
            _ => Err("an empty line follows a backslash in a string".to_owned()),
        }
    }

    /// The number of `#` if a raw string `r"`, `r#"`, ... begins here.
    pub(super) fn raw_string_hashes(&self) -> Option<usize> {
        let after = self.rest().strip_prefix('r')?;
        let hashes = after.len() - after.trim_start_matches('#').len();
        after[hashes..].starts_with('"').then_some(hashes)
    }

    pub(super) fn raw_string(&mut self, hashes: usize) -> Result<Token<'a>, String> {
        let end = format!("\"{}", "#".repeat(hashes));
        let start = self.position;
        match self.text[start + 1..].find(&end) {
            Some(offset) => {
                self.position = start + 1 + offset + end.len();
                Ok(Token::Literal(&self.text[start..self.position]))
            }
            None => Err("a raw string is not closed".to_owned()),
        }
    }

    /// A character literal, or a `'` that ends an operator; primes of names belong to words.
    pub(super) fn character(&mut self) -> Result<Token<'a>, String> {
        let ends_operator = match self.before.token {
            // Operators of Lean itself: `xs[i]'h`, `×'`, `Σ'`, `⊕'`.
            Some(Token::Close(']') | Token::Symbol('×' | 'Σ' | '⊕')) => true,
            // Operators of libraries: `⁻¹'`, `∑'`, `''`.
            Some(Token::Symbol(_)) => {
                self.check_quiet(1, "a `'` follows a symbol without a space")?;
                true
            }
            Some(Token::Close(_) | Token::Literal(_)) => {
                return Err("a `'` follows a bracket or a literal without a space".to_owned());
            }
            _ => false,
        };
        if ends_operator {
            return Ok(self.single(Token::Symbol('\'')));
        }
        if self.rest().starts_with("''") {
            self.check_quiet(2, "`''` must stand before a space and a name")?;
            self.position += 2;
            return Ok(Token::Symbol('\''));
        }
        let start = self.position;
        self.position += 1;
        match self.peek() {
            Some('\\') => {
                self.position += 1;
                self.escape(false)?;
            }
            Some(c) if c != '\n' => self.position += c.len_utf8(),
            _ => {}
        }
        if self.peek() != Some('\'') {
            return Err("a character literal is not closed".to_owned());
        }
        self.position += 1;
        Ok(Token::Literal(&self.text[start..self.position]))
    }

    /// Where the library is missing whose operator ends in the `'` so many bytes back, that `'` begins a character,
    /// which ends wrongly after two more. Those must be nothing that opens or closes anything.
    fn check_quiet(&self, from: usize, reason: &str) -> Result<(), String> {
        let mut after = self.rest()[from..].chars();
        let quiet = |c: char| !matches!(c, '"' | '\'' | '\\' | '-' | '/' | '«' | '»' | '#');
        match (after.next(), after.next(), after.next()) {
            (Some(one), Some(two), three)
                if quiet(one) && quiet(two) && !matches!((two, three), ('r', Some('"' | '#'))) =>
            {
                Ok(())
            }
            _ => Err(reason.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::gate::lexer::tokens;

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
}
