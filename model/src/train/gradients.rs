//! Adding up the gradients of the shares of a batch, and clipping the sum by its norm over all
//! parameters together.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::scalar::scalar;
use crate::{Lm, ModelError, kernels};

/// The sum of the gradients of the shares.
pub(super) fn sum(parts: Vec<GradientsParams>, model: &Lm) -> GradientsParams {
    let mut parts = parts.into_iter();
    let mut sum = Sum { total: parts.next().unwrap_or_default(), part: GradientsParams::new() };
    for part in parts {
        sum.part = part;
        model.visit(&mut sum);
    }
    sum.total
}

/// Scales the whole gradient down to `limit` if its norm is above; returns the norm it had. A norm that is not
/// finite is left for the caller to refuse.
pub(super) fn clip(
    gradients: GradientsParams,
    model: &Lm,
    limit: f32,
) -> Result<(GradientsParams, f32), ModelError> {
    let mut sum = SumOfSquares { gradients, on_processor: 0.0, elsewhere: None };
    model.visit(&mut sum);
    let SumOfSquares { gradients, on_processor, elsewhere } = sum;
    let elsewhere = elsewhere.map(scalar).transpose()?.unwrap_or_default();
    let norm = (on_processor + f64::from(elsewhere)).sqrt() as f32;
    if norm <= limit || !norm.is_finite() {
        return Ok((gradients, norm));
    }
    let mut scale = Scale { gradients, factor: limit / norm };
    model.visit(&mut scale);
    Ok((scale.gradients, norm))
}

struct Sum {
    total: GradientsParams,
    part: GradientsParams,
}

impl ModuleVisitor for Sum {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = match (self.total.remove::<D>(param.id), self.part.remove::<D>(param.id)) {
            (Some(total), Some(part)) if kernels::can_take(&total) => kernels::add(total, part),
            (Some(total), Some(part)) => total + part,
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return,
        };
        self.total.register(param.id, gradient);
    }
}

struct SumOfSquares {
    gradients: GradientsParams,
    on_processor: f64,
    elsewhere: Option<Tensor<1>>,
}

impl ModuleVisitor for SumOfSquares {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(mut gradient) = self.gradients.remove::<D>(param.id) else { return };
        if kernels::can_take(&gradient) {
            let sum;
            (gradient, sum) = kernels::sum_of_squares(gradient);
            self.on_processor += sum;
        } else {
            let square = gradient.clone().square().sum();
            self.elsewhere = Some(match self.elsewhere.take() {
                Some(total) => total + square,
                None => square,
            });
        }
        self.gradients.register(param.id, gradient);
    }
}

struct Scale {
    gradients: GradientsParams,
    factor: f32,
}

impl ModuleVisitor for Scale {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            let gradient = match kernels::can_take(&gradient) {
                true => kernels::scale(gradient, self.factor),
                false => gradient.mul_scalar(self.factor),
            };
            self.gradients.register(param.id, gradient);
        }
    }
}
