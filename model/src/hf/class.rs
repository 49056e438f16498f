//! What the class in `tokenizer_config.json` makes of a `tokenizer.json`. With Llama's classes `transformers` puts the first
//! token before every text, whatever the file says; its version 5 also divides texts as SentencePiece does, which is wrong
//! where the tokens are bytes.

use serde_json::Value;
use tokenizers::processors::template::TemplateProcessing;

use crate::chat::named_token;
use crate::{ModelError, Tokenizer};

/// The key of the class.
const KEY: &str = "\"tokenizer_class\"";
/// The class that takes a `tokenizer.json` as it stands.
const PLAIN: &str = "PreTrainedTokenizerFast";

/// A tokenizer that does what its class does to it.
#[derive(Debug)]
pub(crate) struct Settled {
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// The `tokenizer_config.json` that belongs beside it, if `transformers` 5 would misread it with the one that it came
    /// with (transformers#48206). But for the class it is the same.
    pub config: Option<String>,
}

/// Does to a tokenizer what its class does, by the text of its `tokenizer_config.json`.
///
/// # Errors
/// [`ModelError::Tokenizer`] if that text does not parse, or if the first token cannot be put before a text.
pub(crate) fn settle(tokenizer: Tokenizer, config: &str) -> Result<Settled, ModelError> {
    let fields: Value = serde_json::from_str(config).map_err(|error| ModelError::Tokenizer {
        action: "used",
        reason: format!("its class cannot be read: {error}"),
    })?;
    if !is_llama(&fields) {
        return Ok(Settled { tokenizer, config: None });
    }
    let config = if tokenizer.is_byte_level() { with_plain_class(config) } else { None };
    Ok(Settled { tokenizer: with_first_token(tokenizer, &fields)?, config })
}

/// What puts a token before every text.
///
/// # Errors
/// If the token's text is none that a template can name.
pub(crate) fn first_token(text: &str, id: u32) -> Result<TemplateProcessing, String> {
    TemplateProcessing::builder()
        .try_single(format!("{text} $A"))
        .and_then(|it| it.special_tokens(vec![(text, id)]).build().map_err(|error| error.to_string()))
}

fn is_llama(fields: &Value) -> bool {
    matches!(fields["tokenizer_class"].as_str(), Some("LlamaTokenizer" | "LlamaTokenizerFast"))
}

fn with_first_token(tokenizer: Tokenizer, fields: &Value) -> Result<Tokenizer, ModelError> {
    let added = tokenizer.encode_prompt("")?;
    if fields["add_bos_token"].as_bool() == Some(false) {
        return Ok(if added.is_empty() { tokenizer } else { tokenizer.with_additions(None) });
    }
    let Some(text) = named_token(fields, "bos_token") else { return Ok(tokenizer) };
    match tokenizer.token(&text) {
        Some(id) if added != [id] => {
            let template = first_token(&text, id).map_err(|reason| ModelError::Tokenizer {
                action: "used",
                reason: format!("its `bos_token` `{text}` cannot be put before a text: {reason}"),
            })?;
            Ok(tokenizer.with_additions(Some(template)))
        }
        _ => Ok(tokenizer),
    }
}

/// The text with another class. It is no more than replaced there, for numbers such as 10³⁰ must stay as they are written.
fn with_plain_class(config: &str) -> Option<String> {
    config.match_indices(KEY).find_map(|(at, _)| {
        let (before, rest) = config.split_at(at + KEY.len());
        let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        let (_, after) = value.split_once('"')?;
        let changed = format!("{before}: \"{PLAIN}\"{after}");
        // The key may also stand deeper in the file.
        let fields: Value = serde_json::from_str(&changed).ok()?;
        (fields["tokenizer_class"] == PLAIN).then_some(changed)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Special;

    fn bytes() -> Tokenizer {
        Tokenizer::train(&["by simp".to_owned()], Tokenizer::MIN_VOCAB).unwrap()
    }

    /// A tokenizer whose tokens are not bytes.
    fn pieces() -> Tokenizer {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        bytes().save(&path).unwrap();
        let mut fields: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        fields["decoder"] = json!({ "type": "Fuse" });
        std::fs::write(&path, fields.to_string()).unwrap();
        Tokenizer::load(&path).unwrap()
    }

    fn of(class: &str, add: Value) -> String {
        let bos = json!({ "content": Special::Theorem.text(), "special": true });
        json!({ "tokenizer_class": class, "bos_token": bos, "add_bos_token": add }).to_string()
    }

    #[test]
    fn classes_of_llama_put_the_first_token_before_a_text() {
        let (bos, by) = (Special::Theorem.id(), bytes().encode("by"));
        let begun = [vec![bos], by.clone()].concat();
        let read = |config: &str| settle(bytes(), config).unwrap().tokenizer.encode_prompt("by").unwrap();
        for class in ["LlamaTokenizer", "LlamaTokenizerFast"] {
            assert_eq!(read(&of(class, true.into())), begun);
            assert_eq!(read(&of(class, Value::Null)), begun, "it does so unless it is told otherwise");
            assert_eq!(read(&of(class, false.into())), by);
        }
        assert_eq!(read(&of("PreTrainedTokenizerFast", true.into())), by, "the file is taken as it stands");
        assert_eq!(read(r#"{"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>"}"#), by, "no such token");
        assert!(settle(bytes(), "{").is_err(), "nobody knows the class");
        let adds = bytes().with_additions(Some(first_token(Special::End.text(), 1).unwrap()));
        let settled = |add: Value| settle(adds.clone(), &of("LlamaTokenizerFast", add)).unwrap().tokenizer;
        assert_eq!(settled(true.into()).encode_prompt("by").unwrap(), begun, "in place of what it added");
        assert_eq!(settled(false.into()).encode_prompt("by").unwrap(), by);
        assert_eq!(settled(true.into()).encode("by"), by);
    }

    #[test]
    fn a_class_that_is_misread_is_replaced_and_nothing_else() {
        let config = "{\n  \"inner\": {\"tokenizer_class\" : \"LlamaTokenizer\"},\n  \"model_max_length\": \
                      1000000000000000019884624838656,\n  \"tokenizer_class\" :\t\"LlamaTokenizer\"\n}\n";
        let changed = settle(bytes(), config).unwrap().config.unwrap();
        let (before, after) = config.rsplit_once(" :\t\"LlamaTokenizer\"").unwrap();
        assert_eq!(changed, format!("{before}: \"PreTrainedTokenizerFast\"{after}"));
        for other in [&*changed, &*of("Qwen2Tokenizer", true.into()), "{}"] {
            assert_eq!(settle(bytes(), other).unwrap().config, None, "{other}");
        }
        assert_eq!(settle(pieces(), config).unwrap().config, None, "no bytes, and read as it is meant");
    }
}
