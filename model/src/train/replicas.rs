//! Training on several devices at once: each has a copy of the weights and computes the gradient of its share of every
//! batch; the sum moves the weights of the first.
//!
//! The gradients are copied to the first device and added there, which works between all devices that burn can copy
//! between. With the cargo feature `collective`, CUDA devices add them up among themselves, by burn's `all_reduce`;
//! burn 0.22.1 has that operation for no other backend.

use burn::optim::GradientsParams;
use burn::tensor::Device;

use super::TrainConfig;
use crate::parallel::Workers;
use crate::{Lm, ModelError};

/// The devices that have a share of each batch, the model's first.
pub(super) fn devices(first: &Device, config: &TrainConfig) -> Vec<Device> {
    [std::slice::from_ref(first), &config.replicas].concat()
}

/// One worker for each device; on a single one as many as it has use for.
pub(super) fn workers(first: &Device, config: &TrainConfig) -> Result<Workers, ModelError> {
    match config.replicas.len() {
        0 => Workers::new(first, config.batch),
        more => Workers::with_count((more + 1).min(config.batch)),
    }
}

/// The gradient on the first device, there to be added to the others'; `None` if another device has the sum of all.
pub(super) fn gather(gradient: GradientsParams, leaves: &Lm, devices: &[Device]) -> Option<GradientsParams> {
    let [first, _, ..] = devices else { return Some(gradient) };
    #[cfg(feature = "collective")]
    if crate::device::is_cuda(first) {
        let is_first = leaves.device() == *first;
        return Some(collective::sum(gradient, leaves, devices)).filter(|_| is_first);
    }
    Some(gradient.to_device(first, leaves))
}

#[cfg(feature = "collective")]
mod collective {
    use burn::module::{Module, ModuleVisitor, Param};
    use burn::optim::GradientsParams;
    use burn::tensor::distributed::{ReduceOperation, all_reduce};
    use burn::tensor::{Device, Tensor};

    use crate::Lm;

    /// The sum over all devices. Each must call this for the same weights, from a thread of its own.
    pub(super) fn sum(gradient: GradientsParams, leaves: &Lm, devices: &[Device]) -> GradientsParams {
        let mut reduce = Reduce { gradient, devices };
        leaves.visit(&mut reduce);
        reduce.gradient
    }

    struct Reduce<'a> {
        gradient: GradientsParams,
        devices: &'a [Device],
    }

    impl ModuleVisitor for Reduce<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(own) = self.gradient.remove::<D>(param.id) {
                let sum = all_reduce(own, ReduceOperation::Sum, self.devices.to_vec()).resolve();
                self.gradient.register(param.id, sum);
            }
        }
    }
}
