//! One row as a corpus entry: the theorem's text becomes header, signature and proofs.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::columns::Columns;
use super::layout::Field;
use super::problem::{ImportOptions, Problem};
use super::tactics::joined;
use super::text::{below, code_of, statement_of, theorem_of};
use crate::{CorpusEntry, LeanTheorem, Split, Statement, normalise_spaces, theorems};

/// The entry of a row.
pub(super) fn entry(
    row: &Map<String, Value>,
    number: u64,
    options: &ImportOptions,
) -> Result<CorpusEntry, Problem> {
    let columns = Columns::of(row, &options.layout);
    let header = columns.text(Field::Header)?.unwrap_or_default();
    let (proofs, code) = (columns.texts(Field::Proof)?, columns.texts(Field::Code)?);
    let statement = columns.written(Field::Statement)?;
    let (field, text) = match (&statement, code.first(), proofs.first()) {
        (Some(text), _, _) => (Field::Statement, statement_of(text)),
        (None, Some(whole), _) => (Field::Code, code_of(whole)),
        (None, None, Some(whole)) => (Field::Proof, code_of(whole)),
        (None, None, None) => return Err(Problem::new("the row has neither a statement nor a proof")),
    };
    let theorem = theorem_of(&header, &text, &proofs).map_err(|reason| columns.problem(field, reason))?;
    let mut found = self::proofs(&theorem.proof);
    for (field, proof) in [(Field::Proof, &proofs), (Field::Code, &code)]
        .iter()
        .flat_map(|(field, texts)| texts.iter().map(move |text| (*field, text)))
    {
        let proof =
            proof_of(&header, &code_of(proof), &theorem).map_err(|reason| columns.problem(field, reason))?;
        found.extend(proof.filter(|proof| !found.contains(proof)));
    }
    let named = columns.written(Field::Id)?;
    let id = named.or(Some(theorem.name).filter(|name| !name.is_empty()));
    let statement = Statement {
        id: plain_id(&id.unwrap_or_else(|| format!("row_{number}"))),
        signature: theorem.signature,
        header: theorem.header.trim().to_owned(),
        topics: columns.texts(Field::Topics)?,
        split: split(&columns)?.unwrap_or(options.split),
    };
    Ok(CorpusEntry { proofs: found, ..CorpusEntry::unchecked(statement) })
}

fn split(columns: &Columns<'_>) -> Result<Option<Split>, Problem> {
    let Some(text) = columns.text(Field::Split)? else { return Ok(None) };
    split_named(&text.to_lowercase())
        .map(Some)
        .ok_or_else(|| columns.problem(Field::Split, format!("`{text}` is neither train, valid nor test")))
}

pub(super) fn split_named(name: &str) -> Option<Split> {
    match name {
        "train" | "training" => Some(Split::Train),
        "valid" | "validation" | "val" | "dev" => Some(Split::Valid),
        "test" => Some(Split::Test),
        _ => None,
    }
}

/// The proof that a column gives for a theorem: the text after `:=`, tactics alone, or a whole text again.
fn proof_of(header: &str, text: &str, theorem: &LeanTheorem) -> Result<Option<String>, String> {
    let Some(found) = theorems(&below(header, text)).pop().filter(|_| !theorems(text).is_empty()) else {
        return Ok(proofs(&joined(&theorem.proof, text)).pop());
    };
    let found = found.map_err(|error| format!("`{}` {}", error.name, error.reason))?;
    if normalise_spaces(&found.signature) != normalise_spaces(&theorem.signature) {
        return Err(format!("it proves another statement: `{}`", found.signature));
    }
    Ok(proofs(&found.proof).pop())
}

/// A proof, unless there is none in it: `sorry`, or a `by` that nothing follows.
pub(super) fn proofs(text: &str) -> Vec<String> {
    let text = text.trim();
    let bare = normalise_spaces(text);
    if matches!(bare.as_str(), "" | "by" | "sorry" | "by sorry" | "_") {
        vec![]
    } else {
        vec![text.to_owned()]
    }
}

/// A name as a plain Lean identifier.
pub fn plain_id(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '\'' { c } else { '_' };
    let id: String = name.trim().chars().map(plain).collect();
    if id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') { id } else { format!("s_{id}") }
}

/// The id, with a number if it is in use.
pub fn distinct_id(id: &str, taken: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{id}_{number}"));
    let free = std::iter::once(id.to_owned()).chain(numbered).find(|id| !taken.contains(id));
    let free = free.unwrap_or_else(|| id.to_owned());
    taken.insert(free.clone());
    free
}
