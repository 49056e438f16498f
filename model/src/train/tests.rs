use super::*;
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
        micro_batch: 0,
        learning_rate: 1e-2,
        warmup_steps: 5,
        weight_decay: 0.01,
        grad_clip: 1.0,
        seed: 3,
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

#[test]
fn the_learning_rate_rises_and_falls_to_a_tenth() {
    let config = TrainConfig { learning_rate: 1.0, warmup_steps: 9, ..config() };
    let rates: Vec<f64> = (0..110).map(|step| config.rate(step, 110)).collect();
    assert!((rates[0] - 0.1).abs() < 1e-9 && (rates[9] - 1.0).abs() < 1e-9);
    assert!(rates[109] > 0.1 && rates[109] < 0.101, "{}", rates[109]);
}
