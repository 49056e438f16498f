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
    let mut lexer = Lexer { text, position: 0 };
    let mut found = Vec::new();
    while let Some(token) = lexer.next()? {
        found.push(token);
    }
    Ok(found)
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
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
        loop {
            self.take_while(|c| c == ' ' || c == '\n');
            if self.rest().starts_with("--") {
                self.take_while(|c| c != '\n');
            } else if self.rest().starts_with("/-") {
                self.skip_comment()?;
            } else {
                break;
            }
        }
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
            c if c.is_ascii_digit() => {
                // `x.1` and `1.5` alike: what follows the dot is its own token.
                Token::Literal(self.take_while(|c| c.is_ascii_alphanumeric() || c == '_'))
            }
            c if is_word_start(c) => {
                self.word()?;
                Token::Word(&self.text[start..self.position])
            }
            '(' | '[' | '{' | '⟨' | '⦃' | '⟦' | '‹' => self.single(Token::Open(first)),
            ')' | ']' | '}' | '⟩' | '⦄' | '⟧' | '›' => self.single(Token::Close(first)),
            c if is_allowed_symbol(c) => self.single(Token::Symbol(first)),
            c => return Err(format!("the character {c:?} (U+{:04X}) is not allowed", u32::from(c))),
        };
        Ok(Some(token))
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
                '\\' => self.position += self.peek().map_or(0, char::len_utf8),
                _ => {}
            }
        }
        Err("a string is not closed".to_owned())
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

    /// A character literal; a lone `'` elsewhere is not Lean (primes belong to words).
    fn character(&mut self) -> Result<Token<'a>, String> {
        let start = self.position;
        let mut characters = self.text[start + 1..].char_indices();
        let closed = match characters.next() {
            Some((_, '\\')) => {
                let after_escape = self.text[start + 2..].char_indices().skip(1).take(12);
                after_escape.filter(|(_, c)| *c == '\'').map(|(i, _)| start + 2 + i).next()
            }
            Some((_, c)) if c != '\'' && c != '\n' => {
                characters.next().filter(|(_, c)| *c == '\'').map(|(i, _)| start + 1 + i)
            }
            _ => None,
        };
        match closed {
            Some(end) => {
                self.position = end + 1;
                Ok(Token::Literal(&self.text[start..=end]))
            }
            None => Err("a character literal is not closed".to_owned()),
        }
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
