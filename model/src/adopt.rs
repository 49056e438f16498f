//! A model that another program trained: looked at before it is taken, and given what is not trained, so that from then on
//! it is a checkpoint like any other.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::checkpoint::{CONFIG, TOKENIZER};
use crate::companions::{self, TOKENIZER_CONFIG};
use crate::hf::{self, Settled, Survey};
use crate::{ModelConfig, ModelError, Tokenizer, remedy};

/// Why a trained model is not taken.
struct Refused {
    path: PathBuf,
    reason: String,
    diverged: bool,
}

impl Refused {
    fn new(path: &Path, reason: impl ToString) -> Self {
        let reason = reason.to_string().trim_end_matches('.').replace('\n', " ");
        Self { path: path.to_owned(), reason, diverged: false }
    }

    /// What is said of a checkpoint that cannot be read, without the advice to copy it again: nobody copied it.
    fn of(error: ModelError, path: &Path) -> Self {
        match error {
            ModelError::Checkpoint { path, reason, remedy: remedy::COPY } => Self::new(&path, reason),
            ModelError::Checkpoint { path, reason, remedy } => {
                Self::new(&path, format!("{reason}. {remedy}"))
            }
            other => Self::new(path, other),
        }
    }
}

/// Checks the folder that a training elsewhere wrote, which began with the model in the folder `base`: the same shape, the
/// same tokens, and every weight there and a number. Then the tokenizer, its companions and `config.json` are those of
/// `base`, but for the type of the numbers: training changes weights alone. A tokenizer that `transformers` 5 would misread is
/// written as [`Checkpoint::save`](crate::Checkpoint::save) writes it. The weights stay as they were written, and no more than
/// one of them is in memory at a time.
///
/// # Errors
/// [`ModelError::Trained`] with the file and what is wrong with it; [`ModelError::Write`] if the folder cannot be written.
pub fn adopt(base: &Path, written: &Path) -> Result<(), ModelError> {
    let files = examine(base, written).map_err(|Refused { path, reason, diverged }| ModelError::Trained {
        path,
        reason,
        diverged,
    })?;
    dress(base, written, &files)
        .map_err(|error| ModelError::Write { path: written.to_owned(), reason: error.to_string() })
}

/// What is put beside the weights and is not as `base` has it.
struct Files {
    /// The `config.json`.
    config: Value,
    /// The tokenizer with its `tokenizer_config.json`, if the two of `base` would be misread.
    settled: Option<(Tokenizer, String)>,
}

/// The files that the model is to have, if it can be taken.
fn examine(base: &Path, written: &Path) -> Result<Files, Refused> {
    let (known, given) = read_config(&base.join(CONFIG))?;
    let path = written.join(CONFIG);
    if !path.exists() {
        let empty = fs::read_dir(written).map_or(true, |mut items| items.next().is_none());
        let reason = if empty { "nothing was written there" } else { "there is no config.json in it" };
        return Err(Refused::new(written, reason));
    }
    let (found, described) = read_config(&path)?;
    if let Some(reason) = other_shape(&known, &found) {
        return Err(Refused::new(&path, reason));
    }
    let settled = settled(base)?;
    same_tokens(&base.join(TOKENIZER), &written.join(TOKENIZER), settled.is_some())?;
    let survey = |folder: &Path| Survey::open(folder).map_err(|error| Refused::of(error, folder));
    let (before, mut after) = (survey(base)?, survey(written)?);
    if let Some(reason) = after.differs_from(&before, known.tied_embeddings) {
        return Err(Refused::new(written, reason));
    }
    match after.not_finite().map_err(|error| Refused::of(error, written))? {
        Some(name) => {
            let reason = format!("the weight `{name}` has values that are no numbers (NaN or infinite)");
            Err(Refused { diverged: true, ..Refused::new(written, reason) })
        }
        None => Ok(Files { config: with_type(given, &described), settled }),
    }
}

fn read_config(path: &Path) -> Result<(ModelConfig, Map<String, Value>), Refused> {
    let text = fs::read_to_string(path).map_err(|error| Refused::new(path, error))?;
    let (config, _, fields) = hf::parse(&text).map_err(|reason| Refused::new(path, reason))?;
    Ok((config, fields))
}

/// What of the shape has changed, by the keys of `config.json`.
fn other_shape(known: &ModelConfig, found: &ModelConfig) -> Option<String> {
    if known == found {
        return None;
    }
    let keys = |config| hf::describe(config, &[]).ok();
    let (Some(known), Some(found)) = (keys(known), keys(found)) else {
        return Some("it is a model of another shape".to_owned());
    };
    let fields = known.as_object()?.iter();
    let changed = fields.filter(|(key, value)| found[key.as_str()] != **value);
    let list: Vec<_> =
        changed.map(|(key, value)| format!("`{key}` is {}, not {value}", found[key.as_str()])).collect();
    Some(format!("it is a model of another shape: {}", list.join(", ")))
}

/// A folder's tokenizer with its `tokenizer_config.json`, if `transformers` 5 would misread what is there.
fn settled(base: &Path) -> Result<Option<(Tokenizer, String)>, Refused> {
    let (path, class) = (base.join(TOKENIZER), base.join(TOKENIZER_CONFIG));
    let class = companions::read_one(&class).map_err(|error| Refused::of(error, &class))?;
    let Some(class) = class.filter(|_| path.exists()) else { return Ok(None) };
    let settled = Tokenizer::load(&path).and_then(|tokenizer| hf::settle(tokenizer, &class));
    let Settled { tokenizer, config } = settled.map_err(|error| Refused::new(&path, error))?;
    Ok(config.map(|config| (tokenizer, config)))
}

/// A tokenizer that was written, too, must be the one that the training began with. If whoever wrote it had `misread` that
/// one, only its tokens are compared, not how it divides texts.
fn same_tokens(base: &Path, written: &Path, misread: bool) -> Result<(), Refused> {
    if !written.exists() {
        return Ok(());
    }
    let load = |path: &Path| Tokenizer::load(path).map_err(|error| Refused::new(path, error));
    let (found, known) = (load(written)?, load(base)?);
    let difference = if misread { found.other_token(&known) } else { found.difference(&known) };
    match difference {
        Some(reason) => Err(Refused::new(written, format!("it is another tokenizer: {reason}"))),
        None => Ok(()),
    }
}

/// The `config.json` from before, with the type of the numbers that are there now.
fn with_type(mut fields: Map<String, Value>, described: &Map<String, Value>) -> Value {
    let types = ["dtype", "torch_dtype"];
    let now = types.iter().find_map(|key| described.get(*key).filter(|value| value.is_string()));
    for key in types {
        match now {
            Some(now) => fields.insert(key.to_owned(), now.clone()),
            None => fields.remove(key),
        };
    }
    fields.into()
}

/// Puts what is not trained beside the weights.
fn dress(base: &Path, written: &Path, Files { config, settled }: &Files) -> std::io::Result<()> {
    fs::write(written.join(CONFIG), format!("{config:#}\n"))?;
    for name in companions::NAMES.into_iter().chain([TOKENIZER]) {
        match fs::read(base.join(name)) {
            Ok(bytes) => fs::write(written.join(name), bytes)?,
            Err(error) if error.kind() == ErrorKind::NotFound => remove(&written.join(name))?,
            Err(error) => return Err(error),
        }
    }
    if let Some((tokenizer, config)) = settled {
        fs::write(written.join(TOKENIZER_CONFIG), config)?;
        tokenizer.save(&written.join(TOKENIZER)).map_err(std::io::Error::other)?;
    }
    for item in fs::read_dir(written)? {
        let item = item?;
        if item.file_type()?.is_file() {
            fs::File::open(item.path())?.sync_all()?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use safetensors::tensor::TensorView;
    use safetensors::{Dtype, SafeTensors, serialize_to_file};
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;
    use crate::{Checkpoint, Lm, Special};

    const WEIGHTS: &str = "model.safetensors";

    fn made(words: &str, ff: usize) -> Checkpoint {
        let tokenizer = Tokenizer::train(&[words.to_owned()], Tokenizer::MIN_VOCAB + 4).unwrap();
        let config =
            ModelConfig { vocab_size: 270, layers: 1, width: 8, heads: 2, ff, ..ModelConfig::default() };
        Checkpoint::new(Lm::init(&config, &Device::flex(), 2).unwrap(), tokenizer)
    }

    /// A base and a copy of it that is changed, with the folder that both are in.
    fn folders(change: impl FnOnce(&Path)) -> (TempDir, PathBuf, PathBuf) {
        let scratch = tempfile::tempdir().unwrap();
        let (base, written) = (scratch.path().join("base"), scratch.path().join("written"));
        made("by simp by simp", 12).save(&base).unwrap();
        made("by simp by simp", 12).save(&written).unwrap();
        change(&written);
        (scratch, base, written)
    }

    fn refusal(change: impl FnOnce(&Path)) -> String {
        let (_scratch, base, written) = folders(change);
        adopt(&base, &written).unwrap_err().to_string()
    }

    /// Writes the weights again, each as `change` has it.
    fn rewrite(folder: &Path, change: impl Fn(&str, &[u8]) -> Option<Vec<u8>>) {
        let bytes = fs::read(folder.join(WEIGHTS)).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let kept: Vec<_> = tensors
            .tensors()
            .into_iter()
            .filter_map(|(name, view)| Some((change(&name, view.data())?, name, view.shape().to_vec())))
            .collect();
        let views = kept.iter().map(|(data, name, shape)| {
            (name.clone(), TensorView::new(Dtype::F32, shape.clone(), data).unwrap())
        });
        serialize_to_file(views, None, &folder.join(WEIGHTS)).unwrap();
    }

    #[test]
    fn only_weights_change() {
        let (_scratch, base, written) = folders(|written| {
            fs::remove_file(written.join("generation_config.json")).unwrap();
            fs::write(written.join("chat_template.jinja"), "{{ other }}").unwrap();
            let text = fs::read_to_string(written.join(CONFIG)).unwrap();
            let mut fields: Value = serde_json::from_str(&text).unwrap();
            (fields["dtype"], fields["eos_token_id"]) = (json!("bfloat16"), json!(7));
            fields["transformers_version"] = json!("9");
            fs::write(written.join(CONFIG), fields.to_string()).unwrap();
            rewrite(written, |_, data| Some(data.iter().map(|_| 0).collect()));
        });
        adopt(&base, &written).unwrap();
        let [before, after] =
            [&base, &written].map(|folder| Checkpoint::load(folder, &Device::flex()).unwrap());
        assert_eq!((after.end_tokens, after.model.config()), (before.end_tokens, before.model.config()));
        let same = |name: &str| fs::read(base.join(name)).unwrap() == fs::read(written.join(name)).unwrap();
        assert!(same("generation_config.json") && same(TOKENIZER) && !same(WEIGHTS));
        assert!(!written.join("chat_template.jinja").exists());
        let fields: Value = serde_json::from_str(&fs::read_to_string(written.join(CONFIG)).unwrap()).unwrap();
        assert_eq!(fields["torch_dtype"], "bfloat16");
        assert_eq!((&fields["transformers_version"], &fields["eos_token_id"]), (&Value::Null, &json!([1])));
    }

    #[test]
    fn what_is_missing_or_of_another_model_is_named() {
        let nothing = refusal(|written| {
            fs::remove_dir_all(written).unwrap();
            fs::create_dir(written).unwrap();
        });
        assert!(nothing.contains("nothing was written"), "{nothing}");
        let no_config = refusal(|written| fs::remove_file(written.join(CONFIG)).unwrap());
        assert!(no_config.contains("no config.json"), "{no_config}");
        let no_weights = refusal(|written| fs::remove_file(written.join(WEIGHTS)).unwrap());
        assert!(no_weights.contains(WEIGHTS) && !no_weights.contains("Copy"), "{no_weights}");
        let pickled =
            refusal(|written| fs::rename(written.join(WEIGHTS), written.join("pytorch_model.bin")).unwrap());
        assert!(pickled.contains(WEIGHTS) && pickled.contains("safe_serialization=True"), "{pickled}");
        let half = refusal(|written| {
            let bytes = fs::read(written.join(WEIGHTS)).unwrap();
            fs::write(written.join(WEIGHTS), &bytes[..bytes.len() / 2]).unwrap();
        });
        assert!(half.contains("not copied to its end") && half.lines().count() == 1, "{half}");
        let shape = refusal(|written| made("by simp by simp", 16).save(written).unwrap());
        assert!(shape.contains("`intermediate_size` is 16, not 12"), "{shape}");
        let tokens = refusal(|written| {
            made("omega omega", 12).save(written).unwrap();
        });
        assert!(tokens.contains("another tokenizer") && tokens.contains(TOKENIZER), "{tokens}");
        let fewer = refusal(|written| {
            rewrite(written, |name, data| (name != "model.norm.weight").then(|| data.to_vec()));
        });
        assert!(fewer.contains("`model.norm.weight` is missing"), "{fewer}");
    }

    fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
        let mut fields: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        change(&mut fields);
        fs::write(path, fields.to_string()).unwrap();
    }

    /// As `transformers` 5 divides texts for a class of Llama.
    fn misread(written: &Path) {
        edit(&written.join(TOKENIZER), |fields| {
            fields["pre_tokenizer"] =
                json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false });
        });
    }

    #[test]
    fn a_tokenizer_that_others_misread_is_written_as_it_is_meant() {
        let (_scratch, base, written) = folders(misread);
        let text = adopt(&base, &written).unwrap_err().to_string();
        assert!(text.contains("divides texts otherwise"), "{text}");
        edit(&base.join(TOKENIZER_CONFIG), |fields| {
            fields["tokenizer_class"] = json!("LlamaTokenizerFast");
            fields["bos_token"] = json!("<|theorem|>");
        });
        adopt(&base, &written).unwrap();
        let of_folder = |folder: &Path| Checkpoint::load(folder, &Device::flex()).unwrap().tokenizer;
        let of_file = |folder: &Path| Tokenizer::load(&folder.join(TOKENIZER)).unwrap();
        let tokens = |tokenizer: Tokenizer| tokenizer.encode_prompt("by simp").unwrap();
        let expected = tokens(of_folder(&base));
        assert_eq!(expected[0], Special::Theorem.id());
        assert_eq!([of_folder(&written), of_file(&written)].map(tokens), [expected.clone(), expected]);
        let fields = |folder: &Path| -> Value {
            serde_json::from_str(&fs::read_to_string(folder.join(TOKENIZER_CONFIG)).unwrap()).unwrap()
        };
        let mut settled = fields(&base);
        settled["tokenizer_class"] = json!("PreTrainedTokenizerFast");
        assert_eq!(fields(&written), settled);
        made("omega omega", 12).save(&written).unwrap();
        let text = adopt(&base, &written).unwrap_err().to_string();
        assert!(text.contains("another tokenizer"), "{text}");
    }

    #[test]
    fn a_weight_that_is_no_number_is_named() {
        let change = |name: &str, data: &[u8]| {
            let mut data = data.to_vec();
            if name == "model.norm.weight" {
                data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
            }
            Some(data)
        };
        let (_scratch, base, written) = folders(|written| rewrite(written, change));
        let error = adopt(&base, &written).unwrap_err();
        assert!(matches!(&error, ModelError::Trained { diverged: true, .. }));
        assert!(error.to_string().contains("`model.norm.weight`"), "{error}");
    }

    #[test]
    fn tied_weights_may_repeat_the_embedding() {
        let (_scratch, base, written) = folders(|written| {
            let bytes = fs::read(written.join(WEIGHTS)).unwrap();
            let tensors = SafeTensors::deserialize(&bytes).unwrap();
            let mut views = tensors.tensors();
            let table = tensors.tensor("model.embed_tokens.weight").unwrap();
            views.push(("lm_head.weight".to_owned(), table));
            serialize_to_file(views, None, &written.join(WEIGHTS)).unwrap();
        });
        adopt(&base, &written).unwrap();
    }
}
