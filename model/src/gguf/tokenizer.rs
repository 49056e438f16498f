//! The tokenizer in a file: byte-level BPE, put together as the models' own `tokenizer.json` have it.

use rlx_gguf::MetaValue;
use tokenizers::decoders::byte_level::ByteLevel;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior};

use super::meta::Meta;
use crate::{Tokenizer, hf};

/// How Qwen2 and Qwen3 divide text.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// How Llama 3 does.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// A token's type: what a tokenizer takes for special.
const CONTROL: u64 = 3;
/// A token's type: a text of its own that is not special.
const USER_DEFINED: u64 = 4;

/// The tokenizer, and the tokens that end a text.
///
/// # Errors
/// What is missing, or the kind of tokenizer that is not known.
pub(super) fn tokenizer(meta: &Meta<'_>) -> Result<(Tokenizer, Vec<u32>), String> {
    let kind = meta.text("tokenizer.ggml.model").ok_or("it has no tokenizer (`tokenizer.ggml.model`)")?;
    if kind != "gpt2" {
        return Err(format!(
            "its tokenizer is a `{kind}`; only byte-level BPE (`gpt2`) is supported. Take the model's folder of Hugging \
             Face instead"
        ));
    }
    let mut inner = tokenizers::Tokenizer::new(model(meta)?);
    let text = |error: tokenizers::Error| error.to_string();
    let pre = meta.text("tokenizer.ggml.pre").unwrap_or("default");
    if pre == "qwen2" {
        inner.with_normalizer(Some(NFC)).map_err(text)?;
    }
    inner.with_pre_tokenizer(Some(Sequence::new(pieces(pre)?)));
    inner.with_decoder(Some(ByteLevel::new(false, false, false)));
    let (special, plain) = added(meta)?;
    inner.add_special_tokens(special).map_err(text)?;
    inner.add_tokens(plain).map_err(text)?;
    let bos = meta.special("bos")?;
    if let Some(bos) = bos.filter(|_| meta.flag("tokenizer.ggml.add_bos_token").unwrap_or(is_llama3(pre))) {
        inner.with_post_processor(Some(hf::first_token(meta.token(bos)?, bos)?));
    }
    let mut end_tokens = Vec::new();
    for name in ["eos", "eot"] {
        end_tokens.extend(meta.special(name)?);
    }
    end_tokens.sort_unstable();
    end_tokens.dedup();
    if end_tokens.is_empty() {
        return Err(
            "its tokenizer has no end token (`tokenizer.ggml.eos_token_id`), so a text would never end"
                .to_owned(),
        );
    }
    Ok((Tokenizer::new(inner), end_tokens))
}

fn is_llama3(pre: &str) -> bool {
    matches!(pre, "llama3" | "llama-v3" | "llama-bpe")
}

fn model(meta: &Meta<'_>) -> Result<BPE, String> {
    let tokens = meta.texts("tokenizer.ggml.tokens")?;
    let ids = (0u32..).zip(&tokens).map(|(id, token)| ((*token).to_owned(), id));
    let vocabulary: Vocab = ids.collect();
    let pair = |merge: &str| {
        let (first, second) =
            merge.split_once(' ').ok_or_else(|| format!("`{merge}` is no merge of two tokens"))?;
        Ok((first.to_owned(), second.to_owned()))
    };
    let merges =
        meta.texts("tokenizer.ggml.merges")?.into_iter().map(pair).collect::<Result<Vec<_>, String>>()?;
    let pre = meta.text("tokenizer.ggml.pre").unwrap_or_default();
    let builder = BPE::builder().vocab_and_merges(vocabulary, merges).ignore_merges(is_llama3(pre));
    builder.build().map_err(|error| format!("its merges do not fit its tokens: {error}"))
}

/// What BPE may not cross. The last step makes bytes of it, and divides it as GPT-2 does where nothing else did.
fn pieces(pre: &str) -> Result<Vec<PreTokenizerWrapper>, String> {
    let split = |pattern: &str| {
        let pattern = SplitPattern::Regex(pattern.to_owned());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false);
        split.map(PreTokenizerWrapper::Split).map_err(|error| error.to_string())
    };
    let bytes = |divides| PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, false, divides));
    Ok(match pre {
        "gpt-2" | "gpt2" | "default" => vec![bytes(true)],
        "smollm" => vec![PreTokenizerWrapper::Digits(Digits::new(true)), bytes(true)],
        "qwen2" => vec![split(QWEN2)?, bytes(false)],
        pre if is_llama3(pre) => vec![split(LLAMA3)?, bytes(false)],
        other => {
            return Err(format!(
                "its tokenizer divides text as `{other}` does; default, gpt-2, smollm, qwen2 and llama-bpe are known. Take \
                 the model's folder of Hugging Face instead"
            ));
        }
    })
}

/// The tokens that are texts of their own: special ones, and others.
fn added(meta: &Meta<'_>) -> Result<(Vec<AddedToken>, Vec<AddedToken>), String> {
    let types = meta.file.metadata.get("tokenizer.ggml.token_type").and_then(MetaValue::as_array);
    let (mut special, mut plain) = (Vec::new(), Vec::new());
    for (id, kind) in (0u32..).zip(types.unwrap_or_default()) {
        match kind.as_u32().map(u64::from) {
            Some(CONTROL) => special.push(AddedToken::from(meta.token(id)?, true)),
            Some(USER_DEFINED) => plain.push(AddedToken::from(meta.token(id)?, false).normalized(false)),
            _ => {}
        }
    }
    Ok((special, plain))
}
