//! A lexer for as much of Lean as the gate must tell apart: words, strings, characters, comments, symbols.
//!
//! It never guesses. What Lean might divide otherwise (with other notation in scope, as an older version, or
//! while it looks for the next command after an error) is an error here, and the gate refuses it: or else
//! what is a string or a comment to the gate could be code to Lean. So a text with an error of its own, such
//! as `''` where no notation has it, is divided with care as well: Lean goes on from behind the error.

use super::characters::{is_invisible, is_symbol, is_variation, is_word_rest, is_word_start};

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
    if let Some(c) = text.chars().find(|&c| is_invisible(c) && !is_variation(c)) {
        return Err(format!("the character U+{:04X} is not allowed, not even in a comment", u32::from(c)));
    }
    if text.match_indices('\r').any(|(place, _)| !text[place..].starts_with("\r\n")) {
        return Err("Lean does not allow a carriage return alone, and none may hide in a comment".to_owned());
    }
    let mut lexer = Lexer { text, position: 0, before: Before::default() };
    let mut found = Vec::new();
    while let Some(lexeme) = lexer.next()? {
        found.push(lexeme);
    }
    Ok(found)
}

/// What stands before the lexer's position, if no space does.
#[derive(Clone, Copy, Default)]
pub(super) struct Before<'a> {
    pub(super) token: Option<Token<'a>>,
    /// The token before that one, if no space stands between them.
    earlier: Option<Token<'a>>,
}

impl Before<'_> {
    /// Whether a comment may begin here. Lean reads the longest token first, and `<-`, `//` or `\/` swallow what looks
    /// like the start of a comment; no token begins with one of these and goes on so.
    fn allows_comment(self) -> bool {
        match (self.earlier, self.token) {
            (_, Some(Token::Symbol(',' | ';' | '·' | '↦')))
            | (Some(Token::Symbol(':')), Some(Token::Symbol('=')))
            | (Some(Token::Symbol('=')), Some(Token::Symbol('>'))) => true,
            (_, Some(Token::Symbol(_))) => false,
            _ => true,
        }
    }
}

pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) position: usize,
    pub(super) before: Before<'a>,
}

impl<'a> Lexer<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.position += length;
        &rest[..length]
    }

    fn next(&mut self) -> Result<Option<Lexeme<'a>>, String> {
        let end = self.position;
        self.skip_space()?;
        let Some(first) = self.peek() else { return Ok(None) };
        let start = self.position;
        let gap = &self.text[end..start];
        if !gap.is_empty() {
            self.before = Before::default();
        }
        let token = match first {
            '"' => self.string()?,
            'r' if self.raw_string_hashes().is_some() => {
                if matches!(self.before.token, Some(Token::Symbol(_))) {
                    return Err("a raw string follows a symbol without a space".to_owned());
                }
                let hashes = self.raw_string_hashes().unwrap_or_default();
                self.position += 1 + hashes;
                self.raw_string(hashes)?
            }
            '\'' => self.character()?,
            c if c.is_ascii_digit() => self.number()?,
            c if c == '«' || is_word_start(c) => {
                self.word()?;
                Token::Word(&self.text[start..self.position])
            }
            '(' | '[' | '{' | '⟨' | '⦃' | '⟦' | '‹' => self.single(Token::Open(first)),
            ')' | ']' | '}' | '⟩' | '⦄' | '⟧' | '›' => self.single(Token::Close(first)),
            // Where no name goes on, a subscript is a symbol's: `‖x‖₂`, `*ᵥ`.
            c if is_symbol(c) || (is_word_rest(c) && !c.is_ascii()) => self.single(Token::Symbol(first)),
            c => return Err(format!("the character {c:?} (U+{:04X}) is not allowed", u32::from(c))),
        };
        self.before = Before { token: Some(token), earlier: self.before.token };
        Ok(Some(Lexeme {
            token,
            joined: gap.is_empty() && start > 0,
            first: start == 0 || gap.contains('\n'),
        }))
    }

    /// Skips spaces and comments.
    fn skip_space(&mut self) -> Result<(), String> {
        loop {
            let spaces = self.take_while(|c| matches!(c, ' ' | '\n' | '\r' | '\t'));
            if spaces.contains('\t') {
                return Err("Lean does not allow tabs: write spaces".to_owned());
            }
            // Lean takes CRLF for a line's end.
            if !spaces.is_empty() {
                self.before = Before::default();
            }
            let rest = self.rest();
            let line = rest.starts_with("--");
            if !line && !rest.starts_with("/-") {
                return Ok(());
            }
            if !self.before.allows_comment() {
                return Err("a comment follows a symbol without a space".to_owned());
            }
            if line {
                self.take_while(|c| c != '\n');
            } else if rest.starts_with("/--") || rest.starts_with("/-!") {
                return Err("`/--` and `/-!` comments document commands, not proofs".to_owned());
            } else if rest.starts_with("/-/") {
                // Lean takes the slash for the comment's first character, or for half of a mark.
                return Err("a comment begins with `/-/`".to_owned());
            } else {
                self.skip_comment()?;
            }
            self.before = Before::default();
        }
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

    pub(super) fn single(&mut self, token: Token<'a>) -> Token<'a> {
        self.position += self.peek().map_or(0, char::len_utf8);
        token
    }

    /// A word and its dotted parts.
    fn word(&mut self) -> Result<(), String> {
        loop {
            if self.peek() == Some('«') {
                let rest = self.rest();
                let end = rest.find('»').filter(|&end| !rest[..end].contains('\n'));
                self.position += end.ok_or("a « is not closed")? + '»'.len_utf8();
            } else {
                self.take_while(is_word_rest);
            }
            let mut after = self.rest().chars();
            if after.next() == Some('.') && after.next().is_some_and(|c| c == '«' || is_word_start(c)) {
                self.position += 1;
            } else {
                return Ok(());
            }
        }
    }
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
