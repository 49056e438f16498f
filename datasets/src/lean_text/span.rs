//! What a Lean text is divided into.

use std::borrow::Cow;

/// What a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// A word with its dotted parts: `Nat.add_comm`, `h₁`, `«x»`. Keywords are words, too.
    Word,
    /// A number: `12`, `0xff`, `1e5`. Of `1.5` the dot and what follows it are spans of their own.
    Number,
    /// A string with its quotes, and for a raw one with all before them: `"a"`, `r#"a"#`.
    Text,
    /// A character with its quotes: `'a'`.
    Char,
    /// An opening bracket.
    Open,
    /// A closing bracket.
    Close,
    /// Any other character, alone; or the operator `''`.
    Symbol,
    /// A comment that documents nothing, or `/-! … -/`.
    Comment,
    /// `/-- … -/`, which documents the declaration after it.
    Doc,
    /// White space that Lean does not allow: with a tab in it. Other white space is in no span.
    Space,
}

/// A piece of a Lean text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span<'a> {
    /// The byte at which it begins.
    pub start: usize,
    /// Its text; never empty.
    pub text: &'a str,
    /// What it is.
    pub kind: SpanKind,
    /// Neither white space nor a comment stands between it and the token before it.
    pub joined: bool,
    /// No token stands before it in its line.
    pub first: bool,
    /// Whether it ends as its kind does; a comment, string or character that does not reaches as far as it could.
    pub closed: bool,
    /// Why Lean might divide the text otherwise, in words for people. Of several reasons the first.
    pub doubt: Option<Cow<'static, str>>,
}

impl Span<'_> {
    /// The byte after it.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is code: neither a comment nor white space.
    pub fn is_code(&self) -> bool {
        !matches!(self.kind, SpanKind::Comment | SpanKind::Doc | SpanKind::Space)
    }
}
