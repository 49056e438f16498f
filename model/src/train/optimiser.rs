//! AdamW over all weights of a model, with moments that can be written down and read back.
//!
//! The rule of one step is burn's. Its own holder of the moments knows parameters by numbers drawn at random for
//! each process; here they are found again by the weight's name (see [`super::state`]).

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::optim::{AdamW, AdamWConfig, AdamWState, GradientsParams, Optimizer};
use burn::tensor::Tensor;

use crate::Lm;

/// The moments of one weight, as one row.
pub(super) type Moments = AdamWState<1>;

/// AdamW and the moments of all weights that ever had a gradient.
pub(super) struct Optimiser {
    rule: AdamW,
    moments: HashMap<ParamId, Moments>,
}

impl Optimiser {
    /// Without moments yet.
    pub(super) fn new(weight_decay: f32) -> Self {
        let config = AdamWConfig::new().with_beta_2(0.98).with_epsilon(1e-8).with_weight_decay(weight_decay);
        Self { rule: config.build(), moments: HashMap::new() }
    }

    /// Moves the weights that have a gradient.
    pub(super) fn step(&mut self, rate: f64, model: Lm, gradients: GradientsParams) -> Lm {
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
}

struct Update<'a> {
    optimiser: &'a mut Optimiser,
    rate: f64,
    gradients: GradientsParams,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let id = param.id;
        let Some(gradient) = self.gradients.remove::<D>(id) else { return param };
        let Optimiser { rule, moments } = &mut *self.optimiser;
        param.map(|weight| {
            let (shape, count) = (weight.shape(), weight.shape().num_elements());
            let (weight, gradient) = (weight.reshape([count]), gradient.reshape([count]));
            let (weight, after) = rule.step(self.rate, weight, gradient, moments.remove(&id));
            after.and_then(|after| moments.insert(id, after));
            weight.reshape(shape)
        })
    }
}
