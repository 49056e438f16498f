//! Where the commands of a Lean text begin and end.

use std::ops::Range;

use super::scan::{Kind, Piece};
use crate::lean_text::{Span, spans};

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
    "count_heartbeats",
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
    "unset_option",
    "variable?",
    "whatsnew",
    "with_weak_namespace",
];
const MODIFIERS: &[&str] =
    &["private", "protected", "noncomputable", "nonrec", "public", "unsafe", "partial"];

/// Words of commands that may end with `in` and then belong to the command after them.
const BEFORE_IN: &[&str] = &[
    "attribute",
    "count_heartbeats",
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
    "whatsnew",
];
/// Those of them that leave nothing behind once that command is done.
const LASTS_FOR_ONE: &[&str] = &["include", "omit", "open", "set_option", "universe", "variable"];
/// Those that may as well begin a term or a tactic.
pub(super) const IN_TERMS: &[&str] = &["open", "set_option"];

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
    if ["/-", "--", "@["].iter().any(|mark| text.starts_with(mark)) || is_hash_command(text) {
        return true;
    }
    let word = text.split(|c: char| c.is_whitespace() || "({[:.@".contains(c)).next().unwrap_or_default();
    word == "module" || is_command_word(word)
}

/// Whether a word begins commands, if only in the first column.
pub(super) fn is_command_word(word: &str) -> bool {
    [STARTS, STARTS_IN_FIRST_COLUMN, MODIFIERS].iter().any(|words| words.contains(&word))
        || is_hash_command(word)
}

/// Whether it begins with `#` and a letter, as `#check` does; `#[1]` is a term.
pub(super) fn is_hash_command(word: &str) -> bool {
    word.strip_prefix('#').is_some_and(|rest| rest.starts_with(char::is_alphabetic))
}

/// Whether what begins with that word and ends with `in` leaves nothing behind once the command after it is done.
pub(super) fn lasts_for_one(keyword: &str) -> bool {
    LASTS_FOR_ONE.contains(&keyword) || is_hash_command(keyword)
}

/// Whether `@[` stands there.
fn is_attribute(pieces: &[Piece<'_>], index: usize) -> bool {
    pieces[index].text == "@" && pieces.get(index + 1).is_some_and(|next| next.text == "[")
}

/// Whether a command may begin with that piece, wherever it stands in its line.
fn may_begin(pieces: &[Piece<'_>], index: usize) -> bool {
    let piece = &pieces[index];
    piece.kind == Kind::DocComment || is_command_word(piece.text) || is_attribute(pieces, index)
}

/// Where commands begin, as indices of pieces.
fn command_starts(text: &str, pieces: &[Piece<'_>]) -> Vec<usize> {
    let mut starts: Vec<usize> = Vec::new();
    // A run of doc comments, attributes and modifiers is the beginning of the command after it.
    let mut introduced = false;
    let mut attribute_depth = 0usize;
    // `open … in theorem …` holds two commands on one line.
    let (mut takes_in, mut after_in) = (false, false);
    // How many commands begin before a row of those that may be a term's.
    let mut before_row = None::<usize>;
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
        let is_after_in = std::mem::take(&mut after_in);
        if let Some(count) = before_row.filter(|_| is_after_in && !may_begin(pieces, index)) {
            // `open … in rfl` is no command, and goes on with the one before it.
            starts.truncate(count);
            (before_row, takes_in) = (None, false);
            continue;
        }
        let attribute = is_attribute(pieces, index);
        let starts_here = is_after_in || begins_in_line(piece, attribute, places[index]);
        if starts_here && !introduced {
            let count = before_row.filter(|_| is_after_in).unwrap_or(starts.len());
            before_row = IN_TERMS.contains(&piece.text).then_some(count);
            starts.push(index);
        }
        let introduces = piece.kind == Kind::DocComment || attribute || MODIFIERS.contains(&piece.text);
        if starts_here || introduced {
            takes_in = !introduces && (BEFORE_IN.contains(&piece.text) || piece.text.starts_with("#guard"));
        }
        after_in = takes_in && piece.text == "in";
        if attribute {
            attribute_depth = 1;
        }
        introduced = (starts_here || introduced) && introduces;
    }
    if starts.first() != Some(&0) && !pieces.is_empty() {
        starts.insert(0, 0);
    }
    starts
}

/// Whether a piece begins a command by where it stands: in that column, and as the first of its line or not.
fn begins_in_line(piece: &Piece<'_>, attribute: bool, (column, begins_line): (usize, bool)) -> bool {
    match piece.kind {
        Kind::DocComment => begins_line,
        Kind::Word if attribute => begins_line,
        Kind::Word => {
            begins_line && STARTS.contains(&piece.text)
                || column == 0
                    && (STARTS_IN_FIRST_COLUMN.contains(&piece.text) || is_hash_command(piece.text))
        }
        _ => false,
    }
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

/// Whether other commands may stand in what was read as one from its keyword on: it has a line in the first column, whatever
/// stands there, or what begins commands elsewhere.
pub(super) fn may_hold_commands(text: &str, pieces: &[Piece<'_>]) -> bool {
    let begins_in_first_column = |pair: &[Piece<'_>]| {
        let between = &text[pair[0].start..pair[1].start];
        between.rfind('\n').is_some_and(|newline| !text[pair[0].start + newline + 1..].starts_with(' '))
    };
    (1..pieces.len()).any(|index| may_begin(pieces, index)) || pieces.windows(2).any(begins_in_first_column)
}

/// Whether no one can say where commands begin in a text: it may define some of its own, or change what those of Lean do, or Lean
/// may divide it otherwise.
pub(super) fn is_uncertain(text: &str, pieces: &[Piece<'_>]) -> bool {
    let names_some = |piece: &Piece<'_>| piece.kind == Kind::Word && piece.text.contains("Command");
    defines_commands(pieces)
        || pieces.iter().any(names_some)
        || spans(text).any(|span| span.doubt.is_some() && !only_documents(&span))
}

/// Whether a text may define commands of its own, or change what those of Lean do.
pub(super) fn defines_commands(pieces: &[Piece<'_>]) -> bool {
    let defines = |piece: &Piece<'_>| {
        let names_some = piece.text.contains("command");
        piece.kind == Kind::Word && (names_some || matches!(piece.text, "macro_rules" | "elab_rules"))
    };
    pieces.iter().any(defines)
}

/// Whether it is a comment with no other doubt than that it documents something. What begins another comment where it has only
/// begun itself would end elsewhere for Lean.
fn only_documents(span: &Span<'_>) -> bool {
    let inside = span.text.strip_prefix("/--").or_else(|| span.text.strip_prefix("/-!"));
    let is_plain = |inside: &str| !inside.starts_with("--") && !inside.starts_with("/-");
    span.closed && !span.joined && inside.map(str::trim_start).is_some_and(is_plain)
}

/// How many pieces of a command stand before its keyword.
pub(super) fn declaration(pieces: &[Piece<'_>]) -> usize {
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        if piece.kind == Kind::DocComment || MODIFIERS.contains(&piece.text) {
            at += 1;
        } else if is_attribute(pieces, at) {
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
