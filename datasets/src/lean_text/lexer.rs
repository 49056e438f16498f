//! The lexer: white space, comments, words, brackets and symbols; literals are in [`super::literals`].
//!
//! It never guesses in silence: what Lean might divide otherwise has a doubt, for what is a string or a comment here could
//! be code to Lean. So a text with an error of its own, such as `''` where no notation has it, is divided with care as
//! well: Lean goes on from behind the error.

use std::borrow::Cow;

use super::characters::{is_invisible, is_symbol, is_variation, is_word_rest, is_word_start};
use super::span::{Span, SpanKind};

/// Why a text is not what it looks like, in words for people: it has a character that cannot be seen, or a carriage return
/// alone. These count in comments and strings, too, for they make a text look like another.
pub fn disguise(text: &str) -> Option<String> {
    if let Some(c) = text.chars().find(|&c| is_invisible(c) && !is_variation(c)) {
        return Some(format!("the character U+{:04X} is not allowed, not even in a comment", u32::from(c)));
    }
    let alone = text.match_indices('\r').any(|(place, _)| !text[place..].starts_with("\r\n"));
    alone.then(|| "Lean does not allow a carriage return alone, and none may hide in a comment".to_owned())
}

/// The spans of a text, in order; what lies between them is white space.
pub fn spans(text: &str) -> Spans<'_> {
    Spans { text, position: 0, end: 0, before: Before::default(), doubt: None, closed: true, unquoted: 0 }
}

/// What stands before the lexer's position, if no space does.
#[derive(Clone, Copy, Default)]
pub(super) struct Before<'a> {
    pub(super) token: Option<(SpanKind, &'a str)>,
    /// The token before that one, if no space stands between them.
    earlier: Option<(SpanKind, &'a str)>,
}

impl Before<'_> {
    /// Whether a comment may begin here. Lean reads the longest token first, and `<-`, `//` or `\/` swallow what looks
    /// like the start of a comment; no token begins with one of these and goes on so.
    fn allows_comment(self) -> bool {
        match (self.earlier, self.token) {
            (_, Some((SpanKind::Symbol, "," | ";" | "·" | "↦")))
            | (Some((SpanKind::Symbol, ":")), Some((SpanKind::Symbol, "=")))
            | (Some((SpanKind::Symbol, "=")), Some((SpanKind::Symbol, ">"))) => true,
            (_, Some((SpanKind::Symbol, _))) => false,
            _ => true,
        }
    }
}

/// The spans of a text; made by [`spans`].
#[derive(Clone)]
pub struct Spans<'a> {
    pub(super) text: &'a str,
    pub(super) position: usize,
    /// Where the last token ended.
    end: usize,
    pub(super) before: Before<'a>,
    /// The first doubt about the span at hand.
    doubt: Option<Cow<'static, str>>,
    /// Whether the span at hand is closed.
    pub(super) closed: bool,
    /// No quoted name ends before that byte.
    unquoted: usize,
}

impl<'a> Iterator for Spans<'a> {
    type Item = Span<'a>;

    fn next(&mut self) -> Option<Span<'a>> {
        let start = self.position;
        let spaces = self.take_while(|c| matches!(c, ' ' | '\n' | '\r' | '\t'));
        if !spaces.is_empty() {
            self.before = Before::default();
        }
        if spaces.contains('\t') {
            self.doubt("Lean does not allow tabs: write spaces");
            return Some(self.span(start, SpanKind::Space));
        }
        let start = self.position;
        let first = self.peek()?;
        if self.rest().starts_with("--") || self.rest().starts_with("/-") {
            let kind = self.comment();
            self.before = Before::default();
            return Some(self.span(start, kind));
        }
        let kind = self.token(first);
        let span = self.span(start, kind);
        self.end = self.position;
        self.before = Before { token: Some((kind, span.text)), earlier: self.before.token };
        Some(span)
    }
}

impl<'a> Spans<'a> {
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

    pub(super) fn single(&mut self, kind: SpanKind) -> SpanKind {
        self.position += self.peek().map_or(0, char::len_utf8);
        kind
    }

    /// Notes why Lean might divide the text otherwise.
    pub(super) fn doubt(&mut self, reason: impl Into<Cow<'static, str>>) {
        self.doubt.get_or_insert_with(|| reason.into());
    }

    /// The same of what is not closed.
    pub(super) fn open_end(&mut self, reason: &'static str) {
        self.doubt(reason);
        self.closed = false;
    }

    /// The span from `start` to where the lexer is.
    fn span(&mut self, start: usize, kind: SpanKind) -> Span<'a> {
        let gap = &self.text[self.end.min(start)..start];
        Span {
            start,
            text: &self.text[start..self.position],
            kind,
            joined: gap.is_empty() && start > 0,
            first: start == 0 || gap.contains('\n'),
            closed: std::mem::replace(&mut self.closed, true),
            doubt: self.doubt.take(),
        }
    }

    fn token(&mut self, first: char) -> SpanKind {
        match first {
            '"' => self.string(),
            'r' if self.raw_string_hashes().is_some() => self.raw_string(),
            '\'' => self.character(),
            c if c.is_ascii_digit() => self.number(),
            c if c == '«' || is_word_start(c) => self.word(),
            '(' | '[' | '{' | '⟨' | '⦃' | '⟦' | '‹' => self.single(SpanKind::Open),
            ')' | ']' | '}' | '⟩' | '⦄' | '⟧' | '›' => self.single(SpanKind::Close),
            c => {
                // Where no name goes on, a subscript is a symbol's: `‖x‖₂`, `*ᵥ`.
                if !(is_symbol(c) || (is_word_rest(c) && !c.is_ascii())) {
                    self.doubt(format!("the character {c:?} (U+{:04X}) is not allowed", u32::from(c)));
                }
                self.single(SpanKind::Symbol)
            }
        }
    }

    fn comment(&mut self) -> SpanKind {
        let rest = self.rest();
        if !self.before.allows_comment() {
            self.doubt("a comment follows a symbol without a space");
        }
        if rest.starts_with("--") {
            self.take_while(|c| c != '\n');
            return SpanKind::Comment;
        }
        if rest.starts_with("/--") || rest.starts_with("/-!") {
            self.doubt("`/--` and `/-!` comments document commands, not proofs");
        } else if rest.starts_with("/-/") {
            // Lean takes the slash for the comment's first character, or for half of a mark.
            self.doubt("a comment begins with `/-/`");
        }
        self.skip_comment();
        if rest.starts_with("/--") { SpanKind::Doc } else { SpanKind::Comment }
    }

    /// A block comment. To Lean the first character in it closes and opens nothing: `/-/` is no whole comment.
    fn skip_comment(&mut self) {
        self.position += 2;
        self.position += self.peek().map_or(0, char::len_utf8);
        let mut depth = 1usize;
        loop {
            let rest = self.rest();
            if rest.starts_with("/-") {
                depth += 1;
                self.position += 2;
            } else if rest.starts_with("-/") {
                depth -= 1;
                self.position += 2;
                if depth == 0 {
                    return;
                }
            } else if let Some(c) = rest.chars().next() {
                self.position += c.len_utf8();
            } else {
                return self.open_end("a comment is not closed");
            }
        }
    }

    /// A word and its dotted parts. A « that is not closed in its line is a word by itself.
    fn word(&mut self) -> SpanKind {
        loop {
            if self.peek() == Some('«') {
                let Some(end) = self.end_of_quoted() else {
                    self.position += '«'.len_utf8();
                    self.open_end("a « is not closed");
                    return SpanKind::Word;
                };
                self.position = end;
            } else {
                self.take_while(is_word_rest);
            }
            let mut after = self.rest().chars();
            if after.next() == Some('.') && after.next().is_some_and(|c| c == '«' || is_word_start(c)) {
                self.position += 1;
            } else {
                return SpanKind::Word;
            }
        }
    }

    /// The byte after the » that is next in the line. How far there is none is kept, so that many « take no time.
    fn end_of_quoted(&mut self) -> Option<usize> {
        if self.position < self.unquoted {
            return None;
        }
        let rest = self.rest();
        let end = rest.find(['»', '\n']).unwrap_or(rest.len());
        let is_closed = rest[end..].starts_with('»');
        self.unquoted = self.position + end;
        is_closed.then(|| self.position + end + '»'.len_utf8())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<&str> {
        spans(text).filter(Span::is_code).map(|span| span.text).collect()
    }

    fn first_doubt(text: &str) -> Option<String> {
        spans(text).find_map(|span| span.doubt).map(Cow::into_owned)
    }

    #[test]
    fn raw_strings_end_at_their_own_mark() {
        assert_eq!(texts(r###"r"\" = r#"a"b"# x"###), [r#"r"\""#, "=", r###"r#"a"b"#"###, "x"]);
        assert!(spans(r#"r"\" x"#).all(|span| span.closed && span.doubt.is_none()));
        assert!(!spans(r#"r#"x" y"#).next().unwrap().closed);
    }

    #[test]
    fn what_is_doubtful_is_divided_all_the_same() {
        for (text, expected) in [
            ("a--b\n+--c\nd", &["a", "+", "d"][..]),
            ("(f x)'h = 'a'", &["(", "f", "x", ")", "'", "h", "=", "'a'"]),
            ("c='a' '\\q' «b c", &["c", "=", "'a'", "'\\q'", "«", "b", "c"]),
            ("1x 0x 2.5", &["1", "x", "0x", "2", ".", "5"]),
            ("\"\\q\" \"a", &["\"\\q\"", "\"a"]),
            ("а\tb", &["а", "b"]),
        ] {
            assert_eq!(texts(text), expected);
            assert!(first_doubt(text).is_some(), "{text}");
        }
    }

    #[test]
    fn comments_have_spans_of_their_own() {
        let found: Vec<_> = spans("/-- d -/ a /- x /- y -/ -/ /-! m -/ -- e\n/- open")
            .map(|span| (span.kind, span.text, span.closed))
            .collect();
        assert_eq!(
            found,
            [
                (SpanKind::Doc, "/-- d -/", true),
                (SpanKind::Word, "a", true),
                (SpanKind::Comment, "/- x /- y -/ -/", true),
                (SpanKind::Comment, "/-! m -/", true),
                (SpanKind::Comment, "-- e", true),
                (SpanKind::Comment, "/- open", false),
            ]
        );
    }

    #[test]
    fn the_first_character_of_a_comment_closes_and_opens_nothing() {
        for (text, expected) in [
            ("/-/- -/ a --/", &["a"][..]),
            ("/-/ a -/ b", &["b"]),
            ("/- /-/ a -/ b -/ c", &["c"]),
            ("/--/ a -/ b", &["b"]),
            ("/---/ a", &["a"]),
            ("/-!-/ a", &["a"]),
            ("/--/ a", &[]),
        ] {
            assert_eq!(texts(text), expected, "{text}");
        }
        assert!(["/-", "/-é", "/-/"].iter().all(|text| !spans(text).next().unwrap().closed));
    }

    #[test]
    fn a_quoted_name_ends_in_its_line() {
        assert_eq!(texts("«a b».c «d\n» «e» ««f»"), ["«a b».c", "«", "d", "»", "«e»", "««f»"]);
        assert_eq!(texts(&format!("{}\nx»", "«".repeat(300_000))).len(), 300_002);
    }

    proptest! {
        #[test]
        fn spans_are_the_text_without_its_white_space(text in "[-/\"'«»a-c.:=(){} \n\t@#é→\\\\r0-1_x\u{a0}]{0,80}") {
            let mut end = 0;
            for span in spans(&text) {
                prop_assert!(!span.text.is_empty() && text[end..span.start].trim_matches([' ', '\n', '\r']).is_empty());
                prop_assert_eq!(&text[span.start..span.end()], span.text);
                prop_assert!(span.closed || span.doubt.is_some());
                end = span.end();
            }
            prop_assert!(text[end..].trim_matches([' ', '\n', '\r']).is_empty());
        }
    }
}
