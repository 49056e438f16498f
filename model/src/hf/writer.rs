//! Weights into a `model.safetensors`, each converted when it is written.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use burn::tensor::Tensor;
use safetensors::tensor::{Dtype, View};
use serde_json::{Map, Value};

use crate::Lm;
use crate::nn::{Named, Weight};
use crate::stored::transposed;

/// Numbers of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// 32-bit numbers.
    Single,
    /// 16-bit numbers, the finer ones.
    Half,
    /// 16-bit numbers that reach as far as 32-bit ones.
    Brain,
}

impl Precision {
    /// 16-bit numbers for a model that came with this `config.json`. If it had bfloat16, that is what keeps all of its numbers.
    pub(crate) fn half_of(source: &Map<String, Value>) -> Self {
        let named = |key: &str| source.get(key).and_then(Value::as_str);
        let is_brain = named("dtype").or(named("torch_dtype")).is_some_and(|name| name.ends_with("bfloat16"));
        if is_brain { Self::Brain } else { Self::Half }
    }

    /// How a `config.json` calls them.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Single => "float32",
            Self::Half => "float16",
            Self::Brain => "bfloat16",
        }
    }

    fn dtype(self) -> Dtype {
        match self {
            Self::Single => Dtype::F32,
            Self::Half => Dtype::F16,
            Self::Brain => Dtype::BF16,
        }
    }

    fn bytes(self, values: Vec<f32>) -> Vec<u8> {
        let values = values.into_iter();
        match self {
            Self::Single => values.flat_map(f32::to_le_bytes).collect(),
            Self::Half => values.flat_map(|value| half::f16::from_f32(value).to_le_bytes()).collect(),
            Self::Brain => values.flat_map(|value| half::bf16::from_f32(value).to_le_bytes()).collect(),
        }
    }
}

/// Writes all weights of a model in inference mode.
///
/// # Errors
/// What the system or the device said.
pub(crate) fn write_weights(model: &Lm, precision: Precision, path: &Path) -> Result<(), String> {
    // Without this mark `transformers` refuses a file.
    write(model.list(), precision, ("format", "pt"), path)
}

/// Writes tensors and a note under a key.
///
/// # Errors
/// What the system or the device said.
pub(crate) fn write_tensors(named: Named, note: (&str, &str), path: &Path) -> Result<(), String> {
    write(named, Precision::Single, note, path)
}

fn write(named: Named, precision: Precision, (key, note): (&str, &str), path: &Path) -> Result<(), String> {
    let named = named.into_iter().map(|(name, weight)| (name, Stored::new(weight, precision)));
    let notes = HashMap::from([(key.to_owned(), note.to_owned())]);
    safetensors::serialize_to_file(named, Some(notes), path).map_err(|error| error.to_string())
}

/// A weight with the shape that it has in the file.
struct Stored {
    weight: Weight,
    shape: Vec<usize>,
    precision: Precision,
}

impl Stored {
    fn new(weight: Weight, precision: Precision) -> Self {
        let shape = match &weight {
            Weight::Projection(matrix) => matrix.dims().into_iter().rev().collect(),
            Weight::Table(table) => table.dims().to_vec(),
            Weight::Vector(vector) => vector.dims().to_vec(),
        };
        Self { weight, shape, precision }
    }
}

impl View for Stored {
    fn dtype(&self) -> Dtype {
        self.precision.dtype()
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let values = match &self.weight {
            Weight::Projection(matrix) => transposed(&values(matrix), self.shape[1], self.shape[0]),
            Weight::Table(table) => values(table),
            Weight::Vector(vector) => values(vector),
        };
        Cow::Owned(self.precision.bytes(values))
    }

    fn data_len(&self) -> usize {
        self.dtype().bitsize() / 8 * self.shape.iter().product::<usize>()
    }
}

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().convert::<f32>().try_to_vec().expect("it was converted to f32")
}
