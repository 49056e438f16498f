//! A lexer for Lean terms that keeps of the spacing only what can change the meaning.

/// What a token is, as far as binding names is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier with its dotted parts, or a keyword.
    Word,
    Number,
    /// A string or character literal.
    Literal,
    Open,
    Close,
    Comma,
    Dot,
    Symbol,
}

/// A token; `glued` if no space stands before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) glued: bool,
}

impl Token {
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text && !matches!(self.kind, Kind::Literal)
    }
}

const OPEN: &str = "([{⟨⦃⟦⌊⌈⟪";
const CLOSE: &str = ")]}⟩⦄⟧⌋⌉⟫";

/// Symbols that are tokens of their own wherever they stand.
const SOLO: &str = "¬∀∃λΣΠ∑∏⋃⋂⨆⨅∫·↑;`«»";

/// Two spellings of the same token of core Lean.
const SYNONYMS: [(&str, &str); 8] = [
    ("->", "→"),
    ("<->", "↔"),
    ("<=", "≤"),
    (">=", "≥"),
    ("/\\", "∧"),
    ("\\/", "∨"),
    ("↦", "=>"),
    ("λ", "fun"),
];

/// The bracket that closes `open`.
pub(super) fn closing(open: &str) -> Option<char> {
    OPEN.chars().zip(CLOSE.chars()).find(|(o, _)| open.starts_with(*o)).map(|(_, c)| c)
}

/// The tokens of a text, comments left out; `None` if a comment, string or character is not closed.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut lexer = Lexer { rest: text };
    let mut found: Vec<Token> = Vec::new();
    let mut after_lambda = false;
    loop {
        let blank = lexer.skip_blank()?;
        if lexer.rest.is_empty() {
            return Some(found);
        }
        let (kind, text) = lexer.token()?;
        if text == "'" {
            return None;
        }
        let glued = !(blank || found.is_empty() || after_lambda);
        let synonym = SYNONYMS.iter().find(|(old, _)| kind == Kind::Symbol && *old == text);
        after_lambda = text == "λ";
        found.push(match synonym {
            Some((_, new)) if after_lambda => {
                Token { kind: Kind::Word, text: (*new).to_owned(), glued: false }
            }
            Some((_, new)) => Token { kind, text: (*new).to_owned(), glued },
            None => Token { kind, text: text.to_owned(), glued },
        });
    }
}

struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        self.take(self.rest.find(|c| !accept(c)).unwrap_or(self.rest.len()))
    }

    /// Skips spaces and comments; says whether there were any, or `None` in an open comment.
    fn skip_blank(&mut self) -> Option<bool> {
        let before = self.rest.len();
        loop {
            self.take_while(char::is_whitespace);
            if self.rest.starts_with("--") {
                self.take_while(|c| c != '\n');
            } else if self.rest.starts_with("/-") {
                self.skip_block_comment()?;
            } else {
                return Some(self.rest.len() < before);
            }
        }
    }

    fn skip_block_comment(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            if self.rest.starts_with("/-") {
                depth += 1;
                self.take(2);
            } else if self.rest.starts_with("-/") {
                depth -= 1;
                self.take(2);
                if depth == 0 {
                    return Some(());
                }
            } else {
                self.take(self.rest.chars().next()?.len_utf8());
            }
        }
    }

    fn token(&mut self) -> Option<(Kind, &'a str)> {
        let first = self.rest.chars().next()?;
        let kind = match first {
            '"' => return Some((Kind::Literal, self.string()?)),
            '\'' => match self.character() {
                Some(literal) => return Some((Kind::Literal, literal)),
                None => Kind::Symbol,
            },
            ',' => Kind::Comma,
            '.' => Kind::Dot,
            c if c.is_ascii_digit() => {
                return Some((Kind::Number, self.take_while(|c| c.is_ascii_alphanumeric() || c == '_')));
            }
            c if starts_word(c) => return Some((Kind::Word, self.word())),
            c if OPEN.contains(c) => Kind::Open,
            c if CLOSE.contains(c) => Kind::Close,
            c if SOLO.contains(c) => Kind::Symbol,
            _ => return Some((Kind::Symbol, self.symbols())),
        };
        Some((kind, self.take(first.len_utf8())))
    }

    fn word(&mut self) -> &'a str {
        let mut length = 0;
        loop {
            let rest = &self.rest[length..];
            length += rest.find(|c| !continues_word(c)).unwrap_or(rest.len());
            let mut next = self.rest[length..].chars();
            if next.next() != Some('.') || !next.next().is_some_and(starts_word) {
                return self.take(length);
            }
            length += 1;
        }
    }

    /// A run of symbols up to a space, a comment or a token of another kind.
    fn symbols(&mut self) -> &'a str {
        let end = self.rest.char_indices().skip(1).find(|&(at, c)| {
            let rest = &self.rest[at..];
            c.is_whitespace()
                || c.is_ascii_digit()
                || starts_word(c)
                || matches!(c, '"' | '\'' | ',' | '.')
                || [OPEN, CLOSE, SOLO].iter().any(|set| set.contains(c))
                || rest.starts_with("--")
                || rest.starts_with("/-")
        });
        self.take(end.map_or(self.rest.len(), |(at, _)| at))
    }

    fn string(&mut self) -> Option<&'a str> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|&(_, c)| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        })?;
        Some(self.take(end.0 + 1))
    }

    fn character(&mut self) -> Option<&'a str> {
        let inner = self.rest.strip_prefix('\'')?;
        let length = if let Some(escape) = inner.strip_prefix('\\') {
            let code = escape.chars().next()?.len_utf8();
            1 + code + escape[code..].find('\'').filter(|&length| length <= 6)?
        } else {
            inner.chars().next().filter(|c| *c != '\'')?.len_utf8()
        };
        inner[length..].starts_with('\'').then(|| self.take(length + 2))
    }
}

/// Lean's own `isLetterLike`, and what else may start an identifier.
fn starts_word(c: char) -> bool {
    c.is_ascii_alphabetic()
        || c == '_'
        || match u32::from(c) {
            0x3bb | 0x3a0 | 0x3a3 | 0xd7 | 0xf7 => false,
            0x3b1..=0x3c9 | 0x391..=0x3a9 | 0x3ca..=0x3fb | 0x1f00..=0x1ffe => true,
            0xc0..=0x17f | 0x2100..=0x214f | 0x1d49c..=0x1d59f => true,
            _ => false,
        }
}

fn continues_word(c: char) -> bool {
    starts_word(c)
        || c.is_ascii_digit()
        || matches!(c, '\'' | '!' | '?')
        || matches!(u32::from(c), 0x2080..=0x2089 | 0x2090..=0x209c | 0x1d62..=0x1d6a | 0x2c7c)
}
