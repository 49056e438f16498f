//! The mask beside the filter that it saves from malformed texts, and beside every statement of the corpus.

use std::sync::LazyLock;

use proptest::prelude::*;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use stp_datasets::Corpus;
use stp_model::Special;

use super::*;
use crate::is_plausible;

const LEVELS: [Masking; 3] = [Masking::Brackets, Masking::Binders, Masking::Names];

/// Whether a text may be written and may end.
fn passes(level: Masking, text: &str) -> bool {
    let mut scan = Scan::new(level);
    text.chars().all(|c| scan.take(c)) && scan.may_end()
}

static SIGNATURES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let entries = Corpus::core().unwrap().entries.into_iter();
    entries.map(|entry| entry.statement.signature).collect()
});

static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| Tokenizer::train(&SIGNATURES, 768).unwrap());

#[test]
fn what_is_malformed_is_refused_where_it_becomes_so() {
    for (text, first) in [
        ("(n : Nat) : Nat) (n", Masking::Brackets),
        ("(n : Nat : n = n", Masking::Brackets),
        ("(n : Nat] : n = n", Masking::Brackets),
        ("(n : Nat)", Masking::Brackets),
        ("(n : Nat) : n := 1", Masking::Brackets),
        ("(f : Nat) () : f = f", Masking::Binders),
        ("(n + 1 : Nat) : n = n", Masking::Binders),
        ("(: Nat) : 1 = 1", Masking::Binders),
        ("(n :) : n = n", Masking::Binders),
        ("(n : Nat) n : n = n", Masking::Binders),
        ("(n : Nat) : n : n = n", Masking::Binders),
        ("(n : Nat) : n = (n +) 1", Masking::Binders),
        ("(n : Nat) : n =", Masking::Binders),
        ("(n : Nat) : n = m", Masking::Names),
        ("(f : Nat → Nat) : f x = 1", Masking::Names),
        ("(h : n = n) (n : Nat) : n = n", Masking::Names),
    ] {
        for level in LEVELS {
            assert_eq!(passes(level, text), level < first, "{text} at {level:?}");
        }
    }
}

#[test]
fn what_may_be_a_statement_passes() {
    for text in [
        ": 1 = 1",
        "{α : Type} [DecidableEq α] (a : α) (l : List α) : (a :: l).head? = some a",
        "(p q : Nat → Prop) (h : ∀ n, p n ∧ q n) : (∀ n : Nat, p n) ∧ ∀ (n : Nat), q n",
        "(f : Nat → Nat) (h : ∃ x y : Nat, f x = y) : ∃ k, f k = f k",
        "(n : Nat) : (fun x => x + 1) n = n.succ ∧ n' 2 = 2".trim_end_matches(" ∧ n' 2 = 2"),
        "(s : {x : Nat // x < 5}) : s.1 < 5",
        "(xs : List (Nat × Nat)) : xs.map (fun ⟨a, b⟩ => (b, a)) = xs.map (fun p => (p.2, p.1))",
        "(a : Nat) : (match a with | 0 => 1 | k + 1 => k) ≤ a + 1",
        "(c : Char) (h : c = 'x') : c ≠ 'y' ∧ \"a (b)\".length = 5",
        "(a b : Nat) (h : a < b) : (if a < b then 1 else 2) = 1",
    ] {
        for level in LEVELS {
            assert!(passes(level, text), "{text} at {level:?}");
        }
    }
}

/// Every statement passes; of the library's, nearly every one at the level of names, because a dependent arrow binds a name
/// that the mask does not see.
#[test]
fn statements_of_the_corpora_pass() {
    let library: Vec<_> =
        Corpus::library().unwrap().entries.into_iter().map(|entry| entry.statement.signature).collect();
    for (texts, share) in [(&*SIGNATURES, 0.0), (&library, 0.02)] {
        for level in LEVELS {
            let refused: Vec<_> = texts.iter().filter(|text| !passes(level, text)).collect();
            let most = if level == Masking::Names { (texts.len() as f64 * share) as usize } else { 0 };
            assert!(
                refused.len() <= most,
                "{level:?} refuses {} of {}: {refused:#?}",
                refused.len(),
                texts.len()
            );
        }
    }
}

/// Also token by token.
#[test]
fn the_corpus_can_be_written_under_the_mask() {
    for level in LEVELS {
        let grammar = Signatures::new(&TOKENIZER, level);
        let writes = |text: &String| {
            let mut reader = grammar.begin();
            let whole = TOKENIZER.encode(text).into_iter().all(|token| {
                let allowed = reader.allows(token, 400);
                reader.read(token);
                allowed
            });
            whole && reader.may_end()
        };
        let refused: Vec<_> = SIGNATURES.iter().filter(|text| !writes(text)).collect();
        let most = if level == Masking::Names { SIGNATURES.len() / 20 } else { 0 };
        assert!(
            refused.len() <= most,
            "{level:?} refuses {} of {}: {refused:#?}",
            refused.len(),
            SIGNATURES.len()
        );
    }
}

/// A text of allowed tokens drawn at random, and whether it ended within `room` tokens.
fn random_text(grammar: &Signatures, seed: u64, room: usize) -> (String, bool) {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let (mut reader, mut tokens) = (grammar.begin(), Vec::new());
    for left in (1..=room).rev() {
        let mut allowed: Vec<u32> =
            (0..TOKENIZER.vocab_size() as u32).filter(|token| reader.allows(*token, left)).collect();
        // As a model that wants to end would.
        if reader.may_end() && (allowed.is_empty() || generator.random::<f64>() < 0.2) {
            return (TOKENIZER.decode(&tokens), true);
        }
        // A model writes whole characters, unless it has no token for one.
        let whole = |token: &u32| TOKENIZER.piece(*token).is_some_and(|it| std::str::from_utf8(&it).is_ok());
        if allowed.iter().any(whole) {
            allowed.retain(whole);
        }
        if allowed.is_empty() {
            break;
        }
        let token = allowed[generator.random_range(0..allowed.len())];
        reader.read(token);
        tokens.push(token);
    }
    (TOKENIZER.decode(&tokens), false)
}

#[test]
fn random_texts_end_and_are_plausible() {
    for level in LEVELS {
        let grammar = Signatures::new(&TOKENIZER, level);
        let texts: Vec<_> = (0..200).map(|seed| random_text(&grammar, seed, 60)).collect();
        for (text, _) in texts.iter().filter(|(_, ended)| *ended) {
            assert!(is_plausible(text), "{level:?}: {text}");
        }
        let ended = texts.iter().filter(|(_, ended)| *ended).count();
        let cut: Vec<_> = texts.iter().filter(|(_, ended)| !*ended).map(|(text, _)| text).take(9).collect();
        assert!(ended >= 195, "{level:?}: {ended} of 200 ended: {cut:#?}");
    }
}

#[test]
fn special_tokens_and_broken_characters_are_never_allowed() {
    let grammar = Signatures::new(&TOKENIZER, Masking::Brackets);
    let reader = grammar.begin();
    for special in Special::ALL {
        assert!(!reader.allows(special.id(), 100));
    }
    assert!(!reader.allows(u32::MAX, 100) && !reader.may_end());
    let mut scan = Scan::new(Masking::Brackets);
    assert!(scan.take_bytes(b": \xe2\x88") && !scan.may_end(), "a character is not whole");
    let mut whole = scan;
    assert!(whole.take_bytes(b"\x80 x") && whole.may_end());
    assert!(!scan.take_bytes(b"x"), "nor can it become so");
}

#[test]
fn brackets_are_closed_while_there_is_room() {
    let grammar = Signatures::new(&TOKENIZER, Masking::Brackets);
    let mut reader = grammar.begin();
    for token in TOKENIZER.encode(": ((") {
        reader.read(token);
    }
    let open = TOKENIZER.encode("(")[0];
    assert!(reader.allows(open, 6) && !reader.allows(open, 4), "three brackets and the end are to come");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_bracket_level_is_the_filter(text in "[()\\[\\]{}⟨⟩:= abn]{0,24}") {
        let colon_ends = text.trim_end().ends_with(':');
        prop_assert_eq!(passes(Masking::Brackets, &text), is_plausible(&text) && !colon_ends, "{}", text);
    }

    #[test]
    fn what_passes_is_plausible(text in "[(){}\\[\\]⟨⟩:=,→∀abn'\"| .]{0,40}", level in 0usize..3) {
        prop_assert!(!passes(LEVELS[level], &text) || is_plausible(&text), "{}", text);
    }

    #[test]
    fn bytes_and_characters_are_read_alike(
        begin in prop::sample::select(vec!["", "(", "(a", "⦃x", ": ", "(a : "]),
        text in "\\PC{0,9}", level in 0usize..3,
    ) {
        let text = format!("{begin}{text}");
        let (mut one, mut other) = (Scan::new(LEVELS[level]), Scan::new(LEVELS[level]));
        prop_assert_eq!(text.chars().all(|c| one.take(c)), other.take_bytes(text.as_bytes()));
    }
}
