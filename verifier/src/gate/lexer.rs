//! A lexer for as much of Lean as the gate must tell apart: words, strings, characters, comments, symbols.
//!
//! It never guesses: a text that it cannot divide with certainty (an open string or comment, a character
//! that has no business in a proof) is an error, and the gate refuses it.

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

/// The tokens of a text, comments and spaces left out.
///
/// # Errors
/// What cannot be divided into tokens, in words for people.
pub fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    // In comments and strings, too: what cannot be seen makes a text look like another.
    if let Some(c) = text.chars().find(|&c| is_invisible(c)) {
        return Err(format!("the invisible character U+{:04X} is not allowed", u32::from(c)));
    }
    let mut lexer = Lexer { text, position: 0, previous: None };
    let mut found = Vec::new();
    while let Some(token) = lexer.next()? {
        found.push(token);
    }
    Ok(found)
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
    /// The token that ends at `position`, if no space follows it.
    previous: Option<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.position += length;
        &rest[..length]
    }

    fn next(&mut self) -> Result<Option<Token<'a>>, String> {
        self.skip_space()?;
        let Some(first) = self.peek() else { return Ok(None) };
        let start = self.position;
        let token = match first {
            '"' => self.string()?,
            'r' if self.raw_string_hashes().is_some() => {
                let hashes = self.raw_string_hashes().unwrap_or_default();
                self.position += 1 + hashes;
                self.raw_string(hashes)?
            }
            '\'' => self.character()?,
            c if c.is_ascii_digit() => self.number()?,
            c if is_word_start(c) => {
                self.word()?;
                Token::Word(&self.text[start..self.position])
            }
            '(' | '[' | '{' | '⟨' | '⦃' | '⟦' | '‹' => self.single(Token::Open(first)),
            ')' | ']' | '}' | '⟩' | '⦄' | '⟧' | '›' => self.single(Token::Close(first)),
            c if is_allowed_symbol(c) => self.single(Token::Symbol(first)),
            c => return Err(format!("the character {c:?} (U+{:04X}) is not allowed", u32::from(c))),
        };
        self.previous = Some(token);
        Ok(Some(token))
    }

    /// Skips spaces and comments.
    ///
    /// Lean reads the longest token first, and `<-`, `|-`, `//` or `\/` swallow what looks like the start
    /// of a comment: so a comment right after a symbol is refused. Doc comments belong to commands.
    fn skip_space(&mut self) -> Result<(), String> {
        loop {
            if !self.take_while(|c| c == ' ' || c == '\n').is_empty() {
                self.previous = None;
            }
            let rest = self.rest();
            let line = rest.starts_with("--");
            if !line && !rest.starts_with("/-") {
                return Ok(());
            }
            if matches!(self.previous, Some(Token::Symbol(_))) {
                return Err("a comment follows a symbol without a space".to_owned());
            }
            if line {
                self.take_while(|c| c != '\n');
            } else if rest.starts_with("/--") || rest.starts_with("/-!") {
                return Err("`/--` and `/-!` comments document commands, not proofs".to_owned());
            } else {
                self.skip_comment()?;
            }
            self.previous = None;
        }
    }

    /// A number; `x.1` and `1.5` alike: what follows the dot is its own token.
    ///
    /// To Lean a number ends where a word begins, and `1r"..."` is a number and a raw string: refused.
    fn number(&mut self) -> Result<Token<'a>, String> {
        let start = self.position;
        let rest = self.rest();
        let radix = |marks: [&str; 2]| marks.iter().any(|mark| rest.starts_with(mark));
        if radix(["0x", "0X"]) {
            self.position += 2;
            self.take_while(|c| c.is_ascii_hexdigit() || c == '_');
        } else if radix(["0b", "0B"]) || radix(["0o", "0O"]) {
            self.position += 2;
            self.take_while(|c| c.is_ascii_digit() || c == '_');
        } else {
            self.take_while(|c| c.is_ascii_digit() || c == '_');
            if self.rest().starts_with(['e', 'E']) {
                self.position += 1;
                self.take_while(|c| c.is_ascii_digit());
            }
        }
        if (self.peek().is_some_and(is_word_rest) && !self.at_factorial()) || self.rest().starts_with('«') {
            return Err("a word follows a number without a space".to_owned());
        }
        Ok(Token::Literal(&self.text[start..self.position]))
    }

    fn single(&mut self, token: Token<'a>) -> Token<'a> {
        self.position += self.peek().map_or(0, char::len_utf8);
        token
    }

    fn skip_comment(&mut self) -> Result<(), String> {
        let mut depth = 0usize;
        loop {
            let rest = self.rest();
            if rest.starts_with("/-") {
                depth += 1;
                self.position += 2;
            } else if rest.starts_with("-/") {
                depth -= 1;
                self.position += 2;
                if depth == 0 {
                    return Ok(());
                }
            } else if let Some(c) = rest.chars().next() {
                self.position += c.len_utf8();
            } else {
                return Err("a comment is not closed".to_owned());
            }
        }
    }

    fn string(&mut self) -> Result<Token<'a>, String> {
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
        let digits = match self.peek() {
            Some('\\' | '"' | '\'' | 'n' | 't' | 'r') => 0,
            Some('\n') if in_string => 0,
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

    /// Whether a lone `!` comes next, as in `9! = 362880`.
    fn at_factorial(&self) -> bool {
        let after = self.rest().strip_prefix('!');
        after.is_some_and(|after| !after.starts_with(|c| is_word_rest(c) || matches!(c, '=' | '[' | '«')))
    }

    /// The number of `#` if a raw string `r"`, `r#"`, ... begins here.
    fn raw_string_hashes(&self) -> Option<usize> {
        let after = self.rest().strip_prefix('r')?;
        let hashes = after.len() - after.trim_start_matches('#').len();
        after[hashes..].starts_with('"').then_some(hashes)
    }

    fn raw_string(&mut self, hashes: usize) -> Result<Token<'a>, String> {
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

    /// A character literal, or the operator `''`; primes belong to words, and some operators end in one.
    fn character(&mut self) -> Result<Token<'a>, String> {
        let start = self.position;
        if matches!(self.previous, Some(Token::Symbol(_) | Token::Close(_) | Token::Literal(_))) {
            return Err("a `'` follows a symbol without a space".to_owned());
        }
        self.position += 1;
        match self.peek() {
            Some('\'') => {
                self.position += 1;
                return Ok(Token::Symbol('\''));
            }
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

    fn word(&mut self) -> Result<(), String> {
        loop {
            if self.peek() == Some('«') {
                let rest = self.rest();
                let end = rest.find('»').filter(|&end| !rest[..end].contains('\n'));
                self.position += end.ok_or("a « is not closed")? + '»'.len_utf8();
            } else {
                self.take_while(is_word_rest);
            }
            let mut ahead = self.rest().chars();
            if ahead.next() == Some('.') && ahead.next().is_some_and(is_word_start) {
                self.position += 1;
            } else {
                return Ok(());
            }
        }
    }
}

/// Control characters other than the line's end, and characters of no width or that turn the direction.
fn is_invisible(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'
                ..='\u{180f}'
        )
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn is_letter_like(c: char) -> bool {
    matches!(c, 'α'..='ω' | 'Α'..='Ω' | 'ϊ'..='ϻ' | 'ἀ'..='῾' | '℀'..='⅏' | '𝒜'..='𝖟')
        && !matches!(c, 'λ' | 'Π' | 'Σ')
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == '«' || is_letter_like(c)
}

fn is_word_rest(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '_' | '\'' | '!' | '?' | '₀'..='₉' | 'ₐ'..='ₜ' | 'ᵢ'..='ᵪ' | 'ⱼ')
        || is_letter_like(c)
}

/// ASCII punctuation, and the mathematical symbols and arrows of Lean. Nothing invisible, nothing that
/// looks like another character.
fn is_allowed_symbol(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c, 'λ' | 'Π' | 'Σ' | '¬' | '×' | '·' | '÷' | '±' | '¹' | '²' | '³' | '⁰'..='⁺' | '⁻'..='ⁿ' | '•' | '…' | '†')
        || matches!(c, '←'..='⇿' | '∀'..='⋿' | '⟵'..='⟿' | '⌈'..='⌋' | '▸' | '◂' | '▹' | '◃' | '○' | '●' | '⧸' | '⨅'..='⨿' | '⩽'..='⪰')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        let keep = |token| if let Token::Word(word) = token { Some(word.to_owned()) } else { None };
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
            words("Nat.add_comm h₁' x.1.foo «a b».c f?"),
            ["Nat.add_comm", "h₁'", "x", "foo", "«a b».c", "f?"]
        );
    }

    #[test]
    fn characters_are_told_from_primes() {
        assert_eq!(tokens("'a' h' '\\n' '\\''").unwrap().len(), 4);
    }

    #[test]
    fn what_lean_would_divide_otherwise_is_an_error() {
        for text in [
            "rw [<--sorry]",
            "a //- b -/",
            "p \\/- q -/",
            "h |--x",
            "1r\"\\\" axiom \"",
            "x.1r\"a\"",
            "'\\n axiom'",
            "\"\\q\"",
            "\"\\u{41}\"",
            "f⁻¹'\"' x",
            "/-- doc -/ x",
            "/-! doc -/ x",
        ] {
            assert!(tokens(text).is_err(), "{text}");
        }
        assert_eq!(tokens("1e5 0xff 0b1 1_000 '\\x41' \"a\\\n b\" f '' s").unwrap().len(), 9);
    }

    #[test]
    fn what_is_not_closed_is_an_error() {
        for text in ["\"abc", "/- x", "'a", "«x", "r#\"x\"", "/- /- -/"] {
            assert!(tokens(text).is_err(), "{text}");
        }
    }

    #[test]
    fn invisible_and_look_alike_characters_are_errors() {
        for c in ['\u{200b}', '\u{202e}', '\u{feff}', '\u{ff41}', '\0', '\t', '\r', '\u{a0}', 'а', '\u{0301}']
        {
            assert!(tokens(&format!("x{c}y")).is_err(), "{c:?}");
        }
        for c in ['\u{202e}', '\u{200b}', '\r', '\0'] {
            for text in [format!("x -- {c}"), format!("x /- {c} -/"), format!("\"{c}\"")] {
                assert!(tokens(&text).is_err(), "{text:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_ends_without_panic(text in "\\PC{0,200}") {
            let _ = tokens(&text);
        }

        #[test]
        fn lean_like_text_ends_without_panic(text in "[-/\"'«»a-c.(){} \nr#\\\\]{0,80}") {
            let _ = tokens(&text);
        }
    }
}
