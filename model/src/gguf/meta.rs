//! The keys of a file.

use rlx_gguf::{GgufFile, GgufTensor, MetaValue};

/// The keys of a file, and its tensors. Errors are for people, without the file's name.
pub(super) struct Meta<'a> {
    pub file: &'a GgufFile,
    /// The architecture, which begins the keys of its sizes.
    pub architecture: &'a str,
}

/// The architectures that are computed.
pub(super) const ARCHITECTURES: [&str; 3] = ["llama", "qwen2", "qwen3"];

impl<'a> Meta<'a> {
    /// Refuses what is no model that can be computed.
    pub fn of(file: &'a GgufFile) -> Result<Self, String> {
        let text = |key: &str| file.metadata.get(key).and_then(MetaValue::as_str);
        let architecture = text("general.architecture")
            .ok_or("it has no `general.architecture`, so it is no language model")?;
        if !ARCHITECTURES.contains(&architecture) {
            return Err(format!(
                "its architecture is `{architecture}`; {} are supported",
                ARCHITECTURES.join(", ")
            ));
        }
        let meta = Self { file, architecture };
        if meta.number("split.count")?.is_some_and(|parts| parts > 1.0) {
            return Err(
                "it is one part of several; join them with llama.cpp's `llama-gguf-split --merge`".to_owned()
            );
        }
        Ok(meta)
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.file.metadata.get(key).and_then(MetaValue::as_str)
    }

    /// A number, whole or not.
    pub fn number(&self, key: &str) -> Result<Option<f64>, String> {
        let Some(value) = self.file.metadata.get(key) else { return Ok(None) };
        let number = match *value {
            MetaValue::U8(it) => f64::from(it),
            MetaValue::I8(it) => f64::from(it),
            MetaValue::U16(it) => f64::from(it),
            MetaValue::I16(it) => f64::from(it),
            MetaValue::U32(it) => f64::from(it),
            MetaValue::I32(it) => f64::from(it),
            MetaValue::U64(it) => it as f64,
            MetaValue::I64(it) => it as f64,
            MetaValue::F32(it) => f64::from(it),
            MetaValue::F64(it) => it,
            _ => return Err(format!("`{key}` is no number")),
        };
        Ok(Some(number))
    }

    /// A whole number, if it is there.
    pub fn optional_size(&self, key: &str) -> Result<Option<usize>, String> {
        let whole = |number: f64| {
            let is_size = number >= 0.0 && number.fract() == 0.0 && number < 1e15;
            is_size.then_some(number as usize).ok_or_else(|| format!("`{key}` is {number}, and no size"))
        };
        self.number(key)?.map(whole).transpose()
    }

    /// A whole number of the architecture.
    pub fn size(&self, name: &str) -> Result<usize, String> {
        let key = self.key(name);
        self.optional_size(&key)?.ok_or_else(|| format!("it has no `{key}`"))
    }

    /// A key of the architecture.
    pub fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    /// Whether something is so; `None` if the file does not say.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.file.metadata.get(key)? {
            MetaValue::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// A list of texts.
    pub fn texts(&self, key: &str) -> Result<Vec<&'a str>, String> {
        let values = self.file.metadata.get(key).and_then(MetaValue::as_array);
        let values = values.ok_or_else(|| format!("it has no list `{key}`"))?;
        let text =
            |value: &'a MetaValue| value.as_str().ok_or_else(|| format!("`{key}` is no list of texts"));
        values.iter().map(text).collect()
    }

    /// The id of a special token, such as `bos`.
    pub fn special(&self, name: &str) -> Result<Option<u32>, String> {
        let id = self.optional_size(&format!("tokenizer.ggml.{name}_token_id"))?;
        Ok(id.and_then(|id| u32::try_from(id).ok()))
    }

    /// The text of a token.
    pub fn token(&self, id: u32) -> Result<&'a str, String> {
        let tokens = self.file.metadata.get("tokenizer.ggml.tokens").and_then(MetaValue::as_array);
        let token = tokens.and_then(|tokens| tokens.get(id as usize)?.as_str());
        token.ok_or_else(|| format!("its token {id} has no text"))
    }

    /// A tensor.
    pub fn tensor(&self, name: &str) -> Option<&'a GgufTensor> {
        self.file.get(name)
    }
}
