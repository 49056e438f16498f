//! What is to be proved: a statement, or a text with `sorry`s.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use stp_datasets::lean_text::{Span, SpanKind, spans};
use stp_datasets::{signature_of, theorems};
use stp_selfplay::error::UsageError;

use super::args::ProveArgs;
use super::text::{LeanText, has_sorry, is_bare};

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Input {
    /// One statement.
    Statement(Statement),
    /// A text; the path is that of its file.
    Text(LeanText, Option<PathBuf>),
}

/// A statement of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    /// The Lean text before it.
    pub header: String,
    /// Its name; empty if it has none.
    pub name: String,
    /// Its universe parameters, which the header declares for the search.
    pub universes: Vec<String>,
    /// Binders and type.
    pub signature: String,
}

/// Reads what is to be proved.
///
/// # Errors
/// [`UsageError`] for a file that is not there, and for what is neither a statement nor a file.
pub(super) fn read(args: &ProveArgs) -> Result<Input> {
    let what = args.what.trim();
    let header = header(args)?;
    let path = Path::new(what);
    let looks_like_a_file = path.is_file() || !what.contains([' ', '\n']) && what.ends_with(".lean");
    let input = if what == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
        Input::Text(LeanText::of(&text), None)
    } else if looks_like_a_file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| UsageError(format!("{what} cannot be read: {error}.")))?;
        Input::Text(LeanText::of(&text), Some(path.to_owned()))
    } else {
        statement(what, &header)?
    };
    match &input {
        Input::Text(..) if !header.is_empty() && (what == "-" || looks_like_a_file) => {
            usage("--header and --imports are for a statement; a file has its own lines for that.")
        }
        Input::Text(_, None) if args.in_place => usage("--in-place needs a file; there is none to write."),
        Input::Statement(_) if args.in_place || args.diff => {
            usage("--in-place and --diff are for a file, and this is a statement.")
        }
        _ => Ok(input),
    }
}

fn usage<T>(said: &str) -> Result<T> {
    Err(UsageError(said.to_owned()).into())
}

fn header(args: &ProveArgs) -> Result<String> {
    let mut header: String =
        args.imports.iter().map(|module| format!("import {}\n", module.trim())).collect();
    if let Some(path) = &args.header {
        let text = std::fs::read_to_string(path)
            .map_err(|error| UsageError(format!("--header {} cannot be read: {error}.", path.display())))?;
        header.push_str(&LeanText::of(&text).text);
        if !header.ends_with('\n') {
            header.push('\n');
        }
    }
    Ok(header)
}

/// A statement; or, of what holds more than that, a text.
fn statement(what: &str, header: &str) -> Result<Input> {
    let found = theorems(what);
    let has_more = match &found[..] {
        [Ok(theorem)] => has_sorry(&theorem.proof) && !is_bare(&theorem.proof),
        _ => found.len() > 1,
    };
    if has_more {
        return Ok(Input::Text(LeanText::of(&format!("{header}{what}\n")), None));
    }
    let (before, mut signature) = signature_of(what)
        .map_err(|reason| UsageError(format!("This is no statement that can be proved: {reason}.")))?;
    // Without a keyword the whole is the signature.
    if what.starts_with(&signature) && is_claim(&signature) {
        signature.insert_str(0, ": ");
    }
    if !signature.contains(':') {
        return usage(&format!(
            "`{what}` is neither a file nor a statement. A statement has a `:` before what it claims: ': {what}', or for \
             example '(n : Nat) : n + 0 = n'."
        ));
    }
    // On a line of its own, for a comment may stand at the end.
    let with_proof = format!("{what}\n:= _");
    let theorem = found.into_iter().chain(theorems(&with_proof)).find_map(Result::ok);
    let name = theorem.map(|theorem| theorem.name).unwrap_or_default();
    let declared = before.lines().find_map(|line| line.strip_prefix("universe "));
    let universes = declared.into_iter().flat_map(str::split_whitespace).map(str::to_owned).collect();
    Ok(Input::Statement(Statement { header: format!("{header}{before}"), name, universes, signature }))
}

/// Symbols of what is true or false.
const CLAIMS: &str = "∀∃¬=≠≤<≥>∧∨↔→←∣∈∉⊆";

/// Whether a text has no `:` behind binders, but is a claim by itself, as `∀ n : Nat, n = n` is.
fn is_claim(text: &str) -> bool {
    let code: Vec<Span<'_>> = spans(text).filter(Span::is_code).collect();
    let mut depth = 0usize;
    for (index, span) in code.iter().enumerate() {
        match span.kind {
            SpanKind::Open => depth += 1,
            SpanKind::Close => depth = depth.saturating_sub(1),
            // Binders may be names without brackets.
            _ if depth > 0 || span.kind == SpanKind::Word => {}
            _ => {
                let is_assigned = code.get(index + 1).is_some_and(|next| next.joined && next.text == "=");
                let has_type = span.text == ":" && !is_assigned;
                return !has_type && code.iter().any(|it| CLAIMS.contains(it.text));
            }
        }
    }
    false
}

impl Statement {
    /// The theorem with a proof, as it stands in a file below its header.
    pub(super) fn with(&self, proof: &str) -> String {
        let lead = match (&self.name[..], self.universes.join(", ")) {
            ("", _) => "example".to_owned(),
            (name, universes) if universes.is_empty() => format!("theorem {name}"),
            (name, universes) => format!("theorem {name}.{{{universes}}}"),
        };
        format!("{lead} {} := {}", self.signature, proof.trim_start())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(what: &str) -> Input {
        statement(what, "import Std\n").unwrap()
    }

    #[test]
    fn statements_come_in_all_forms() {
        let signature = "(n : Nat) : n + 0 = n";
        for (what, name) in [
            (signature.to_owned(), ""),
            (format!("theorem foo {signature}"), "foo"),
            (format!("theorem foo {signature} := by sorry"), "foo"),
            (format!("lemma foo {signature} := by\n  sorry"), "foo"),
            (format!("example {signature}"), ""),
        ] {
            let Input::Statement(found) = of(&what) else { panic!("{what}") };
            assert_eq!((found.name.as_str(), found.signature.as_str()), (name, signature), "{what}");
            assert_eq!(found.header, "import Std\n");
        }
        let Input::Statement(found) = of("theorem foo.{u} (α : Type u) : α = α") else { panic!() };
        assert_eq!((found.name.as_str(), found.header.as_str()), ("foo", "import Std\nuniverse u\n"));
        assert_eq!(found.with("by\n  rfl"), "theorem foo.{u} (α : Type u) : α = α := by\n  rfl");
    }

    #[test]
    fn a_comment_at_the_end_takes_no_name_away() {
        for what in ["theorem foo : 1 = 1 -- easy", "theorem foo : 1 = 1 /- easy -/"] {
            let Input::Statement(found) = of(what) else { panic!("{what}") };
            assert_eq!((found.name.as_str(), found.signature.as_str()), ("foo", ": 1 = 1"));
        }
    }

    #[test]
    fn a_claim_alone_is_a_statement() {
        for what in [
            "∀ n, n = n",
            "∀ n : Nat, n = n",
            "¬ (1 : Nat) = 2",
            "(1 : Nat) = 1",
            "2 + 2 = 4",
            "let a := 1; a = a",
        ] {
            let Input::Statement(found) = of(what) else { panic!("{what}") };
            assert_eq!(found.signature, format!(": {what}"));
        }
        for what in
            [": ∀ n : Nat, n = n", "(n : Nat) : n = n", "n : n = n + 0", "{p : Prop} [Decidable p] : p ∨ ¬p"]
        {
            let Input::Statement(found) = of(what) else { panic!("{what}") };
            assert_eq!(found.signature, what);
        }
    }

    #[test]
    fn what_has_more_in_it_is_a_text() {
        let text = "theorem a : True ∧ True := by\n  constructor\n  · sorry\n  · trivial";
        let Input::Text(found, None) = of(text) else { panic!() };
        assert_eq!(found.text, format!("import Std\n{text}\n"));
        assert!(matches!(of("theorem a : True\ntheorem b : True := sorry"), Input::Text(..)));
    }

    #[test]
    fn what_is_no_statement_is_said() {
        for what in ["hello", "theorem", "1 + 1"] {
            let error = statement(what, "").unwrap_err().to_string();
            assert!(what == "theorem" || error.contains(&format!("': {what}'")), "{error}");
        }
    }
}
