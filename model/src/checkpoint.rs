//! A checkpoint is a folder: `config.json`, `model.safetensors` and `tokenizer.json`.

use std::fs;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::{ModuleSnapshot, SafetensorsStore};
use burn::tensor::Device;

use crate::{Lm, ModelConfig, ModelError, Tokenizer};

const CONFIG: &str = "config.json";
const MODEL: &str = "model.safetensors";
const TOKENIZER: &str = "tokenizer.json";

/// A model with everything needed to use it.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Its sizes.
    pub config: ModelConfig,
    /// Its weights.
    pub model: Lm,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
}

impl Checkpoint {
    /// Writes the folder beside `dir` first and then renames it, so that `dir` is whole or absent.
    /// A checkpoint that is already there is replaced.
    pub fn save(&self, dir: &Path) -> Result<(), ModelError> {
        let draft = sibling(dir, "new");
        self.write(&draft).map_err(|reason| ModelError::Write { path: draft.clone(), reason })?;
        swap_in(&draft, dir)
            .map_err(|error| ModelError::Write { path: dir.to_owned(), reason: error.to_string() })
    }

    fn write(&self, dir: &Path) -> Result<(), String> {
        let text = |error: std::io::Error| error.to_string();
        remove(dir).map_err(text)?;
        fs::create_dir_all(dir).map_err(text)?;
        let config = serde_json::to_string_pretty(&self.config).map_err(|error| error.to_string())?;
        fs::write(dir.join(CONFIG), config + "\n").map_err(text)?;
        self.tokenizer.save(&dir.join(TOKENIZER)).map_err(|error| error.to_string())?;
        let mut store = SafetensorsStore::from_file(dir.join(MODEL));
        self.model.valid().save_into(&mut store).map_err(|error| error.to_string())?;
        for name in [CONFIG, TOKENIZER, MODEL] {
            fs::File::open(dir.join(name)).and_then(|file| file.sync_all()).map_err(text)?;
        }
        Ok(())
    }

    /// Reads a checkpoint onto a device, whichever device it was saved from.
    pub fn load(dir: &Path, device: &Device) -> Result<Self, ModelError> {
        let config = load_config(&dir.join(CONFIG))?;
        let tokenizer = load_tokenizer(&dir.join(TOKENIZER), &config)?;
        let model = load_model(&dir.join(MODEL), &config, device)?;
        Ok(Self { config, model, tokenizer })
    }
}

fn load_config(path: &Path) -> Result<ModelConfig, ModelError> {
    let text = fs::read_to_string(path).map_err(|error| damaged(path, error.to_string()))?;
    let config: ModelConfig =
        serde_json::from_str(&text).map_err(|error| damaged(path, error.to_string()))?;
    config.validate().map_err(|error| damaged(path, error.to_string()))?;
    Ok(config)
}

fn load_tokenizer(path: &Path, config: &ModelConfig) -> Result<Tokenizer, ModelError> {
    let tokenizer = Tokenizer::load(path).map_err(|error| damaged(path, error.to_string()))?;
    let (tokens, vocab_size) = (tokenizer.vocab_size(), config.vocab_size);
    if tokens > vocab_size {
        let reason = format!("it has {tokens} tokens, but {CONFIG} says `vocab_size` {vocab_size}");
        return Err(damaged(path, reason));
    }
    Ok(tokenizer)
}

fn load_model(path: &Path, config: &ModelConfig, device: &Device) -> Result<Lm, ModelError> {
    if !path.is_file() {
        return Err(damaged(path, "there is no such file".to_owned()));
    }
    let mut model = Lm::init(config, device, 0)?;
    let mut store = SafetensorsStore::from_file(path).allow_partial(true);
    let result = model.load_from(&mut store).map_err(|error| damaged(path, error.to_string()))?;
    let problem = if let Some(error) = result.errors.first() {
        Some(error.to_string())
    } else if let Some((name, _)) = result.missing.first() {
        Some(format!("the weight `{name}` is missing"))
    } else {
        result
            .unused
            .first()
            .map(|name| format!("it has a weight `{name}` that the model of {CONFIG} has not"))
    };
    match problem {
        Some(reason) => Err(damaged(path, reason)),
        None => Ok(model),
    }
}

fn damaged(path: &Path, reason: String) -> ModelError {
    let reason = reason.trim_end_matches('.').replace('\n', " ");
    ModelError::Checkpoint { path: path.to_owned(), reason }
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
        Checkpoint { config, model, tokenizer }
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
        assert_eq!(loaded.config, saved.config);
        assert_eq!(logits(&loaded.model), logits(&saved.model));
        assert_eq!(loaded.tokenizer.encode("by simp"), saved.tokenizer.encode("by simp"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");
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
        let shape = refusal(|dir| change(dir, "\"ff\": 12", "\"ff\": 14"));
        assert!(shape.contains(MODEL) && shape.contains("feed_forward"), "{shape}");
        let more = refusal(|dir| change(dir, "\"layers\": 1", "\"layers\": 2"));
        assert!(more.contains(MODEL) && more.contains("missing"), "{more}");
        let vocabulary = refusal(|dir| change(dir, "\"vocab_size\": 270", "\"vocab_size\": 260"));
        assert!(vocabulary.contains(TOKENIZER) && vocabulary.contains("260"), "{vocabulary}");
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
