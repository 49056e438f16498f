//! Single numbers, from the device.

use burn::tensor::Tensor;

use crate::ModelError;
use crate::device::read_back;

/// The value of a tensor with one element.
pub(super) fn scalar(value: Tensor<1>) -> Result<f32, ModelError> {
    let empty = || ModelError::Compute { reason: "an empty result".to_owned() };
    read_back(value)?.first().copied().ok_or_else(empty)
}
