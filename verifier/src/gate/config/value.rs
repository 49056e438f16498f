//! The values that a configuration may have, since Lean reads them without running anything: `true`, numbers, `.name`,
//! and lists and records of these.

use crate::gate::lexer::{Lexeme, Token};

/// Reads one value that needs no running.
pub(super) struct Value<'a, 'b> {
    pub(super) tokens: &'b [Lexeme<'a>],
}

impl<'a> Value<'a, '_> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.first().map(|lexeme| lexeme.token)
    }

    pub(super) fn take(&mut self, token: Token<'_>) -> bool {
        let found = self.peek() == Some(token);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    /// Whether the record ends here, or its next field begins.
    fn at_end(&self) -> bool {
        self.peek() == Some(Token::Close('}'))
            || matches!(self.tokens, [Lexeme { token: Token::Word(_), first: true, .. }, colon, equals, ..]
                if (colon.token, equals.token) == (Token::Symbol(':'), Token::Symbol('=')))
    }

    pub(super) fn read(&mut self) -> bool {
        if self.take(Token::Word("some")) {
            return self.read_number();
        }
        if self.take(Token::Word("true")) || self.take(Token::Word("false")) || self.take(Token::Word("none"))
        {
            return true;
        }
        if self.take(Token::Open('{')) {
            return self.read_record();
        }
        if self.take(Token::Open('[')) {
            return self.read_list();
        }
        if self.take(Token::Symbol('.')) {
            return self.read_constructor();
        }
        self.read_number()
    }

    fn read_number(&mut self) -> bool {
        let number = matches!(self.peek(), Some(Token::Literal(text)) if text.starts_with(|c: char| c.is_ascii_digit()));
        if number {
            self.tokens = &self.tokens[1..];
        }
        number
    }

    /// `.default`, `.pos [1, 2]`, `.some 3`.
    fn read_constructor(&mut self) -> bool {
        match self.tokens {
            [Lexeme { token: Token::Word(word), joined: true, .. }, after @ ..] if !word.contains('.') => {
                self.tokens = after;
            }
            _ => return false,
        }
        if self.take(Token::Open('[')) {
            return self.read_list();
        }
        !matches!(self.peek(), Some(Token::Literal(_))) || self.read_number()
    }

    /// The rest of `[1, 2]`.
    fn read_list(&mut self) -> bool {
        loop {
            if self.take(Token::Close(']')) {
                return true;
            }
            if !self.read_number() {
                return false;
            }
            if !self.take(Token::Symbol(',')) {
                return self.take(Token::Close(']'));
            }
        }
    }

    /// The rest of `{ a := true, b := 3 }`; a field may begin a line without a comma.
    fn read_record(&mut self) -> bool {
        loop {
            if self.take(Token::Close('}')) {
                return true;
            }
            let Some(Token::Word(_)) = self.peek() else { return false };
            self.tokens = &self.tokens[1..];
            if !(self.take(Token::Symbol(':')) && self.take(Token::Symbol('=')) && self.read()) {
                return false;
            }
            if !self.take(Token::Symbol(',')) && !self.at_end() {
                return false;
            }
        }
    }
}
