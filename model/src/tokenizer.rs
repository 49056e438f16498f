//! Byte-level BPE. Any text can be encoded and comes back unchanged; the special tokens that mark
//! the parts of a sequence are never produced from a value, so a corpus cannot forge them.

mod guard;
mod source;

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use tokenizers::decoders::byte_level::ByteLevel as ByteLevelDecoder;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, DecoderWrapper, SplitDelimiterBehavior, TokenizerBuilder, TokenizerImpl};

use self::source::Source;
use crate::{ModelError, Special, pieces};

/// Pieces that BPE may not cross: a newline with its indentation, a name, a single digit, a dot,
/// and a run of symbols; names and symbols take the space before them along.
const PIECES: &str = r"\n *| ?[\p{L}\p{M}_][\p{L}\p{M}\p{No}_']*|\p{N}|\.| ?[^\s\p{L}\p{M}\p{N}_.]+|[^\S\n]+";

/// A text with letters of several scripts, symbols of Lean and every kind of space.
const PROBE: &str = "theorem α₁ (h : ∀ x ∈ s, x ≠ ⊥) :\n\t⟨1, x⟩ ≤ é ∧ 数 := by\r\u{a0}simp -- 😀";

type Trainable = TokenizerImpl<
    BPE,
    tokenizers::NormalizerWrapper,
    Sequence,
    tokenizers::PostProcessorWrapper,
    ByteLevelDecoder,
>;

/// A tokenizer: one that was trained here, or one that came with a checkpoint.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    /// Takes guarded tokens in a text for the ordinary text that they are.
    inner: Arc<tokenizers::Tokenizer>,
    /// Takes them for what they stand for.
    written: Arc<tokenizers::Tokenizer>,
    /// How the special tokens are written.
    specials: Arc<[String]>,
    /// How the tokens are written that no value may spell: these, and those that only look special.
    guarded: Arc<[String]>,
    /// The file that it came from.
    source: Option<Source>,
}

/// A piece of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// What a template's author wrote: special tokens written out in it are meant.
    Written(String),
    /// What was put in: never a special token.
    Value(String),
    /// Tokens of a value that was cut after so many.
    Tokens(Vec<u32>),
}

impl Tokenizer {
    /// The smallest vocabulary: the special tokens and the 256 bytes.
    pub const MIN_VOCAB: usize = Special::ALL.len() + 256;

    /// Learns merges from texts. The result may have fewer than `vocab_size` tokens when the texts
    /// offer no more pairs; the same texts always give the same tokenizer.
    pub fn train(texts: &[String], vocab_size: usize) -> Result<Self, ModelError> {
        if vocab_size < Self::MIN_VOCAB {
            return Err(failed(
                "trained",
                format!(
                    "a vocabulary of {vocab_size} cannot hold the 8 special tokens and the 256 bytes; set it to at \
                     least {}.",
                    Self::MIN_VOCAB
                ),
            ));
        }
        let mut inner = untrained().map_err(|error| failed("trained", error.to_string()))?;
        let mut trainer = trainer(vocab_size);
        inner.train(&mut trainer, texts.iter()).map_err(|error| failed("trained", error.to_string()))?;
        let tokenizer = Self::new(inner.into());
        tokenizer.require_markers()?;
        Ok(tokenizer)
    }

    /// Writes `tokenizer.json`: as it was read, but for what is other now.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        let refused = |reason: String| failed("saved", format!("{}: {reason}", path.display()));
        let Some(source) = &self.source else {
            return self.written.save(path, true).map_err(|error| refused(error.to_string()));
        };
        let text = source.text(&self.written).map_err(|error| refused(error.to_string()))?;
        std::fs::write(path, text).map_err(|error| refused(error.to_string()))
    }

    /// Reads any `tokenizer.json` that has a token for every text.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let refused = |reason: String| failed("read", format!("{}: {reason}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
        let inner = tokenizers::Tokenizer::from_bytes(&bytes).map_err(|error| refused(error.to_string()))?;
        let source = Source::new(bytes, &inner);
        let tokenizer = Self { source: Some(source), ..Self::new(inner) };
        let probe = tokenizer.inner.encode_fast(PROBE, false);
        probe.map_err(|error| refused(format!("{PROBE:?} has no tokens ({error})")))?;
        Ok(tokenizer)
    }

    /// A tokenizer that was put together elsewhere. Whatever it says of cutting and filling up texts is for batches of its
    /// maker's: as in `transformers`, a text has all of its tokens and no others.
    pub(crate) fn new(mut inner: tokenizers::Tokenizer) -> Self {
        let whole = inner.with_padding(None).with_truncation(None);
        whole.expect("only a limit can be refused");
        inner.set_encode_special_tokens(false);
        let written = inner.clone();
        let added = written.get_added_tokens_decoder().into_values();
        let (special, plain): (Vec<_>, Vec<_>) =
            added.filter(|token| !token.content.is_empty()).partition(|token| token.special);
        let alike: Vec<_> = plain.into_iter().filter(|token| guard::looks_special(&token.content)).collect();
        let texts =
            |tokens: &[AddedToken]| tokens.iter().map(|token| token.content.clone()).collect::<Vec<_>>();
        let (specials, guarded) = (texts(&special), [texts(&special), texts(&alike)].concat());
        // "Encode special tokens" means: as the ordinary text that they are.
        inner.set_encode_special_tokens(true);
        if !alike.is_empty() {
            let marked = inner.add_special_tokens(alike.into_iter().map(|token| token.special(true)));
            marked.expect("they were tokens before");
        }
        let (inner, written) = (Arc::new(inner), Arc::new(written));
        Self { inner, written, specials: specials.into(), guarded: guarded.into(), source: None }
    }

    /// The same with something else that it adds to every text, or nothing.
    pub(crate) fn with_additions(&self, additions: Option<TemplateProcessing>) -> Self {
        let mut inner = tokenizers::Tokenizer::clone(&self.written);
        inner.with_post_processor(additions);
        Self { source: self.source.as_ref().map(Source::changed), ..Self::new(inner) }
    }

    /// Whether its tokens are bytes, as GPT-2 writes them.
    pub(crate) fn is_byte_level(&self) -> bool {
        matches!(self.inner.get_decoder(), Some(DecoderWrapper::ByteLevel(_)))
    }

    /// Refuses a tokenizer of ours without the markers.
    fn require_markers(&self) -> Result<(), ModelError> {
        match Special::ALL.into_iter().find(|marker| self.token(marker.text()) != Some(marker.id())) {
            None => Ok(()),
            Some(marker) => {
                let reason = format!(
                    "it has no token `{}` with the id {}, which a model of ours begins with. This is a bug: please \
                     report it.",
                    marker.text(),
                    marker.id()
                );
                Err(failed("trained", reason))
            }
        }
    }

    /// The id of a token, special or not.
    pub fn token(&self, text: &str) -> Option<u32> {
        self.inner.token_to_id(text)
    }

    /// The bytes that a token stands for; `None` for special tokens and for ids without a token.
    pub fn piece(&self, token: u32) -> Option<Vec<u8>> {
        let text = self.inner.id_to_token(token)?;
        let special = self.written.get_added_vocabulary().is_special_token(&text);
        (!special).then(|| pieces::bytes_of(&text))
    }

    /// Number of token ids.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The tokens of a text; never a special one, nor one that looks so.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let encoding = self
            .inner
            .encode_fast(text, false)
            .expect("a tokenizer is only used if it has a token for every text");
        encoding.get_ids().to_vec()
    }

    /// The tokens of a prompt as the model's makers meant it: special tokens may be written out in it, and what
    /// always stands at the beginning is added.
    ///
    /// # Errors
    /// [`ModelError::Tokenizer`] if a part of it has no token.
    pub fn encode_prompt(&self, prompt: &str) -> Result<Vec<u32>, ModelError> {
        self.encode_special(prompt, true)
    }

    /// As [`Self::encode_prompt`], and nothing is added.
    ///
    /// # Errors
    /// As there.
    pub fn encode_written(&self, prompt: &str) -> Result<Vec<u32>, ModelError> {
        self.encode_special(prompt, false)
    }

    fn encode_special(&self, prompt: &str, add: bool) -> Result<Vec<u32>, ModelError> {
        let encoding =
            self.written.encode_fast(prompt, add).map_err(|error| failed("used", error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The tokens of a prompt in pieces; with `add`, what always stands at the beginning comes first.
    ///
    /// # Errors
    /// [`ModelError::Tokenizer`] if a part of it has no token.
    pub fn encode_parts(&self, parts: &[Part], add: bool) -> Result<Vec<u32>, ModelError> {
        let (mut tokens, mut text, mut written) = (Vec::new(), String::new(), Vec::new());
        let mut add = add;
        for part in parts {
            match part {
                Part::Written(more) => {
                    written.push(text.len()..text.len() + more.len());
                    text.push_str(more);
                }
                Part::Value(more) => text.push_str(more),
                Part::Tokens(more) => {
                    tokens.extend(self.encode_run(&text, &written, add)?);
                    tokens.extend(more);
                    (text, written, add) = (String::new(), Vec::new(), false);
                }
            }
        }
        tokens.extend(self.encode_run(&text, &written, add)?);
        Ok(tokens)
    }

    /// The tokens of a text in which guarded tokens are meant inside the ranges `written` alone.
    fn encode_run(&self, text: &str, written: &[Range<usize>], add: bool) -> Result<Vec<u32>, ModelError> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for token in self.guarded.iter() {
            found.extend(text.match_indices(token).map(|(at, token)| at..at + token.len()));
        }
        let is_meant =
            |it: &Range<usize>| written.iter().any(|range| range.start <= it.start && it.end <= range.end);
        if found.iter().all(is_meant) {
            return self.encode_special(text, add);
        }
        // A value spells a guarded token: what lies between those that are meant is encoded by itself.
        found.retain(is_meant);
        found.sort_by_key(|it| (it.start, std::cmp::Reverse(it.end)));
        let mut tokens = self.encode_special("", add)?;
        let mut from = 0;
        for it in found {
            if it.start >= from {
                tokens.extend(self.encode(&text[from..it.start]));
                tokens.extend(self.encode_special(&text[it.clone()], false)?);
                from = it.end;
            }
        }
        tokens.extend(self.encode(&text[from..]));
        Ok(tokens)
    }

    /// Whether a text is one special token, and which.
    pub fn special(&self, text: &str) -> Option<u32> {
        self.specials.iter().any(|special| special == text).then(|| self.token(text))?
    }

    /// Whether a special token is written out in a text.
    pub(crate) fn has_special(&self, text: &str) -> bool {
        self.specials.iter().any(|special| text.contains(special))
    }

    /// In what another tokenizer differs from this one: a token that one of them lacks or has under another id, or a
    /// text that they divide otherwise.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        let divided = || self.encode(PROBE) != other.encode(PROBE);
        let otherwise = || divided().then(|| "it divides texts otherwise".to_owned());
        self.other_token(other).or_else(otherwise)
    }

    /// A token that one of two tokenizers lacks or has under another id.
    pub(crate) fn other_token(&self, other: &Self) -> Option<String> {
        let (own, others) = (self.inner.get_vocab(true), other.inner.get_vocab(true));
        let moved = |from: &HashMap<String, u32>, to: &HashMap<String, u32>| {
            from.iter().filter(|(text, id)| to.get(*text) != Some(id)).map(|(text, _)| text.clone()).min()
        };
        let text = moved(&own, &others).or_else(|| moved(&others, &own))?;
        let id = |of: &HashMap<String, u32>| of.get(&text).map_or("no token".to_owned(), u32::to_string);
        Some(format!("`{text}` is {} in it, and was {}", id(&own), id(&others)))
    }

    /// The text of a token, as it is written in a prompt.
    pub fn text_of(&self, token: u32) -> Option<String> {
        self.inner.id_to_token(token)
    }

    /// The text of the tokens. Special tokens appear as `<|name|>`, ids without a token as nothing,
    /// and bytes that are not UTF-8 as the replacement character.
    pub fn decode(&self, tokens: &[u32]) -> String {
        self.written.decode(tokens, false).expect("a decoder accepts every token")
    }

    /// The text of a prompt for a program with the same tokenizer, which adds what always stands at the beginning by itself.
    /// It reads special tokens out of values, too, which [`Self::encode_parts`] does not.
    pub fn prompt_text(&self, tokens: &[u32]) -> String {
        let added = self.encode_special("", true).unwrap_or_default();
        self.decode(tokens.strip_prefix(&added[..]).unwrap_or(tokens))
    }

    /// As [`Self::decode`], without special tokens.
    pub fn decode_plain(&self, tokens: &[u32]) -> String {
        self.written.decode(tokens, true).expect("a decoder accepts every token")
    }
}

fn failed(action: &'static str, reason: String) -> ModelError {
    ModelError::Tokenizer { action, reason }
}

fn untrained() -> tokenizers::Result<Trainable> {
    let pieces = Split::new(SplitPattern::Regex(PIECES.to_owned()), SplitDelimiterBehavior::Isolated, false)?;
    let bytes = ByteLevel::new(false, false, false);
    let splitter =
        Sequence::new(vec![PreTokenizerWrapper::Split(pieces), PreTokenizerWrapper::ByteLevel(bytes)]);
    TokenizerBuilder::new()
        .with_model(BPE::default())
        .with_normalizer(None)
        .with_pre_tokenizer(Some(splitter))
        .with_post_processor(None)
        .with_decoder(Some(bytes))
        .build()
}

fn trainer(vocab_size: usize) -> BpeTrainer {
    BpeTrainer::builder()
        .vocab_size(vocab_size)
        .min_frequency(2)
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(Special::ALL.iter().map(|special| AddedToken::from(special.text(), true)).collect())
        .build()
}

#[cfg(test)]
mod tests;
