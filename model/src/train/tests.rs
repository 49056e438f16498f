use std::time::Duration;

use super::*;
use crate::hf;
use crate::nn::Weight;
use crate::{Device, ModelConfig, SampleConfig, SampleRequest, Special, sample};

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

/// Trains until a step, and leaves a state.
fn interrupt(config: &TrainConfig, state: &StateFile, at: usize) -> TrainReport {
    let stop = &mut |step: TrainStep| {
        if step.step == at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    train_resumable(model(), &examples(), config, Some(state), stop).unwrap().1
}

fn state_in(folder: &tempfile::TempDir) -> StateFile {
    StateFile { path: folder.path().join("stage1.state"), every: Duration::from_hours(1) }
}

#[test]
fn an_interrupted_training_ends_with_the_same_weights() {
    let config = TrainConfig { epochs: 3, ..config() };
    let (whole, expected) = run(&examples(), &config);
    // Within an epoch, at its end, and twice.
    for stops in [vec![2], vec![3], vec![1, 7]] {
        let folder = tempfile::tempdir().unwrap();
        let state = state_in(&folder);
        for &stop in &stops {
            assert_eq!(interrupt(&config, &state, stop).steps, stop);
        }
        let mut seen = Vec::new();
        let (resumed, report) = train_resumable(model(), &examples(), &config, Some(&state), &mut |step| {
            seen.push(step.step);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(seen, (stops[stops.len() - 1] + 1..=9).collect::<Vec<_>>());
        assert_eq!(weights(&resumed), weights(&whole), "{stops:?}");
        assert_eq!(report.resumed, stops[stops.len() - 1]);
        let same = |a: TrainReport| (a.steps, a.tokens, a.first_loss, a.last_loss);
        assert_eq!(same(report), same(expected));
    }
}

#[test]
fn a_killed_training_goes_on_from_its_last_state() {
    let config = TrainConfig { epochs: 2, ..config() };
    let folder = tempfile::tempdir().unwrap();
    let state = StateFile { every: Duration::ZERO, ..state_in(&folder) };
    let killed = std::panic::catch_unwind(|| {
        train_resumable(model(), &examples(), &config, Some(&state), &mut |step| {
            assert!(step.step < 4, "killed");
            ControlFlow::Continue(())
        })
    });
    assert!(killed.is_err());
    let go_on = &mut |_| ControlFlow::Continue(());
    let (resumed, report) = train_resumable(model(), &examples(), &config, Some(&state), go_on).unwrap();
    assert_eq!((report.resumed, report.steps), (3, 6));
    assert_eq!(weights(&resumed), weights(&run(&examples(), &config).0));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no draft is left behind");
}

#[test]
fn a_damaged_or_foreign_state_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let state = state_in(&folder);
    interrupt(&config(), &state, 2);
    let bytes = std::fs::read(&state.path).unwrap();
    let refusal = |config: &TrainConfig, examples: &[Example]| {
        let go_on = &mut |_| ControlFlow::Continue(());
        let error = train_resumable(model(), examples, config, Some(&state), go_on).unwrap_err();
        assert!(matches!(error, ModelError::State { .. }), "{error}");
        error.to_string()
    };
    for (config, examples) in [
        (TrainConfig { seed: 4, ..config() }, examples()),
        (TrainConfig { learning_rate: 2e-2, ..config() }, examples()),
        (config(), examples()[1..].to_vec()),
    ] {
        let text = refusal(&config, &examples);
        assert!(text.contains("stage1.state") && text.contains("other settings"), "{text}");
    }
    for length in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&state.path, &bytes[..length]).unwrap();
        let text = refusal(&config(), &examples());
        assert!(text.contains("stage1.state") && text.contains("Delete that file"), "{text}");
    }
    let other = hf::write_tensors(Vec::new(), ("format", "pt"), &state.path);
    other.unwrap();
    assert!(refusal(&config(), &examples()).contains("no state of a training"));
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

#[test]
fn recomputing_changes_no_gradient() {
    let (model, examples) = (model().valid(), examples());
    let batch = prepare(&model, &examples).unwrap().examples;
    let workers = Workers::new(&model.device(), 8).unwrap();
    let gradients = |lora: &LoraConfig, recompute| {
        let model = if lora.rank > 0 { adapted_model(lora) } else { model.clone() };
        let config = TrainConfig { recompute, ..config() };
        let (loss, gradients) = differentiate(&model, &batch, &config, &workers).unwrap();
        let mut read = Gradients(&gradients, vec![vec![loss]]);
        model.visit(&mut read);
        read.1
    };
    for lora in [LoraConfig::default(), LoraConfig { rank: 2, ..LoraConfig::default() }] {
        let (kept, recomputed) = (gradients(&lora, false), gradients(&lora, true));
        assert_eq!(kept.len(), 1 + if lora.rank > 0 { 2 * 7 * 2 } else { 2 * 9 + 2 });
        for (left, right) in kept.iter().zip(&recomputed) {
            assert!(farthest(left, right) < 1e-6, "{}", farthest(left, right));
        }
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

fn adapted_model(lora: &LoraConfig) -> Lm {
    let examples = examples();
    let prepared = prepare(&model(), &examples).unwrap().examples;
    let (mut model, mut optimiser) = (lora::attach(model().valid(), lora, 3).unwrap(), Optimiser::new(0.01));
    let workers = Workers::new(&model.device(), 8).unwrap();
    for batch in prepared.chunks(8) {
        let (_, gradients) = differentiate(&model, batch, &config(), &workers).unwrap();
        model = optimiser.step(1e-2, model, gradients);
    }
    model
}

#[test]
fn merged_adapters_compute_the_same_and_leave_other_weights_alone() {
    let lora = LoraConfig { rank: 4, alpha: 8.0, projections: vec![Projection::QProj, Projection::DownProj] };
    let adapted = adapted_model(&lora);
    let merged = lora::merge(adapted.clone());
    assert!(farthest(&logits(&adapted), &logits(&model())) > 1e-2, "something was learned");
    assert!(farthest(&logits(&merged), &logits(&adapted)) < 1e-5);
    for ((name, before), (_, after)) in named(&model()).into_iter().zip(named(&merged)) {
        let chosen = name.contains("q_proj") || name.contains("down_proj");
        assert_eq!(before != after, chosen, "{name}");
    }
    struct Bases(Vec<Vec<f32>>);
    impl burn::module::ModuleVisitor for Bases {
        fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
            self.0.push(read_back(param.base()).unwrap());
        }
    }
    let (mut before, mut now) = (Bases(Vec::new()), Bases(Vec::new()));
    model().visit(&mut before);
    adapted.visit(&mut now);
    let (kept, factors): (Vec<_>, Vec<_>) = now.0.into_iter().partition(|values| before.0.contains(values));
    assert_eq!(kept.len(), before.0.len(), "no weight was changed before merging");
    assert_eq!(factors.len(), 2 * 2 * 2, "two factors for two projections of two blocks");
}

#[test]
fn adapters_learn_with_few_parameters() {
    let lora = LoraConfig { rank: 8, alpha: 16.0, ..LoraConfig::default() };
    let config = TrainConfig { lora, epochs: 100, ..config() };
    let (merged, report) = run(&examples(), &config);
    // Rank times the sum of both sides, for each of the seven projections of both blocks.
    assert_eq!(report.trained_parameters, 2 * 8 * (2 * 64 + 2 * 48 + 3 * 80));
    // A random model that is frozen cannot learn all by heart.
    assert!(eval_loss(&merged, &examples(), 8).unwrap() < report.first_loss / 2.0, "{report:?}");
    // What was merged is an ordinary model: all of it can be trained again.
    let (_, report) =
        train(merged, &examples(), &TrainConfig::default(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(report.trained_parameters, model().config().parameters());
}

#[test]
fn adapters_go_on_from_a_state_for_the_same_weights_alone() {
    let lora = LoraConfig { rank: 2, ..LoraConfig::default() };
    let config = TrainConfig { lora, epochs: 2, ..config() };
    let folder = tempfile::tempdir().unwrap();
    let state = state_in(&folder);
    interrupt(&config, &state, 4);
    assert!(std::fs::metadata(&state.path).unwrap().len() < 4 * model().config().parameters() as u64);
    let go_on = &mut |_| ControlFlow::Continue(());
    let (resumed, _) = train_resumable(model(), &examples(), &config, Some(&state), go_on).unwrap();
    assert_eq!(weights(&resumed), weights(&run(&examples(), &config).0));
    let other = Lm::init(model().config(), &Device::flex(), 6).unwrap();
    let error = train_resumable(other, &examples(), &config, Some(&state), go_on).unwrap_err();
    assert!(matches!(error, ModelError::State { .. }), "{error}");
}

#[test]
fn adapters_that_cannot_be_are_refused() {
    let refusal = |lora| {
        let config = TrainConfig { lora, ..config() };
        train(model(), &examples(), &config, &mut |_| ControlFlow::Continue(())).unwrap_err().to_string()
    };
    let plain = LoraConfig { rank: 4, ..LoraConfig::default() };
    assert!(refusal(LoraConfig { rank: 16, ..plain.clone() }).contains("lora.rank"));
    assert!(refusal(LoraConfig { alpha: f64::NAN, ..plain.clone() }).contains("lora.alpha"));
    assert!(refusal(LoraConfig { projections: Vec::new(), ..plain }).contains("lora.projections"));
}
