//! One row as a corpus entry: the theorem's text becomes header, signature and proofs.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde_json::{Map, Value};

use super::{Field, ImportError, ImportOptions, Problem};
use crate::{CorpusEntry, LeanTheorem, Split, Statement, normalise_spaces, theorems};

/// The columns of one file that hold something.
pub(super) struct Columns {
    names: BTreeMap<Field, String>,
}

impl Columns {
    /// Looks for the layout's columns among those of a file's first row.
    pub(super) fn of(
        path: &Path,
        first: &Map<String, Value>,
        options: &ImportOptions,
    ) -> Result<Self, ImportError> {
        let find = |field: Field| {
            let candidates = options.layout.candidates(field);
            candidates.iter().find(|name| first.contains_key(*name)).map(|name| (field, name.clone()))
        };
        let names: BTreeMap<Field, String> = Field::ALL.into_iter().filter_map(find).collect();
        if !names.contains_key(&Field::Statement) && !names.contains_key(&Field::Proof) {
            return Err(ImportError::Columns {
                path: path.to_owned(),
                field: Field::Statement.as_str(),
                looked: options.layout.candidates(Field::Statement).join(", "),
                found: first.keys().cloned().collect::<Vec<_>>().join(", "),
            });
        }
        Ok(Self { names })
    }

    /// Whether a column is read.
    pub(super) fn uses(&self, name: &str) -> bool {
        self.names.values().any(|used| used == name)
    }

    /// The entry of a row.
    pub(super) fn entry(
        &self,
        row: &Map<String, Value>,
        number: u64,
        options: &ImportOptions,
    ) -> Result<CorpusEntry, Problem> {
        let header = self.text(row, Field::Header)?.unwrap_or_default();
        let proofs = self.texts(row, Field::Proof)?;
        let statement = self.text(row, Field::Statement)?.map(code_of);
        let theorem = match &statement {
            Some(text) => theorem_of(&header, text),
            None => match proofs.first() {
                Some(whole) => theorem_of(&header, code_of(whole)),
                None => Err("the row has neither a statement nor a proof".to_owned()),
            },
        }
        .map_err(|reason| Problem { field: self.names.get(&Field::Statement).cloned(), reason })?;
        let mut found = self::proofs(&theorem.proof);
        for proof in &proofs {
            let proof = proof_of(&header, code_of(proof), &theorem)
                .map_err(|reason| Problem { field: self.names.get(&Field::Proof).cloned(), reason })?;
            found.extend(proof.filter(|proof| !found.contains(proof)));
        }
        let named = self.text(row, Field::Id)?.filter(|id| !id.trim().is_empty());
        let id = named.or(Some(theorem.name).filter(|name| !name.is_empty()));
        let statement = Statement {
            id: plain_id(&id.unwrap_or_else(|| format!("row_{number}"))),
            signature: theorem.signature,
            header: theorem.header.trim().to_owned(),
            topics: self.texts(row, Field::Topics)?,
            split: self.split(row)?.unwrap_or(options.split),
        };
        Ok(CorpusEntry { proofs: found, ..CorpusEntry::unchecked(statement) })
    }

    fn value<'a>(&self, row: &'a Map<String, Value>, field: Field) -> Option<(&str, &'a Value)> {
        let name = self.names.get(&field)?;
        Some((name, row.get(name).filter(|value| !value.is_null())?))
    }

    fn text(&self, row: &Map<String, Value>, field: Field) -> Result<Option<String>, Problem> {
        match self.value(row, field) {
            None => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text.clone())),
            Some((_, Value::Number(number))) if field == Field::Id => Ok(Some(number.to_string())),
            Some((name, other)) => Err(Problem::of(name, format!("it is {}, not a text", kind(other)))),
        }
    }

    fn texts(&self, row: &Map<String, Value>, field: Field) -> Result<Vec<String>, Problem> {
        match self.value(row, field) {
            Some((name, Value::Array(items))) => items
                .iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text.clone()),
                    other => Err(Problem::of(name, format!("its list has {}, not a text", kind(other)))),
                })
                .collect(),
            _ => Ok(self.text(row, field)?.filter(|text| !text.trim().is_empty()).into_iter().collect()),
        }
    }

    fn split(&self, row: &Map<String, Value>) -> Result<Option<Split>, Problem> {
        let Some(text) = self.text(row, Field::Split)? else { return Ok(None) };
        let name = &self.names[&Field::Split];
        split_named(&text.to_lowercase())
            .map(Some)
            .ok_or_else(|| Problem::of(name, format!("`{text}` is neither train, valid nor test")))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

pub(super) fn split_named(name: &str) -> Option<Split> {
    match name {
        "train" | "training" => Some(Split::Train),
        "valid" | "validation" | "val" | "dev" => Some(Split::Valid),
        "test" => Some(Split::Test),
        _ => None,
    }
}

/// What stands in the last block of code of a prompt, or the whole text.
fn code_of(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    let Some((_, code)) = text.rsplit_once("```lean").filter(|(_, code)| code.contains("theorem")) else {
        return text.to_owned();
    };
    let code = code.split_once('\n').map_or("", |(_, code)| code);
    code.split("```").next().unwrap_or_default().to_owned()
}

fn theorem_of(header: &str, text: impl AsRef<str>) -> Result<LeanTheorem, String> {
    let text = text.as_ref();
    let whole = format!("{}\n{}", header.trim_end(), text.trim_end());
    let last = |text: &str| theorems(text).pop();
    match last(&whole) {
        Some(Ok(theorem)) => Ok(theorem),
        // A statement without `:=`.
        Some(Err(error)) => match last(&format!("{whole} := sorry")) {
            Some(Ok(theorem)) => Ok(theorem),
            _ => Err(format!("`{}` {}", error.name, error.reason)),
        },
        None if text.trim_start().starts_with(['(', '{', '[', ':', '∀', '⦃']) => Ok(LeanTheorem {
            name: String::new(),
            line: 1,
            header: header.to_owned(),
            signature: text.trim().to_owned(),
            proof: String::new(),
        }),
        None => Err("there is no theorem in it".to_owned()),
    }
}

/// The proof that a column gives for a theorem: the text after `:=`, tactics alone, or a whole text again.
fn proof_of(header: &str, text: impl AsRef<str>, theorem: &LeanTheorem) -> Result<Option<String>, String> {
    let text = text.as_ref();
    if let Some(found) = theorems(&format!("{}\n{text}", header.trim_end())).pop() {
        let found = found.map_err(|error| format!("`{}` {}", error.name, error.reason))?;
        if normalise_spaces(&found.signature) != normalise_spaces(&theorem.signature) {
            return Err(format!("it proves another statement: `{}`", found.signature));
        }
        return Ok(proofs(&found.proof).pop());
    }
    let text = text.trim_end();
    let begun = text.trim_start().trim_start_matches(":=").trim_start();
    if begun.starts_with("by") || text.trim_start().starts_with(":=") {
        return Ok(proofs(begun).pop());
    }
    if theorem.proof.trim() != "by" {
        return Ok(proofs(begun).pop());
    }
    // The statement ended with `by`: these are its tactics.
    let indented = text.starts_with(char::is_whitespace);
    let lines = text.trim_start_matches('\n').lines();
    let tactics: Vec<_> =
        lines.map(|line| if indented { line.to_owned() } else { format!("  {line}") }).collect();
    Ok(proofs(&format!("by\n{}", tactics.join("\n"))).pop())
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
