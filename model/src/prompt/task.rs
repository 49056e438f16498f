//! What a model is asked to do, as templates.

use std::collections::BTreeMap;

use minijinja::value::Value;
use serde::{Deserialize, Serialize};

use super::marks;

/// How one thing is asked of a model, and how it is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Whether the prompt is what a user says: it is put into the checkpoint's chat template.
    #[serde(default)]
    pub chat: bool,
    /// What the chat's system message says; none if it is empty.
    #[serde(default)]
    pub system: String,
    /// The template of the prompt.
    pub prompt: String,
    /// The template of the answer that is learned, with what ends it.
    pub answer: String,
    /// Texts that end an answer, beside the checkpoint's end tokens.
    #[serde(default)]
    pub stop: Vec<String>,
}

/// What is put into the templates, by name. No text of it has a character that marks something in a prompt.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    values: BTreeMap<&'static str, Value>,
    fit: Option<(&'static str, usize)>,
}

/// What begins and ends a thought. Some tokenizers have tokens for these.
const THOUGHT: [&str; 2] = ["<think>", "</think>"];

impl Fields {
    /// These values.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'static str, &'a str)>) -> Self {
        let values = values.into_iter().map(|(name, text)| (name, Value::from(marks::clean(text)))).collect();
        Self { values, fit: None }
    }

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, name: &'static str, text: &str) -> Self {
        self.values.insert(name, Value::from(marks::clean(text)));
        self
    }

    /// The same with a text that a model wrote: where a thought begins and ends there are the tokens that it has for that. What
    /// else spells a token is text: it may be repeated from a prompt.
    #[must_use]
    pub fn with_own(mut self, name: &'static str, text: &str) -> Self {
        let mut marked = String::new();
        let mut rest = text;
        while let Some((at, tag)) = THOUGHT.iter().filter_map(|tag| Some((rest.find(tag)?, *tag))).min() {
            marked.push_str(&marks::cleaned(&rest[..at]));
            marked.push_str(tag);
            rest = &rest[at + tag.len()..];
        }
        marked.push_str(&marks::cleaned(rest));
        self.values.insert(name, Value::from_safe_string(marked));
        self
    }

    /// The same with texts that many times as long.
    pub(super) fn repeated(&self, times: usize) -> Self {
        let long = |value: &Value| value.as_str().map_or_else(|| value.clone(), |it| it.repeat(times).into());
        let values = self.values.iter().map(|(name, value)| (*name, long(value))).collect();
        Self { values, fit: self.fit }
    }

    /// Of this value so many tokens are left away at its end that the prompt has at most `room`, if the rest of it has.
    #[must_use]
    pub fn fit(mut self, name: &'static str, room: usize) -> Self {
        self.fit = Some((name, room));
        self
    }

    /// The value to cut, its name, and the room for the prompt.
    pub(super) fn to_fit(&self) -> Option<(&'static str, String, usize)> {
        let (name, room) = self.fit?;
        Some((name, self.values.get(name)?.as_str()?.to_owned(), room))
    }

    /// The same with another value, which is emitted as it is.
    pub(super) fn replaced(&self, name: &'static str, marked: String) -> Self {
        let mut other = self.clone();
        other.values.insert(name, Value::from_safe_string(marked));
        other
    }

    /// For a template.
    pub(super) fn context(&self) -> BTreeMap<&'static str, Value> {
        self.values.clone()
    }

    /// The names.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.values.keys().copied().collect()
    }
}
