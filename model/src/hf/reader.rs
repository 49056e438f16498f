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

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
/// Headers are a few megabytes at most; a longer one is no header.
const LONGEST_HEADER: u64 = 100 << 20;

/// The weights of a folder.
pub(crate) struct Shards<'a> {
    device: &'a Device,
    /// What names the weights: the index, or the only file.
    catalogue: PathBuf,
    files: Vec<PathBuf>,
    places: HashMap<String, Place>,
    asked: BTreeSet<String>,
}

/// Where a weight is.
struct Place {
    file: usize,
    start: u64,
    entry: Entry,
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
        let (catalogue, files) = if index.is_file() {
            let text = std::fs::read_to_string(&index).map_err(|error| damaged(&index, error))?;
            let map: Index = serde_json::from_str(&text).map_err(|error| damaged(&index, error))?;
            let names: BTreeSet<_> = map.weight_map.into_values().collect();
            if let Some(name) = names.iter().find(|name| Path::new(name).components().count() != 1) {
                return Err(damaged(&index, format!("`{name}` is no file of this folder")));
            }
            (index, names.into_iter().map(|name| dir.join(name)).collect())
        } else {
            (dir.join(SINGLE), vec![dir.join(SINGLE)])
        };
        let mut places = HashMap::new();
        for (file, path) in files.iter().enumerate() {
            let (start, entries) = header(path)?;
            places.extend(entries.into_iter().map(|(name, entry)| (name, Place { file, start, entry })));
        }
        Ok(Self { device, catalogue, files, places, asked: BTreeSet::new() })
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
            Some(name) => Err(damaged(
                &self.catalogue,
                format!("it has a weight `{name}` that the model of config.json has not"),
            )),
        }
    }

    /// The values of a weight that must have that shape in the file.
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        self.asked.insert(name.to_owned());
        let place = self
            .places
            .get(name)
            .ok_or_else(|| damaged(&self.catalogue, format!("the weight `{name}` is missing")))?;
        let path = &self.files[place.file];
        if place.entry.shape != shape {
            let found = &place.entry.shape;
            let reason = format!(
                "the weight `{name}` should have the shape {shape:?} by config.json, but has {found:?}"
            );
            return Err(damaged(path, reason));
        }
        let [from, to] = place.entry.data_offsets;
        let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(usize::MAX)];
        let mut file = File::open(path).map_err(|error| damaged(path, error))?;
        file.seek(SeekFrom::Start(place.start + from))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| damaged(path, format!("the weight `{name}` cannot be read: {error}")))?;
        numbers(&place.entry.dtype, &bytes)
            .ok_or_else(|| {
                let kind = &place.entry.dtype;
                damaged(
                    path,
                    format!("the weight `{name}` has the type {kind}; F32, F16 and BF16 are supported"),
                )
            })
            .and_then(|values| {
                let expected: usize = shape.iter().product();
                let found = values.len();
                if found == expected {
                    return Ok(values);
                }
                Err(damaged(
                    path,
                    format!("the weight `{name}` should have {expected} values, but has {found}"),
                ))
            })
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

/// Where the data begins, and what there is.
fn header(path: &Path) -> Result<(u64, HashMap<String, Entry>), ModelError> {
    let refuse = |reason: String| damaged(path, reason);
    let mut file = File::open(path).map_err(|error| damaged(path, error))?;
    let whole = file.metadata().map_err(|error| damaged(path, error))?.len();
    let mut length = [0; 8];
    file.read_exact(&mut length)
        .map_err(|_| refuse("it is no safetensors file: it is too short".to_owned()))?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER || length + 8 > whole {
        return Err(refuse("it is no safetensors file, or was not copied to its end".to_owned()));
    }
    let mut text = vec![0; length as usize];
    file.read_exact(&mut text).map_err(|error| damaged(path, error))?;
    let mut fields: HashMap<String, serde_json::Value> = serde_json::from_slice(&text)
        .map_err(|error| refuse(format!("its header does not parse: {error}")))?;
    fields.remove("__metadata__");
    let entries = fields
        .into_iter()
        .map(|(name, value)| {
            let entry: Entry = serde_json::from_value(value)
                .map_err(|error| refuse(format!("the header's `{name}` does not parse: {error}")))?;
            Ok((name, entry))
        })
        .collect::<Result<HashMap<_, _>, ModelError>>()?;
    let start = length + 8;
    for (name, entry) in &entries {
        let [from, to] = entry.data_offsets;
        if from > to || start.checked_add(to).is_none_or(|end| end > whole) {
            return Err(refuse(format!(
                "it ends at byte {whole}, but the weight `{name}` goes beyond: it was not copied to its end"
            )));
        }
    }
    Ok((start, entries))
}

pub(super) fn damaged(path: &Path, reason: impl ToString) -> ModelError {
    let reason = reason.to_string().trim_end_matches('.').replace('\n', " ");
    ModelError::Checkpoint { path: path.to_owned(), reason }
}
