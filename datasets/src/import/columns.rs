//! One row seen through a layout: which of its columns hold what.

use serde_json::{Map, Value};

use super::layout::{Field, Layout};
use super::problem::Problem;

/// A row and the names that its columns may have.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    row: &'a Map<String, Value>,
    layout: &'a Layout,
}

impl<'a> Columns<'a> {
    pub(super) fn of(row: &'a Map<String, Value>, layout: &'a Layout) -> Self {
        Self { row, layout }
    }

    /// Whether a row has a column for it, be it empty.
    pub(super) fn has(&self, field: Field) -> bool {
        self.layout.candidates(field).iter().any(|name| self.row.contains_key(name))
    }

    /// The first of the field's columns that says something, or else the first that is there.
    pub(super) fn value(&self, field: Field) -> Option<(&'a str, &'a Value)> {
        let there = || {
            let named = |name: &'a String| Some((name.as_str(), self.row.get(name)?));
            self.layout.candidates(field).iter().filter_map(named).filter(|(_, value)| !value.is_null())
        };
        there().find(|(_, value)| !is_blank(value)).or_else(|| there().next())
    }

    /// A text, or a number where that can be a name.
    pub(super) fn text(&self, field: Field) -> Result<Option<String>, Problem> {
        match self.value(field) {
            None => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text.clone())),
            Some((_, Value::Number(number))) if field == Field::Id => Ok(Some(number.to_string())),
            Some((name, other)) => Err(Problem::of(name, format!("it is {}, not a text", kind(other)))),
        }
    }

    /// A text that is not blank.
    pub(super) fn written(&self, field: Field) -> Result<Option<String>, Problem> {
        Ok(self.text(field)?.filter(|text| !text.trim().is_empty()))
    }

    /// A text or a list of texts; a blank text is none.
    pub(super) fn texts(&self, field: Field) -> Result<Vec<String>, Problem> {
        match self.value(field) {
            Some((name, Value::Array(items))) => items
                .iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text.clone()),
                    other => Err(Problem::of(name, format!("its list has {}, not a text", kind(other)))),
                })
                .collect(),
            _ => Ok(self.written(field)?.into_iter().collect()),
        }
    }

    /// A problem with what stands in a field's column.
    pub(super) fn problem(&self, field: Field, reason: impl Into<String>) -> Problem {
        Problem { field: self.value(field).map(|(name, _)| name.to_owned()), reason: reason.into() }
    }

    /// In words, that nothing holds `field`: what was looked for, what is there, and what may have been meant.
    pub(super) fn missing(&self, field: Field) -> String {
        let looked = self.layout.candidates(field).join(", ");
        let found = self.row.keys().cloned().collect::<Vec<_>>().join(", ");
        let name = field.as_str();
        format!("no column holds the {name} (looked for {looked}; found {found}).{}", self.meant(field))
    }

    /// ` Did you mean …?` if a column that is not read looks like one of `field`'s.
    pub(super) fn meant(&self, field: Field) -> String {
        let misspelt = self.layout.misspelt(field, self.row.keys());
        misspelt.map_or(String::new(), |(column, name)| format!(" Did you mean `{name}` by `{column}`?"))
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
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
