//! What a training reads, from ledgers of scripted runs; and one real training of a tiny model.

use std::sync::Arc;

use serde_json::{Value, json};
use stp_conjecturer::Fate;
use stp_datasets::{Conjecture, ConjectureOutcome, Phase, Source, Status};
use stp_model::{Lm, Tokenizer};
use tempfile::TempDir;

use super::*;
use crate::config::{ConjectureSource, RunConfig};
use crate::context::Checkpoints;
use crate::events::{Event, Events};
use crate::plan::Step;
use crate::records::ALL_TACTICS;
use crate::test::{self, ScriptedSampler};

fn context(change: impl FnOnce(&mut RunConfig)) -> (TempDir, Context) {
    let (scratch, context) =
        test::context(test::corpus(), test::script(), ScriptedSampler::new(|_, _| "by rfl"), |config| {
            config.repair.enabled = false;
            config.selection.reweighting = false;
            config.proving.replay_rounds = 2;
            config.proving.retrain_every = 0;
            config.conjecturing.replayed_pairs = 0;
            change(config);
        });
    // One conjecture a round; that of round 1 is proved once in four attempts.
    for round in 1..=3 {
        context.ledger.record_conjecture(&test::accepted(round, 0, &format!(": {round} + 9 = 9"))).unwrap();
        for sample in 0..4 {
            let status = if sample == 0 { Status::Proved } else { Status::Failed };
            let (name, proof) = (format!("conjecture_{round}_0_0"), format!("by x{sample}"));
            let attempt = test::attempt(round, Phase::Train, &name, sample, &proof, status);
            context.ledger.record_attempt(&attempt).unwrap();
        }
    }
    (scratch, context)
}

fn finish(context: &Context, step: Step, detail: Value) {
    let step = stp_datasets::Step { name: step.name(), seconds: 1.0, detail };
    context.ledger.finish_step(&step).unwrap();
}

fn statements(context: &Context, set: TrainingSet) -> Vec<String> {
    let given = context.statements.given_names();
    let proofs = select::proofs(&context.ledger, &given, &context.config, set).unwrap().proofs;
    proofs.into_iter().map(|proof| proof.statement).collect()
}

#[test]
fn a_round_reads_the_last_rounds_and_a_retraining_all() {
    let (_scratch, context) = context(|_| {});
    assert_eq!(statements(&context, TrainingSet::Round(3)), ["conjecture_2_0_0", "conjecture_3_0_0"]);
    assert_eq!(statements(&context, TrainingSet::All(3)).len(), 3);
    assert_eq!(TrainingSet::of_round(&context.config, 2), TrainingSet::Round(2));
    let mut config = context.config.clone();
    config.proving.retrain_every = 2;
    assert_eq!(TrainingSet::of_round(&config, 2), TrainingSet::All(2));
    assert_eq!(TrainingSet::of_round(&config, 3), TrainingSet::Round(3));
}

#[test]
fn of_a_closed_goal_the_one_tactic_is_learned() {
    let (_scratch, context) = context(|config| {
        config.search.enabled = true;
        config.conjecturing.sources = vec![ConjectureSource::Subgoals];
    });
    for (sample, proof) in [(ALL_TACTICS, "by first | rfl | omega"), (2, "by omega")] {
        let attempt = test::attempt(3, Phase::Search, "goal", sample, proof, Status::Proved);
        context.ledger.record_attempt(&attempt).unwrap();
    }
    let given = context.statements.given_names();
    for set in [TrainingSet::Round(3), TrainingSet::All(3)] {
        let proofs = select::proofs(&context.ledger, &given, &context.config, set).unwrap().proofs;
        let of_goal: Vec<_> =
            proofs.iter().filter(|it| it.statement == "goal").map(|it| &*it.proof).collect();
        assert_eq!(of_goal, ["by omega"]);
    }
}

#[test]
fn where_models_think_first_proofs_without_a_thought_take_no_places() {
    let (_scratch, mut context) = context(|config| config.proving.max_proofs_per_statement = 1);
    let given = test::attempt(0, Phase::Corpus, "a", 0, "by rfl", Status::Proved);
    context.ledger.record_attempt(&given).unwrap();
    let mut sampled = test::attempt(3, Phase::Train, "a", 0, "by thought_through", Status::Proved);
    let verdict = sampled.verdict.take().unwrap();
    context.ledger.record_sampled(&sampled, Some("First, this.")).unwrap();
    context.ledger.record_verdict(&sampled, &verdict).unwrap();
    let given = context.statements.given_names();
    let chosen = |context: &Context| {
        select::proofs(&context.ledger, &given, &context.config, TrainingSet::All(3)).unwrap()
    };
    let before = chosen(&context);
    assert!(before.left_out == 0 && before.proofs.iter().any(|it| it.proof == "by rfl"), "{before:?}");
    assert!(before.proofs.iter().all(|it| it.proof != "by thought_through"), "it is longer: {before:?}");
    context.config.prompts.layout = "kimina-prover".to_owned();
    let thinking = chosen(&context);
    let [only] = &thinking.proofs[..] else { panic!("{thinking:?}") };
    assert_eq!((only.proof.as_str(), only.thought.as_deref()), ("by thought_through", Some("First, this.")));
    assert!(thinking.left_out >= before.proofs.len() - 1);
}

#[test]
fn weights_come_from_the_record_and_damage_is_an_error() {
    let weights = |record: Option<&Value>| {
        let (_scratch, context) = context(|config| {
            config.selection.reweighting = true;
            config.selection.highest_pass_rate = 0.25;
        });
        if let Some(record) = record {
            finish(&context, Step::Train(1), record.clone());
        }
        let kept = select::conjectures(&context.ledger, &context.config, 1..=1)?;
        anyhow::Ok(kept.into_iter().map(|kept| kept.weight).collect::<Vec<_>>())
    };
    assert_eq!(weights(None).unwrap(), [1.0], "the round is not finished");
    let with = |weights: Value| json!({ "proofs": 1, "conjectures_kept": 1, "conjecture_weights": weights });
    assert_eq!(weights(Some(&with(json!({ "conjecture_1_0_0": 0.5 })))).unwrap(), [0.5]);
    let none = json!({ "proofs": 1, "conjectures_kept": 1 });
    for damage in [with(json!("x")), with(json!({})), none, json!({})] {
        let error = weights(Some(&damage)).unwrap_err().to_string();
        assert!(error.contains("round-1/train"), "{damage}: {error}");
    }
}

#[tokio::test]
async fn conjectures_near_nothing_unproved_weigh_nothing() {
    let (_scratch, context) = context(|config| {
        config.selection.reweighting = true;
        config.selection.highest_pass_rate = 0.25;
    });
    let kept = select::conjectures(&context.ledger, &context.config, 1..=3).unwrap();
    assert_eq!(kept.len(), 3);
    let weights = weigh::weigh(&context, "round-2", 3, &kept).await.unwrap().unwrap();
    let mut record = TrainRecord::default();
    weights.record(&mut record);
    let by_name = record.conjecture_weights.unwrap();
    assert_eq!(by_name.len(), 3);
    assert!(by_name.values().any(|weight| *weight > 0.0), "{by_name:?}");
    assert_eq!(record.transport.unwrap().statements, 2, "no sampled proof proves `a` or `b`");
}

/// A context with a real checkpoint of a model of one layer.
pub(super) fn with_model(
    change: impl FnOnce(&mut RunConfig),
) -> (TempDir, Context, Arc<std::sync::Mutex<Vec<String>>>) {
    let (scratch, mut context) = context(|config| {
        config.model.vocab_size = 300;
        config.model.layers = 1;
        config.round.epochs = 1;
        config.round.batch = 2;
        config.round.micro_batch = 0;
        change(config);
    });
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    context.events = Events::new({
        let told = told.clone();
        move |event| {
            if let Event::NothingToTrain { .. } | Event::Finished { .. } = event {
                told.lock().unwrap().push(format!("{event:?}"));
            }
        }
    });
    let device = stp_model::Device::flex();
    context.checkpoints = Checkpoints::new(context.folder.path(), device.clone());
    context.checkpoints.save("stage1", checkpoint(&context.config)).unwrap();
    (scratch, context, told)
}

/// A model of random numbers with a small tokenizer.
pub(super) fn checkpoint(config: &RunConfig) -> Checkpoint {
    let tokenizer = Tokenizer::train(&["(a : Nat) : a = a", "by rfl"].map(String::from), 300).unwrap();
    let config = config.model.config(tokenizer.vocab_size());
    Checkpoint::new(Lm::init(&config, &stp_model::Device::flex(), 0).unwrap(), tokenizer)
}

/// The folder of a model whose tokenizer knows no markers.
fn foreign(folder: &std::path::Path) -> String {
    let base = folder.join("base");
    checkpoint(&test::config()).save(&base).unwrap();
    let path = base.join("tokenizer.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("<|prove|>", "<|user|>")).unwrap();
    base.display().to_string()
}

#[tokio::test]
async fn stage_1_begins_with_a_checkpoint_from_elsewhere() {
    let base = tempfile::tempdir().unwrap();
    let path = foreign(base.path());
    for (layout, epochs, rank) in [("plain", 1, 0), ("plain", 1, 2), ("stp", 0, 0)] {
        let (_scratch, mut context, told) = with_model(|config| {
            config.model.base = path.clone();
            config.prompts.layout = layout.to_owned();
            (config.stage1.epochs, config.stage1.lora.rank) = (epochs, rank);
        });
        context.checkpoints = Checkpoints::new(context.folder.path(), stp_model::Device::flex())
            .configured(&context.config)
            .unwrap();
        context
            .ledger
            .record_attempt(&test::attempt(0, Phase::Corpus, "a", 0, "by rfl", Status::Proved))
            .unwrap();
        let record = stage1(&context).await.unwrap();
        let said = told.lock().unwrap().join(" ");
        assert_eq!(
            (record.steps.is_some(), said.contains("NothingToTrain")),
            (epochs > 0, epochs == 0),
            "{said}"
        );
        let kept = context.checkpoints.load("stage1").unwrap();
        assert!(kept.tokenizer.token("<|user|>").is_some(), "the tokenizer is taken along");
        let sampler = context.checkpoints.sampler("stage1").unwrap();
        assert_eq!(sampler.longest(), context.config.model.max_seq.min(kept.model.config().max_seq));
        let [answer, proof] =
            if layout == "plain" { [" by rfl", "by rfl"] } else { ["\n  rfl", "by\n  rfl"] };
        assert_eq!(sampler.proof(answer, "a").as_deref(), Ok(proof));
    }
}

#[tokio::test]
async fn a_base_that_does_not_fit_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = foreign(folder.path());
    for (base, layout, hint) in [
        (path.as_str(), "markers", "`<|prove|>`"),
        (path.as_str(), "kimina-prover", "chat template"),
        ("/no/such/model", "plain", "/no/such/model"),
        ("smollm2", "plain", "stp model fetch smollm2"),
    ] {
        let (_scratch, mut context, _) = with_model(|config| {
            config.model.base = base.to_owned();
            config.prompts.layout = layout.to_owned();
            config.stage1.epochs = 0;
        });
        let checkpoints = Checkpoints::new(context.folder.path(), stp_model::Device::flex());
        context.checkpoints =
            checkpoints.configured(&context.config).unwrap().with_home(Some(folder.path().to_owned()));
        let text = format!("{:#}", stage1(&context).await.unwrap_err());
        assert!(text.contains(hint) && text.lines().count() == 1, "{base} {layout}: {text}");
    }
}

#[tokio::test]
async fn a_round_trains_and_keeps_a_checkpoint() {
    let (_scratch, context, told) = with_model(|config| config.selection.highest_pass_rate = 0.25);
    let record = round(&context, 1).await.unwrap();
    assert_eq!((record.proofs, record.conjectures_kept), (Some(1), Some(1)));
    assert_eq!((record.from.as_deref(), record.steps), (Some("stage1"), Some(1)));
    assert!(record.loss.is_some_and(f32::is_finite));
    context.checkpoints.load("round-1").unwrap();
    assert!(context.ledger.checkpoints().unwrap().iter().any(|(name, _)| name == "round-1"));
    assert!(told.lock().unwrap()[0].contains("Trained"), "{told:?}");
}

#[tokio::test]
async fn a_round_without_anything_new_keeps_the_model_as_it_is() {
    let (_scratch, context, told) = with_model(|config| {
        config.proving.highest_pass_rate = 0.0;
        config.selection.highest_pass_rate = 0.0;
    });
    let record = round(&context, 1).await.unwrap();
    assert_eq!((record.proofs, record.loss), (Some(0), None));
    context.checkpoints.load("round-1").unwrap();
    assert!(told.lock().unwrap()[0].contains("NothingToTrain"), "{told:?}");
}

#[tokio::test]
async fn an_interrupted_training_keeps_nothing() {
    let (_scratch, context, _) = with_model(|config| config.selection.highest_pass_rate = 0.25);
    context.cancel.cancel();
    let error = round(&context, 1).await.unwrap_err();
    assert!(error.downcast_ref::<crate::error::Interrupted>().is_some());
    assert!(context.checkpoints.load("round-1").is_err());
}

#[test]
fn repair_is_taught_by_the_likeliest_refused_proof() {
    let (_scratch, context) = context(|_| {});
    let checkpoint = checkpoint(&context.config);
    let prompts = context.checkpoints.prompts(&checkpoint).unwrap();
    let statement = (String::new(), ": 1 + 9 = 9".to_owned());
    let statements = [("conjecture_1_0_0".to_owned(), statement)].into();
    let texts = Texts { statements, lemmas: Default::default() };
    let proof = TrainingProof {
        statement: "conjecture_1_0_0".into(),
        proof: "by x0".into(),
        thought: None,
        weight: 0.5,
    };
    let mut cut_off = test::attempt(1, Phase::Train, "conjecture_1_0_0", 9, "by cut", Status::Unfinished);
    cut_off.logprob = -0.1;
    context.ledger.record_attempt(&cut_off).unwrap();
    let found = repair::examples(&context.ledger, &prompts, &texts, &[proof], 0..=3, 200).unwrap();
    assert_eq!(found.len(), 1);
    let prompt = checkpoint.tokenizer.decode(&found[0].prompt);
    assert!(prompt.contains("by x1") && !prompt.contains("by x2") && !prompt.contains("cut"), "{prompt}");
}

/// Round 2 with a conjecture of every fate, and texts of which nobody knows one.
fn every_fate(context: &Context) {
    let mut input = 0;
    let mut record = |signature: &str, outcome, proved: u32| {
        input += 1;
        let mut conjecture = test::accepted(2, input, signature);
        conjecture.outcome = Some(outcome);
        conjecture.statement = conjecture.statement.filter(|_| outcome == ConjectureOutcome::Accepted);
        context.ledger.record_conjecture(&conjecture).unwrap();
        let Some(name) = conjecture.statement else { return };
        for sample in 0..4 {
            let status = if sample < proved { Status::Proved } else { Status::Failed };
            let attempt = test::attempt(2, Phase::Train, &name, sample, &format!("by z{sample}"), status);
            context.ledger.record_attempt(&attempt).unwrap();
        }
    };
    record(": open = 1", ConjectureOutcome::Accepted, 0);
    record(": open = 2", ConjectureOutcome::Accepted, 0);
    record(": easy = 1", ConjectureOutcome::Accepted, 4);
    record(": 1 = 2", ConjectureOutcome::Refuted, 0);
    record(": 1 = 3", ConjectureOutcome::Refuted, 0);
    record(": 0 = 0", ConjectureOutcome::Trivial, 0);
    record(": (", ConjectureOutcome::Malformed, 0);
    record(": more = 1", ConjectureOutcome::OverQuota, 0);
    record(": held = out", ConjectureOutcome::HeldOut, 0);
}

#[test]
fn the_conjecturer_learns_from_every_fate() {
    let (_scratch, mut context) = context(|config| config.selection.highest_pass_rate = 0.25);
    every_fate(&context);
    let learned = |context: &Context| {
        let kept = select::conjectures(&context.ledger, &context.config, 2..=2).unwrap();
        assert_eq!(kept.len(), 1);
        select::with_fates(&context.ledger, &context.config, 2..=2, kept).unwrap()
    };
    let plain = learned(&context);
    assert_eq!((plain.len(), plain[0].fate, plain[0].shown_proof().as_str()), (1, None, "by rfl"));
    assert_eq!(select::fate_counts(&context.config, &plain), None);
    context.config.conjecturing.fates = true;
    let all = learned(&context);
    let counts = |all: &[TrainingConjecture]| select::fate_counts(&context.config, all).unwrap();
    let expected = [("barely", 1), ("easy", 1), ("false", 2), ("open", 2), ("trivial", 1)];
    assert_eq!(counts(&all), expected.map(|(fate, count)| (fate.to_owned(), count)).into());
    assert_eq!(all[0].shown_proof(), "by rfl\n-- barely");
    let of = |text: &str| all.iter().find(|it| it.conjecture.signature == text).and_then(|it| it.fate);
    assert_eq!((of(": 1 = 2"), of(": easy = 1")), (Some(Fate::False), Some(Fate::Easy)));
    let mut few = context.config.clone();
    few.conjecturing.most_of_fate = 1;
    context.config = few;
    let few = learned(&context);
    assert_eq!(select::fate_counts(&context.config, &few).unwrap().into_values().sum::<usize>(), 5);
    let texts =
        |all: &[TrainingConjecture]| all.iter().map(|it| it.conjecture.signature.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&few), texts(&learned(&context)), "the same ones each time");
    context.config.conjecturing.sources = vec![ConjectureSource::Subgoals];
    let learned = select::with_fates(&context.ledger, &context.config, 2..=2, Vec::new()).unwrap();
    assert!(learned.is_empty(), "nobody conjectures");
}

#[tokio::test]
async fn the_seed_of_a_goal_may_be_a_goal() {
    let (_scratch, context, _) = with_model(|config| {
        config.conjecturing.fates = true;
        config.proving.replay_rounds = 1;
    });
    let parent = test::accepted(2, 1, ": open = 1");
    let seed = parent.statement.clone().unwrap();
    context.ledger.record_conjecture(&parent).unwrap();
    let goal = Conjecture { seed, source: Source::Subgoal, ..test::accepted(2, 2, ": open = 2") };
    context.ledger.record_conjecture(&goal).unwrap();
    for name in [&parent.statement, &goal.statement].into_iter().flatten() {
        context
            .ledger
            .record_attempt(&test::attempt(2, Phase::Train, name, 0, "by z", Status::Failed))
            .unwrap();
    }
    context.checkpoints.save("round-1", context.checkpoints.load("stage1").unwrap()).unwrap();
    let record = round(&context, 2).await.unwrap();
    // One is from the ledger that all these tests begin with.
    assert_eq!(record.fates.unwrap(), [("barely".to_owned(), 1), ("open".to_owned(), 2)].into());
}

#[tokio::test]
async fn a_round_with_fates_trains_on_them() {
    let (_scratch, context, _) = with_model(|config| {
        config.selection.highest_pass_rate = 0.25;
        config.conjecturing.fates = true;
        config.proving.replay_rounds = 1;
    });
    every_fate(&context);
    context.checkpoints.save("round-1", context.checkpoints.load("stage1").unwrap()).unwrap();
    let record = round(&context, 2).await.unwrap();
    assert_eq!(record.conjectures_kept, Some(1));
    assert_eq!(record.fates.unwrap().values().sum::<usize>(), 7);
    assert_eq!(record.steps, Some(4), "a proof of what is barely provable, and seven statements");
}

#[test]
fn stage_1_says_what_its_targets_are_and_may_teach_no_conjectures() {
    let (_scratch, mut context) = context(|config| {
        config.conjecturing.stage1_given = true;
        config.conjecturing.unproved_seeds = 0.0;
    });
    let proofs = [test::attempt(0, Phase::Corpus, "a", 0, "by rfl", Status::Proved)];
    let fates = |context: &Context| {
        let pairs = pairs::stage1_pairs(context, &proofs).into_iter();
        pairs.map(|pair| (pair.target, pair.fate)).collect::<Vec<_>>()
    };
    assert_eq!(fates(&context), [("b".to_owned(), None)]);
    context.config.conjecturing.fates = true;
    assert_eq!(fates(&context), [("b".to_owned(), Some(Fate::Open))]);
    context.config.method = crate::config::Method::ExpertIteration;
    assert_eq!(fates(&context).len(), 1, "all methods begin with the same model");
    context.config.conjecturing.stage1_shared = false;
    assert!(fates(&context).is_empty());
}

#[test]
fn a_retraining_takes_some_proofs_of_a_statement() {
    let (_scratch, context) = context(|config| config.proving.max_proofs_per_statement = 2);
    for sample in 4..9 {
        let proof = format!("by y{}", "y".repeat(sample as usize));
        let attempt = test::attempt(1, Phase::Train, "a", sample, &proof, Status::Proved);
        context.ledger.record_attempt(&attempt).unwrap();
    }
    let of_a = |set| statements(&context, set).into_iter().filter(|id| id == "a").count();
    assert_eq!((of_a(TrainingSet::All(3)), statements(&context, TrainingSet::All(3)).len()), (2, 5));
}
