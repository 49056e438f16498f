//! One `.safetensors` file, read a tensor at a time: nothing but the header is held in memory.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;

/// Headers are a few megabytes at most; a longer one is no header.
const LONGEST_HEADER: u64 = 100 << 20;
const NOTES: &str = "__metadata__";

/// An opened file. Its errors say what is wrong, without the file's name.
pub(crate) struct TensorFile {
    file: File,
    /// Where its data begins.
    start: u64,
    entries: HashMap<String, Entry>,
    notes: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

impl TensorFile {
    /// Opens a file, reads what is in it, and checks that it is as long as that says.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let mut file = File::open(path).map_err(text)?;
        let whole = file.metadata().map_err(text)?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|_| "it is no safetensors file: it is too short".to_owned())?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER || length + 8 > whole {
            return Err("it is no safetensors file, or was not copied to its end".to_owned());
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(text)?;
        let mut fields: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&header).map_err(|error| format!("its header does not parse: {error}"))?;
        let notes = fields.remove(NOTES).and_then(|notes| serde_json::from_value(notes).ok());
        let start = length + 8;
        let mut entries = HashMap::new();
        for (name, value) in fields {
            let entry: Entry = serde_json::from_value(value)
                .map_err(|error| format!("the header's `{name}` does not parse: {error}"))?;
            let [from, to] = entry.data_offsets;
            if from > to || start.checked_add(to).is_none_or(|end| end > whole) {
                return Err(format!(
                    "it ends at byte {whole}, but the weight `{name}` goes beyond: it was not copied to its end"
                ));
            }
            entries.insert(name, entry);
        }
        Ok(Self { file, start, entries, notes: notes.unwrap_or_default() })
    }

    /// The tensors in it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.entries.keys()
    }

    /// The tensors in it with their shapes.
    pub(crate) fn shapes(&self) -> impl Iterator<Item = (&String, &[usize])> {
        self.entries.iter().map(|(name, entry)| (name, &*entry.shape))
    }

    /// What its writer noted under that key.
    pub(crate) fn note(&self, key: &str) -> Option<&str> {
        self.notes.get(key).map(String::as_str)
    }

    /// Refuses a tensor that cannot be read as one of that shape. Its values are not looked at.
    pub(crate) fn check(&self, name: &str, shape: &[usize]) -> Result<(), String> {
        self.place(name, shape).map(drop)
    }

    /// The values of a tensor that must have that shape.
    pub(crate) fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let (numbers, [from, to]) = self.place(name, shape)?;
        let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(usize::MAX)];
        let file = &mut self.file;
        file.seek(SeekFrom::Start(self.start + from))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| format!("the weight `{name}` cannot be read: {error}"))?;
        Ok(numbers.values(&bytes))
    }

    /// The kind and the place of a tensor's numbers.
    fn place(&self, name: &str, shape: &[usize]) -> Result<(Numbers, [u64; 2]), String> {
        let entry = self.entries.get(name).ok_or_else(|| format!("the weight `{name}` is missing"))?;
        let refuse = |reason| Err(format!("the weight `{name}` {reason}"));
        if entry.shape != shape {
            return refuse(format!("should have the shape {shape:?}, but has {:?}", entry.shape));
        }
        let Some(numbers) = Numbers::named(&entry.dtype) else {
            return refuse(format!("has the type {}; F32, F16 and BF16 are supported", entry.dtype));
        };
        let [from, to] = entry.data_offsets;
        let (expected, found) = (shape.iter().product::<usize>() as u64, to - from);
        if found != expected * numbers.bytes() {
            let found = found / numbers.bytes();
            return refuse(format!("should have {expected} values, but has {found}"));
        }
        Ok((numbers, [from, to]))
    }
}

/// The kinds of numbers that are read.
#[derive(Clone, Copy)]
enum Numbers {
    F32,
    F16,
    Bf16,
}

impl Numbers {
    fn named(dtype: &str) -> Option<Self> {
        match dtype {
            "F32" => Some(Self::F32),
            "F16" => Some(Self::F16),
            "BF16" => Some(Self::Bf16),
            _ => None,
        }
    }

    /// Bytes of each.
    fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    fn values(self, bytes: &[u8]) -> Vec<f32> {
        let (fours, pairs) = (bytes.as_chunks::<4>().0.iter(), bytes.as_chunks::<2>().0.iter());
        match self {
            Self::F32 => fours.map(|&four| f32::from_le_bytes(four)).collect(),
            Self::F16 => pairs.map(|&pair| half::f16::from_le_bytes(pair).to_f32()).collect(),
            Self::Bf16 => pairs.map(|&pair| half::bf16::from_le_bytes(pair).to_f32()).collect(),
        }
    }
}
