//! The theorems of a Lean file, each with all that stands before it as its header.
//!
//! A theorem is judged, or imported, on its own; what it needs of its file (imports, `open`, `variable`,
//! definitions, earlier theorems) is the text above it. Examples and `#` commands there are left out,
//! unless another command may stand in what looks like their text.

mod body;
mod commands;
mod lines;
mod outline;
mod scan;

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use body::{Body, body};
use commands::{
    commands, declaration, is_command_word, is_hash_command, is_uncertain, lasts_for_one, may_hold_commands,
};
use scan::{Kind, Piece, pieces};

pub(crate) use body::has_type;
pub use commands::begins_command;
pub(crate) use lines::{code_lines, strings};
pub use outline::{Outlined, OutlinedKind, outline};

/// A theorem of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeanTheorem {
    /// Its name as written; empty for an `example`.
    pub name: String,
    /// The line of its keyword, from 1.
    pub line: usize,
    /// What stands before it, made ready to stand before a theorem of another name.
    pub header: String,
    /// Where the header declares the theorem's own universe parameters, in bytes; empty if there are none.
    pub universes: Range<usize>,
    /// Binders and type.
    pub signature: String,
    /// The text after `:=`; for a theorem by pattern matching its equations, from the first `|` on.
    pub proof: String,
    /// Where that text stands, in bytes of the file as Lean reads it: without a byte order mark, lines ending in `\n` alone.
    pub proof_at: Range<usize>,
}

impl LeanTheorem {
    /// The header without the line for its own universe parameters, for a text that has them itself.
    pub(crate) fn header_of_file(&self) -> String {
        [&self.header[..self.universes.start], &self.header[self.universes.end..]].concat()
    }
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
pub fn theorem_names(text: &str) -> Vec<String> {
    let text = &*plain_lines(text);
    let pieces = pieces(text);
    let name = |place: &Place| match place {
        Place::Theorem { command, keyword_at, .. } => name_of(&pieces[*keyword_at..command.end]).to_owned(),
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
    let is_uncertain = is_uncertain(text, pieces);
    let mut lines = Lines { text, line: 1, at: 0 };
    // Where what belongs to the next command begins, and whether that leaves nothing behind.
    let mut prefix = None::<(usize, bool)>;
    for range in commands(text, pieces) {
        let (first, last) = (range.start, range.end);
        let (from, passes) = prefix.take().unwrap_or((first, true));
        let begin = if from == 0 { 0 } else { pieces[from].start };
        let end = pieces.get(last).map_or(text.len(), |piece| piece.start);
        let keyword_at = first + declaration(&pieces[first..last]);
        let own = &pieces[keyword_at..last];
        let keyword = own.first().map_or("", |piece| piece.text);
        if pieces[last - 1].text == "in" {
            // `open … in` belongs to the command after it.
            prefix = Some((from, passes && lasts_for_one(keyword) && !may_hold_commands(text, own)));
            continue;
        }
        let is_theorem = DECLARES.contains(&keyword);
        if is_theorem {
            let lead = if from == first { 0..0 } else { pieces[from].start..pieces[first].start };
            places.push(Place::Theorem { command: from..last, keyword_at, lead, before: before.len(), end });
        } else if keyword == "mutual" {
            places.extend(in_mutual(&pieces[first..last], &mut lines).map(Place::InMutual));
        }
        let has_attribute = pieces[first..keyword_at].iter().any(|piece| piece.text == "@");
        let is_alone = !is_uncertain && passes && !has_attribute && !may_hold_commands(text, own);
        if !is_alone || !(keyword == "example" || is_hash_command(keyword)) {
            let name = Some(name_of(own)).filter(|name| is_alone && is_theorem && !name.is_empty());
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
    // `«a»` is `a`.
    let bare = |word: &str| word.replace(['«', '»'], "");
    let name = bare(name);
    let begins = name.match_indices('.').map(|(dot, _)| dot + 1);
    let names: Vec<&str> = std::iter::once(0).chain(begins).map(|begin| &name[begin..]).collect();
    let is_call = |word: &str, name: &str| {
        word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let calls = |piece: Piece<'_>| {
        let word = bare(piece.text);
        piece.kind == Kind::Word && names.iter().any(|name| is_call(&word, name))
    };
    !name.is_empty() && pieces(text).into_iter().any(calls)
}

/// The texts of a file's commands, each with the `open … in` before it as a command of its own.
pub(crate) fn command_texts(text: &str) -> Vec<&str> {
    let pieces = pieces(text);
    let ranges = commands(text, &pieces);
    ranges.iter().map(|range| text[pieces[range.start].start..pieces[range.end - 1].end()].trim()).collect()
}

/// The theorems of a `mutual` block, which need each other.
fn in_mutual(pieces: &[Piece<'_>], lines: &mut Lines<'_>) -> impl Iterator<Item = LeanFileError> {
    pieces.windows(2).filter(|pair| pair[0].kind == Kind::Word && DECLARES.contains(&pair[0].text)).map(
        |pair| LeanFileError {
            line: lines.of(&pair[0]),
            name: pair[1].text.to_owned(),
            reason: "stands in a `mutual` block, whose theorems are not taken apart.".to_owned(),
        },
    )
}

/// Counts the lines from one piece to a later one.
struct Lines<'a> {
    text: &'a str,
    /// That of the piece before, from 1.
    line: usize,
    /// Where that piece begins.
    at: usize,
}

impl Lines<'_> {
    /// The line of a piece that does not stand before the last one.
    fn of(&mut self, piece: &Piece<'_>) -> usize {
        self.line += newlines(&self.text[self.at..piece.start]);
        self.at = piece.start;
        self.line
    }
}

/// How many lines end in a text. To count bytes takes far less time than to search for characters.
fn newlines(text: &str) -> usize {
    text.bytes().filter(|&byte| byte == b'\n').count()
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
        self.pieces.iter().flat_map(|piece| piece.text.split('.')).map(unmarked)
    }
}

/// A part of a name without the marks that it may be written with: `«a»` is `a`.
fn unmarked(part: &str) -> &str {
    part.trim_matches(['«', '»'])
}

/// The text of the commands that these may need.
fn needed(before: &[Command<'_>], by: [&Command<'_>; 2]) -> String {
    let mut words: HashSet<&str> = by.into_iter().flat_map(Command::words).collect();
    let mut kept = Vec::new();
    for earlier in before.iter().rev() {
        let last = |name: &str| words.contains(unmarked(name.rsplit('.').next().unwrap_or(name)));
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
        // Without a comment at its end, which would hide the proof.
        let end = pieces.last().map_or(0, Piece::end);
        return Ok((String::new(), statement[..end].trim().to_owned()));
    }
    let mut found = match body(&pieces) {
        Body::Missing => theorems(&format!("{}\n:= _", statement.trim_end())),
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
    let line = newlines(&text[..pieces[0].start]) + 1;
    let name = name_of(pieces).to_owned();
    let mut at = if pieces[0].text == "example" { 1 } else { 2 };
    let fail = |reason: &str| LeanFileError { line, name: name.clone(), reason: reason.to_owned() };
    let mut universes_at = 0..0;
    if pieces.get(at).is_some_and(|piece| piece.text == ".") {
        let unread = || fail("has universe parameters that are not written as `.{u, v}`.");
        let (names, count) = universes(&pieces[at..]).ok_or_else(unread)?;
        if !header.is_empty() && !header.ends_with('\n') {
            header.push('\n');
        }
        let begin = header.len();
        header.push_str(&format!("universe {}\n", names.join(" ")));
        universes_at = begin..header.len();
        at += count;
    }
    // What holds for the next command alone comes last.
    header.push_str(lead);
    let Some(signature) = pieces.get(at) else { return Err(fail("has no type.")) };
    let (count, proof) = match body(&pieces[at..]) {
        Body::Assign(offset) => (offset, pieces[at + offset].end()),
        Body::Equations(offset) => (offset, pieces[at + offset].start),
        Body::Where => return Err(fail("gives its proof by `where`; write it after `:=`.")),
        Body::Missing => return Err(fail("has no proof after `:=`.")),
    };
    // A comment after its last piece is none of it.
    let ends = pieces[at..at + count].last().map_or(signature.start, Piece::end);
    let proof_at = without_comments_at_end(text, proof..end);
    Ok(LeanTheorem {
        signature: text[signature.start..ends].trim().to_owned(),
        proof: text[proof_at.clone()].to_owned(),
        proof_at,
        universes: universes_at,
        name,
        line,
        header,
    })
}

/// The universe parameters that come first, as in `.{u, v}`, and the number of their pieces; `None` for anything else.
fn universes<'a>(pieces: &[Piece<'a>]) -> Option<(Vec<&'a str>, usize)> {
    let close = pieces.iter().position(|piece| piece.text == "}")?;
    let inside = pieces.get(2..close).filter(|_| pieces[1].text == "{")?;
    let names: Vec<_> = inside.iter().filter(|piece| piece.text != ",").collect();
    // They are to stand in a header, which nothing else may get into.
    let is_name = |piece: &&Piece<'_>| piece.kind == Kind::Word && !is_command_word(piece.text);
    let is_list = !names.is_empty() && names.iter().all(is_name);
    is_list.then(|| (names.iter().map(|piece| piece.text).collect(), close + 1))
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
