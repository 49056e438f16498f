//! The same model on `--device wgpu` and on the processor. Where there is no GPU, Debian's software Vulkan is one.
#![cfg(feature = "wgpu")]
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::path::Path;

use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData};
use stp_model::{
    Checkpoint, Device, Example, Lm, ModelConfig, SampleConfig, SampleRequest, Tokenizer, TrainConfig,
};

/// A device by its name, with Debian's software driver installed if there is no other.
fn wgpu() -> Device {
    let drivers = |folder: &str| Path::new(folder).read_dir().is_ok_and(|mut files| files.next().is_some());
    if !drivers("/usr/share/vulkan/icd.d") && !drivers("/etc/vulkan/icd.d") {
        stp_tests::install(&["mesa-vulkan-drivers", "libvulkan1"]);
    }
    stp_model::parse_device("wgpu").expect("this test needs a Vulkan driver: install mesa-vulkan-drivers")
}

fn checkpoint() -> Checkpoint {
    let tokenizer = Tokenizer::train(&["by simp [Nat.add_comm]".to_owned()], Tokenizer::MIN_VOCAB).unwrap();
    let config = ModelConfig {
        vocab_size: tokenizer.vocab_size(),
        layers: 2,
        width: 32,
        heads: 4,
        ff: 48,
        max_seq: 64,
        ..ModelConfig::default()
    };
    let model = Lm::init(&config, &Device::flex(), 6).unwrap();
    Checkpoint::new(model, tokenizer)
}

fn logits(model: &Lm) -> Vec<f32> {
    let rows: Vec<i64> = (0..2 * 40).map(|i| 8 + (i * i * 7) % 250).collect();
    let tokens = Tensor::<2, Int>::from_data(TensorData::new(rows, [2, 40]), &model.device());
    model.forward(tokens, None).into_data().try_to_vec().unwrap()
}

fn worst(left: &[f32], right: &[f32]) -> f32 {
    assert_eq!(left.len(), right.len());
    left.iter().zip(right).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_gpu_computes_what_the_processor_computes() {
    if !stp_tests::external("a_gpu_computes_what_the_processor_computes") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("model");
    checkpoint().save(&dir).unwrap();
    let device = wgpu();
    let on_cpu = Checkpoint::load(&dir, &Device::flex()).unwrap();
    let on_gpu = Checkpoint::load(&dir, &device).unwrap();

    let difference = worst(&logits(&on_cpu.model), &logits(&on_gpu.model));
    println!("{device:?}: logits differ by {difference:.1e} at most");
    assert!(difference < 1e-3, "{difference}");

    let examples: Vec<_> = (0..8)
        .map(|i| Example { prompt: vec![9, 20 + i], target: vec![40 + i, 60, 1], weight: 1.0 + i as f32 })
        .collect();
    let training = TrainConfig { batch: 8, learning_rate: 1e-2, seed: 1, ..TrainConfig::default() };
    let train = |model: Lm| {
        stp_model::train(model, &examples, &training, &mut |_| ControlFlow::Continue(())).unwrap()
    };
    let (cpu_model, cpu_report) = train(on_cpu.model);
    let (gpu_model, gpu_report) = train(on_gpu.model);
    assert_eq!((cpu_report.steps, gpu_report.steps), (1, 1));
    assert!((cpu_report.last_loss - gpu_report.last_loss).abs() < 1e-3);
    let difference = worst(&logits(&cpu_model), &logits(&gpu_model));
    println!("after a training step: {difference:.1e}");
    assert!(
        difference < 1e-2,
        "{difference}: AdamW's first step turns the sign of the smallest gradients into steps"
    );

    let sample = |model: &Lm| {
        let requests = [3u32, 9, 1]
            .map(|len| SampleRequest { prompt: (0..len).map(|i| 10 + 3 * i).collect(), seeds: vec![1, 2] });
        let settings =
            SampleConfig { temperature: 0.0, max_new_tokens: 12, batch: 6, ..SampleConfig::default() };
        let mut found = Vec::new();
        stp_model::sample(model, &requests, &settings, &mut |it| {
            found.push((it.request, it.sample, it.tokens));
            ControlFlow::Continue(())
        })
        .unwrap();
        found.sort();
        found
    };
    assert_eq!(sample(&gpu_model), sample(&cpu_model));
    assert_eq!(gpu_model.num_params(), cpu_model.num_params());
}
