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
    "add_decl_doc",
    "alias",
    "attribute",
    "binder_predicate",
    "builtin_initialize",
    "builtin_simproc",
    "coinductive",
    "declare_syntax_cat",
    "deriving",
    "dsimproc",
    "dsimproc_decl",
    "elab_rules",
    "end",
    "export",
    "grind_pattern",
    "include",
    "infix",
    "infixl",
    "infixr",
    "initialize",
    "irreducible_def",
    "library_note",
    "local",
    "meta",
    "nonrec",
    "notation3",
    "omit",
    "open",
    "partial",
    "postfix",
    "prefix",
    "proof_wanted",
    "recommended_spelling",
    "register_option",
    "register_simp_attr",
    "run_cmd",
    "run_elab",
    "run_meta",
    "scoped",
    "seal",
    "set_option",
    "simproc",
    "simproc_decl",
    "suppress_compilation",
    "unif_hint",
    "unsafe",
    "unseal",
];
const MODIFIERS: &[&str] =
    &["private", "protected", "noncomputable", "nonrec", "public", "unsafe", "partial"];

/// Words of commands that may end with `in` and then belong to the command after them.
const BEFORE_IN: &[&str] = &[
    "attribute",
    "include",
    "local",
    "omit",
    "open",
    "scoped",
    "seal",
    "set_option",
    "universe",
    "unseal",
    "variable",
];

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
    let places = places(text, pieces, 0);
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
        let (column, begins_line) = places[index];
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

/// The column of each piece, and whether it is the first of its line. They stand behind `begin`, where a line begins.
fn places(text: &str, pieces: &[Piece<'_>], begin: usize) -> Vec<(usize, bool)> {
    let (mut line, mut at) = (begin, begin);
    let mut found = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let newline = text[at..piece.start].rfind('\n').map(|newline| at + newline + 1);
        let is_first = newline.is_some() || found.is_empty();
        line = newline.unwrap_or(line);
        found.push((piece.start - line, is_first && text[line..piece.start].trim().is_empty()));
        at = piece.start;
    }
    found
}

/// Whether a declaration may have commands in it that were not told from its proof: a line that begins with a word that begins a
/// command elsewhere, or with any word in the first column.
pub(super) fn may_hold_commands(text: &str, pieces: &[Piece<'_>]) -> bool {
    let Some(begin) = pieces.first().map(|first| first.start) else { return false };
    let line = text[..begin].rfind('\n').map_or(0, |newline| newline + 1);
    pieces.iter().zip(places(text, pieces, line)).skip(1).any(|(piece, (column, begins_line))| {
        let is_word = piece.kind == Kind::Word;
        begins_line && is_word && (column == 0 || STARTS_IN_FIRST_COLUMN.contains(&piece.text))
    })
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
