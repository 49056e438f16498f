//! The layouts over tokenizers: those of models of ours, token for token as they were before there were templates.

use proptest::prelude::*;
use stp_model::{Device, Lm, ModelConfig, Special, Tokenizer};

use super::*;
use crate::config::{LAYOUTS, Layout};

const TEXTS: [&str; 4] =
    ["(a b : Nat) : a + b = b + a", "by\n  omega", "∀ x ∈ xs, x ≤ y", "unsolved goals ⊢ a = b"];

fn checkpoint() -> Checkpoint {
    let texts: Vec<String> = TEXTS.iter().cycle().take(20).map(|text| (*text).to_owned()).collect();
    let tokenizer = Tokenizer::train(&texts, 330).unwrap();
    let config = ModelConfig::smallest(tokenizer.vocab_size());
    Checkpoint::new(Lm::init(&config, &Device::flex(), 0).unwrap(), tokenizer)
}

fn prompts(layout: &str) -> (Prompts, Tokenizer) {
    let checkpoint = checkpoint();
    let prompts = Prompts::new(&checkpoint, &Layout::named(layout).unwrap()).unwrap();
    (prompts, checkpoint.tokenizer)
}

/// What a prompt of markers was made of before there were templates.
fn pieces(tokenizer: &Tokenizer, parts: &[(Special, &str)], last: Special) -> Vec<u32> {
    let mut tokens = Vec::new();
    for (marker, text) in parts {
        tokens.push(marker.id());
        tokens.extend(tokenizer.encode(text));
    }
    tokens.push(last.id());
    tokens
}

/// The prompt for a second attempt as it was before there were templates.
fn repair(tokenizer: &Tokenizer, signature: &str, failed: &str, message: &str, room: usize) -> Vec<u32> {
    let [signature, mut failed, mut message] =
        [signature, failed, message].map(|text| tokenizer.encode(text));
    message.truncate(64);
    failed.truncate(room.saturating_sub(signature.len() + message.len() + 4));
    let [prove, theorem, statement, proof] =
        [Special::Prove, Special::Theorem, Special::Statement, Special::Proof].map(|it| vec![it.id()]);
    [prove, signature, theorem, failed, statement, message, proof].concat()
}

/// Texts as they occur, with markers and odd characters in them.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(&TEXTS[..]).prop_map(str::to_owned),
        prop::sample::select(Special::ALL.map(Special::text).to_vec()).prop_map(str::to_owned),
        any::<String>().prop_map(|text| text.replace(['\u{fdd0}', '\u{fdd1}', '\u{fdd2}'], "")),
        "[ {}%#\n|<>a-z:=0-9→]{0,12}",
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn models_of_ours_are_asked_as_ever(
        signature in text(), proof in text(), message in text(), lemma in prop::option::of(text()), room in 0..120usize
    ) {
        static OURS: std::sync::LazyLock<(Prompts, Tokenizer)> = std::sync::LazyLock::new(|| prompts("markers"));
        let (prompts, tokenizer) = &*OURS;
        let goal = Goal { name: "x", header: "import Mathlib\n", signature: &signature };
        let asked = pieces(tokenizer, &[(Special::Prove, &signature)], Special::Proof);
        prop_assert_eq!(&prompts.encode(&Prompt::Prove { goal }).unwrap(), &asked);
        let answered = [tokenizer.encode(&proof), vec![Special::End.id()]].concat();
        let example = prompts.proof_example(goal, learned(&proof, 0.5)).unwrap().unwrap();
        prop_assert_eq!((&example.prompt, &example.target, example.weight), (&asked, &answered, 0.5));

        let failed = Failed { proof: &proof, message: &message, room };
        let again = repair(tokenizer, &signature, &proof, &message, room);
        prop_assert_eq!(&prompts.encode(&Prompt::Repair { goal, failed }).unwrap(), &again);
        let example = prompts.repair_example(goal, failed, learned(&proof, 1.0)).unwrap().unwrap();
        prop_assert_eq!((&example.prompt, &example.target), (&again, &answered));

        let lemma = lemma.as_deref();
        let seed = SeedTheorem { lemma, name: "x", header: "", signature: &signature, proof: &proof };
        let parts =
            [(Special::Lemma, lemma.unwrap_or("")), (Special::Theorem, &*signature), (Special::Proof, &*proof)];
        let asked = pieces(tokenizer, &parts, Special::Conjecture);
        prop_assert_eq!(&prompts.encode(&Prompt::Conjecture { seed }).unwrap(), &asked);
        let example = prompts.conjecture_example(seed, &message, 1.0).unwrap();
        let answered = [tokenizer.encode(&message), vec![Special::End.id()]].concat();
        prop_assert_eq!((&example.prompt, &example.target), (&asked, &answered));
    }
}

#[test]
fn answers_of_models_of_ours_end_and_are_read_as_ever() {
    let (prompts, tokenizer) = prompts("markers");
    for kind in [SampleKind::Proof, SampleKind::Conjecture] {
        let (tokens, when) = prompts.stops(kind);
        assert_eq!((tokens, when.is_none()), (vec![Special::End.id()], true));
        let tokens = tokenizer.encode("by\n\n  omega  \n");
        assert_eq!(prompts.read(kind, &tokens), tokenizer.decode(&tokens));
    }
    assert_eq!(prompts.proof("by\n\n  omega  \n", "x").as_deref(), Ok("by\n  omega"));
    assert_eq!(prompts.statement(" : 1  = 1 ").as_deref(), Some(": 1 = 1"));
}

const GOAL: Goal<'_> =
    Goal { name: "add_comm", header: "import Mathlib\nopen Nat\n", signature: "(a b : Nat) : a + b = b + a" };
const HEAD: &str = "```lean4\nimport Mathlib\nopen Nat\n\ntheorem add_comm (a b : Nat) : a + b = b + a := by";

#[test]
fn provers_without_chats_are_asked_as_they_were_trained() {
    for (layout, end, answer) in
        [("deepseek-prover-v1.5", "\n", "  omega\n```<|end|>"), ("stp", "", "\n  omega\n```<|end|>")]
    {
        let (prompts, tokenizer) = prompts(layout);
        let example = prompts.proof_example(GOAL, learned("by\n  omega", 1.0)).unwrap().unwrap();
        let expected = format!("Complete the following Lean 4 code:\n\n{HEAD}{end}");
        assert_eq!(tokenizer.decode(&example.prompt), expected, "{layout}");
        assert_eq!(tokenizer.decode(&example.target), answer, "{layout}");
        assert_eq!(example.target.last(), Some(&Special::End.id()), "it ends with the end token itself");
        let sampled = tokenizer.encode(answer.trim_end_matches("<|end|>"));
        let read = prompts.read(SampleKind::Proof, &sampled);
        assert_eq!(prompts.proof(&read, GOAL.name).as_deref(), Ok("by\n  omega"), "{layout}");
        assert!(prompts.proof("\n", GOAL.name).is_err());
        let seed = SeedTheorem { lemma: None, name: "s", header: "", signature: ": 1 = 1", proof: "rfl" };
        let example = prompts.conjecture_example(seed, "(n : Nat) : n = n", 1.0).unwrap();
        assert!(tokenizer.decode(&example.prompt).ends_with(
            "```lean4\n<lemma>\ntheorem true: True\n<easy theorem>\ntheorem s : 1 = 1 := rfl\n<hard theorem>\ntheorem"
        ));
        let read = prompts.read(SampleKind::Conjecture, &example.target);
        assert_eq!(prompts.statement(&read).as_deref(), Some("(n : Nat) : n = n"), "{read:?}");
    }
}

fn learned(proof: &str, weight: f32) -> Learned<'_> {
    Learned { proof, thought: None, weight }
}

#[test]
fn equations_are_no_answer_of_tactics() {
    let proof = learned("| 0 => rfl\n| _ + 1 => rfl", 1.0);
    for (layout, is_learned) in [("stp", false), ("plain", true)] {
        assert_eq!(prompts(layout).0.proof_example(GOAL, proof).unwrap().is_some(), is_learned, "{layout}");
    }
}

const CHAT: &str = "{% for m in messages %}{{ m.role }}: {{ m.content }}<|proof|>{% endfor %}";

#[test]
fn who_thinks_first_learns_the_thought_and_nothing_without_one() {
    let checkpoint = checkpoint().with_chat_template(CHAT);
    for layout in ["kimina-prover", "deepseek-prover-v2", "goedel-prover-v2"] {
        let prompts = Prompts::new(&checkpoint, &Layout::named(layout).unwrap()).unwrap();
        let answer = "<think>\nIt is omega's.\n</think>\n```lean4\nimport Mathlib\n\ntheorem add_comm (a b : Nat) : a + b = \
                      b + a := by\n  omega\n```";
        let (proof, thought) = (prompts.proof(answer, GOAL.name).unwrap(), prompts.thought(answer));
        assert_eq!(thought, Some("<think>\nIt is omega's.\n</think>\n"));
        let sampled = Learned { proof: &proof, thought, weight: 1.0 };
        let example = prompts.proof_example(GOAL, sampled).unwrap().unwrap();
        let target = checkpoint.tokenizer.decode(&example.target);
        assert!(target.starts_with("<think>\nIt is omega's.\n</think>\n```lean4\nimport"), "{target}");
        assert!(target.contains("b + a := by\n  omega\n```"), "{target}");
        assert_eq!(prompts.proof_example(GOAL, learned(&proof, 1.0)).unwrap(), None);
    }
    assert_eq!(prompts("plain").0.thought("```lean4"), None);
}

#[test]
fn kimina_is_asked_as_its_model_card_asks() {
    let checkpoint = checkpoint().with_chat_template(CHAT);
    let prompts = Prompts::new(&checkpoint, &Layout::named("kimina-prover").unwrap()).unwrap();
    let prompt = prompts.encode(&Prompt::Prove { goal: GOAL }).unwrap();
    let expected = format!(
        "system: You are an expert in mathematics and Lean 4.<|proof|>user: Think about and solve the following problem \
         step by step in Lean 4.\n# Formal statement:\n{HEAD}\n\n```\n<|proof|>"
    );
    assert_eq!(checkpoint.tokenizer.decode(&prompt), expected);
}

#[test]
fn the_plain_layout_goes_both_ways() {
    let (prompts, tokenizer) = prompts("plain");
    let example = prompts.proof_example(GOAL, learned("by\n  omega", 1.0)).unwrap().unwrap();
    assert_eq!(tokenizer.decode(&example.prompt), "example (a b : Nat) : a + b = b + a :=");
    let read = prompts.read(SampleKind::Proof, &tokenizer.encode(" by\n  omega\n\nexample : 1 = 1"));
    assert_eq!(prompts.proof(&read, "x").as_deref(), Ok("by\n  omega"));
    let seed = SeedTheorem { lemma: Some(": 2 = 2"), name: "s", header: "", signature: ": 1 = 1", proof: "" };
    let example = prompts.conjecture_example(seed, ": 3 = 3", 1.0).unwrap();
    let expected = "-- A lemma to use:\nlemma : 2 = 2\n-- A theorem:\nexample : 1 = 1 := by sorry\n\n-- A harder one:\nexample";
    assert_eq!(tokenizer.decode(&example.prompt), expected);
    assert_eq!(tokenizer.decode(&example.target), " : 3 = 3 :=<|end|>");
    let read = prompts.read(SampleKind::Conjecture, &tokenizer.encode(" : 3 = 3 := by simp"));
    assert_eq!(prompts.statement(&read).as_deref(), Some(": 3 = 3"));
    let failed = Failed { proof: "by simp", message: "no", room: 1000 };
    let tokens = prompts.encode(&Prompt::Repair { goal: GOAL, failed }).unwrap();
    assert!(tokenizer.decode(&tokens).contains(":= by simp\n-- Lean says: no\n"));
}

#[test]
fn what_a_checkpoint_lacks_is_said() {
    let checkpoint = checkpoint();
    for (name, _) in LAYOUTS {
        let found = Prompts::new(&checkpoint, &Layout::named(name).unwrap());
        let needs_chat = ["deepseek-prover-v2", "goedel-prover-v2", "kimina-prover"].contains(&name);
        assert_eq!(found.is_err(), needs_chat, "{name}");
        if let Err(error) = found {
            assert!(format!("{error:#}").contains("no chat template"), "{error:#}");
        }
    }
    let mut layout = Layout::named("plain").unwrap();
    layout.proof.first.prompt = "prove it".to_owned();
    let text = format!("{:#}", Prompts::new(&checkpoint, &layout).unwrap_err());
    assert!(text.contains("`prompts.prove`") && text.contains("`signature`"), "{text}");
    layout.tokens.push("<|begin|>".to_owned());
    let text = format!("{:#}", Prompts::new(&checkpoint, &layout).unwrap_err());
    assert!(text.contains("<|begin|>") && text.contains("prompts.layout"), "{text}");
}
