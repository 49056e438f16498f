//! `.gguf` files: models as llama.cpp and what is built on it keep them, one file with weights, sizes and tokenizer.
//!
//! The file is read and its blocks are turned into numbers by `rlx-gguf`; what is ours is what the names mean.

mod config;
mod division;
mod meta;
mod tokenizer;
mod weights;

use std::path::Path;

use burn::tensor::Device;
use rlx_gguf::GgufFile;
use serde_json::{Map, Value, json};

use self::meta::Meta;
use self::weights::Blocks;
use crate::companions::{CHAT_TEMPLATE, Companions, GENERATION, TOKENIZER_CONFIG};
use crate::stored::check_all;
use crate::{Lm, ModelConfig, ModelError, Tokenizer, hf, memory};

/// What a file holds beside its weights, as a folder of Hugging Face has it.
pub(crate) struct Described {
    pub config: ModelConfig,
    pub tokenizer: Tokenizer,
    pub end_tokens: Vec<u32>,
    /// The `config.json`.
    pub source: Map<String, Value>,
    /// The other files, by name.
    pub companions: Companions,
}

/// Reads a file onto a device, as 32-bit numbers.
///
/// # Errors
/// [`ModelError::Checkpoint`] with the file and what is wrong: an architecture, a type of weights or a tokenizer that is not
/// known is named. [`ModelError::Memory`] before the weights are read if they do not fit.
pub(crate) fn load(path: &Path, device: &Device) -> Result<(Lm, Described), ModelError> {
    let refused = |reason: String| ModelError::damaged(path, reason);
    let file = GgufFile::from_path_mmap(path).map_err(|error| refused(format!("{error:#}")))?;
    let meta = Meta::of(&file).map_err(refused)?;
    let described = described(&meta).map_err(refused)?;
    memory::require(device, path, &described.config)?;
    let mut blocks = Blocks::new(&meta, path, &described.config, device);
    let model = Lm::build(&described.config, &mut blocks)?;
    blocks.finish()?;
    Ok((model, described))
}

/// Reads a file but for its weights, which must be there all the same.
///
/// # Errors
/// As [`load`].
pub(crate) fn describe(path: &Path) -> Result<Described, ModelError> {
    let refused = |reason: String| ModelError::damaged(path, reason);
    let file = GgufFile::from_path_mmap(path).map_err(|error| refused(format!("{error:#}")))?;
    let meta = Meta::of(&file).map_err(refused)?;
    let described = described(&meta).map_err(refused)?;
    let device = Device::flex();
    let mut blocks = Blocks::new(&meta, path, &described.config, &device);
    check_all(&described.config, &mut blocks)?;
    blocks.finish()?;
    Ok(described)
}

fn described(meta: &Meta<'_>) -> Result<Described, String> {
    let config = config::shape(meta)?;
    let (tokenizer, end_tokens) = tokenizer::tokenizer(meta)?;
    if tokenizer.vocab_size() > config.vocab_size {
        let (tokens, rows) = (tokenizer.vocab_size(), config.vocab_size);
        return Err(format!("its tokenizer has {tokens} tokens, but its embedding {rows} rows"));
    }
    let (source, companions) = files(meta, &config, &end_tokens)?;
    Ok(Described { config, tokenizer, end_tokens, source, companions })
}

/// The shape of the model in a file, without its weights.
///
/// # Errors
/// As [`load`].
pub(crate) fn shape(path: &Path) -> Result<ModelConfig, ModelError> {
    let refused = |reason: String| ModelError::damaged(path, reason);
    let file = GgufFile::from_path_mmap(path).map_err(|error| refused(format!("{error:#}")))?;
    Meta::of(&file).and_then(|meta| config::shape(&meta)).map_err(refused)
}

type Files = (Map<String, Value>, Companions);

/// The small files of a folder of Hugging Face: `config.json` as keys, the others as text.
fn files(meta: &Meta<'_>, config: &ModelConfig, end_tokens: &[u32]) -> Result<Files, String> {
    let mut source = match hf::describe(config, end_tokens)? {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    let mut generation = json!({ "eos_token_id": end_tokens });
    let mut names = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": false,
        "model_max_length": config.max_seq,
    });
    for (key, token) in [("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown")] {
        let Some(id) = meta.special(token)? else { continue };
        names[format!("{key}_token")] = meta.token(id)?.into();
        if key == "bos" || key == "pad" {
            generation[format!("{key}_token_id")] = id.into();
            source.insert(format!("{key}_token_id"), id.into());
        }
    }
    let text = |fields: &Value| format!("{fields:#}\n");
    let mut companions: Companions =
        [(TOKENIZER_CONFIG, text(&names)), (GENERATION, text(&generation))].into();
    if let Some(template) = meta.text("tokenizer.chat_template") {
        companions.insert(CHAT_TEMPLATE, template.to_owned());
    }
    Ok((source, companions))
}

#[cfg(test)]
mod tests;
