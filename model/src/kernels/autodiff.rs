//! The kernels' gradients.

use burn::backend::Flex;
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::{Attended, Cpu, Factors, Kernels, cpu, dense, owned, rotated, tensor, values};

/// Implements [`Backward`] on the processor: what is kept, and the gradients of the inputs from that of the output.
macro_rules! backward {
    ($name:ident, $inputs:literal, $state:ty, |$kept:pat_param, $grad:ident| $body:expr) => {
        #[derive(Debug)]
        struct $name;

        impl Backward<Flex, $inputs> for $name {
            type State = $state;

            fn backward(self, ops: Ops<$state, $inputs>, grads: &mut Gradients, _: &mut Checkpointer) {
                let $grad = grads.consume::<Flex>(&ops.node);
                let $kept = ops.state;
                let results: [Cpu; $inputs] = $body;
                for (parent, result) in ops.parents.into_iter().zip(results) {
                    if let Some(parent) = parent {
                        grads.register::<Flex>(parent.id, result);
                    }
                }
            }
        }
    };
}

backward!(RmsNorm, 2, (Cpu, Cpu, f32), |(x, gamma, epsilon), grad| {
    let (mut dx, shape) = owned(grad);
    let mut dgamma = vec![0.0; values(&gamma).len()];
    cpu::rms_norm_backward(values(&x), values(&gamma), epsilon, &mut dx, &mut dgamma);
    let size = dgamma.len();
    [tensor(dx, shape), tensor(dgamma, vec![size])]
});

backward!(SwiGlu, 2, (Cpu, Cpu), |(gate, up), grad| {
    let ((mut gate, shape), (mut up, _), grad) = (owned(gate), owned(up), dense(grad));
    cpu::swiglu_backward(&mut gate, &mut up, values(&grad));
    [tensor(gate, shape.clone()), tensor(up, shape)]
});

backward!(Rotate, 1, Cpu, |angles, grad| [rotated(grad, &angles, -1.0)]);

backward!(Attention, 3, Attended, |kept, grad| kept.gradients(grad));

#[derive(Debug)]
struct RoundedProduct;

impl Backward<Flex, 2> for RoundedProduct {
    type State = Factors;

    fn backward(self, ops: Ops<Factors, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let slope = dense(grads.consume::<Flex>(&ops.node));
        let [x, weight] = ops.parents;
        // Adapters leave the weight as it is, so its gradient is not made.
        if let Some(x) = x {
            grads.register::<Flex>(x.id, ops.state.gradient(&slope));
        }
        if let Some(weight) = weight {
            grads.register::<Flex>(weight.id, ops.state.weight_gradient(&slope));
        }
    }
}

backward!(CrossEntropy, 1, Cpu, |gradient, grad| {
    let ((mut dx, shape), (factor, _)) = (owned(gradient), owned(grad));
    if factor[0] != 1.0 {
        dx.iter_mut().for_each(|dx| *dx *= factor[0]);
    }
    [tensor(dx, shape)]
});

impl<C: CheckpointStrategy> Kernels for Autodiff<Flex, C> {
    fn rms_norm(x: FloatTensor<Self>, gamma: FloatTensor<Self>, epsilon: f32) -> FloatTensor<Self> {
        let ((x, x_node), (gamma, gamma_node)) = (x.into_parts(), gamma.into_parts());
        let (x, gamma) = (dense(x), dense(gamma));
        let y = Flex::rms_norm(x.clone(), gamma.clone(), epsilon);
        match RmsNorm.prepare::<C>([x_node, gamma_node]).compute_bound().stateful() {
            OpsKind::Tracked(step) => step.finish((x, gamma, epsilon), y),
            OpsKind::UnTracked(step) => step.finish(y),
        }
    }

    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        let ((gate, gate_node), (up, up_node)) = (gate.into_parts(), up.into_parts());
        let y = Flex::swiglu(gate.clone(), up.clone());
        match SwiGlu.prepare::<C>([gate_node, up_node]).compute_bound().stateful() {
            OpsKind::Tracked(step) => step.finish((gate, up), y),
            OpsKind::UnTracked(step) => step.finish(y),
        }
    }

    fn rotate(x: FloatTensor<Self>, angles: FloatTensor<Self>) -> FloatTensor<Self> {
        let ((x, node), angles) = (x.into_parts(), dense(angles.into_primitive()));
        let y = Flex::rotate(x, angles.clone());
        match Rotate.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(step) => step.finish(angles, y),
            OpsKind::UnTracked(step) => step.finish(y),
        }
    }

    fn attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        dim: usize,
        texts: Vec<usize>,
    ) -> FloatTensor<Self> {
        let [(query, q), (key, k), (value, v)] = [query, key, value].map(FloatTensor::<Self>::into_parts);
        let attended = Attended::new([query, key, value], dim, texts);
        let mixed = attended.mixed();
        match Attention.prepare::<C>([q, k, v]).compute_bound().stateful() {
            OpsKind::Tracked(step) => step.finish(attended, mixed),
            OpsKind::UnTracked(step) => step.finish(mixed),
        }
    }

    fn rounded_product(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        is_turned: bool,
    ) -> FloatTensor<Self> {
        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        let factors = Factors::new(x, weight, is_turned);
        let y = factors.product();
        match RoundedProduct.prepare::<C>([x_node, weight_node]).compute_bound().stateful() {
            OpsKind::Tracked(step) => step.finish(factors, y),
            OpsKind::UnTracked(step) => step.finish(y),
        }
    }

    fn cross_entropy(logits: FloatTensor<Self>, targets: Vec<i64>, weights: Vec<f32>) -> FloatTensor<Self> {
        let (logits, node) = logits.into_parts();
        let (mut gradient, shape) = owned(logits);
        let loss = tensor(vec![cpu::cross_entropy(&mut gradient, &targets, &weights)], vec![1]);
        match CrossEntropy.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(step) => step.finish(tensor(gradient, shape), loss),
            OpsKind::UnTracked(step) => step.finish(loss),
        }
    }
}
