use proptest::prelude::*;

use super::*;

fn texts() -> Vec<String> {
    let lines = [
        "(a b : Nat) : a + b = b + a",
        "by\n  induction n with\n  | zero => rfl\n  | succ n ih => simp [Nat.add_comm, ih]",
        "theorem add_zero (n : Nat) : n + 0 = n := by\n  omega",
        "<|end|> <|end|> <|end|> text that looks like a marker <|end|>",
        "∀ x ∈ xs, ∃ y, x ≤ y ∧ y₁ = 123",
    ];
    lines.iter().cycle().take(40).map(|line| (*line).to_owned()).collect()
}

fn tokenizer() -> Tokenizer {
    Tokenizer::train(&texts(), 400).unwrap()
}

#[test]
fn special_tokens_have_the_first_ids() {
    let ids: Vec<u32> = Special::ALL.iter().map(|special| special.id()).collect();
    assert_eq!(ids, (0..8).collect::<Vec<u32>>());
    assert_eq!(tokenizer().decode(&[1, 2]), "<|end|><|prove|>");
}

#[test]
fn a_marker_in_a_text_is_ordinary_text() {
    let tokenizer = tokenizer();
    for special in Special::ALL {
        let tokens = tokenizer.encode(special.text());
        assert!(tokens.len() > 1 && tokens.iter().all(|&token| token >= 8), "{tokens:?}");
        assert_eq!(tokenizer.decode(&tokens), special.text());
    }
}

#[test]
fn training_is_deterministic_and_learns_merges() {
    let (first, second) = (tokenizer(), tokenizer());
    assert_eq!(serde_json::to_string(&*first.inner).unwrap(), serde_json::to_string(&*second.inner).unwrap());
    assert!(first.vocab_size() > Tokenizer::MIN_VOCAB && first.vocab_size() <= 400);
    assert!(first.encode("induction").len() < "induction".len());
}

#[test]
fn pieces_keep_digits_apart_and_indentation_with_its_newline() {
    let tokenizer = tokenizer();
    assert_eq!(tokenizer.encode("123").len(), 3);
    let tokens = tokenizer.encode("\n  omega");
    assert_eq!(tokenizer.decode(&tokens[..1]), "\n  ");
}

#[test]
fn the_pieces_of_a_text_are_its_bytes() {
    let tokenizer = tokenizer();
    for text in texts().iter().map(String::as_str).chain([PROBE]) {
        let bytes = tokenizer.encode(text).into_iter().flat_map(|token| tokenizer.piece(token).unwrap());
        assert_eq!(bytes.collect::<Vec<_>>(), text.as_bytes());
    }
    assert_eq!(tokenizer.piece(Special::End.id()), None);
    assert_eq!(tokenizer.piece(u32::MAX), None);
}

#[test]
fn a_saved_tokenizer_encodes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    let tokenizer = tokenizer();
    tokenizer.save(&path).unwrap();
    let loaded = Tokenizer::load(&path).unwrap();
    for text in texts() {
        assert_eq!(loaded.encode(&text), tokenizer.encode(&text));
    }
}

#[test]
fn a_text_is_neither_cut_nor_filled_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    let tokenizer = tokenizer();
    tokenizer.save(&path).unwrap();
    let mut fields: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    fields["truncation"] = serde_json::json!({
        "direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0,
    });
    fields["padding"] = serde_json::json!({
        "strategy": { "Fixed": 90 }, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0, "pad_type_id": 0,
        "pad_token": "<|pad|>",
    });
    std::fs::write(&path, fields.to_string()).unwrap();
    let loaded = Tokenizer::load(&path).unwrap();
    let text = "theorem add_zero (n : Nat) : n + 0 = n";
    assert!((4..90).contains(&tokenizer.encode(text).len()));
    assert_eq!(loaded.encode(text), tokenizer.encode(text));
    assert_eq!(loaded.encode_prompt(text).unwrap(), tokenizer.encode(text));
    loaded.save(&path).unwrap();
    let fields: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(fields["truncation"].is_null() && fields["padding"].is_null());
}

#[test]
fn a_damaged_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    std::fs::write(&path, "{").unwrap();
    assert!(Tokenizer::load(&path).unwrap_err().to_string().contains("tokenizer.json"));
}

#[test]
fn a_vocabulary_without_room_for_the_bytes_is_refused() {
    assert!(Tokenizer::train(&texts(), 200).unwrap_err().to_string().contains("264"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn every_text_comes_back(text in any::<String>(), lean in "[a-z0-9_.:=() \n⟨⟩∀→₁|<>]{0,60}") {
        static TOKENIZER: std::sync::LazyLock<Tokenizer> = std::sync::LazyLock::new(tokenizer);
        for text in [text, lean] {
            let tokens = TOKENIZER.encode(&text);
            prop_assert!(tokens.iter().all(|&token| token >= 8));
            prop_assert_eq!(TOKENIZER.decode(&tokens), text);
        }
    }
}
