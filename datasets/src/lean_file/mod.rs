//! The theorems of a Lean file, each with all that stands before it as its header.
//!
//! A theorem is judged, or imported, on its own; what it needs of its file (imports, `open`, `variable`,
//! definitions, earlier theorems) is the text above it. Examples and `#` commands there are left out.

mod commands;
mod lines;
mod scan;

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use commands::{commands, declaration, may_hold_commands};
use scan::{Kind, Piece, pieces};

pub use commands::begins_command;
pub(crate) use lines::{code_lines, strings};

/// A theorem of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeanTheorem {
    /// Its name as written; empty for an `example`.
    pub name: String,
    /// The line of its keyword, from 1.
    pub line: usize,
    /// What stands before it, made ready to stand before a theorem of another name.
    pub header: String,
    /// Binders and type.
    pub signature: String,
    /// The text after `:=`; for a theorem by pattern matching its equations, from the first `|` on.
    pub proof: String,
    /// Where that text stands, in bytes of the file as Lean reads it: without a byte order mark, lines ending in `\n` alone.
    pub proof_at: Range<usize>,
}

/// A theorem that cannot be taken out of its file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: `{name}` {reason}")]
pub struct LeanFileError {
    /// Its line, from 1.
    pub line: usize,
    /// Its name.
    pub name: String,
    /// What is in the way, and what to do.
    pub reason: String,
}

/// The theorems, lemmas and examples of a file, in order.
///
/// An earlier theorem stands in the header only where it is named later or may be found without its name
/// (it has an attribute), so that one that is wrong spoils nothing but what builds on it.
pub fn theorems(text: &str) -> Vec<Result<LeanTheorem, LeanFileError>> {
    chosen(text, "", |count| 0..count)
}

/// The theorem that stands so many before the last, where a text of its own, such as a proof that is kept elsewhere, may name
/// earlier theorems as well.
pub(crate) fn theorem_from_end(
    text: &str,
    back: usize,
    beside: &str,
) -> Option<Result<LeanTheorem, LeanFileError>> {
    let place = |count: usize| count.checked_sub(back + 1).map_or(0..0, |at| at..at + 1);
    chosen(text, beside, place).pop()
}

/// The names of a text's theorems, in order; empty for an `example`.
pub(crate) fn theorem_names(text: &str) -> Vec<String> {
    let text = &*plain_lines(text);
    let pieces = pieces(text);
    let name = |place: &Place| match place {
        Place::Theorem { keyword_at, .. } => name_of(&pieces[*keyword_at..]).to_owned(),
        Place::InMutual(error) => error.name.clone(),
    };
    walk(text, &pieces).1.iter().map(name).collect()
}

/// The theorems whose places among all of them are in the range that `choose` makes of their number.
fn chosen(
    text: &str,
    beside: &str,
    choose: impl FnOnce(usize) -> Range<usize>,
) -> Vec<Result<LeanTheorem, LeanFileError>> {
    let text = &*plain_lines(text);
    let (beside, pieces) = (pieces(beside), pieces(text));
    let beside = Command { text: "", pieces: &beside, name: None };
    let (commands, places) = walk(text, &pieces);
    let range = choose(places.len());
    let theorem = |place: &Place| match place {
        Place::InMutual(error) => Err(error.clone()),
        Place::Theorem { command, keyword_at, lead, before, end } => {
            let own = Command { text: "", pieces: &pieces[command.clone()], name: None };
            let header = needed(&commands[..*before], [&own, &beside]);
            take(text, &pieces[*keyword_at..command.end], header, &text[lead.clone()], *end)
        }
    };
    places[range].iter().map(theorem).collect()
}

/// Where a theorem stands.
enum Place {
    Theorem {
        /// Its pieces, with those of the `open … in` before it.
        command: Range<usize>,
        /// The piece of its keyword.
        keyword_at: usize,
        /// The text of that `open … in`, in bytes.
        lead: Range<usize>,
        /// How many of the commands that others may need stand before it.
        before: usize,
        /// Where its text ends, in bytes.
        end: usize,
    },
    InMutual(LeanFileError),
}

/// The commands of a text that others may need, and the places of its theorems.
fn walk<'a>(text: &'a str, pieces: &'a [Piece<'a>]) -> (Vec<Command<'a>>, Vec<Place>) {
    let (mut before, mut places): (Vec<Command<'_>>, Vec<Place>) = (Vec::new(), Vec::new());
    let mut prefix_from = None;
    for range in commands(text, pieces) {
        let (first, last) = (range.start, range.end);
        let from = prefix_from.take().unwrap_or(first);
        let begin = if from == 0 { 0 } else { pieces[from].start };
        let end = pieces.get(last).map_or(text.len(), |piece| piece.start);
        if pieces[last - 1].text == "in" {
            // `open … in` belongs to the command after it.
            prefix_from = Some(from);
            continue;
        }
        let keyword_at = first + declaration(&pieces[first..last]);
        let keyword = pieces.get(keyword_at).map_or("", |piece| piece.text);
        let is_theorem = DECLARES.contains(&keyword);
        if is_theorem {
            let lead = if from == first { 0..0 } else { pieces[from].start..pieces[first].start };
            places.push(Place::Theorem { command: from..last, keyword_at, lead, before: before.len(), end });
        } else if keyword == "mutual" {
            places.extend(in_mutual(text, &pieces[first..last]).map(Place::InMutual));
        }
        if keyword != "example" && !keyword.starts_with('#') {
            let has_attribute = pieces[first..keyword_at].iter().any(|piece| piece.text == "@");
            let is_alone =
                is_theorem && !has_attribute && !may_hold_commands(text, &pieces[keyword_at..last]);
            let name = is_alone.then(|| name_of(&pieces[keyword_at..last])).filter(|name| !name.is_empty());
            before.push(Command { text: &text[begin..end], pieces: &pieces[from..last], name });
        }
    }
    (before, places)
}

/// The name of the theorem whose keyword comes first; empty for an `example`.
fn name_of<'a>(pieces: &[Piece<'a>]) -> &'a str {
    let named = pieces.first().is_some_and(|keyword| keyword.text != "example");
    pieces.get(1).filter(|_| named).map_or("", |piece| piece.text)
}

/// Words that begin a theorem.
const DECLARES: [&str; 3] = ["theorem", "lemma", "example"];

/// A text as Lean reads a file: with lines that end in `\n` alone; and without a byte order mark.
pub(crate) fn plain_lines(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text.into() }
}

/// Whether the code of a text calls something of that name, whole or without the names of its namespaces.
pub fn mentions(text: &str, name: &str) -> bool {
    let begins = name.match_indices('.').map(|(dot, _)| dot + 1);
    let names: Vec<&str> = std::iter::once(0).chain(begins).map(|begin| &name[begin..]).collect();
    let is_call = |word: &str, name: &str| {
        word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let calls =
        |piece: Piece<'_>| piece.kind == Kind::Word && names.iter().any(|name| is_call(piece.text, name));
    !name.is_empty() && pieces(text).into_iter().any(calls)
}

/// Whether a text has a colon of its own before any `:=`, as `(a : Nat) : a = a` has and `(1 : Nat) = 1` has not.
pub(crate) fn has_type(text: &str) -> bool {
    let mut depth = 0i64;
    for piece in pieces(text) {
        let before = depth;
        depth += bracket(&piece);
        match piece.text {
            ":" if before == 0 => return true,
            // Before the colon there are binders in brackets, and nothing else.
            _ if before == 0 && depth == 0 => return false,
            _ => {}
        }
    }
    false
}

/// The texts of a file's commands, each with the `open … in` before it as a command of its own.
pub(crate) fn command_texts(text: &str) -> Vec<&str> {
    let pieces = pieces(text);
    let ranges = commands(text, &pieces);
    ranges.iter().map(|range| text[pieces[range.start].start..pieces[range.end - 1].end()].trim()).collect()
}

/// The theorems of a `mutual` block, which need each other.
fn in_mutual(text: &str, pieces: &[Piece<'_>]) -> impl Iterator<Item = LeanFileError> {
    pieces.windows(2).filter(|pair| pair[0].kind == Kind::Word && DECLARES.contains(&pair[0].text)).map(
        |pair| LeanFileError {
            line: line_of(text, &pair[0]),
            name: pair[1].text.to_owned(),
            reason: "stands in a `mutual` block, whose theorems are not taken apart.".to_owned(),
        },
    )
}

/// From 1.
fn line_of(text: &str, piece: &Piece<'_>) -> usize {
    text[..piece.start].matches('\n').count() + 1
}

/// A command of a file.
struct Command<'a> {
    text: &'a str,
    pieces: &'a [Piece<'a>],
    /// The name without which a theorem is not used.
    name: Option<&'a str>,
}

impl<'a> Command<'a> {
    /// Every word of it, and the parts of dotted ones: `mine.symm` may be `symm` of the proof `mine`.
    fn words(&self) -> impl Iterator<Item = &'a str> {
        self.pieces.iter().flat_map(|piece| piece.text.split('.').chain([piece.text]))
    }
}

/// The text of the commands that these may need.
fn needed(before: &[Command<'_>], by: [&Command<'_>; 2]) -> String {
    let mut words: HashSet<&str> = by.into_iter().flat_map(Command::words).collect();
    let mut kept = Vec::new();
    for earlier in before.iter().rev() {
        let last = |name: &str| words.contains(name.rsplit('.').next().unwrap_or(name));
        if earlier.name.is_none_or(last) {
            words.extend(earlier.words());
            kept.push(earlier.text);
        }
    }
    kept.reverse();
    kept.concat()
}

/// A statement as provers' data sets write it (`theorem NAME BINDERS : TYPE := by sorry`, the proof may be
/// missing) as signature, with the lines that its universe parameters need before it. A text that does not
/// begin with `theorem`, `lemma` or `example` is a signature already.
///
/// # Errors
/// What is wrong with it, in words for people.
pub fn signature_of(statement: &str) -> Result<(String, String), String> {
    let statement = &*plain_lines(statement);
    let pieces = pieces(statement);
    if !pieces.get(declaration(&pieces)).is_some_and(|piece| DECLARES.contains(&piece.text)) {
        return Ok((String::new(), statement.trim().to_owned()));
    }
    let mut found = match body(&pieces) {
        Body::Missing => theorems(&format!("{} := _", statement.trim_end())),
        _ => theorems(statement),
    };
    match (found.pop(), found.is_empty()) {
        (Some(Ok(theorem)), true) => Ok((theorem.header, theorem.signature)),
        (Some(Err(error)), true) => Err(format!("`{}` {}", error.name, error.reason)),
        _ => Err("the statement is more than one theorem; give each a row of its own".to_owned()),
    }
}

fn take(
    text: &str,
    pieces: &[Piece<'_>],
    mut header: String,
    lead: &str,
    end: usize,
) -> Result<LeanTheorem, LeanFileError> {
    let line = line_of(text, &pieces[0]);
    let name = name_of(pieces).to_owned();
    let mut at = if pieces[0].text == "example" { 1 } else { 2 };
    let fail = |reason: &str| LeanFileError { line, name: name.clone(), reason: reason.to_owned() };
    if pieces.get(at).is_some_and(|piece| piece.text == ".") {
        let close = pieces[at..].iter().position(|piece| piece.text == "}");
        let close = at + close.ok_or_else(|| fail("has universe parameters that are not closed."))?;
        let universes: Vec<_> = pieces[at + 2..close].iter().map(|piece| piece.text).collect();
        if !header.is_empty() && !header.ends_with('\n') {
            header.push('\n');
        }
        header.push_str(&format!("universe {}\n", universes.join(" ").replace(" ,", "")));
        at = close + 1;
    }
    // What holds for the next command alone comes last.
    header.push_str(lead);
    let Some(signature) = pieces.get(at) else { return Err(fail("has no type.")) };
    let (ends, proof) = match body(&pieces[at..]) {
        Body::Assign(offset) => (pieces[at + offset].start, pieces[at + offset].end()),
        Body::Equations(offset) => (pieces[at + offset].start, pieces[at + offset].start),
        Body::Where => return Err(fail("gives its proof by `where`; write it after `:=`.")),
        Body::Missing => return Err(fail("has no proof after `:=`.")),
    };
    let proof_at = without_comments_at_end(text, proof..end);
    Ok(LeanTheorem {
        signature: text[signature.start.min(ends)..ends].trim().to_owned(),
        proof: text[proof_at.clone()].to_owned(),
        proof_at,
        name,
        line,
        header,
    })
}

/// How a theorem's type ends; with the piece that ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    /// At `:=`.
    Assign(usize),
    /// At the `|` of its first equation.
    Equations(usize),
    /// At `where`.
    Where,
    /// With the text.
    Missing,
}

fn body(pieces: &[Piece<'_>]) -> Body {
    let (mut depth, mut colon, mut lets, mut arms) = (0i64, false, 0usize, false);
    for (index, piece) in pieces.iter().enumerate() {
        depth += bracket(piece);
        if depth != 0 {
            continue;
        }
        match piece.text {
            ":" => colon = true,
            "let" | "have" | "letI" | "haveI" if colon => lets += 1,
            "match" if colon => arms = true,
            ":=" if lets > 0 => lets -= 1,
            ":=" => return Body::Assign(index),
            "where" if colon => return Body::Where,
            // The arms of `match … with` and `fun | …` belong to the type, and so do the bars of `|a|`.
            "|" if colon && index > 0 && matches!(pieces[index - 1].text, "fun" | "λ") => arms = true,
            "|" if colon && !arms && arrow_comes_first(&pieces[index..]) => return Body::Equations(index),
            _ => {}
        }
    }
    Body::Missing
}

/// How much deeper it leads.
fn bracket(piece: &Piece<'_>) -> i64 {
    match piece.text {
        "(" | "[" | "{" | "⟨" | "⦃" => 1,
        ")" | "]" | "}" | "⟩" | "⦄" => -1,
        _ => 0,
    }
}

/// Whether there is `=>` before any `:=`, outside of brackets.
fn arrow_comes_first(pieces: &[Piece<'_>]) -> bool {
    let (mut depth, mut functions) = (0i64, 0usize);
    for pair in pieces.windows(2) {
        depth += bracket(&pair[0]);
        match (pair[0].text, pair[1].text) {
            (":=", _) if depth == 0 => return false,
            ("fun" | "λ", _) if depth == 0 => functions += 1,
            ("=", ">") if depth == 0 && functions > 0 => functions -= 1,
            ("=", ">") if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// The place of a proof as written, without the comments that belong to what follows it.
fn without_comments_at_end(text: &str, at: Range<usize>) -> Range<usize> {
    let proof = &text[at.clone()];
    let end = pieces(proof).last().map_or(0, Piece::end);
    let begin = if proof.starts_with('\n') { 0 } else { proof.len() - proof.trim_start().len() };
    at.start + begin.min(end)..at.start + end
}

#[cfg(test)]
mod tests;
