//! The small files that go with a checkpoint: what belongs to a tokenizer and means nothing to the model. They are kept as they
//! were, but for a class that others misread. One that is damaged is refused: without it prompts would silently be others.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::{Map, Value};

use crate::ModelError;

pub(crate) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
pub(crate) const GENERATION: &str = "generation_config.json";
pub(crate) const CHAT_TEMPLATE: &str = "chat_template.jinja";
/// All of them.
pub(crate) const NAMES: [&str; 4] = [GENERATION, TOKENIZER_CONFIG, "special_tokens_map.json", CHAT_TEMPLATE];

/// Files that go with a tokenizer, by name.
pub(crate) type Companions = BTreeMap<&'static str, String>;

/// Those that a folder has.
///
/// # Errors
/// [`ModelError::Checkpoint`] if one is there and cannot be read.
pub(crate) fn read(dir: &Path) -> Result<Companions, ModelError> {
    let mut found = Companions::new();
    for name in NAMES {
        if let Some(text) = read_one(&dir.join(name))? {
            found.insert(name, text);
        }
    }
    Ok(found)
}

/// The text of one, if it is there.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_one(path: &Path) -> Result<Option<String>, ModelError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ModelError::damaged(path, error)),
    };
    if path.extension().is_some_and(|kind| kind == "json") {
        let fields: Result<Map<String, Value>, _> = serde_json::from_str(&text);
        fields.map_err(|error| ModelError::damaged(path, error))?;
    }
    Ok(Some(text))
}

/// The fields of one, which was looked at when it was read; none if it is not there.
pub(crate) fn fields(companions: &Companions, name: &str) -> Value {
    companions.get(name).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
