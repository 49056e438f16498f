//! A checkpoint is a folder as Hugging Face's `transformers` reads and writes it: `config.json`, weights in
//! `.safetensors` files, `tokenizer.json`, and small files that go with these.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::Device;
use serde_json::{Map, Value, json};

use crate::chat::{self, ChatTemplate, Message};
use crate::gguf;
use crate::hf::{self, Precision, SINGLE as MODEL, Shards};
use crate::memory;
use crate::{Lm, ModelConfig, ModelError, Special, Tokenizer};

const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
const GENERATION: &str = "generation_config.json";
/// What belongs to a tokenizer and means nothing to the model; it is kept as it was.
const COMPANIONS: [&str; 4] =
    [GENERATION, "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"];

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
    /// Files that go with the tokenizer, by name.
    companions: BTreeMap<&'static str, String>,
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
        let companions = [("tokenizer_config.json", tokenizer_config), (GENERATION, generation)]
            .map(|(name, fields)| (name, format!("{fields:#}\n")));
        Self { model, tokenizer, end_tokens: vec![end.id()], source: None, companions: companions.into() }
    }

    #[cfg(test)]
    pub(crate) fn with_chat_template(mut self, template: &str) -> Self {
        self.companions.insert("chat_template.jinja", template.to_owned());
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
        let inside = || fields["chat_template"].as_str().map(str::to_owned);
        let template = self.companions.get("chat_template.jinja").cloned().or_else(inside)?;
        Some(ChatTemplate::new(template, fields))
    }

    /// A token that `tokenizer_config.json` names, for example `bos_token`.
    pub(crate) fn special_text(&self, name: &str) -> Option<String> {
        chat::named_token(&self.tokenizer_config(), name)
    }

    fn tokenizer_config(&self) -> Value {
        let text = self.companions.get("tokenizer_config.json").map_or("{}", String::as_str);
        serde_json::from_str(text).unwrap_or_default()
    }

    /// A setting of `generation_config.json`, for example `temperature`.
    pub fn generation(&self, key: &str) -> Option<f64> {
        let fields: Value = serde_json::from_str(self.companions.get(GENERATION)?).ok()?;
        fields[key].as_f64()
    }

    /// Writes the folder beside `dir` first and then renames it, so that `dir` is whole or absent.
    /// A checkpoint that is already there is replaced. The weights are written as 32-bit numbers.
    ///
    /// # Errors
    /// [`ModelError::Write`] with what the system said.
    pub fn save(&self, dir: &Path) -> Result<(), ModelError> {
        self.save_as(dir, Precision::Single)
    }

    /// The same with 16-bit numbers, for a model that is handed on and not trained any more: half as large.
    ///
    /// # Errors
    /// As [`Self::save`].
    pub fn save_half(&self, dir: &Path) -> Result<(), ModelError> {
        self.save_as(dir, Precision::Half)
    }

    fn save_as(&self, dir: &Path, precision: Precision) -> Result<(), ModelError> {
        let draft = sibling(dir, "new");
        self.write(&draft, precision).map_err(|reason| ModelError::Write { path: draft.clone(), reason })?;
        swap_in(&draft, dir)
            .map_err(|error| ModelError::Write { path: dir.to_owned(), reason: error.to_string() })
    }

    fn write(&self, dir: &Path, precision: Precision) -> Result<(), String> {
        let text = |error: std::io::Error| error.to_string();
        remove(dir).map_err(text)?;
        fs::create_dir_all(dir).map_err(text)?;
        let config = match &self.source {
            Some(source) => hf::as_came(source),
            None => hf::describe(self.model.config(), &self.end_tokens)?,
        };
        fs::write(dir.join(CONFIG), format!("{config:#}\n")).map_err(text)?;
        self.tokenizer.save(&dir.join(TOKENIZER)).map_err(|error| error.to_string())?;
        for (name, content) in &self.companions {
            fs::write(dir.join(name), content).map_err(text)?;
        }
        hf::write_weights(&self.model.valid(), precision, &dir.join(MODEL))?;
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
            let gguf::Loaded { model, tokenizer, end_tokens, source, companions } = gguf::load(dir, device)?;
            return Ok(Self { model, tokenizer, end_tokens, source: Some(source), companions });
        }
        let path = dir.join(CONFIG);
        let text =
            fs::read_to_string(&path).map_err(|error| ModelError::damaged(&path, error.to_string()))?;
        let (config, mut end_tokens, source) =
            hf::parse(&text).map_err(|reason| ModelError::damaged(&path, reason))?;
        let tokenizer = load_tokenizer(&dir.join(TOKENIZER), &config)?;
        let companions: BTreeMap<_, _> = COMPANIONS
            .into_iter()
            .filter_map(|name| Some((name, fs::read_to_string(dir.join(name)).ok()?)))
            .collect();
        if let Some(text) = companions.get(GENERATION) {
            let path = dir.join(GENERATION);
            let fields: Value =
                serde_json::from_str(text).map_err(|error| ModelError::damaged(&path, error.to_string()))?;
            let more = hf::end_tokens(fields.get("eos_token_id"))
                .map_err(|reason| ModelError::damaged(&path, reason))?;
            end_tokens.extend(more);
            end_tokens.sort_unstable();
            end_tokens.dedup();
        }
        memory::require(device, dir, &config)?;
        let mut shards = Shards::open(dir, device)?;
        let model = Lm::build(&config, &mut shards)?;
        shards.finish()?;
        Ok(Self { model, tokenizer, end_tokens, source: Some(source), companions })
    }
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

fn load_tokenizer(path: &Path, config: &ModelConfig) -> Result<Tokenizer, ModelError> {
    let tokenizer = Tokenizer::load(path).map_err(|error| ModelError::damaged(path, error.to_string()))?;
    let (tokens, vocab_size) = (tokenizer.vocab_size(), config.vocab_size);
    if tokens > vocab_size {
        let reason = format!("it has {tokens} tokens, but {CONFIG} says `vocab_size` {vocab_size}");
        return Err(ModelError::damaged(path, reason));
    }
    Ok(tokenizer)
}

/// `dir` with a suffix, in the same folder and so on the same file system.
fn sibling(dir: &Path, suffix: &str) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{suffix}"));
    dir.with_file_name(name)
}

fn swap_in(draft: &Path, dir: &Path) -> std::io::Result<()> {
    let old = sibling(dir, "old");
    remove(&old)?;
    if dir.exists() {
        fs::rename(dir, &old)?;
    }
    fs::rename(draft, dir)?;
    remove(&old)
}

fn remove(dir: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Int, Tensor, TensorData};

    use super::*;

    fn checkpoint() -> Checkpoint {
        let tokenizer = Tokenizer::train(&["by simp".to_owned()], Tokenizer::MIN_VOCAB).unwrap();
        let config =
            ModelConfig { vocab_size: 270, layers: 1, width: 8, heads: 2, ff: 12, ..ModelConfig::default() };
        let model = Lm::init(&config, &Device::flex(), 2).unwrap();
        Checkpoint::new(model, tokenizer)
    }

    fn logits(model: &Lm) -> Vec<f32> {
        let data = TensorData::new(vec![9i64, 200, 33], [1, 3]);
        let tokens = Tensor::<2, Int>::from_data(data, &Device::flex());
        model.forward(tokens, None).into_data().try_to_vec().unwrap()
    }

    fn refusal(break_it: impl FnOnce(&Path)) -> String {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("round-1");
        checkpoint().save(&dir).unwrap();
        break_it(&dir);
        Checkpoint::load(&dir, &Device::flex()).unwrap_err().to_string()
    }

    #[test]
    fn a_checkpoint_comes_back_and_can_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("round-1");
        let saved = checkpoint();
        saved.save(&dir).unwrap();
        saved.save(&dir).unwrap();
        let loaded = Checkpoint::load(&dir, &Device::flex()).unwrap();
        assert_eq!(loaded.model.config(), saved.model.config());
        assert_eq!(logits(&loaded.model), logits(&saved.model));
        assert_eq!(loaded.tokenizer.encode("by simp"), saved.tokenizer.encode("by simp"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn half_as_many_bytes_are_nearly_the_same_model() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, half) = (folder.path().join("whole"), folder.path().join("half"));
        let saved = checkpoint();
        saved.save(&whole).unwrap();
        saved.save_half(&half).unwrap();
        let bytes = |dir: &Path| fs::metadata(dir.join(MODEL)).unwrap().len();
        assert!(bytes(&half) < bytes(&whole) * 6 / 10);
        let loaded = Checkpoint::load(&half, &Device::flex()).unwrap();
        let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-2;
        assert!(logits(&loaded.model).iter().zip(&logits(&saved.model)).all(near));
    }

    #[test]
    fn a_missing_file_is_named() {
        for name in [CONFIG, MODEL, TOKENIZER] {
            let text = refusal(|dir| fs::remove_file(dir.join(name)).unwrap());
            assert!(text.contains(name) && text.contains("Copy the whole"), "{text}");
        }
    }

    #[test]
    fn a_damaged_file_is_named() {
        for name in [CONFIG, MODEL, TOKENIZER] {
            let text = refusal(|dir| {
                let bytes = fs::read(dir.join(name)).unwrap();
                fs::write(dir.join(name), &bytes[..bytes.len() / 2]).unwrap();
            });
            assert!(text.contains(name) && text.lines().count() == 1, "{text}");
        }
    }

    #[test]
    fn a_file_of_another_model_is_named() {
        let change = |dir: &Path, from: &str, to: &str| {
            let text = fs::read_to_string(dir.join(CONFIG)).unwrap();
            assert!(text.contains(from));
            fs::write(dir.join(CONFIG), text.replace(from, to)).unwrap();
        };
        let shape = refusal(|dir| change(dir, "\"intermediate_size\": 12", "\"intermediate_size\": 14"));
        assert!(
            shape.contains(MODEL)
                && shape.contains("mlp.gate_proj.weight")
                && shape.contains("[14, 8]")
                && shape.contains("[12, 8]"),
            "{shape}"
        );
        let more = refusal(|dir| change(dir, "\"num_hidden_layers\": 1", "\"num_hidden_layers\": 2"));
        assert!(more.contains(MODEL) && more.contains("missing"), "{more}");
        let vocabulary = refusal(|dir| change(dir, "\"vocab_size\": 270", "\"vocab_size\": 260"));
        assert!(vocabulary.contains(TOKENIZER) && vocabulary.contains("260"), "{vocabulary}");
    }

    /// Splits the weights over two shards with an index, as large checkpoints are.
    fn split(dir: &Path) {
        let bytes = fs::read(dir.join(MODEL)).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mut names: Vec<_> = tensors.names().into_iter().map(str::to_owned).collect();
        names.sort();
        let mut map = serde_json::Map::new();
        for (number, part) in names.chunks(names.len().div_ceil(2)).enumerate() {
            let file = format!("model-0000{}-of-00002.safetensors", number + 1);
            map.extend(part.iter().map(|name| (name.clone(), file.clone().into())));
            let views = part.iter().map(|name| (name, tensors.tensor(name).unwrap()));
            safetensors::serialize_to_file(views, None, &dir.join(file)).unwrap();
        }
        let index = json!({ "metadata": {}, "weight_map": map }).to_string();
        fs::write(dir.join("model.safetensors.index.json"), index).unwrap();
        fs::remove_file(dir.join(MODEL)).unwrap();
    }

    #[test]
    fn shards_are_one_model_and_a_bad_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("sharded");
        let saved = checkpoint();
        saved.save(&dir).unwrap();
        split(&dir);
        let loaded = Checkpoint::load(&dir, &Device::flex()).unwrap();
        assert_eq!(logits(&loaded.model), logits(&saved.model));

        let second = "model-00002-of-00002.safetensors";
        let missing = refusal(|dir| {
            split(dir);
            fs::remove_file(dir.join(second)).unwrap();
        });
        assert!(missing.contains(second), "{missing}");
        let truncated = refusal(|dir| {
            split(dir);
            let bytes = fs::read(dir.join(second)).unwrap();
            fs::write(dir.join(second), &bytes[..bytes.len() - 5]).unwrap();
        });
        assert!(truncated.contains(second) && truncated.contains("not copied to its end"), "{truncated}");
        let elsewhere = refusal(|dir| {
            split(dir);
            let path = dir.join("model.safetensors.index.json");
            let text = fs::read_to_string(&path).unwrap().replace(second, "../other.safetensors");
            fs::write(path, text).unwrap();
        });
        assert!(elsewhere.contains("index.json") && elsewhere.contains("../other"), "{elsewhere}");
    }

    #[test]
    fn a_weight_too_many_or_of_another_type_is_named() {
        let rewrite = |dir: &Path, name: &str, dtype: safetensors::Dtype| {
            let path = dir.join(MODEL);
            let bytes = fs::read(&path).unwrap();
            let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            let mut views: Vec<_> = tensors.tensors();
            let data = vec![0; 8 * dtype.bitsize() / 8];
            views.retain(|(known, _)| known != name);
            let shape = vec![8];
            views.push((name.to_owned(), safetensors::tensor::TensorView::new(dtype, shape, &data).unwrap()));
            safetensors::serialize_to_file(views, None, &path).unwrap();
        };
        let more =
            refusal(|dir| rewrite(dir, "model.layers.0.self_attn.q_proj.bias", safetensors::Dtype::F32));
        assert!(more.contains("q_proj.bias") && more.contains("has not"), "{more}");
        let whole = refusal(|dir| rewrite(dir, "model.norm.weight", safetensors::Dtype::I32));
        assert!(whole.contains("model.norm.weight") && whole.contains("I32"), "{whole}");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let text = checkpoint().save(&file.join("round-1")).unwrap_err().to_string();
        assert!(text.contains("round-1"), "{text}");
    }
}
