//! Weights out of `.safetensors` files, one file or shards with an index.
//!
//! Each weight is read when the model asks for it, so loading needs the memory of the model and of one more
//! weight.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde::Deserialize;

use super::TensorFile;
use crate::ModelError;
use crate::stored::Stored;

/// The weights of a checkpoint that is not in shards.
pub(crate) const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// The weights of a folder.
pub(crate) struct Shards<'a> {
    device: &'a Device,
    /// What names the weights: the index, or the only file.
    catalogue: PathBuf,
    shards: Vec<(PathBuf, TensorFile)>,
    /// Which shard a weight is in.
    places: HashMap<String, usize>,
    asked: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: HashMap<String, String>,
}

impl<'a> Shards<'a> {
    /// Reads the headers of a folder's files, and checks that the files are as long as these say.
    ///
    /// # Errors
    /// [`ModelError::Checkpoint`] with the file at fault.
    pub(crate) fn open(dir: &Path, device: &'a Device) -> Result<Self, ModelError> {
        let (catalogue, shards) = files(dir)?;
        let mut places = HashMap::new();
        for (index, (_, file)) in shards.iter().enumerate() {
            places.extend(file.names().map(|name| (name.clone(), index)));
        }
        Ok(Self { device, catalogue, shards, places, asked: BTreeSet::new() })
    }

    /// Refuses weights that the model did not ask for: they would be lost silently.
    ///
    /// # Errors
    /// [`ModelError::Checkpoint`] with the name of one.
    pub(crate) fn finish(self) -> Result<(), ModelError> {
        let unasked = self.places.keys().filter(|name| !self.asked.contains(*name) && !may_be_left(name));
        match unasked.min() {
            None => Ok(()),
            Some(name) => Err(ModelError::damaged(
                &self.catalogue,
                format!("it has a weight `{name}` that the model of config.json has not"),
            )),
        }
    }
}

/// Older checkpoints repeat what can be computed, and tied ones repeat the embedding.
pub(super) fn may_be_left(name: &str) -> bool {
    name.ends_with("rotary_emb.inv_freq") || name == "lm_head.weight"
}

/// The opened files of a folder's weights, and what names them: the only file, or the index. Where there are both,
/// `transformers` reads the only file.
pub(super) fn files(dir: &Path) -> Result<(PathBuf, Vec<(PathBuf, TensorFile)>), ModelError> {
    let (single, index) = (dir.join(SINGLE), dir.join(INDEX));
    let (catalogue, paths) = if index.is_file() && !single.is_file() {
        let text = std::fs::read_to_string(&index).map_err(|error| ModelError::damaged(&index, error))?;
        let map: Index = serde_json::from_str(&text).map_err(|error| ModelError::damaged(&index, error))?;
        let names: BTreeSet<_> = map.weight_map.into_values().collect();
        if let Some(name) = names.iter().find(|name| Path::new(name).components().count() != 1) {
            return Err(ModelError::damaged(&index, format!("`{name}` is no file of this folder")));
        }
        (index, names.into_iter().map(|name| dir.join(name)).collect())
    } else {
        (single.clone(), vec![single])
    };
    let open = |path: PathBuf| match TensorFile::open(&path) {
        Ok(file) => Ok((path, file)),
        Err(reason) => Err(ModelError::damaged(&path, reason)),
    };
    Ok((catalogue, paths.into_iter().map(open).collect::<Result<_, _>>()?))
}

impl Shards<'_> {
    /// The file of a weight that the model asks for.
    fn file_of(&mut self, name: &str) -> Result<&mut (PathBuf, TensorFile), ModelError> {
        self.asked.insert(name.to_owned());
        let missing = || ModelError::damaged(&self.catalogue, format!("the weight `{name}` is missing"));
        let shard = self.places.get(name).ok_or_else(missing)?;
        Ok(&mut self.shards[*shard])
    }
}

impl Stored for Shards<'_> {
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let (path, file) = self.file_of(name)?;
        file.read(name, shape).map_err(|reason| ModelError::damaged(path, reason))
    }

    fn check(&mut self, name: &str, shape: &[usize]) -> Result<(), ModelError> {
        let (path, file) = self.file_of(name)?;
        file.check(name, shape).map_err(|reason| ModelError::damaged(path, reason))
    }

    fn device(&self) -> &Device {
        self.device
    }
}
