//! Where the commands of a Lean text begin and end.

use std::ops::Range;

use super::scan::{Kind, Piece};

/// Words that begin a command wherever a line begins with them.
const STARTS: &[&str] = &[
    "abbrev",
    "axiom",
    "class",
    "def",
    "elab",
    "example",
    "import",
    "inductive",
    "instance",
    "lemma",
    "macro",
    "macro_rules",
    "mutual",
    "namespace",
    "notation",
    "opaque",
    "private",
    "protected",
    "noncomputable",
    "public",
    "section",
    "structure",
    "syntax",
    "theorem",
    "universe",
    "universes",
    "variable",
    "variables",
];
/// Words that begin a command only in the first column: inside a proof they are tactics or terms.
const STARTS_IN_FIRST_COLUMN: &[&str] = &[
    "attribute",
    "end",
    "export",
    "infix",
    "infixl",
    "infixr",
    "initialize",
    "local",
    "nonrec",
    "omit",
    "open",
    "include",
    "partial",
    "postfix",
    "prefix",
    "scoped",
    "set_option",
    "unsafe",
];
const MODIFIERS: &[&str] =
    &["private", "protected", "noncomputable", "nonrec", "public", "unsafe", "partial"];

/// Words of commands that may end with `in` and then belong to the command after them.
const BEFORE_IN: &[&str] =
    &["attribute", "include", "local", "omit", "open", "scoped", "set_option", "universe", "variable"];

/// The commands of a text, as ranges of pieces. A `mutual` block is one command.
pub(super) fn commands(text: &str, pieces: &[Piece<'_>]) -> Vec<Range<usize>> {
    let starts = command_starts(text, pieces);
    let ends = starts.iter().skip(1).copied().chain([pieces.len()]);
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut mutual = false;
    for command in starts.iter().copied().zip(ends).map(|(start, end)| start..end) {
        match found.last_mut() {
            Some(block) if mutual => block.end = command.end,
            _ => found.push(command.clone()),
        }
        match pieces[command.start].text {
            "mutual" => mutual = true,
            "end" => mutual = false,
            _ => {}
        }
    }
    found
}

/// Whether a text begins as a Lean file does: with a command, an attribute or a comment.
pub fn begins_command(text: &str) -> bool {
    let text = text.trim_start();
    if text.starts_with("/-") || text.starts_with("--") || text.starts_with("@[") || text.starts_with('#') {
        return true;
    }
    let word = text.split(|c: char| c.is_whitespace() || "({[:.@".contains(c)).next().unwrap_or_default();
    word == "module" || [STARTS, STARTS_IN_FIRST_COLUMN, MODIFIERS].iter().any(|words| words.contains(&word))
}

/// Where commands begin, as indices of pieces.
fn command_starts(text: &str, pieces: &[Piece<'_>]) -> Vec<usize> {
    let mut starts: Vec<usize> = Vec::new();
    // A run of doc comments, attributes and modifiers is the beginning of the command after it.
    let mut introduced = false;
    let mut attribute_depth = 0usize;
    // `open … in theorem …` holds two commands on one line.
    let (mut takes_in, mut after_in) = (false, false);
    for (index, piece) in pieces.iter().enumerate() {
        if attribute_depth > 0 {
            match piece.text {
                "[" => attribute_depth += 1,
                "]" => attribute_depth -= 1,
                _ => {}
            }
            // The `@` opens depth one and its bracket the second.
            if attribute_depth == 1 && piece.text == "]" {
                attribute_depth = 0;
            }
            continue;
        }
        let column = text[..piece.start].rfind('\n').map_or(piece.start, |newline| piece.start - newline - 1);
        let begins_line = text[piece.start - column..piece.start].trim().is_empty();
        let attribute = piece.text == "@" && pieces.get(index + 1).is_some_and(|next| next.text == "[");
        let starts_here = match piece.kind {
            Kind::DocComment => begins_line,
            Kind::Word if attribute => begins_line,
            Kind::Word => {
                begins_line && STARTS.contains(&piece.text)
                    || column == 0
                        && (STARTS_IN_FIRST_COLUMN.contains(&piece.text) || piece.text.starts_with('#'))
            }
            _ => false,
        };
        let starts_here = starts_here || std::mem::take(&mut after_in);
        if starts_here && !introduced {
            starts.push(index);
            takes_in = BEFORE_IN.contains(&piece.text) || piece.text.starts_with("#guard");
        }
        after_in = takes_in && piece.text == "in";
        if attribute {
            attribute_depth = 1;
        }
        introduced = (starts_here || introduced)
            && (piece.kind == Kind::DocComment || attribute || MODIFIERS.contains(&piece.text));
    }
    if starts.first() != Some(&0) && !pieces.is_empty() {
        starts.insert(0, 0);
    }
    starts
}

/// How many pieces of a command stand before its keyword.
pub(super) fn declaration(pieces: &[Piece<'_>]) -> usize {
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        if piece.kind == Kind::DocComment || MODIFIERS.contains(&piece.text) {
            at += 1;
        } else if piece.text == "@" {
            let mut depth = 0usize;
            for (offset, inner) in pieces[at..].iter().enumerate() {
                depth += usize::from(inner.text == "[");
                if inner.text == "]" {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        at += offset;
                        break;
                    }
                }
            }
            at += 1;
        } else {
            break;
        }
    }
    at
}
