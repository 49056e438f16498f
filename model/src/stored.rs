//! Weights that lie in a file, of whatever format: each is asked for by its name and shape.

use burn::tensor::{Device, TensorData};

use crate::nn::Weights;
use crate::{Lm, ModelConfig, ModelError};

/// A file, or several, with all weights of a model.
pub(crate) trait Stored {
    /// The values of a weight that must have that shape in the file, the last dimension the innermost.
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError>;

    /// Refuses a weight that cannot be taken with that shape. Its values are not read.
    fn check(&mut self, name: &str, shape: &[usize]) -> Result<(), ModelError>;

    /// Where they are needed.
    fn device(&self) -> &Device;
}

/// Checks that every weight of a model is there and has its shape. The model is built as it always is, so that this cannot
/// ask for others, but of numbers that stand for its weights.
pub(crate) fn check_all(config: &ModelConfig, stored: &mut impl Stored) -> Result<(), ModelError> {
    // The table of positions is no weight and takes long to make.
    let config = ModelConfig { max_seq: 2, ..config.clone() };
    Lm::build(&config, &mut Checked(stored)).map(drop)
}

/// Weights that are checked and not read.
struct Checked<'a, S>(&'a mut S);

impl<S: Stored> Weights for Checked<'_, S> {
    fn projection(&mut self, name: &str, shape: [usize; 2], _gain: f64) -> Result<TensorData, ModelError> {
        let [inputs, outputs] = shape;
        self.0.check(name, &[outputs, inputs])?;
        Ok(TensorData::new(vec![0_f32], [1, 1]))
    }

    fn table(&mut self, name: &str, shape: [usize; 2]) -> Result<TensorData, ModelError> {
        self.0.check(name, &shape)?;
        Ok(TensorData::new(vec![0_f32], [1, 1]))
    }

    fn vector(&mut self, name: &str, len: usize, _initial: f32) -> Result<TensorData, ModelError> {
        self.0.check(name, &[len])?;
        Ok(TensorData::new(vec![0_f32], [1]))
    }

    fn device(&self) -> &Device {
        Stored::device(&*self.0)
    }
}

impl<S: Stored> Weights for S {
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
        Stored::device(self)
    }
}

/// `[rows, columns]` → `[columns, rows]`, in tiles that fit a cache.
pub(crate) fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
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
