//! The `tokenizer.json` that a tokenizer came from. What is not changed is written as it was: this version of `tokenizers` writes
//! merges in a way that versions before 0.20 do not read.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

/// A file, and whether the tokenizer is still what it says.
#[derive(Clone)]
pub(super) struct Source {
    bytes: Arc<[u8]>,
    changed: bool,
}

impl Source {
    /// The file out of which a tokenizer was just read, with what it says of cutting and filling up texts, which does not count
    /// here.
    pub(super) fn new(bytes: Vec<u8>, read: &tokenizers::Tokenizer) -> Self {
        let changed = read.get_truncation().is_some() || read.get_padding().is_some();
        Self { bytes: bytes.into(), changed }
    }

    /// The same for a tokenizer that adds something else to texts.
    pub(super) fn changed(&self) -> Self {
        Self { changed: true, ..self.clone() }
    }

    /// The file for the tokenizer as it is now.
    pub(super) fn text(&self, now: &tokenizers::Tokenizer) -> serde_json::Result<Cow<'_, [u8]>> {
        if !self.changed {
            return Ok(Cow::Borrowed(&self.bytes[..]));
        }
        let mut fields: Map<String, Value> = serde_json::from_slice(&self.bytes)?;
        fields.insert("truncation".to_owned(), Value::Null);
        fields.insert("padding".to_owned(), Value::Null);
        fields.insert("post_processor".to_owned(), serde_json::to_value(now.get_post_processor())?);
        serde_json::to_vec_pretty(&fields).map(Cow::Owned)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("bytes", &self.bytes.len()).field("changed", &self.changed).finish()
    }
}
