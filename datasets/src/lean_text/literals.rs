//! Numbers, strings and characters, and the `'` that belongs to none of them.

use super::characters::{is_late_letter, is_word_rest};
use super::lexer::Spans;
use super::span::SpanKind;

impl Spans<'_> {
    /// A number; `x.1` and `1.5` alike: what follows the dot is its own token.
    ///
    /// To Lean a number ends where a word begins, and `1r"..."` is a number and a raw string: doubtful. So is what it
    /// calls a wrong number.
    pub(super) fn number(&mut self) -> SpanKind {
        match self.rest().get(..2) {
            Some("0x" | "0X") => self.digits(2, |c| c.is_ascii_hexdigit()),
            Some("0b" | "0B") => self.digits(2, |c| matches!(c, '0' | '1')),
            Some("0o" | "0O") => self.digits(2, |c| matches!(c, '0'..='7')),
            _ => {
                self.digits(0, |c| c.is_ascii_digit());
                if self.rest().starts_with(['e', 'E']) {
                    let sign = self.rest()[1..].starts_with(['+', '-']);
                    self.digits(1 + usize::from(sign), |c| c.is_ascii_digit());
                }
            }
        }
        let joined = self.peek().is_some_and(|c| is_word_rest(c) || c == '«');
        if joined && !self.at_factorial() {
            self.doubt("a word follows a number without a space");
        }
        SpanKind::Number
    }

    /// Digits behind a mark of so many bytes.
    fn digits(&mut self, mark: usize, is_digit: impl Fn(char) -> bool) {
        self.position += mark;
        let digits = self.take_while(|c| is_digit(c) || c == '_');
        if digits.is_empty() || digits.starts_with('_') || digits.ends_with('_') {
            self.doubt("a number lacks its digits");
        }
    }

    /// Whether a lone `!` comes next, as in `9! = 362880`.
    fn at_factorial(&self) -> bool {
        let after = self.rest().strip_prefix('!');
        after.is_some_and(|after| !after.starts_with(|c| is_word_rest(c) || matches!(c, '=' | '[' | '«')))
    }

    pub(super) fn string(&mut self) -> SpanKind {
        if matches!(self.before.token, Some((SpanKind::Word, word)) if word.contains(is_late_letter)) {
            self.doubt("a string follows a name without a space");
        }
        self.position += 1;
        while let Some(c) = self.peek() {
            self.position += c.len_utf8();
            match c {
                '"' => return SpanKind::Text,
                '\\' => self.escape(true),
                _ => {}
            }
        }
        self.open_end("a string is not closed");
        SpanKind::Text
    }

    /// What follows a backslash in a string or character: without a doubt only what Lean knows.
    fn escape(&mut self, in_string: bool) {
        if in_string && self.rest().starts_with(['\n', '\r']) {
            return self.string_gap();
        }
        let (digits, length) = match self.peek() {
            Some('\\' | '"' | '\'' | 'n' | 't' | 'r') => (0, 1),
            Some('x') => (2, 1),
            Some('u') => (4, 1),
            unknown => {
                self.doubt("a backslash is followed by what Lean does not know");
                (0, unknown.filter(|c| *c != '\n').map_or(0, char::len_utf8))
            }
        };
        self.position += length;
        if self.rest().bytes().take(digits).filter(u8::is_ascii_hexdigit).count() < digits {
            return self.doubt("an escaped character has too few digits");
        }
        self.position += digits;
    }

    /// A string that goes on in the next line.
    fn string_gap(&mut self) {
        let gap = self.take_while(|c| matches!(c, ' ' | '\n' | '\r' | '\t'));
        match gap.matches('\n').count() {
            1 if gap.starts_with('\n') || gap.starts_with("\r\n") => {}
            _ => self.doubt("an empty line follows a backslash in a string"),
        }
    }

    /// The number of `#` if a raw string `r"`, `r#"`, ... begins here.
    pub(super) fn raw_string_hashes(&self) -> Option<usize> {
        let after = self.rest().strip_prefix('r')?;
        let hashes = after.len() - after.trim_start_matches('#').len();
        after[hashes..].starts_with('"').then_some(hashes)
    }

    pub(super) fn raw_string(&mut self) -> SpanKind {
        if matches!(self.before.token, Some((SpanKind::Symbol, _))) {
            self.doubt("a raw string follows a symbol without a space");
        }
        let hashes = self.raw_string_hashes().unwrap_or_default();
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = self.position + 1 + hashes + 1;
        match self.text[inside..].find(&end) {
            Some(offset) => self.position = inside + offset + end.len(),
            None => {
                self.position = self.text.len();
                self.open_end("a raw string is not closed");
            }
        }
        SpanKind::Text
    }

    /// A character literal, or a `'` that ends an operator; primes of names belong to words.
    pub(super) fn character(&mut self) -> SpanKind {
        let mut doubtful = true;
        match self.before.token {
            // Operators of Lean itself: `xs[i]'h`, `×'`, `Σ'`, `⊕'`.
            Some((SpanKind::Close, "]") | (SpanKind::Symbol, "×" | "Σ" | "⊕")) => {
                return self.single(SpanKind::Symbol);
            }
            // Operators of libraries: `⁻¹'`, `∑'`, `''`.
            Some((SpanKind::Symbol, _)) if self.is_quiet(1) => return self.single(SpanKind::Symbol),
            Some((SpanKind::Symbol, _)) => self.doubt("a `'` follows a symbol without a space"),
            Some((SpanKind::Close | SpanKind::Number | SpanKind::Text | SpanKind::Char, _)) => {
                self.doubt("a `'` follows a bracket or a literal without a space");
            }
            _ => doubtful = false,
        }
        if !doubtful && self.rest().starts_with("''") {
            if !self.is_quiet(2) {
                self.doubt("`''` must stand before a space and a name");
            }
            self.position += 2;
            return SpanKind::Symbol;
        }
        self.quoted()
    }

    /// A character between quotes; or else the quote alone.
    fn quoted(&mut self) -> SpanKind {
        let start = self.position;
        self.position += 1;
        match self.peek() {
            Some('\\') => {
                self.position += 1;
                self.escape(false);
            }
            Some(c) if !matches!(c, '\n' | '\'') => self.position += c.len_utf8(),
            _ => {}
        }
        if self.peek() == Some('\'') && self.position > start + 1 {
            return self.single(SpanKind::Char);
        }
        self.doubt("a character literal is not closed");
        self.position = start + 1;
        SpanKind::Symbol
    }

    /// Where the library is missing whose operator ends in the `'` so many bytes back, that `'` begins a character,
    /// which ends wrongly after two more. Those must be nothing that opens or closes anything.
    fn is_quiet(&self, from: usize) -> bool {
        let mut after = self.rest()[from..].chars();
        let quiet = |c: char| !matches!(c, '"' | '\'' | '\\' | '-' | '/' | '«' | '»' | '#');
        match (after.next(), after.next(), after.next()) {
            (Some(one), Some(two), three) => {
                quiet(one) && quiet(two) && !matches!((two, three), ('r', Some('"' | '#')))
            }
            _ => false,
        }
    }
}
