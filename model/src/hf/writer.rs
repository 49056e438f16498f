//! Weights into a `model.safetensors`, each converted when it is written.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use burn::tensor::Tensor;
use safetensors::tensor::{Dtype, View};

use crate::Lm;
use crate::nn::{Named, Weight};
use crate::stored::transposed;

/// Numbers of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// 32-bit numbers.
    Single,
    /// 16-bit numbers.
    Half,
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
        match self.precision {
            Precision::Single => Dtype::F32,
            Precision::Half => Dtype::F16,
        }
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
        Cow::Owned(match self.precision {
            Precision::Single => values.into_iter().flat_map(f32::to_le_bytes).collect(),
            Precision::Half => {
                values.into_iter().flat_map(|value| half::f16::from_f32(value).to_le_bytes()).collect()
            }
        })
    }

    fn data_len(&self) -> usize {
        let bytes = if self.precision == Precision::Half { 2 } else { 4 };
        bytes * self.shape.iter().product::<usize>()
    }
}

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().convert::<f32>().try_to_vec().expect("it was converted to f32")
}
