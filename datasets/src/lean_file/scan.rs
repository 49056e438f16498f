//! Which characters of a Lean text are code, and the words and brackets among them.
//!
//! Comments, strings and character literals are skipped, so that `theorem` in a comment starts nothing.

/// A piece of code: where it begins (in bytes) and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) start: usize,
    pub(super) text: &'a str,
    pub(super) kind: Kind,
}

impl Piece<'_> {
    /// The byte after it.
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    /// One character of punctuation; `:=` is one piece.
    Symbol,
    /// A string or character literal.
    Literal,
    /// `/-- … -/`, which belongs to the declaration after it.
    DocComment,
}

/// The pieces of a text. What is not closed reaches to the end.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (length, kind) = if rest.starts_with("--") {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/-") {
            let doc = rest.starts_with("/--") && !rest.starts_with("/--/");
            (comment(rest), doc.then_some(Kind::DocComment))
        } else if first == '"' {
            (string(rest), Some(Kind::Literal))
        } else if first == '\'' {
            (character(rest), Some(Kind::Literal))
        } else if first.is_alphanumeric() || matches!(first, '_' | '«' | '#' | '@') {
            (word(rest), Some(Kind::Word))
        } else if rest.starts_with(":=") {
            (2, Some(Kind::Symbol))
        } else {
            (first.len_utf8(), (!first.is_whitespace()).then_some(Kind::Symbol))
        };
        if let Some(kind) = kind {
            found.push(Piece { start: at, text: &rest[..length], kind });
        }
        at += length;
    }
    found
}

fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while let Some(c) = rest[at..].chars().next() {
        if rest[at..].starts_with("/-") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("-/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += c.len_utf8();
        }
    }
    rest.len()
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    rest.len()
}

/// A character literal, or the one quote that is none.
fn character(rest: &str) -> usize {
    let inside = rest[1..].strip_prefix('\\').map_or(1, |_| 2);
    let close = rest.char_indices().skip(inside + 1).take(10).find(|(_, c)| *c == '\'');
    match close {
        Some((at, _)) if inside == 2 || rest[1..at].chars().count() == 1 => at + 1,
        _ => 1,
    }
}

fn word(rest: &str) -> usize {
    let mut quoted = rest.starts_with('«');
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        if quoted {
            quoted = *c != '»';
            return false;
        }
        quoted = *c == '«';
        !(quoted || c.is_alphanumeric() || matches!(c, '_' | '\'' | '!' | '?' | '.' | '₀'..='₉'))
    });
    let length = end.map_or(rest.len(), |(at, _)| at);
    // `x.` at the end of a sentence of tactics is a word and a dot.
    if length > 1 && rest[..length].ends_with('.') { length - 1 } else { length }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        pieces(text).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn comments_are_skipped_and_literals_are_one_piece() {
        assert_eq!(
            texts("theorem /- x /- y -/ -/ a' : \"-- \\\" no\" = 'c' := by -- rest\n simp"),
            ["theorem", "a'", ":", "\"-- \\\" no\"", "=", "'c'", ":=", "by", "simp"]
        );
    }

    #[test]
    fn names_keep_their_parts() {
        assert_eq!(
            texts("Nat.add_comm.{u} h₁ #eval @[simp]"),
            ["Nat.add_comm", ".", "{", "u", "}", "h₁", "#eval", "@", "[", "simp", "]"]
        );
    }

    proptest::proptest! {
        #[test]
        fn pieces_lie_in_order_and_within_the_text(text in "[-/\"'«»a-c.:=(){} \n@#é→\\\\]{0,60}") {
            let mut last = 0;
            for piece in pieces(&text) {
                proptest::prop_assert!(piece.start >= last && !piece.text.is_empty());
                last = piece.start + piece.text.len();
            }
            proptest::prop_assert!(last <= text.len());
        }
    }
}
