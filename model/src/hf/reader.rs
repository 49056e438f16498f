//! Weights out of `.safetensors` files, one file or shards with an index.
//!
//! Each weight is read when the model asks for it, so loading needs the memory of the model and of one more
//! weight.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use burn::tensor::{Device, TensorData};
use serde::Deserialize;

use crate::ModelError;
use crate::nn::Weights;

/// The weights of a checkpoint that is not in shards.
pub(crate) const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
/// Headers are a few megabytes at most; a longer one is no header.
const LONGEST_HEADER: u64 = 100 << 20;

/// The weights of a folder.
pub(crate) struct Shards<'a> {
    device: &'a Device,
    /// What names the weights: the index, or the only file.
    catalogue: PathBuf,
    shards: Vec<Shard>,
    /// Which shard a weight is in, and where.
    places: HashMap<String, (usize, Entry)>,
    asked: BTreeSet<String>,
}

/// An opened file.
struct Shard {
    path: PathBuf,
    file: File,
    /// Where its data begins.
    start: u64,
}

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
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
        let index = dir.join(INDEX);
        let (catalogue, paths) = if index.is_file() {
            let text = std::fs::read_to_string(&index).map_err(|error| ModelError::damaged(&index, error))?;
            let map: Index =
                serde_json::from_str(&text).map_err(|error| ModelError::damaged(&index, error))?;
            let names: BTreeSet<_> = map.weight_map.into_values().collect();
            if let Some(name) = names.iter().find(|name| Path::new(name).components().count() != 1) {
                return Err(ModelError::damaged(&index, format!("`{name}` is no file of this folder")));
            }
            (index, names.into_iter().map(|name| dir.join(name)).collect())
        } else {
            (dir.join(SINGLE), vec![dir.join(SINGLE)])
        };
        let (mut shards, mut places) = (Vec::new(), HashMap::new());
        for path in paths {
            let (shard, entries) = Shard::open(path)?;
            places.extend(entries.into_iter().map(|(name, entry)| (name, (shards.len(), entry))));
            shards.push(shard);
        }
        Ok(Self { device, catalogue, shards, places, asked: BTreeSet::new() })
    }

    /// Refuses weights that the model did not ask for: they would be lost silently.
    ///
    /// # Errors
    /// [`ModelError::Checkpoint`] with the name of one.
    pub(crate) fn finish(self) -> Result<(), ModelError> {
        // Older checkpoints repeat what can be computed, and tied ones repeat the embedding.
        let harmless = |name: &str| name.ends_with("rotary_emb.inv_freq") || name == "lm_head.weight";
        let unasked = self.places.keys().filter(|name| !self.asked.contains(*name) && !harmless(name));
        match unasked.min() {
            None => Ok(()),
            Some(name) => Err(ModelError::damaged(
                &self.catalogue,
                format!("it has a weight `{name}` that the model of config.json has not"),
            )),
        }
    }

    /// The values of a weight that must have that shape in the file.
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        self.asked.insert(name.to_owned());
        let (shard, entry) = self
            .places
            .get(name)
            .ok_or_else(|| ModelError::damaged(&self.catalogue, format!("the weight `{name}` is missing")))?;
        let Shard { path, file, start } = &mut self.shards[*shard];
        let refuse = |reason| Err(ModelError::damaged(path, format!("the weight `{name}` {reason}")));
        if entry.shape != shape {
            let found = &entry.shape;
            return refuse(format!("should have the shape {shape:?} by config.json, but has {found:?}"));
        }
        let [from, to] = entry.data_offsets;
        let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(usize::MAX)];
        if let Err(error) =
            file.seek(SeekFrom::Start(*start + from)).and_then(|_| file.read_exact(&mut bytes))
        {
            return refuse(format!("cannot be read: {error}"));
        }
        let Some(values) = numbers(&entry.dtype, &bytes) else {
            return refuse(format!("has the type {}; F32, F16 and BF16 are supported", entry.dtype));
        };
        let expected: usize = shape.iter().product();
        if values.len() != expected {
            return refuse(format!("should have {expected} values, but has {}", values.len()));
        }
        Ok(values)
    }
}

impl Weights for Shards<'_> {
    fn projection(&mut self, name: &str, shape: [usize; 2], _gain: f64) -> Result<TensorData, ModelError> {
        let [inputs, outputs] = shape;
        let values = self.take(name, &[outputs, inputs])?;
        Ok(TensorData::new(transposed(&values, outputs, inputs), shape))
    }

    fn table(&mut self, name: &str, shape: [usize; 2]) -> Result<TensorData, ModelError> {
        Ok(TensorData::new(self.take(name, &shape)?, shape))
    }

    fn vector(&mut self, name: &str, len: usize, _initial: f32) -> Result<TensorData, ModelError> {
        Ok(TensorData::new(self.take(name, &[len])?, [len]))
    }

    fn device(&self) -> &Device {
        self.device
    }
}

/// `[rows, columns]` → `[columns, rows]`, in tiles that fit a cache.
pub(super) fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    const TILE: usize = 32;
    let mut turned = vec![0.0; values.len()];
    for top in (0..rows).step_by(TILE) {
        for left in (0..columns).step_by(TILE) {
            for row in top..rows.min(top + TILE) {
                for column in left..columns.min(left + TILE) {
                    turned[column * rows + row] = values[row * columns + column];
                }
            }
        }
    }
    turned
}

fn numbers(dtype: &str, bytes: &[u8]) -> Option<Vec<f32>> {
    let (fours, pairs) = (bytes.as_chunks::<4>().0.iter(), bytes.as_chunks::<2>().0.iter());
    Some(match dtype {
        "F32" => fours.map(|&four| f32::from_le_bytes(four)).collect(),
        "F16" => pairs.map(|&pair| half::f16::from_le_bytes(pair).to_f32()).collect(),
        "BF16" => pairs.map(|&pair| half::bf16::from_le_bytes(pair).to_f32()).collect(),
        _ => return None,
    })
}

impl Shard {
    /// Opens a file and reads what is in it.
    fn open(path: PathBuf) -> Result<(Self, HashMap<String, Entry>), ModelError> {
        let refuse = |reason: String| ModelError::damaged(&path, reason);
        let mut file = File::open(&path).map_err(|error| refuse(error.to_string()))?;
        let whole = file.metadata().map_err(|error| refuse(error.to_string()))?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length)
            .map_err(|_| refuse("it is no safetensors file: it is too short".to_owned()))?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER || length + 8 > whole {
            return Err(refuse("it is no safetensors file, or was not copied to its end".to_owned()));
        }
        let mut text = vec![0; length as usize];
        file.read_exact(&mut text).map_err(|error| refuse(error.to_string()))?;
        let mut fields: HashMap<String, serde_json::Value> = serde_json::from_slice(&text)
            .map_err(|error| refuse(format!("its header does not parse: {error}")))?;
        fields.remove("__metadata__");
        let start = length + 8;
        let mut entries = HashMap::new();
        for (name, value) in fields {
            let entry: Entry = serde_json::from_value(value)
                .map_err(|error| refuse(format!("the header's `{name}` does not parse: {error}")))?;
            let [from, to] = entry.data_offsets;
            if from > to || start.checked_add(to).is_none_or(|end| end > whole) {
                return Err(refuse(format!(
                    "it ends at byte {whole}, but the weight `{name}` goes beyond: it was not copied to its end"
                )));
            }
            entries.insert(name, entry);
        }
        Ok((Self { path, file, start }, entries))
    }
}
