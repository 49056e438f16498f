//! A checkpoint is a folder as Hugging Face's `transformers` reads and writes it: `config.json`, weights in
//! `.safetensors` files, `tokenizer.json`, and small files that go with these.

use std::fs;
use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use serde_json::{Map, Value, json};
use stp_files::{beside, remove};

use crate::chat::{self, ChatTemplate, Message};
use crate::companions::{self, CHAT_TEMPLATE, Companions, GENERATION, TOKENIZER_CONFIG};
use crate::gguf::{self, Described};
use crate::hf::{self, Precision, SINGLE as MODEL, Settled, Shards};
use crate::stored::check_all;
use crate::{Lm, ModelConfig, ModelError, Special, Tokenizer, memory};

pub(crate) const CONFIG: &str = "config.json";
pub(crate) const TOKENIZER: &str = "tokenizer.json";
/// Where nobody knows if texts begin with the first token.
const NO_CLASS: &str =
    "Copy it from where the model is from; or write `{}` into it, if texts begin with no such token";

/// A model with everything needed to use it.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Its weights and sizes.
    pub model: Lm,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Tokens that end a text.
    pub end_tokens: Vec<u32>,
    /// The `config.json` that it came with; none for a model that was made here.
    source: Option<Map<String, Value>>,
    companions: Companions,
}

impl Checkpoint {
    /// A model that was made here, with a tokenizer that has the markers of self-play.
    pub fn new(model: Lm, tokenizer: Tokenizer) -> Self {
        let end = Special::End;
        let tokenizer_config = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": end.text(),
            "pad_token": Special::Pad.text(),
            "clean_up_tokenization_spaces": false,
        });
        // Without these `transformers serve` takes the likeliest token, or draws from fifty.
        let generation = json!({"eos_token_id": end.id(), "do_sample": true, "top_k": 0});
        let companions = [(TOKENIZER_CONFIG, tokenizer_config), (GENERATION, generation)]
            .map(|(name, fields)| (name, format!("{fields:#}\n")));
        Self { model, tokenizer, end_tokens: vec![end.id()], source: None, companions: companions.into() }
    }

    /// The same with a chat template.
    pub fn with_chat_template(mut self, template: &str) -> Self {
        self.companions.insert(CHAT_TEMPLATE, template.to_owned());
        self
    }

    /// The same with other weights of the same shape.
    pub fn with_model(self, model: Lm) -> Self {
        Self { model, ..self }
    }

    /// The prompt for the answer to a conversation, by the checkpoint's chat template; `None` if it has none.
    ///
    /// # Errors
    /// [`ModelError::Tokenizer`] if the template does not take this conversation.
    pub fn chat_prompt(&self, messages: &[Message]) -> Result<Option<String>, ModelError> {
        self.chat_template().map(|template| template.render(messages)).transpose()
    }

    /// The chat template, if there is one.
    pub(crate) fn chat_template(&self) -> Option<ChatTemplate> {
        let fields = self.tokenizer_config();
        let inside = || chat::template_in(&fields).map(str::to_owned);
        let template = self.companions.get(CHAT_TEMPLATE).cloned().or_else(inside)?;
        Some(ChatTemplate::new(template, fields))
    }

    /// A token that `tokenizer_config.json` names, for example `bos_token`.
    pub(crate) fn special_text(&self, name: &str) -> Option<String> {
        chat::named_token(&self.tokenizer_config(), name)
    }

    fn tokenizer_config(&self) -> Value {
        companions::fields(&self.companions, TOKENIZER_CONFIG)
    }

    /// A setting of `generation_config.json`, for example `temperature`.
    pub fn generation(&self, key: &str) -> Option<f64> {
        companions::fields(&self.companions, GENERATION)[key].as_f64()
    }

    /// Writes the folder beside `dir` first and then renames it, so that `dir` is whole or absent.
    /// A checkpoint that is already there is replaced. The weights are written as 32-bit numbers.
    ///
    /// # Errors
    /// [`ModelError::Write`] with what the system said.
    pub fn save(&self, dir: &Path) -> Result<(), ModelError> {
        self.save_as(dir, Precision::Single)
    }

    /// The same with 16-bit numbers, for a model that is handed on and not trained any more: half as large. They are bfloat16
    /// if the model came with these, and float16 otherwise.
    ///
    /// # Errors
    /// As [`Self::save`].
    pub fn save_half(&self, dir: &Path) -> Result<(), ModelError> {
        self.save_as(dir, self.source.as_ref().map_or(Precision::Half, Precision::half_of))
    }

    fn save_as(&self, dir: &Path, precision: Precision) -> Result<(), ModelError> {
        let draft = beside(dir, "new");
        self.write(&draft, precision).map_err(|reason| ModelError::Write { path: draft.clone(), reason })?;
        swap_in(&draft, dir)
            .map_err(|error| ModelError::Write { path: dir.to_owned(), reason: error.to_string() })
    }

    fn write(&self, dir: &Path, precision: Precision) -> Result<(), String> {
        let text = |error: std::io::Error| error.to_string();
        remove(dir).map_err(text)?;
        fs::create_dir_all(dir).map_err(text)?;
        // The shape is the one that it came with: training changes numbers alone.
        let mut config = match &self.source {
            Some(source) => Value::Object(source.clone()),
            None => hf::describe(self.model.config(), &self.end_tokens)?,
        };
        hf::set_type(&mut config, precision);
        fs::write(dir.join(CONFIG), format!("{config:#}\n")).map_err(text)?;
        self.tokenizer.save(&dir.join(TOKENIZER)).map_err(|error| error.to_string())?;
        for (name, content) in &self.companions {
            fs::write(dir.join(name), content).map_err(text)?;
        }
        hf::write_weights(&self.model.valid(), precision, &dir.join(MODEL))?;
        // The writer keeps its file for its owner alone; a server of another user reads it as it reads the others.
        let permissions = fs::metadata(dir.join(CONFIG)).map_err(text)?.permissions();
        fs::set_permissions(dir.join(MODEL), permissions).map_err(text)?;
        for entry in fs::read_dir(dir).map_err(text)? {
            fs::File::open(entry.map_err(text)?.path()).and_then(|file| file.sync_all()).map_err(text)?;
        }
        Ok(())
    }

    /// Reads a checkpoint onto a device, as 32-bit numbers: a folder of Hugging Face or a `.gguf` file. Llama, Qwen2 and
    /// Qwen3 models are known.
    ///
    /// # Errors
    /// [`ModelError::Checkpoint`] naming the file, and the weight with the shapes expected and found;
    /// [`ModelError::Memory`] before anything is read if the weights do not fit.
    pub fn load(dir: &Path, device: &Device) -> Result<Self, ModelError> {
        if is_gguf(dir) {
            let (model, described) = gguf::load(dir, device)?;
            return Ok(Self::of(model, described));
        }
        let described = describe_folder(dir)?;
        memory::require(device, dir, &described.config)?;
        let mut shards = Shards::open(dir, device)?;
        let model = Lm::build(&described.config, &mut shards)?;
        shards.finish()?;
        Ok(Self::of(model, described))
    }

    /// Everything of a checkpoint but its weights, which is what prompts need: in place of the model there is a tiny one of
    /// random numbers. So templates can be checked where weights would take minutes to read. That these are there, each with
    /// its shape, is checked all the same.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn without_weights(path: &Path) -> Result<Self, ModelError> {
        let described = if is_gguf(path) { gguf::describe(path)? } else { examine_folder(path)? };
        let smallest = ModelConfig::smallest(described.tokenizer.vocab_size());
        Ok(Self::of(Lm::init(&smallest, &Device::flex(), 0)?, described))
    }

    fn of(model: Lm, described: Described) -> Self {
        let Described { tokenizer, end_tokens, source, companions, .. } = described;
        Self { model, tokenizer, end_tokens, source: Some(source), companions }
    }
}

/// Reads a folder of Hugging Face but for its weights.
fn describe_folder(dir: &Path) -> Result<Described, ModelError> {
    let path = dir.join(CONFIG);
    let text = fs::read_to_string(&path).map_err(|error| ModelError::damaged(&path, error))?;
    let (config, mut end_tokens, source) =
        hf::parse(&text).map_err(|reason| ModelError::damaged(&path, reason))?;
    let mut companions = companions::read(dir)?;
    let class = companions.get(TOKENIZER_CONFIG);
    let settled = load_tokenizer(&dir.join(TOKENIZER), &config, class.map_or("{}", String::as_str))?;
    if class.is_none() {
        require_class(&dir.join(TOKENIZER_CONFIG), &source, &settled.tokenizer)?;
    }
    companions.extend(settled.config.map(|text| (TOKENIZER_CONFIG, text)));
    let tokenizer = settled.tokenizer;
    end_tokens.extend(more_end_tokens(&companions, &tokenizer, &dir.join(GENERATION))?);
    end_tokens.sort_unstable();
    end_tokens.dedup();
    Ok(Described { config, tokenizer, end_tokens, source, companions })
}

/// Refuses a model without the file that says whether its texts begin with the first token, unless that is known without it.
fn require_class(path: &Path, source: &Map<String, Value>, tokenizer: &Tokenizer) -> Result<(), ModelError> {
    if !hf::may_begin_texts(source) || !tokenizer.encode_prompt("")?.is_empty() {
        return Ok(());
    }
    let reason = "it is missing, and without it nobody knows whether texts begin with the first token, which config.json has \
                  as `bos_token_id`";
    Err(ModelError::unusable(path, reason, NO_CLASS))
}

/// As [`describe_folder`], with a look at the weights.
fn examine_folder(dir: &Path) -> Result<Described, ModelError> {
    let described = describe_folder(dir)?;
    let device = Device::flex();
    let mut shards = Shards::open(dir, &device)?;
    check_all(&described.config, &mut shards)?;
    shards.finish()?;
    Ok(described)
}

impl ModelConfig {
    /// The shape of the model in a checkpoint: a folder of Hugging Face or a `.gguf` file. No weights are read.
    ///
    /// # Errors
    /// As [`Checkpoint::load`].
    pub fn of_checkpoint(path: &Path) -> Result<Self, ModelError> {
        if is_gguf(path) {
            return gguf::shape(path);
        }
        let path = path.join(CONFIG);
        let text = fs::read_to_string(&path).map_err(|error| ModelError::damaged(&path, error))?;
        hf::parse(&text).map(|(config, ..)| config).map_err(|reason| ModelError::damaged(&path, reason))
    }
}

fn is_gguf(path: &Path) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case("gguf"))
}

/// The tokens that end a text beside those of `config.json`: those of `generation_config.json`, and the tokenizer's own, at
/// which other programs stop as well.
fn more_end_tokens(
    companions: &Companions,
    tokenizer: &Tokenizer,
    generation: &Path,
) -> Result<Vec<u32>, ModelError> {
    let fields = companions::fields(companions, GENERATION);
    let mut tokens = hf::end_tokens(fields.get("eos_token_id"))
        .map_err(|reason| ModelError::damaged(generation, reason))?;
    let own = chat::named_token(&companions::fields(companions, TOKENIZER_CONFIG), "eos_token");
    tokens.extend(own.and_then(|text| tokenizer.special(&text)));
    Ok(tokens)
}

fn load_tokenizer(path: &Path, config: &ModelConfig, class: &str) -> Result<Settled, ModelError> {
    let settled = Tokenizer::load(path).and_then(|tokenizer| hf::settle(tokenizer, class));
    let settled = settled.map_err(|error| ModelError::damaged(path, error.to_string()))?;
    let (tokens, vocab_size) = (settled.tokenizer.vocab_size(), config.vocab_size);
    if tokens > vocab_size {
        let reason = format!("it has {tokens} tokens, but {CONFIG} says `vocab_size` {vocab_size}");
        return Err(ModelError::damaged(path, reason));
    }
    Ok(settled)
}

/// Puts a folder in the place of another, which is there under one of the two names at any time.
fn swap_in(draft: &Path, dir: &Path) -> std::io::Result<()> {
    let old = beside(dir, "old");
    remove(&old)?;
    if dir.exists() {
        fs::rename(dir, &old)?;
    }
    fs::rename(draft, dir)?;
    remove(&old)
}

#[cfg(test)]
mod tests;
