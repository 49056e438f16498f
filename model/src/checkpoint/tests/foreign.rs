//! Folders of other programs: what they lack, and what is kept as they have it.

use super::*;

fn load(dir: &Path) -> Checkpoint {
    Checkpoint::load(dir, &Device::flex()).unwrap()
}

#[test]
fn a_damaged_companion_is_named() {
    for name in [TOKENIZER_CONFIG, GENERATION, "special_tokens_map.json"] {
        for damage in [&b"{\"a\": "[..], b"[]", b"", b"{\"a\": \"\xff\"}"] {
            let text = refusal(|dir| fs::write(dir.join(name), damage).unwrap());
            assert!(text.contains(name) && text.contains("Copy") && text.lines().count() == 1, "{text}");
        }
    }
    let text = refusal(|dir| fs::create_dir(dir.join(CHAT_TEMPLATE)).unwrap());
    assert!(text.contains(CHAT_TEMPLATE), "one that is there and cannot be read: {text}");
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("given");
    checkpoint().save(&dir).unwrap();
    for name in [TOKENIZER_CONFIG, GENERATION] {
        fs::remove_file(dir.join(name)).unwrap();
    }
    assert_eq!(load(&dir).end_tokens, [Special::End.id()], "none of them is needed");
}

#[test]
fn a_first_token_that_nobody_knows_of_is_asked_for() {
    /// A Llama that has a first token, without the file that says whether texts begin with it.
    fn unknown(dir: &Path) {
        edit(&dir.join(CONFIG), |fields| fields["bos_token_id"] = Special::Theorem.id().into());
        fs::remove_file(dir.join(TOKENIZER_CONFIG)).unwrap();
    }
    let text = refusal(unknown);
    assert!(text.contains(TOKENIZER_CONFIG) && text.contains("`bos_token_id`"), "{text}");
    assert!(text.contains("Copy it from where") && text.lines().count() == 1, "{text}");
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("given");
    let first = |dir: &Path| load(dir).tokenizer.encode_prompt("").unwrap();
    checkpoint().save(&dir).unwrap();
    unknown(&dir);
    fs::write(dir.join(TOKENIZER_CONFIG), "{}").unwrap();
    assert!(first(&dir).is_empty(), "it is said that there is none");
    let adds = hf::first_token(Special::Theorem.text(), Special::Theorem.id()).unwrap();
    let tokenizer = checkpoint().tokenizer.with_additions(Some(adds));
    Checkpoint { tokenizer, ..checkpoint() }.save(&dir).unwrap();
    unknown(&dir);
    assert_eq!(first(&dir), [Special::Theorem.id()], "the tokenizer says it");
    let kept = folder.path().join("kept");
    load(&dir).save(&kept).unwrap();
    assert_eq!(first(&kept), [Special::Theorem.id()], "what is written without the file is read, too");
    checkpoint().save(&dir).unwrap();
    unknown(&dir);
    edit(&dir.join(CONFIG), |fields| fields["architectures"] = json!(["Qwen3ForCausalLM"]));
    let said = Checkpoint::load(&dir, &Device::flex()).unwrap_err().to_string();
    assert!(said.contains("q_norm"), "another kind puts none there, so only weights are missing: {said}");
}

#[test]
fn a_folder_that_was_fetched_or_saved_otherwise_has_a_hint() {
    let renamed = |from: &str, to: &str| refusal(|dir| fs::rename(dir.join(from), dir.join(to)).unwrap());
    for name in ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin"] {
        let text = renamed(MODEL, name);
        assert!(text.contains(MODEL) && text.contains("safe_serialization=True"), "{text}");
        assert!(!text.contains("Copy"), "{text}");
    }
    let text = renamed(TOKENIZER, "tokenizer.model");
    assert!(text.contains("AutoTokenizer") && text.contains("use_fast") && !text.contains("Copy"), "{text}");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4976698672\n";
    for name in [CONFIG, TOKENIZER, TOKENIZER_CONFIG, MODEL] {
        let text = refusal(|dir| fs::write(dir.join(name), pointer).unwrap());
        assert!(text.contains(name) && text.contains("git lfs pull") && !text.contains("Copy"), "{text}");
    }
    let shard = "model-00002-of-00002.safetensors";
    let text = refusal(|dir| {
        split(dir);
        fs::write(dir.join(shard), pointer).unwrap();
    });
    assert!(text.contains(shard) && text.contains("git lfs pull"), "{text}");
}

/// A folder whose `tokenizer.json` is as versions of `tokenizers` before 0.20 write it: merges are texts.
fn older(dir: &Path, class: &str) {
    let tokenizer = Tokenizer::train(&["by simp by simp".to_owned()], Tokenizer::MIN_VOCAB + 4).unwrap();
    Checkpoint { tokenizer, ..checkpoint() }.save(dir).unwrap();
    edit(&dir.join(TOKENIZER), |fields| {
        let pairs: Vec<(String, String)> = serde_json::from_value(fields["model"]["merges"].take()).unwrap();
        assert_eq!(pairs.len(), 4);
        fields["model"]["merges"] = pairs.iter().map(|(first, second)| format!("{first} {second}")).collect();
    });
    edit(&dir.join(TOKENIZER_CONFIG), |fields| {
        fields["tokenizer_class"] = class.into();
        fields["bos_token"] = "<|theorem|>".into();
    });
}

#[test]
fn a_tokenizer_that_is_not_changed_is_written_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let [given, saved] = ["given", "saved"].map(|name| folder.path().join(name));
    older(&given, "Qwen2Tokenizer");
    load(&given).save(&saved).unwrap();
    let bytes = |dir: &Path| fs::read(dir.join(TOKENIZER)).unwrap();
    assert_eq!(bytes(&saved), bytes(&given));
    load(&saved).save_half(&saved).unwrap();
    assert_eq!(bytes(&saved), bytes(&given));
}

#[test]
fn of_a_tokenizer_that_is_changed_only_that_is_other() {
    let folder = tempfile::tempdir().unwrap();
    let [given, saved] = ["given", "saved"].map(|name| folder.path().join(name));
    older(&given, "LlamaTokenizerFast");
    load(&given).save(&saved).unwrap();
    let fields = |dir: &Path| -> Value {
        serde_json::from_str(&fs::read_to_string(dir.join(TOKENIZER)).unwrap()).unwrap()
    };
    let (before, mut after) = (fields(&given), fields(&saved));
    assert_eq!(after["post_processor"]["type"], "TemplateProcessing");
    after["post_processor"] = before["post_processor"].clone();
    assert_eq!(after, before);
    let begun = load(&given).tokenizer.encode_prompt("by simp").unwrap();
    assert_eq!(begun[0], Special::Theorem.id());
    let of_file = Tokenizer::load(&saved.join(TOKENIZER)).unwrap();
    assert_eq!(of_file.encode_prompt("by simp").unwrap(), begun);
}

#[test]
fn the_default_of_several_chat_templates_counts() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("given");
    checkpoint().save(&dir).unwrap();
    edit(&dir.join(TOKENIZER_CONFIG), |fields| {
        fields["chat_template"] = json!([
            { "name": "tool_use", "template": "tools" },
            { "name": "default", "template": "{{ messages[0].content }}!" },
        ]);
    });
    let asked = [Message { role: "user".to_owned(), content: "x".to_owned() }];
    let prompt = |dir: &Path| load(dir).chat_prompt(&asked).unwrap();
    assert_eq!(prompt(&dir).as_deref(), Some("x!"));
    fs::write(dir.join(CHAT_TEMPLATE), "file").unwrap();
    assert_eq!(prompt(&dir).as_deref(), Some("file"), "the file comes first");
}

#[test]
fn a_folder_without_architectures_is_known_by_its_type() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("given");
    let saved = checkpoint();
    saved.save(&dir).unwrap();
    edit(&dir.join(CONFIG), |fields| {
        fields.as_object_mut().unwrap().remove("architectures");
    });
    assert_eq!(logits(&load(&dir).model), logits(&saved.model));
}
