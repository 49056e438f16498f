//! The kernels against burn's own operations, forwards and backwards.

use burn::tensor::activation::{log_softmax, silu, softmax};
use burn::tensor::{Distribution, Int};

use super::*;

fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
}

fn assert_close<const D: usize>(name: &str, left: Tensor<D>, right: Tensor<D>) {
    let worst = (left - right).abs().max().into_data().try_to_vec::<f32>().unwrap()[0];
    assert!(worst < 2e-4, "{name}: {worst}");
}

/// The same output and the same gradients of all inputs, for a random gradient of the output.
fn same<const N: usize, const D: usize>(
    name: &str,
    inputs: [Tensor<2>; N],
    ours: impl Fn([Tensor<2>; N]) -> Tensor<D>,
    burns: impl Fn([Tensor<2>; N]) -> Tensor<D>,
) {
    let plain = ours(inputs.clone());
    let above = random(plain.dims());
    let run = |work: &dyn Fn([Tensor<2>; N]) -> Tensor<D>| {
        let inputs = inputs.clone().map(|input| input.autodiff().require_grad());
        let output = work(inputs.clone());
        let gradients = (output.clone() * above.clone().autodiff()).sum().backward();
        (output.inner(), inputs.map(|input| input.grad(&gradients).unwrap()))
    };
    let ((output, slopes), (expected, expected_slopes)) = (run(&ours), run(&burns));
    assert_close(name, plain, expected.clone());
    assert_close(name, output, expected);
    for (slope, expected) in slopes.into_iter().zip(expected_slopes) {
        assert_close(&format!("{name}, backwards"), slope, expected);
    }
}

#[test]
fn rms_norm_is_burns() {
    same(
        "rms_norm",
        [random([37, 40]), random([1, 40])],
        |[x, gamma]| rms_norm(x, gamma.reshape([40]), 1e-5),
        |[x, gamma]| {
            let rms = (x.clone().square().mean_dim(1) + 1e-5).sqrt();
            x / rms * gamma
        },
    );
}

#[test]
fn swiglu_is_burns() {
    same(
        "swiglu",
        [random([9, 33]), random([9, 33])],
        |[gate, up]| swiglu(gate, up),
        |[gate, up]| silu(gate) * up,
    );
}

#[test]
fn inputs_may_lie_in_any_order() {
    let turned = |x: Tensor<2>| x.transpose();
    same(
        "swiglu",
        [random([9, 33]), random([9, 33])],
        |[gate, up]| swiglu(turned(gate), turned(up)),
        |[gate, up]| silu(turned(gate)) * turned(up),
    );
}

#[test]
fn rotation_is_burns() {
    let angles = random([6, 8]);
    let half = angles.clone().slice([0..6, 0..4]);
    let angles = Tensor::cat(vec![half.clone(), half], 1);
    let both: Tensor<3> = Tensor::stack(vec![angles.clone().cos(), angles.clone().sin()], 0);
    same(
        "rotate",
        [random([6, 24])],
        |[x]| rotate(x, both.clone()),
        |[x]| {
            let x = x.reshape([6, 3, 8]);
            let (left, right) = (x.clone().slice([0..6, 0..3, 0..4]), x.clone().slice([0..6, 0..3, 4..8]));
            let turned = Tensor::cat(vec![right.neg(), left], 2);
            let of = |table: Tensor<2>| {
                let table = table.reshape([6, 1, 8]);
                if x.is_autodiff() { table.autodiff() } else { table }
            };
            (x.clone() * of(angles.clone().cos()) + turned * of(angles.clone().sin())).reshape([6, 24])
        },
    );
}

/// Attention of one text and one head by burn's operations.
fn one_head(query: Tensor<2>, key: Tensor<2>, value: Tensor<2>) -> Tensor<2> {
    let [len, dim] = query.dims();
    let hidden: Vec<f32> =
        (0..len * len).map(|i| if i % len > i / len { f32::NEG_INFINITY } else { 0.0 }).collect();
    let hidden = Tensor::<2>::from_data(TensorData::new(hidden, [len, len]), &Device::flex());
    let hidden = if query.is_autodiff() { hidden.autodiff() } else { hidden };
    let scores = query.matmul(key.transpose()).div_scalar((dim as f32).sqrt()) + hidden;
    softmax(scores, 1).matmul(value)
}

#[test]
fn attention_is_burns_and_stays_within_a_text() {
    let (dim, texts) = (8, [5usize, 1, 70, 33]);
    let rows = texts.iter().sum();
    let by_hand = |[query, key, value]: [Tensor<2>; 3]| {
        let mut start = 0;
        let parts = texts.map(|len| {
            let of = |x: &Tensor<2>, head: usize| {
                x.clone().slice([start..start + len, head * dim..(head + 1) * dim])
            };
            let heads =
                (0..6).map(|head| one_head(of(&query, head), of(&key, head / 3), of(&value, head / 3)));
            let text = Tensor::cat(heads.collect(), 1);
            start += len;
            text
        });
        Tensor::cat(parts.into(), 0)
    };
    same(
        "attention",
        [random([rows, 6 * dim]), random([rows, 2 * dim]), random([rows, 2 * dim])],
        |[query, key, value]| attention(query, key, value, dim, &texts),
        by_hand,
    );
}

#[test]
fn cross_entropy_is_burns() {
    let (targets, weights) = ([3i64, 0, 18, 7], [1.0f32, 0.5, 0.0, 2.0]);
    same(
        "cross_entropy",
        [random([4, 19])],
        |[logits]| cross_entropy(logits.mul_scalar(3.0), &targets, &weights),
        |[logits]| {
            let at = Tensor::<2, Int>::from_data(TensorData::new(targets.to_vec(), [4, 1]), &Device::flex());
            let weights = Tensor::<2>::from_data(TensorData::new(weights.to_vec(), [4, 1]), &Device::flex());
            let (at, weights) =
                if logits.is_autodiff() { (at.autodiff(), weights.autodiff()) } else { (at, weights) };
            (log_softmax(logits.mul_scalar(3.0), 1).gather(1, at) * weights).sum().neg()
        },
    );
}
