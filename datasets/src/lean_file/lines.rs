//! The lines of a Lean text on which code begins, for whoever moves them.

use std::ops::Range;

use super::scan::{Kind, pieces};

/// A line that has code on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodeLine<'a> {
    /// Characters before its code.
    pub(crate) indent: usize,
    /// From its first piece of code to its last; a comment after that is left out.
    pub(crate) text: &'a str,
    /// The byte at which its code begins.
    pub(crate) start: usize,
    /// The byte after it.
    pub(crate) end: usize,
}

/// The lines on which code begins, in order. A line that begins within a string is part of the one before.
pub(crate) fn code_lines(text: &str) -> Vec<CodeLine<'_>> {
    let mut lines: Vec<CodeLine<'_>> = Vec::new();
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1);
    for piece in pieces(text) {
        match lines.last_mut() {
            Some(line) if piece.start < line.end => {
                line.text = &text[line.start..piece.end()];
                // A string may end on a later line.
                if piece.end() >= line.end {
                    line.end = line_end(piece.end());
                }
            }
            _ => {
                let begin = text[..piece.start].rfind('\n').map_or(0, |newline| newline + 1);
                let indent = text[begin..piece.start].chars().count();
                let end = line_end(piece.end());
                lines.push(CodeLine { indent, text: piece.text, start: piece.start, end });
            }
        }
    }
    lines
}

/// Where the literals of a text are.
pub(crate) fn strings(text: &str) -> Vec<Range<usize>> {
    let literals = pieces(text).into_iter().filter(|piece| piece.kind == Kind::Literal);
    literals.map(|piece| piece.start..piece.end()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_code_and_strings_go_on() {
        let found = code_lines("-- a\n  simp -- b\n\n/- c\n d -/ exact \"x\ny\".z\n rfl");
        let brief: Vec<_> = found.iter().map(|line| (line.indent, line.text)).collect();
        assert_eq!(brief, [(2, "simp"), (6, "exact \"x\ny\".z"), (1, "rfl")]);
    }

    #[test]
    fn a_long_line_takes_no_time() {
        assert_eq!(code_lines(&"x ".repeat(300_000)).len(), 1);
    }
}
