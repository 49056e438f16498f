//! The tokenizer in a file: byte-level BPE, put together as the models' own `tokenizer.json` have it.

use rlx_gguf::MetaValue;
use tokenizers::AddedToken;
use tokenizers::decoders::byte_level::ByteLevel;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::sequence::Sequence;

use super::division::Division;
use super::meta::Meta;
use crate::{Tokenizer, hf};

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
    let Division { pieces, normalized, whole, first_token } = Division::of_file(meta)?;
    let mut inner = tokenizers::Tokenizer::new(model(meta, whole)?);
    let text = |error: tokenizers::Error| error.to_string();
    if normalized {
        inner.with_normalizer(Some(NFC)).map_err(text)?;
    }
    inner.with_pre_tokenizer(Some(Sequence::new(pieces)));
    inner.with_decoder(Some(ByteLevel::new(false, false, false)));
    let (special, plain) = added(meta)?;
    inner.add_special_tokens(special).map_err(text)?;
    inner.add_tokens(plain).map_err(text)?;
    let bos = meta.special("bos")?;
    if let Some(bos) = bos.filter(|_| meta.flag("tokenizer.ggml.add_bos_token").unwrap_or(first_token)) {
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

/// The merges; with `whole` they count only for a piece that is no token.
fn model(meta: &Meta<'_>, whole: bool) -> Result<BPE, String> {
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
    let builder = BPE::builder().vocab_and_merges(vocabulary, merges).ignore_merges(whole);
    builder.build().map_err(|error| format!("its merges do not fit its tokens: {error}"))
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
