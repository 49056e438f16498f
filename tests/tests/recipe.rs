//! Every part of the recipe that can be switched, switched on in one run with real Lean: stopped in the middle, it goes on
//! as if it had not been.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use stp_datasets::{ConjectureOutcome, Ledger, Verdict};
use stp_tests::corpus::{EASY, small_corpus};
use stp_tests::{abort_at, attempts, conjectures, finish, smoke, stp};

const ROUNDS: u32 = 2;
const PROOFS: usize = 150;
const QUOTA: usize = 16;

const SETTINGS: &str = r#"
max_train = 0
max_valid = 0
[pretraining]
corpus = "library"
statements = 30
epochs = 1
[stage1]
epochs = 12
[sampling]
conjecture_temperature = 1.2
[conjecturing]
sources = ["model"]
generated_per_round = 0
quota = 16
most_samples = 4
stage1_pairs_per_statement = 2
stage1_given = true
near_pairs = true
hard_seeds = true
one_seed = true
fates = true
most_of_fate = 6
mask = "names"
most_alike = 2
replayed_pairs = 5
seed_rate = 0.2
unproved_seeds = 0.25
drop_trivial = true
drop_refuted = true
[selection]
highest_pass_rate = 0.25
pass_rate_window = false
trigger_lemma = false
elegance = false
reweighting = true
[proving]
proofs_per_round = 150
first_samples = 2
least_chance = 0.05
conjecture_share = 0.3
max_proofs_per_statement = 16
retrain_every = 2
[control]
balance = true
curriculum = true
regret = true
adaptive_budget = true
[repair]
enabled = true
[search]
enabled = false
[verifier]
max_heartbeats = 20000
"#;

fn run(folder: &Path, name: &str) -> Command {
    let settings = folder.join("settings.toml");
    let text = format!("corpus = {:?}\n{SETTINGS}", folder.join("corpus.jsonl"));
    std::fs::write(&settings, text).unwrap();
    smoke(&folder.join(name), &["--config", settings.to_str().unwrap()])
}

#[test]
fn all_parts_work_together_and_go_on_after_a_stop() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    small_corpus(&folder.join("corpus.jsonl"));
    let said = finish(&mut run(folder, "whole"));
    println!("{said}");
    let ledger = Ledger::open(&folder.join("whole").join("ledger.sqlite")).unwrap();
    let details: BTreeMap<_, _> =
        ledger.steps().unwrap().into_iter().map(|step| (step.name, step.detail)).collect();
    conjectures_are_screened(&ledger);
    samples_are_spent_as_decided(&folder.join("whole"), &details);
    second_attempts_are_recorded(&folder.join("whole"), &details);
    conjectures_weigh_as_they_match(&details);
    conjectures_are_sampled_and_learned_by_what_becomes_of_them(&details);
    let (_, pretrained) = &ledger.checkpoints().unwrap()[0];
    assert!(pretrained["examples"].as_u64() >= Some(60), "a proof and a pair of each theorem: {pretrained}");
    assert_eq!(details["round-1/train"]["from"], "stage1", "the model of the round before");
    assert_eq!(details["round-2/train"]["from"], "stage1", "stage 3 between rounds");
    let metrics = std::fs::read_to_string(folder.join("whole").join("metrics.jsonl")).unwrap();
    for tag in ["control/balance", "control/temperature", "curriculum/lt", "repair/pass_rate"] {
        assert!(metrics.contains(tag), "{tag}");
    }
    // While conjectures are elaborated, in the second attempts of round 1, and in the further attempts of round 2.
    for event in ["outcomes:1", "attempt:135", "started:round-2/prove:1", "attempt:105"] {
        abort_at(&mut run(folder, "stopped"), event);
    }
    finish(&mut run(folder, "stopped"));
    let texts = |name: &str| -> Vec<_> {
        attempts(&folder.join(name), ROUNDS).into_iter().map(|(key, attempt)| (key, attempt.proof)).collect()
    };
    assert_eq!(texts("whole"), texts("stopped"));
}

/// Some are trivial, some false, some good; and none that was accepted is closed by a single tactic.
fn conjectures_are_screened(ledger: &Ledger) {
    let all = conjectures(ledger, ROUNDS);
    let with = |outcome| all.iter().filter(move |conjecture| conjecture.outcome == Some(outcome));
    let count = |outcome: ConjectureOutcome| {
        println!("{}: {}", outcome.as_str(), with(outcome).count());
        with(outcome).count()
    };
    let from_unproved = all.iter().filter(|conjecture| conjecture.seed_proof.is_empty()).count();
    assert!(from_unproved > 0 && from_unproved < all.len() / 2, "{from_unproved} of {}", all.len());
    let easy = |seed: &str| EASY.iter().any(|topic| seed.starts_with(topic));
    assert!(all.iter().all(|conjecture| !easy(&conjecture.seed)), "easy statements are no seeds");
    assert!(count(ConjectureOutcome::Accepted) > 0 && count(ConjectureOutcome::Duplicate) > 0);
    assert!(count(ConjectureOutcome::Trivial) + count(ConjectureOutcome::Refuted) > 0);
    for round in 1..=ROUNDS {
        assert!(
            with(ConjectureOutcome::Accepted).filter(|conjecture| conjecture.round == round).count() <= QUOTA
        );
    }
    let mut rows = String::new();
    for conjecture in with(ConjectureOutcome::Accepted) {
        for proof in ["by rfl", "by simp", "by decide"] {
            let statement = format!("theorem x {}", conjecture.signature);
            writeln!(rows, "{}", json!({ "statement": statement, "proof": proof })).unwrap();
        }
    }
    let verdicts = verdicts(&rows);
    assert_eq!(verdicts.len(), rows.lines().count());
    assert!(verdicts.iter().all(|row| row["verdict"] == "failed"), "{verdicts:?}");
}

/// What `stp verify` says of rows of JSON.
fn verdicts(rows: &str) -> Vec<Value> {
    let mut verify =
        Command::new(stp()).args(["verify"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut verify.stdin.take().unwrap(), rows.as_bytes()).unwrap();
    let output = verify.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a run with `drop_refuted` asks Lean, of statements that are known to be false or true.
#[test]
fn what_is_false_is_refuted_and_what_is_true_is_not() {
    let statements = [
        ("(m n : Nat) : m < m + n", true),
        ("(m n : Nat) (h : m < n) : m + 2 < n", true),
        ("(p q : Prop) (h : p ∨ q) : p", true),
        ("(xs : List Nat) : xs.length < 2", true),
        ("(a b : Int) : a - b = b - a", true),
        (
            "(f : Nat → Int) (h0 : f 0 = 3) (hs : ∀ n, f (n + 1) = 2 * f n) (n : Nat) : f n = 3 * (n : Int) + 3",
            true,
        ),
        (
            "(f : Nat → Nat) (h0 : f 0 = 0) (h1 : f 1 = 1) (hs : ∀ n, f (n + 2) = f (n + 1) + f n) (n : Nat) : f n ≤ n",
            false,
        ),
        (
            "(f : Nat → Nat) (h0 : f 0 = 0) (h1 : f 1 = 1) (hs : ∀ n, f (n + 2) = f (n + 1) + f n) (n : Nat) : n ≤ f n",
            true,
        ),
        ("(P : Nat → Prop) (h0 : P 0) (hs : ∀ n, P n → P (n + 2)) (n : Nat) : ¬ P n", true),
        ("(P : Nat → Prop) (h0 : P 0) (hs : ∀ n, P n → P (n + 2)) (n : Nat) : P n", true),
        ("(f : Nat → Int) (hs : ∀ n, f (n + 1) = f n + 2) (n : Nat) : f (2 * n) = f 0", true),
        ("(f : Int → Int) (hf : ∀ x y, f (x + y) = f x + f y) (x : Int) : f x = 0", true),
        ("(s a : Nat → Nat) (h0 : s 0 = 0) (hs : ∀ n, s (n + 1) = s n + a n) (n : Nat) : s n ≤ n", true),
        (
            "(g : Nat → Nat → Nat) (h0 : ∀ m, g m 0 = m) (hs : ∀ m n, g m (n + 1) = g m n + m) (m n : Nat) : g m n = m * n",
            true,
        ),
        (
            "(g : Nat → Nat → Nat) (h0 : ∀ m, g m 0 = m) (hs : ∀ m n, g m (n + 1) = g m n + m) (m n : Nat) : m ≤ g m n",
            false,
        ),
        ("(f : Nat → Int) (h0 : f 0 = 3) (hs : ∀ n, f (n + 1) = 2 * f n) (n : Nat) : 0 < f n", false),
        ("(m n : Nat) (h : m < n) : m < n + 1", false),
        ("(p q : Prop) (h : p ∧ q) : q", false),
        ("(xs : List Nat) : xs.length ≤ xs.length + 2", false),
    ];
    let mut rows = String::new();
    for (signature, _) in statements {
        let (negation, proof) = stp_conjecturer::refutation(signature).unwrap();
        writeln!(rows, "{}", json!({ "statement": format!("theorem x {negation}"), "proof": proof }))
            .unwrap();
    }
    let verdicts = verdicts(&rows);
    assert_eq!(verdicts.len(), statements.len());
    for ((signature, is_false), row) in statements.into_iter().zip(verdicts) {
        assert_eq!(row["verdict"] == "proved", is_false, "{signature}: {row}");
    }
}

/// What a run with `drop_trivial` asks Lean, without and with `drop_automatic`.
#[test]
fn what_is_trivial_depends_on_the_tactics_that_count() {
    let statements =
        [("(n : Nat) : n + 0 = n", true, true), ("(a b : Nat) (h : 2 * a < 2 * b + 1) : a ≤ b", false, true)];
    let hard =
        ("(f : Nat → Nat) (h0 : f 0 = 1) (hs : ∀ n, f (n + 1) = 3 * f n) (n : Nat) : n < f n", false, false);
    let mut rows = String::new();
    let all: Vec<_> = statements.into_iter().chain([hard]).collect();
    for (signature, ..) in &all {
        for automatic in [false, true] {
            let proof = stp_conjecturer::trivial_proof(automatic);
            let row = json!({ "statement": format!("theorem x {signature}"), "proof": proof });
            writeln!(rows, "{row}").unwrap();
        }
    }
    let verdicts = verdicts(&rows);
    let found: Vec<_> = verdicts.iter().map(|row| row["verdict"] == "proved").collect();
    let expected: Vec<_> = all.iter().flat_map(|(_, plain, automatic)| [*plain, *automatic]).collect();
    assert_eq!(found, expected, "{verdicts:?}");
}

fn samples_are_spent_as_decided(run: &Path, details: &BTreeMap<String, Value>) {
    let attempts = attempts(run, ROUNDS);
    for round in 1..=ROUNDS {
        let of_round: Vec<_> =
            attempts.iter().filter(|((of, phase, ..), _)| (*of, *phase) == (round, "train")).collect();
        assert_eq!(of_round.len(), PROOFS, "round {round}");
        assert!(of_round.iter().all(|(_, attempt)| attempt.verdict.is_some()));
        let detail = &details[&format!("round-{round}/prove")];
        let balance = &detail["balance"];
        assert_eq!(balance["temperatures"].as_array().unwrap().len(), 3);
        assert!(balance["exploration"].as_f64().unwrap() > 0.0, "{balance}");
        assert!(balance["next"]["samples"].as_u64().unwrap() >= 4);
        let counts: BTreeSet<_> =
            detail["samples"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).collect();
        assert!(counts.len() > 1, "proved statements stop and others go on: {counts:?}");
    }
    // A topic is worth something only where some but not all attempts at a statement succeed, which is left to chance.
    let learned = details["round-2/prove"]["curriculum"].as_object().unwrap();
    let tried: BTreeSet<_> = attempts
        .keys()
        .filter(|(round, phase, id, _)| (*round, *phase) == (1, "train") && !id.starts_with("conjecture"))
        .filter_map(|(.., id, _)| id.split('_').next())
        .collect();
    assert_eq!(learned.keys().map(String::as_str).collect::<BTreeSet<_>>(), tried);
    assert!(learned.values().all(|value| (0.0..=0.5).contains(&value.as_f64().unwrap())), "{learned:?}");
    let [next, middle] = [
        &details["round-1/prove"]["balance"]["next"]["temperature"],
        &details["round-2/prove"]["balance"]["temperatures"][1],
    ];
    assert_eq!(next, middle, "the next round samples as the last one advised");
}

fn conjectures_are_sampled_and_learned_by_what_becomes_of_them(details: &BTreeMap<String, Value>) {
    let mut rounds_in_stages = 0;
    for round in 1..=ROUNDS {
        let fates = details[&format!("round-{round}/train")]["fates"].as_object().unwrap();
        println!("round {round}: {fates:?}");
        assert!(fates.iter().all(|(fate, count)| fate == "barely" || count.as_u64().unwrap() <= 12));
        let stages = &details[&format!("round-{round}/prove")]["stages"];
        println!("round {round}: {stages}");
        if stages.is_null() {
            continue;
        }
        rounds_in_stages += 1;
        let of = |key: &str| stages[key].as_u64().unwrap();
        let spent = of("first_samples") + of("further_samples");
        assert!(of("first_samples") <= 2 * of("conjectures") && spent <= PROOFS as u64 * 3 / 10, "{stages}");
    }
    assert!(rounds_in_stages > 0, "a round without conjectures has none");
    let fates = details["final/train"]["fates"].as_object().unwrap();
    assert!(fates.len() > 1, "{fates:?}");
}

fn second_attempts_are_recorded(run: &Path, details: &BTreeMap<String, Value>) {
    let attempts = attempts(run, ROUNDS);
    let mut proved = 0;
    for round in 1..=ROUNDS {
        let repair = &details[&format!("round-{round}/prove")]["repair"];
        let second = repair["attempts"].as_array().unwrap();
        assert!(!second.is_empty(), "round {round}");
        let at = |row: &Value, key: &str| {
            let sample = u32::try_from(row[key].as_u64().unwrap()).unwrap();
            &attempts[&(round, "train", row["statement"].as_str().unwrap().to_owned(), sample)]
        };
        let is_proved = |row: &&Value| at(row, "sample").verdict.as_ref().is_some_and(Verdict::is_proved);
        for row in second {
            let first = at(row, "of").verdict.as_ref().unwrap();
            assert!(!first.is_proved() && !first.messages.is_empty(), "{row}");
        }
        let found = second.iter().filter(is_proved).count();
        assert_eq!(repair["proved"].as_u64().unwrap(), found as u64);
        proved += found;
    }
    println!("second attempts proved: {proved}");
    assert!(
        details.values().any(|detail| detail["repair_examples"].as_u64() > Some(0)),
        "they are learned from"
    );
}

fn conjectures_weigh_as_they_match(details: &BTreeMap<String, Value>) {
    let mut weighed = 0;
    for round in 1..=ROUNDS {
        let detail = &details[&format!("round-{round}/train")];
        assert_eq!(detail["replayed_pairs"], 5);
        let Some(weights) = detail["conjecture_weights"].as_object() else { continue };
        let weights: Vec<f64> = weights.values().map(|weight| weight.as_f64().unwrap()).collect();
        assert_eq!(weights.len() as u64, detail["conjectures_kept"].as_u64().unwrap());
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        assert!((mean - 1.0).abs() < 1e-4, "{weights:?}");
        assert!(detail["transport"]["cost"].as_f64().unwrap() > 0.0);
        weighed += weights.len();
    }
    assert!(weighed > 1, "{weighed} conjectures were weighed");
}
