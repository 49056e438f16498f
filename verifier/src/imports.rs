//! What a text imports, divided as Lean's parser divides it.

use std::iter::Peekable;

use stp_datasets::lean_text::{Span, SpanKind, spans};

/// A text in two.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    /// Its imports, in order and one a line.
    pub(crate) imports: String,
    /// The imports as they are written, with the comments around them.
    pub(crate) head: &'a str,
    /// What follows them.
    pub(crate) rest: &'a str,
}

/// The imports of a text, in order and one a line; empty where it imports nothing. They stand before everything else, perhaps
/// several in one line. How a module imports (`public`, `meta`, `all`) is left out.
pub fn imports_of(header: &str) -> String {
    parts(header).imports
}

/// The imports of a text, and what follows them.
pub(crate) fn parts(text: &str) -> Parts<'_> {
    let mut code = spans(text).filter(|span| !is_blank(span)).peekable();
    for word in ["module", "prelude"] {
        code.next_if(is(word));
    }
    let mut lines = Vec::new();
    loop {
        let end = code.peek().map_or(text.len(), |span| span.start);
        match import(&mut code) {
            Some(module) => lines.push(format!("import {module}")),
            None => return Parts { imports: lines.join("\n"), head: &text[..end], rest: &text[end..] },
        }
    }
}

/// The module of the import that stands next, if one does.
fn import<'a>(code: &mut Peekable<impl Iterator<Item = Span<'a>>>) -> Option<&'a str> {
    for word in ["public", "meta"] {
        code.next_if(is(word));
    }
    code.next_if(is("import"))?;
    code.next_if(is("all"));
    code.next_if(|span| span.kind == SpanKind::Word).map(|span| span.text)
}

fn is(word: &str) -> impl Fn(&Span<'_>) -> bool {
    move |span| span.kind == SpanKind::Word && span.text == word
}

/// Whether Lean passes over it. A comment that documents something is a command.
fn is_blank(span: &Span<'_>) -> bool {
    span.kind == SpanKind::Comment && !span.text.starts_with("/-!")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_told_from_what_follows() {
        for (text, imports, rest) in [
            (
                "import A\n  public meta import B\nopen Nat\n-- import C\nimportant",
                "import A\nimport B",
                "open Nat\n-- import C\nimportant",
            ),
            (
                "import A import all B.«c d»-- x\n/- import C /- -/ import D -/ open Nat import E",
                "import A\nimport B.«c d»",
                "open Nat import E",
            ),
            (
                "import Init local instance : Add Nat := ⟨fun _ _ => 0⟩",
                "import Init",
                "local instance : Add Nat := ⟨fun _ _ => 0⟩",
            ),
            ("/-\nimport A\n-/\n", "", ""),
            ("/- import A -/ import B\r\n\r\nopen Nat", "import B", "open Nat"),
            ("module\nprelude public import A public section", "import A", "public section"),
            ("/-! import A -/\nimport B", "", "/-! import A -/\nimport B"),
            ("/-- import A -/ import B", "", "/-- import A -/ import B"),
            ("open Nat\nimport A", "", "open Nat\nimport A"),
            ("", "", ""),
        ] {
            let found = parts(text);
            assert_eq!((found.imports.as_str(), found.rest), (imports, rest), "{text}");
            assert_eq!(format!("{}{}", found.head, found.rest), text);
            assert_eq!(imports_of(text), imports);
        }
    }
}
