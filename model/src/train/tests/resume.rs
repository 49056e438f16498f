//! Trainings that are interrupted and go on.

use super::*;

/// Trains until a step, and leaves a state.
pub(super) fn interrupt(config: &TrainConfig, state: &StateFile, at: usize) -> TrainReport {
    let stop = &mut |step: TrainStep| {
        if step.step == at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    train_resumable(model(), &examples(), config, Some(state), stop).unwrap().1
}

pub(super) fn state_in(folder: &tempfile::TempDir) -> StateFile {
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

/// Turns a state into one of the version before.
fn age(state: &StateFile) {
    let mut bytes = std::fs::read(&state.path).unwrap();
    let note = br#"\"version\":2"#;
    let at = bytes.windows(note.len()).position(|window| window == note).unwrap() + note.len() - 1;
    bytes[at] = b'1';
    std::fs::write(&state.path, bytes).unwrap();
}

#[test]
fn a_state_of_the_rule_before_goes_on_only_if_weights_are_equal() {
    let config = TrainConfig { epochs: 2, ..config() };
    let mut uneven = examples();
    uneven[3].weight = 2.0;
    for (examples, resumed) in [(examples(), 4), (uneven, 0)] {
        let folder = tempfile::tempdir().unwrap();
        let state = state_in(&folder);
        let stop = &mut |step: TrainStep| {
            if step.step == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        train_resumable(model(), &examples, &config, Some(&state), stop).unwrap();
        age(&state);
        let go_on = &mut |_| ControlFlow::Continue(());
        let (model, report) = train_resumable(model(), &examples, &config, Some(&state), go_on).unwrap();
        assert_eq!((report.resumed, report.steps), (resumed, 6));
        assert_eq!(weights(&model), weights(&run(&examples, &config).0));
    }
}
