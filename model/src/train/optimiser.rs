//! AdamW over all weights of a model, with moments that can be written down and read back.
//!
//! The rule of one step is burn's, on the processor in one pass over memory. Burn's own holder of the moments knows
//! parameters by numbers drawn at random for each process; here they are found again by the weight's name (see
//! [`super::state`]).

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::optim::{
    AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, GradientsParams, LearningRate, Optimizer,
};
use burn::tensor::Tensor;

use crate::Lm;
use crate::kernels::{self, cpu::AdamStep};

/// AdamW's factors of the first and second moments.
pub const BETAS: [f32; 2] = [0.9, 0.98];
/// What AdamW adds to the root of the second moment.
pub const EPSILON: f32 = 1e-8;

/// The moments of one weight, as one row.
pub(super) type Moments = AdamWState<1>;

/// AdamW and the moments of all weights that ever had a gradient.
pub(super) struct Optimiser {
    rule: AdamW,
    weight_decay: f32,
    moments: HashMap<ParamId, Moments>,
}

impl Optimiser {
    /// Without moments yet.
    pub(super) fn new(weight_decay: f32) -> Self {
        let config = AdamWConfig::new().with_beta_1(BETAS[0]).with_beta_2(BETAS[1]).with_epsilon(EPSILON);
        let rule = config.with_weight_decay(weight_decay).build();
        Self { rule, weight_decay, moments: HashMap::new() }
    }

    /// Moves the weights that have a gradient.
    pub(super) fn step(&mut self, rate: LearningRate, model: Lm, gradients: GradientsParams) -> Lm {
        model.map(&mut Update { optimiser: self, rate, gradients })
    }

    /// The moments of a weight; `None` if it never had a gradient.
    pub(super) fn moments(&self, id: ParamId) -> Option<&Moments> {
        self.moments.get(&id)
    }

    /// Puts moments back.
    pub(super) fn restore(&mut self, id: ParamId, moments: Moments) {
        self.moments.insert(id, moments);
    }

    /// One weight after a step, and its moments.
    fn moved(
        &self,
        rate: LearningRate,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        before: Option<Moments>,
    ) -> (Tensor<1>, Option<Moments>) {
        if !kernels::can_take(&weight) || !kernels::can_take(&gradient) {
            return self.rule.step(rate, weight, gradient, before);
        }
        let (time, moments) = match before {
            Some(AdamWState { momentum }) => (momentum.time, [momentum.moment_1, momentum.moment_2]),
            None => (0, [weight.zeros_like(), weight.zeros_like()]),
        };
        let time = time + 1;
        let step = AdamStep {
            beta_1: BETAS[0],
            beta_2: BETAS[1],
            epsilon: EPSILON,
            rate: rate as f32,
            keep: (1.0 - rate * f64::from(self.weight_decay)) as f32,
            time: i32::try_from(time).unwrap_or(i32::MAX),
        };
        let (weight, [moment_1, moment_2]) = kernels::adamw(step, weight, gradient, moments);
        let momentum = AdaptiveMomentumState { time, moment_1, moment_2, max_moment_2: None };
        (weight, Some(AdamWState { momentum }))
    }
}

struct Update<'a> {
    optimiser: &'a mut Optimiser,
    rate: LearningRate,
    gradients: GradientsParams,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let id = param.id;
        let Some(gradient) = self.gradients.remove::<D>(id) else { return param };
        param.map(|weight| {
            let (shape, count) = (weight.shape(), weight.shape().num_elements());
            let (weight, gradient) = (weight.reshape([count]), gradient.reshape([count]));
            let before = self.optimiser.moments.remove(&id);
            let (weight, after) = self.optimiser.moved(self.rate, weight, gradient, before);
            after.and_then(|after| self.optimiser.moments.insert(id, after));
            weight.reshape(shape)
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn a_step_on_the_processor_is_burn_s_to_the_last_bit() {
        let device = Device::flex();
        let row = |values: Vec<f32>| Tensor::<1>::from_data(TensorData::from(&values[..]), &device);
        let values = |x: &Tensor<1>| x.to_data().try_into_vec::<f32>().unwrap();
        let count = 70_001;
        let start: Vec<_> = (0..count).map(|i| (i as f32 * 0.37).sin()).collect();
        let optimiser = Optimiser::new(0.01);
        let (mut ours, mut burns) = ((row(start.clone()), None), (row(start), None));
        for step in 1..=5 {
            let gradient: Vec<_> = (0..count).map(|i| ((i * step) as f32 * 0.11).cos() * 1e-2).collect();
            let rate = 3e-4 * step as f64;
            ours = optimiser.moved(rate, ours.0, row(gradient.clone()), ours.1);
            burns = optimiser.rule.step(rate, burns.0, row(gradient), burns.1);
            assert_eq!(values(&ours.0), values(&burns.0), "step {step}");
        }
        let (ours, burns) = (ours.1.unwrap().momentum, burns.1.unwrap().momentum);
        assert_eq!(values(&ours.moment_1), values(&burns.moment_1));
        assert_eq!(values(&ours.moment_2), values(&burns.moment_2));
        assert_eq!((ours.time, burns.time), (5, 5));
    }
}
