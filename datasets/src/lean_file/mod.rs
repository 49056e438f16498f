//! The theorems of a Lean file, each with all that stands before it as its header.
//!
//! A theorem is judged, or imported, on its own; what it needs of its file (imports, `open`, `variable`,
//! definitions, earlier theorems) is the text above it. Examples and `#` commands there are left out.

mod scan;

use std::collections::HashSet;

use scan::{Kind, Piece, pieces};

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
    /// The text after `:=`.
    pub proof: String,
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

/// The theorems, lemmas and examples of a file, in order.
///
/// An earlier theorem stands in the header only where it is named later or may be found without its name
/// (it has an attribute), so that one that is wrong spoils nothing but what builds on it.
pub fn theorems(text: &str) -> Vec<Result<LeanTheorem, LeanFileError>> {
    let pieces = pieces(text);
    let starts = command_starts(text, &pieces);
    let mut before: Vec<Command<'_>> = Vec::new();
    let mut found = Vec::new();
    let mut prefix_from = None;
    for (index, &first) in starts.iter().enumerate() {
        let last = starts.get(index + 1).copied().unwrap_or(pieces.len());
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
        let is_theorem = matches!(keyword, "theorem" | "lemma" | "example");
        let command = Command { text: &text[begin..end], pieces: &pieces[from..last], name: None };
        if is_theorem {
            let header = format!("{}{}", needed(&before, &command), lead(text, &pieces, from, first));
            found.push(take(text, &pieces[keyword_at..last], header, end));
        }
        if keyword != "example" && !keyword.starts_with('#') {
            let has_attribute = pieces[first..keyword_at].iter().any(|piece| piece.text == "@");
            let name = pieces.get(keyword_at + 1).filter(|_| is_theorem && !has_attribute);
            before.push(Command { name: name.map(|piece| piece.text), ..command });
        }
    }
    found
}

/// A command of a file.
struct Command<'a> {
    text: &'a str,
    pieces: &'a [Piece<'a>],
    /// The name without which a theorem is not used.
    name: Option<&'a str>,
}

impl<'a> Command<'a> {
    /// Every word of it, and the last part of dotted ones.
    fn words(&self) -> impl Iterator<Item = &'a str> {
        self.pieces.iter().flat_map(|piece| [Some(piece.text), piece.text.rsplit('.').next()]).flatten()
    }
}

/// The text of the commands that `command` may need.
fn needed(before: &[Command<'_>], command: &Command<'_>) -> String {
    let mut words: HashSet<&str> = command.words().collect();
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
    let pieces = pieces(statement);
    let declares = |piece: &Piece<'_>| matches!(piece.text, "theorem" | "lemma" | "example");
    if !pieces.get(declaration(&pieces)).is_some_and(declares) {
        return Ok((String::new(), statement.trim().to_owned()));
    }
    let mut found = match body(&pieces).0 {
        Some(_) => theorems(statement),
        None => theorems(&format!("{} := _", statement.trim_end())),
    };
    match (found.pop(), found.is_empty()) {
        (Some(Ok(theorem)), true) => Ok((theorem.header, theorem.signature)),
        (Some(Err(error)), true) => Err(format!("`{}` {}", error.name, error.reason)),
        _ => Err("the statement is more than one theorem; give each a row of its own".to_owned()),
    }
}

/// What stands between the last command and this one's declaration: `open … in` and the like.
fn lead<'a>(text: &'a str, pieces: &[Piece<'_>], from: usize, first: usize) -> &'a str {
    if from == first { "" } else { &text[pieces[from].start..pieces[first].start] }
}

/// Where commands begin, as indices of pieces.
fn command_starts(text: &str, pieces: &[Piece<'_>]) -> Vec<usize> {
    let mut starts: Vec<usize> = Vec::new();
    // A run of doc comments, attributes and modifiers is the beginning of the command after it.
    let mut introduced = false;
    let mut attribute_depth = 0usize;
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
        if starts_here && !introduced {
            starts.push(index);
        }
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
fn declaration(pieces: &[Piece<'_>]) -> usize {
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

fn take(
    text: &str,
    pieces: &[Piece<'_>],
    mut header: String,
    end: usize,
) -> Result<LeanTheorem, LeanFileError> {
    let line = text[..pieces[0].start].matches('\n').count() + 1;
    let mut at = 1;
    let mut name = String::new();
    if pieces[0].text != "example" {
        name = pieces.get(1).map_or("", |piece| piece.text).to_owned();
        at = 2;
    }
    let fail = |reason: &str| LeanFileError { line, name: name.clone(), reason: reason.to_owned() };
    if pieces.get(at).is_some_and(|piece| piece.text == ".") {
        let close = pieces[at..].iter().position(|piece| piece.text == "}");
        let close = at + close.ok_or_else(|| fail("has universe parameters that are not closed."))?;
        let universes: Vec<_> = pieces[at + 2..close].iter().map(|piece| piece.text).collect();
        header.push_str(&format!("universe {}\n", universes.join(" ").replace(" ,", "")));
        at = close + 1;
    }
    let Some(signature) = pieces.get(at) else { return Err(fail("has no type.")) };
    let (assign, patterns) = body(&pieces[at..]);
    let Some(assign) = assign.map(|offset| &pieces[at + offset]) else {
        return Err(fail(if patterns {
            "is proved by pattern matching (`| …`); write its proof after `:=`, as a `match` or by `induction`."
        } else {
            "has no proof after `:=`."
        }));
    };
    Ok(LeanTheorem {
        signature: text[signature.start..assign.start].trim().to_owned(),
        proof: strip_comments_at_end(&text[assign.start + 2..end]),
        name,
        line,
        header,
    })
}

/// The piece `:=` that ends the type, and whether patterns begin instead.
fn body(pieces: &[Piece<'_>]) -> (Option<usize>, bool) {
    let (mut depth, mut colon, mut lets) = (0i64, false, 0usize);
    for (index, piece) in pieces.iter().enumerate() {
        match piece.text {
            "(" | "[" | "{" | "⟨" | "⦃" => depth += 1,
            ")" | "]" | "}" | "⟩" | "⦄" => depth -= 1,
            ":" if depth == 0 => colon = true,
            "let" | "have" if depth == 0 && colon => lets += 1,
            ":=" if depth == 0 && lets > 0 => lets -= 1,
            ":=" if depth == 0 => return (Some(index), false),
            "=>" | "where" if depth == 0 && colon => return (None, true),
            "=" if depth == 0 && colon && pieces.get(index + 1).is_some_and(|next| next.text == ">") => {
                return (None, true);
            }
            _ => {}
        }
    }
    (None, false)
}

/// A proof as written, without the comments that belong to what follows it.
fn strip_comments_at_end(proof: &str) -> String {
    let end = pieces(proof).last().map_or(0, |piece| piece.start + piece.text.len());
    let begin = if proof.starts_with('\n') { 0 } else { proof.len() - proof.trim_start().len() };
    proof[begin.min(end)..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "import Std\n\nopen Nat\n\n/-- doc: theorem -/\n@[simp]\nprivate theorem one {a : Nat} (h : a = 1) :\n    a + 0 = 1 := by\n  -- theorem inside\n  simp [h]\n\n#eval 1\n\n/-! section about two -/\ndef twice (n : Nat) := n + n\n\nopen List in\nlemma two.{u} {α : Type u} (xs : List α) : let n := xs.length; n = n := rfl -- done\n\nexample : 1 = 1 := rfl\n\ntheorem three : ∀ n : Nat, n = n\n  | 0 => rfl\n  | n + 1 => rfl\n\nnamespace A\ntheorem four : twice 2 = 4 :=\n  rfl\nend A\n";

    #[test]
    fn theorems_come_out_with_what_stands_before_them() {
        let found = theorems(FILE);
        let names: Vec<_> = found
            .iter()
            .map(|theorem| theorem.as_ref().map_or_else(|e| e.name.as_str(), |t| t.name.as_str()))
            .collect();
        assert_eq!(names, ["one", "two", "", "three", "four"]);
        let one = found[0].as_ref().unwrap();
        assert_eq!((one.line, one.header.as_str()), (7, "import Std\n\nopen Nat\n\n"));
        assert_eq!(one.signature, "{a : Nat} (h : a = 1) :\n    a + 0 = 1");
        assert_eq!(one.proof, "by\n  -- theorem inside\n  simp [h]");
        let two = found[1].as_ref().unwrap();
        assert!(two.header.ends_with("open List in\nuniverse u\n"), "{}", two.header);
        assert_eq!(
            (two.signature.as_str(), two.proof.as_str()),
            ("{α : Type u} (xs : List α) : let n := xs.length; n = n", "rfl")
        );
        let three = found[3].as_ref().unwrap_err();
        assert!(three.line == 22 && three.to_string().contains("pattern matching"), "{three}");
        let four = found[4].as_ref().unwrap();
        assert!(four.header.contains("def twice") && !four.header.contains("theorem three"));
        assert!(!four.header.contains("#eval") && !four.header.contains("example"));
        assert_eq!(four.proof, "\n  rfl");
    }

    #[test]
    fn earlier_theorems_come_along_where_they_are_needed() {
        let text = "theorem A.a : True := trivial\ntheorem b : True := a\ntheorem wrong : False := x\n@[simp] theorem s : True := trivial\ntheorem c : True := b\n";
        let last = theorems(text).pop().unwrap().unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(last.header.lines().collect::<Vec<_>>(), [lines[0], lines[1], lines[3]]);
    }

    #[test]
    fn a_file_without_theorems_has_none() {
        assert!(theorems("").is_empty() && theorems("-- theorem\n").is_empty());
        assert!(theorems("def x := 1\n#check x\n").is_empty());
    }

    #[test]
    fn statements_of_data_sets_become_signatures() {
        let signature = "(a b : Nat) : a + b = b + a";
        for statement in [
            signature.to_owned(),
            format!("theorem add_comm' {signature} := by sorry"),
            format!("/-- doc -/ theorem add_comm' {signature} := by"),
            format!("@[simp] lemma x {signature} :="),
            format!("example {signature}"),
        ] {
            assert_eq!(signature_of(&statement), Ok((String::new(), signature.to_owned())), "{statement}");
        }
        assert_eq!(
            signature_of("theorem x.{u} (α : Type u) : α = α := rfl"),
            Ok(("universe u\n".to_owned(), "(α : Type u) : α = α".to_owned()))
        );
        assert!(signature_of("theorem a : True := trivial\ntheorem b : True := trivial").is_err());
        assert!(signature_of("theorem").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_gets_an_answer(text in "(theorem |lemma |by|:=|:|\\(|\\)|open X in\n|/--|-/|@\\[|\\]|\n|a|\\.\\{|\\}| ){0,30}") {
            let _ = theorems(&text);
        }
    }
}
