//! What counts as an earlier result, and what is set aside.

use std::path::Path;

use super::*;
use stp_datasets::{Attempt, Phase, Status, Verdict};
use stp_verifier::{Script, StatementReport};

fn evaluation(run: &Path) -> Evaluation {
    let corpus = Corpus::core().unwrap();
    Evaluation {
        subject: Subject::of_run(run, "final"),
        config: RunConfig::load("smoke", None).unwrap(),
        set: StatementSet::load("test", &corpus, 3).unwrap(),
        samples: 2,
        ks: vec![1, 2],
    }
}

fn keep(evaluation: &Evaluation, settings: &str) {
    let folder = evaluation.folder();
    std::fs::create_dir_all(&folder).unwrap();
    let ledger = Ledger::open(&folder.join(LEDGER)).unwrap();
    let mut result = evaluation.result(&Corpus::default(), &ledger, &HashSet::new()).unwrap();
    result.settings = settings.to_owned();
    std::fs::write(folder.join(RESULT), serde_json::to_string(&result).unwrap()).unwrap();
}

#[test]
fn a_result_counts_only_for_its_settings_and_statements() {
    let run = tempfile::tempdir().unwrap();
    let asked = evaluation(run.path());
    let has = |it: &Evaluation| (it.earlier().unwrap().is_some(), it.is_stale().unwrap());
    assert_eq!(has(&asked), (false, false));
    keep(&asked, &asked.settings());
    assert_eq!(has(&asked), (true, false));
    let fewer = Evaluation { samples: 1, ks: vec![1], ..asked.clone() };
    assert_eq!(has(&fewer), (false, false), "its samples are still good");
    let mut others = [asked.clone(), asked.clone(), asked.clone()];
    others[0].config.sampling.temperature += 0.1;
    others[1].config.verifier.timeout_s += 1.0;
    others[2].set.hash.push('x');
    for other in others {
        assert_eq!(has(&other), (false, true));
    }
    keep(&asked, "");
    assert_eq!(has(&asked), (false, true), "of what nobody knows any more");
}

#[test]
fn a_damaged_result_is_an_error_with_its_name() {
    let run = tempfile::tempdir().unwrap();
    let asked = evaluation(run.path());
    std::fs::create_dir_all(asked.folder()).unwrap();
    let path = asked.folder().join(RESULT);
    std::fs::write(&path, "{").unwrap();
    for error in [asked.earlier().unwrap_err(), asked.is_stale().unwrap_err()] {
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    std::fs::remove_file(path).unwrap();
    assert!(asked.earlier().unwrap().is_none());
}

fn sample(evaluation: &Evaluation) {
    let attempt = Attempt {
        round: 0,
        phase: Phase::Valid,
        statement: evaluation.set.entries[0].statement.id.clone(),
        sample: 0,
        proof: "by x".to_owned(),
        tokens: 1,
        logprob: 0.0,
        verdict: Some(Verdict::new(Status::Failed, "")),
    };
    Ledger::open(&evaluation.folder().join(LEDGER)).unwrap().record_attempt(&attempt).unwrap();
}

#[test]
fn samples_of_other_settings_are_set_aside() {
    let run = tempfile::tempdir().unwrap();
    let asked = evaluation(run.path());
    assert_eq!(asked.make_room().unwrap(), None);
    keep(&asked, "");
    assert_eq!(asked.make_room().unwrap(), None, "nothing was sampled yet");
    sample(&asked);
    let old = asked.make_room().unwrap().unwrap();
    assert_eq!(old, format!("{}-final.old-1", asked.set.name), "of what nobody knows any more");
    assert!(run.path().join("evals").join(old).join(LEDGER).exists() && !asked.folder().exists());
    keep(&asked, "");
    let ledger = Ledger::open(&asked.folder().join(LEDGER)).unwrap();
    ledger.remember(SETTINGS, &asked.settings()).unwrap();
    assert_eq!(asked.make_room().unwrap(), None, "its own are gone on with");
    let mut other = asked.clone();
    other.config.sampling.temperature += 0.1;
    assert!(other.make_room().unwrap().unwrap().ends_with(".old-2"));
}

#[tokio::test]
async fn a_set_that_does_not_elaborate_is_an_error_with_its_message() {
    let run = tempfile::tempdir().unwrap();
    let asked = evaluation(run.path());
    let script = Script::proofs([]).statements(|_, _| StatementReport {
        ok: false,
        messages: vec!["unknown thing".to_owned()],
        fingerprint: None,
    });
    let resources = Resources {
        verifier: Pool::scripted(script),
        device: Device::default(),
        events: Events::none(),
        cancel: Cancel::new(),
    };
    let error = asked.play(&Corpus::default(), resources).await.unwrap_err();
    assert!(error.downcast_ref::<UsageError>().is_some());
    assert!(error.to_string().contains("unknown thing"), "{error}");
}
