use std::time::Duration;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};

use super::*;
use crate::device::read_back;
use crate::hf;
use crate::nn::Weight;
use crate::{Device, ModelConfig, Precision, SampleConfig, SampleRequest, Special, sample};
use adapters::adapted_model;

mod adapters;
mod resume;

fn model() -> Lm {
    let config = ModelConfig {
        vocab_size: 40,
        layers: 2,
        width: 32,
        heads: 4,
        kv_heads: 2,
        ff: 48,
        max_seq: 32,
        ..ModelConfig::default()
    };
    Lm::init(&config, &Device::flex(), 5).unwrap()
}

fn config() -> TrainConfig {
    TrainConfig {
        epochs: 60,
        batch: 8,
        learning_rate: 1e-2,
        warmup_steps: 5,
        weight_decay: 0.01,
        seed: 3,
        ..TrainConfig::default()
    }
}

/// Twenty questions whose answers have nothing to do with them.
fn examples() -> Vec<Example> {
    let answer = |i: u32| (0..2 + i % 5).map(move |k| 8 + (i * 13 + k * k * 7) % 32);
    let example = |i: u32| Example {
        prompt: vec![Special::Statement.id(), 8 + i, 8 + (i * 3) % 32, Special::Proof.id()],
        target: answer(i).chain([Special::End.id()]).collect(),
        weight: 1.0,
    };
    (0..20).map(example).collect()
}

fn run(examples: &[Example], config: &TrainConfig) -> (Lm, TrainReport) {
    train(model(), examples, config, &mut |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn toy_examples_are_learned_and_sampled_back() {
    let examples = examples();
    let (model, report) = run(&examples, &config());
    assert_eq!((report.steps, report.dropped), (60 * 3, 0));
    assert!(report.first_loss > 3.0 && report.last_loss < 0.05, "{report:?}");
    assert!(eval_loss(&model, &examples, 7).unwrap() < 0.05);
    let requests: Vec<SampleRequest> =
        examples.iter().map(|e| SampleRequest { prompt: e.prompt.clone(), seeds: vec![0] }).collect();
    let greedy = SampleConfig {
        temperature: 0.0,
        top_p: 1.0,
        max_new_tokens: 20,
        batch: 16,
        stop: vec![Special::End.id()],
        ..SampleConfig::default()
    };
    sample(&model, &requests, &greedy, &mut |completion| {
        let target = &examples[completion.request].target;
        assert!(completion.finished);
        assert_eq!(completion.tokens, target[..target.len() - 1]);
        ControlFlow::Continue(())
    })
    .unwrap();
}

#[test]
fn an_example_of_weight_zero_has_no_influence() {
    let short = TrainConfig { epochs: 2, ..config() };
    let (_, expected) = run(&examples(), &short);
    let mut more = examples();
    more.insert(4, Example { prompt: vec![9], target: vec![20; 10], weight: 0.0 });
    let (_, report) = run(&more, &short);
    assert_eq!((report.last_loss, report.tokens), (expected.last_loss, expected.tokens));
}

#[test]
fn a_weight_counts_as_repetition() {
    let (once, twice) = (examples()[1].clone(), examples()[2].clone());
    let repeated = [once.clone(), twice.clone(), twice.clone()];
    let weighted = [once, Example { weight: 2.0, ..twice }];
    let (repeated, weighted) = (eval_loss(&model(), &repeated, 4), eval_loss(&model(), &weighted, 4));
    assert!((repeated.unwrap() - weighted.unwrap()).abs() < 1e-5);
}

/// Norm of the gradient of the first step and its loss: one of two examples that differ in their weights alone.
fn first_step(weights: [f32; 2]) -> (f32, f32) {
    let examples = weights.map(|weight| Example { weight, ..examples()[1].clone() });
    let alone = TrainConfig { batch: 1, epochs: 1, ..config() };
    let mut first = None;
    train(model(), &examples, &alone, &mut |step| {
        first.get_or_insert((step.gradient_norm, step.loss));
        ControlFlow::Continue(())
    })
    .unwrap();
    first.unwrap()
}

#[test]
fn a_weight_counts_beside_the_mean_of_all_examples() {
    let (even, loss) = first_step([1.0, 1.0]);
    assert_eq!(first_step([3.0, 3.0]), (even, loss), "equal weights say nothing");
    // The order is drawn, so that either may be the first.
    let mut ratios = [[3.0, 1.0], [1.0, 3.0]].map(|weights| {
        let (norm, told) = first_step(weights);
        assert!((told - loss).abs() < 1e-5, "the loss told is a mean: {told} {loss}");
        norm / even
    });
    ratios.sort_by(f32::total_cmp);
    assert!((ratios[0] - 0.5).abs() < 1e-4 && (ratios[1] - 1.5).abs() < 1e-4, "{ratios:?}");
}

#[test]
fn only_the_target_is_learned() {
    let example = examples()[3].clone();
    let whole: Vec<i64> =
        example.prompt.iter().chain(&example.target).map(|&token| i64::from(token)).collect();
    let len = whole.len();
    let tokens = Tensor::<1, Int>::from_data(TensorData::new(whole.clone(), [len]), &Device::flex());
    let logits = model().forward(tokens.reshape([1, len]), None);
    let logprobs = log_softmax(logits, 2).into_data().try_to_vec::<f32>().unwrap();
    let of = |position: usize| f64::from(logprobs[(position - 1) * 40 + whole[position] as usize]);
    let target = example.prompt.len()..len;
    let expected = -target.clone().map(of).sum::<f64>() / target.len() as f64;
    let loss = eval_loss(&model(), &[example], 1).unwrap();
    assert!((f64::from(loss) - expected).abs() < 1e-5, "{loss} {expected}");
}

#[test]
fn examples_that_are_too_long_are_dropped_and_counted() {
    let mut examples = examples();
    examples.push(Example { prompt: vec![9], target: vec![10; 32], weight: 1.0 });
    examples.push(Example { prompt: vec![9], target: vec![10; 33], weight: 1.0 });
    let (_, report) = run(&examples, &TrainConfig { epochs: 1, ..config() });
    assert_eq!(report.dropped, 1);
    let error = train(model(), &examples[21..], &config(), &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, ModelError::NoExamples { given: 1, dropped: 1, max_seq: 32 }));
}

#[test]
fn the_callback_can_end_training() {
    let stop = &mut |step: TrainStep| {
        if step.step == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let (_, report) = train(model(), &examples(), &config(), stop).unwrap();
    assert!(report.interrupted);
    assert_eq!(report.steps, 4);
}

#[test]
fn parts_of_a_batch_add_up_to_it() {
    let steps = |micro_batch: usize| {
        let mut steps = Vec::new();
        let settings = TrainConfig { epochs: 1, micro_batch, ..config() };
        train(model(), &examples(), &settings, &mut |step| {
            steps.push((step.loss, step.gradient_norm));
            ControlFlow::Continue(())
        })
        .unwrap();
        steps
    };
    let whole = steps(0);
    assert_eq!(whole.len(), 3);
    for parts in [steps(1), steps(3)] {
        for ((loss, norm), (other_loss, other_norm)) in whole.iter().zip(parts) {
            assert!((loss - other_loss).abs() < 1e-4, "{loss} {other_loss}");
            assert!((norm - other_norm).abs() < 1e-3 * norm, "{norm} {other_norm}");
        }
    }
}

#[test]
fn training_that_diverges_names_the_step_and_keeps_the_batch() {
    let wild = TrainConfig { learning_rate: 1e30, warmup_steps: 0, ..config() };
    let error = train(model(), &examples(), &wild, &mut |_| ControlFlow::Continue(())).unwrap_err();
    let ModelError::Diverged { step, batch, .. } = error else { panic!("{error}") };
    assert!(step > 1 && batch.len() == 8 && batch.iter().all(|example| examples().contains(example)));
}

fn named(model: &Lm) -> Vec<(String, Vec<f32>)> {
    let read = |weight| match weight {
        Weight::Projection(matrix) | Weight::Table(matrix) => read_back(matrix).unwrap(),
        Weight::Vector(vector) => read_back(vector).unwrap(),
    };
    model.list().into_iter().map(|(name, weight)| (name, read(weight))).collect()
}

fn weights(model: &Lm) -> Vec<Vec<f32>> {
    named(model).into_iter().map(|(_, values)| values).collect()
}

/// Loss and gradients of one batch.
fn gradients_of(model: &Lm, config: &TrainConfig) -> Vec<Vec<f32>> {
    let examples = examples();
    let batch = prepare(model, &examples).unwrap().examples;
    let workers = replicas::workers(&model.device(), config).unwrap();
    let mean = MeanWeight::of(&batch);
    let (loss, gradients) = differentiate(model, &batch, &mean, config, &workers).unwrap();
    let mut read = Gradients(&gradients, vec![vec![loss]]);
    model.visit(&mut read);
    read.1
}

#[test]
fn recomputing_changes_no_gradient() {
    let lora = LoraConfig { rank: 2, ..LoraConfig::default() };
    for (model, count) in [(model().valid(), 2 * 9 + 2), (adapted_model(&lora), 2 * 7 * 2)] {
        for (precision, tolerance) in [(Precision::F32, 1e-6), (Precision::Bf16, 3e-3)] {
            let gradients =
                |recompute| gradients_of(&model, &TrainConfig { precision, recompute, ..config() });
            let kept = gradients(Recompute::Nothing);
            assert_eq!(kept.len(), 1 + count);
            for again in [Recompute::Cheap, Recompute::Blocks] {
                for (left, right) in kept.iter().zip(&gradients(again)) {
                    let difference = farthest(left, right);
                    assert!(difference < tolerance, "{precision:?} {again:?}: {difference}");
                }
            }
        }
    }
}

/// The processor is one device, but it can stand for several.
#[test]
fn several_devices_share_a_batch() {
    let model = model().valid();
    let alone = gradients_of(&model, &config());
    for count in [1, 2, 30] {
        let several = TrainConfig { replicas: vec![Device::flex(); count], ..config() };
        for (left, right) in alone.iter().zip(&gradients_of(&model, &several)) {
            assert!(farthest(left, right) < 1e-6, "{}", farthest(left, right));
        }
        let (_, report) = run(&examples(), &TrainConfig { epochs: 2, ..several });
        let (_, expected) = run(&examples(), &TrainConfig { epochs: 2, ..config() });
        assert!((report.last_loss - expected.last_loss).abs() < 1e-3);
    }
}

struct Gradients<'a>(&'a GradientsParams, Vec<Vec<f32>>);

impl burn::module::ModuleVisitor for Gradients<'_> {
    fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
        self.1.extend(self.0.get::<D>(param.id).map(|gradient| read_back(gradient).unwrap()));
    }
}

fn logits(model: &Lm) -> Vec<f32> {
    let tokens: Vec<i64> = (0..24).map(|i| (8 + i * 7 % 32) as i64).collect();
    let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [2, 12]), &Device::flex());
    read_back(model.forward(tokens, None)).unwrap()
}

fn farthest(left: &[f32], right: &[f32]) -> f32 {
    assert_eq!(left.len(), right.len());
    left.iter().zip(right).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn half_the_bits_learn_as_well() {
    let half = TrainConfig { precision: Precision::Bf16, ..config() };
    let losses = |config: &TrainConfig| {
        let mut losses = Vec::new();
        let (model, _) = train(model(), &examples(), config, &mut |step| {
            losses.push(step.loss);
            ControlFlow::Continue(())
        })
        .unwrap();
        (losses, eval_loss(&model, &examples(), 8).unwrap())
    };
    let ((whole, whole_end), (half, half_end)) = (losses(&config()), losses(&half));
    assert_ne!(whole[0], half[0], "it was computed otherwise");
    for (step, (whole, half)) in whole.iter().zip(&half).take(20).enumerate() {
        assert!((whole - half).abs() < 0.03 * whole, "step {step}: {whole} {half}");
    }
    assert!(whole_end < 0.05 && half_end < 0.05, "{whole_end} {half_end}");
}
