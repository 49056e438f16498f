//! Low-rank adapters.

use super::resume::{interrupt, state_in};
use super::*;

pub(super) fn adapted_model(lora: &LoraConfig) -> Lm {
    let examples = examples();
    let prepared = prepare(&model(), &examples).unwrap().examples;
    let (mut model, mut optimiser) = (lora::attach(model().valid(), lora, 3).unwrap(), Optimiser::new(0.01));
    let workers = Workers::new(&model.device(), 8).unwrap();
    let mean = MeanWeight::of(&prepared);
    for batch in prepared.chunks(8) {
        let (_, gradients) = differentiate(&model, batch, &mean, &config(), &workers).unwrap();
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
    let expected = lora.parameters(model().config());
    let config = TrainConfig { lora, epochs: 100, ..config() };
    let (merged, report) = run(&examples(), &config);
    // Rank times the sum of both sides, for each of the seven projections of both blocks.
    assert_eq!(expected, 2 * 8 * (2 * 64 + 2 * 48 + 3 * 80));
    assert_eq!(report.trained_parameters, expected);
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
