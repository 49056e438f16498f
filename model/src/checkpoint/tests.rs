use burn::tensor::{Int, Tensor, TensorData};

use super::*;

mod foreign;

fn checkpoint() -> Checkpoint {
    let tokenizer = Tokenizer::train(&["by simp".to_owned()], Tokenizer::MIN_VOCAB).unwrap();
    let config =
        ModelConfig { vocab_size: 270, layers: 1, width: 8, heads: 2, ff: 12, ..ModelConfig::default() };
    let model = Lm::init(&config, &Device::flex(), 2).unwrap();
    Checkpoint::new(model, tokenizer)
}

fn logits(model: &Lm) -> Vec<f32> {
    let data = TensorData::new(vec![9i64, 200, 33], [1, 3]);
    let tokens = Tensor::<2, Int>::from_data(data, &Device::flex());
    model.forward(tokens, None).into_data().try_to_vec().unwrap()
}

/// What is said of a broken folder, whether its weights are to be read or not.
fn refusal(break_it: impl FnOnce(&Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("round-1");
    checkpoint().save(&dir).unwrap();
    break_it(&dir);
    let text = Checkpoint::load(&dir, &Device::flex()).unwrap_err().to_string();
    assert_eq!(Checkpoint::without_weights(&dir).unwrap_err().to_string(), text);
    text
}

#[test]
fn a_checkpoint_comes_back_and_can_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("round-1");
    let saved = checkpoint();
    saved.save(&dir).unwrap();
    saved.save(&dir).unwrap();
    let loaded = Checkpoint::load(&dir, &Device::flex()).unwrap();
    assert_eq!(loaded.model.config(), saved.model.config());
    assert_eq!(logits(&loaded.model), logits(&saved.model));
    assert_eq!(loaded.tokenizer.encode("by simp"), saved.tokenizer.encode("by simp"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");
}

#[test]
fn half_as_many_bytes_are_nearly_the_same_model() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, half) = (folder.path().join("whole"), folder.path().join("half"));
    let saved = checkpoint();
    saved.save(&whole).unwrap();
    saved.save_half(&half).unwrap();
    let bytes = |dir: &Path| fs::metadata(dir.join(MODEL)).unwrap().len();
    assert!(bytes(&half) < bytes(&whole) * 6 / 10);
    let loaded = Checkpoint::load(&half, &Device::flex()).unwrap();
    let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-2;
    assert!(logits(&loaded.model).iter().zip(&logits(&saved.model)).all(near));
}

/// The type of the numbers as `config.json` and the weights' file say it.
fn numbers(dir: &Path) -> (String, String) {
    let fields: Value = serde_json::from_str(&fs::read_to_string(dir.join(CONFIG)).unwrap()).unwrap();
    assert_eq!(fields["dtype"], fields["torch_dtype"]);
    let bytes = fs::read(dir.join(MODEL)).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut types: Vec<_> = tensors.tensors().iter().map(|(_, view)| format!("{:?}", view.dtype())).collect();
    types.sort();
    types.dedup();
    (fields["dtype"].as_str().unwrap().to_owned(), types.join(" "))
}

#[test]
fn the_config_names_the_numbers_that_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let [given, whole, half] = ["given", "whole", "half"].map(|name| folder.path().join(name));
    checkpoint().save_half(&half).unwrap();
    assert_eq!(numbers(&half), ("float16".to_owned(), "F16".to_owned()), "made here");
    for (named, halves) in
        [("float32", ("float16", "F16")), ("float16", ("float16", "F16")), ("bfloat16", ("bfloat16", "BF16"))]
    {
        checkpoint().save(&given).unwrap();
        edit(&given.join(CONFIG), |fields| {
            fields["torch_dtype"] = named.into();
            fields.as_object_mut().unwrap().remove("dtype");
        });
        let loaded = Checkpoint::load(&given, &Device::flex()).unwrap();
        loaded.save(&whole).unwrap();
        loaded.save_half(&half).unwrap();
        assert_eq!(numbers(&whole), ("float32".to_owned(), "F32".to_owned()), "{named}");
        assert_eq!(numbers(&half), (halves.0.to_owned(), halves.1.to_owned()), "{named}");
        let again = Checkpoint::load(&half, &Device::flex()).unwrap();
        let near = |(a, b): (&f32, &f32)| (a - b).abs() < 5e-2;
        assert!(logits(&again.model).iter().zip(&logits(&loaded.model)).all(near), "{named}");
    }
}

#[test]
fn a_missing_file_is_named() {
    for name in [CONFIG, MODEL, TOKENIZER] {
        let text = refusal(|dir| fs::remove_file(dir.join(name)).unwrap());
        assert!(text.contains(name) && text.contains("Copy the whole"), "{text}");
    }
}

#[test]
fn a_damaged_file_is_named() {
    for name in [CONFIG, MODEL, TOKENIZER] {
        let text = refusal(|dir| {
            let bytes = fs::read(dir.join(name)).unwrap();
            fs::write(dir.join(name), &bytes[..bytes.len() / 2]).unwrap();
        });
        assert!(text.contains(name) && text.lines().count() == 1, "{text}");
    }
}

#[test]
fn a_file_of_another_model_is_named() {
    let change = |dir: &Path, from: &str, to: &str| {
        let text = fs::read_to_string(dir.join(CONFIG)).unwrap();
        assert!(text.contains(from));
        fs::write(dir.join(CONFIG), text.replace(from, to)).unwrap();
    };
    let shape = refusal(|dir| change(dir, "\"intermediate_size\": 12", "\"intermediate_size\": 14"));
    assert!(
        shape.contains(MODEL)
            && shape.contains("mlp.gate_proj.weight")
            && shape.contains("[14, 8]")
            && shape.contains("[12, 8]"),
        "{shape}"
    );
    let more = refusal(|dir| change(dir, "\"num_hidden_layers\": 1", "\"num_hidden_layers\": 2"));
    assert!(more.contains(MODEL) && more.contains("missing"), "{more}");
    let vocabulary = refusal(|dir| change(dir, "\"vocab_size\": 270", "\"vocab_size\": 260"));
    assert!(vocabulary.contains(TOKENIZER) && vocabulary.contains("260"), "{vocabulary}");
}

/// Splits the weights over two shards with an index, as large checkpoints are.
fn split(dir: &Path) {
    let bytes = fs::read(dir.join(MODEL)).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut names: Vec<_> = tensors.names().into_iter().map(str::to_owned).collect();
    names.sort();
    let mut map = serde_json::Map::new();
    for (number, part) in names.chunks(names.len().div_ceil(2)).enumerate() {
        let file = format!("model-0000{}-of-00002.safetensors", number + 1);
        map.extend(part.iter().map(|name| (name.clone(), file.clone().into())));
        let views = part.iter().map(|name| (name, tensors.tensor(name).unwrap()));
        safetensors::serialize_to_file(views, None, &dir.join(file)).unwrap();
    }
    let index = json!({ "metadata": {}, "weight_map": map }).to_string();
    fs::write(dir.join("model.safetensors.index.json"), index).unwrap();
    fs::remove_file(dir.join(MODEL)).unwrap();
}

#[test]
fn shards_are_one_model_and_a_bad_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("sharded");
    let saved = checkpoint();
    saved.save(&dir).unwrap();
    split(&dir);
    let loaded = Checkpoint::load(&dir, &Device::flex()).unwrap();
    assert_eq!(logits(&loaded.model), logits(&saved.model));

    let second = "model-00002-of-00002.safetensors";
    let missing = refusal(|dir| {
        split(dir);
        fs::remove_file(dir.join(second)).unwrap();
    });
    assert!(missing.contains(second), "{missing}");
    let truncated = refusal(|dir| {
        split(dir);
        let bytes = fs::read(dir.join(second)).unwrap();
        fs::write(dir.join(second), &bytes[..bytes.len() - 5]).unwrap();
    });
    assert!(truncated.contains(second) && truncated.contains("not copied to its end"), "{truncated}");
    let elsewhere = refusal(|dir| {
        split(dir);
        let path = dir.join("model.safetensors.index.json");
        let text = fs::read_to_string(&path).unwrap().replace(second, "../other.safetensors");
        fs::write(path, text).unwrap();
    });
    assert!(elsewhere.contains("index.json") && elsewhere.contains("../other"), "{elsewhere}");
}

#[test]
fn a_weight_too_many_or_of_another_type_is_named() {
    let rewrite = |dir: &Path, name: &str, dtype: safetensors::Dtype| {
        let path = dir.join(MODEL);
        let bytes = fs::read(&path).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mut views: Vec<_> = tensors.tensors();
        let data = vec![0; 8 * dtype.bitsize() / 8];
        views.retain(|(known, _)| known != name);
        let shape = vec![8];
        views.push((name.to_owned(), safetensors::tensor::TensorView::new(dtype, shape, &data).unwrap()));
        safetensors::serialize_to_file(views, None, &path).unwrap();
    };
    let more = refusal(|dir| rewrite(dir, "model.layers.0.self_attn.q_proj.bias", safetensors::Dtype::F32));
    assert!(more.contains("q_proj.bias") && more.contains("has not"), "{more}");
    let whole = refusal(|dir| rewrite(dir, "model.norm.weight", safetensors::Dtype::I32));
    assert!(whole.contains("model.norm.weight") && whole.contains("I32"), "{whole}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let text = checkpoint().save(&file.join("round-1")).unwrap_err().to_string();
    assert!(text.contains("round-1"), "{text}");
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut fields: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    change(&mut fields);
    fs::write(path, fields.to_string()).unwrap();
}

#[test]
fn the_first_token_of_a_class_is_saved_and_what_others_misread_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let [given, saved] = ["given", "saved"].map(|name| folder.path().join(name));
    checkpoint().save(&given).unwrap();
    edit(&given.join(TOKENIZER_CONFIG), |fields| {
        fields["tokenizer_class"] = "LlamaTokenizerFast".into();
        fields["bos_token"] = "<|theorem|>".into();
    });
    let load = |dir: &Path| Checkpoint::load(dir, &Device::flex()).unwrap();
    load(&given).save(&saved).unwrap();
    let text = fs::read_to_string(saved.join(TOKENIZER_CONFIG)).unwrap();
    assert!(text.contains("\"PreTrainedTokenizerFast\"") && text.contains("<|theorem|>"), "{text}");
    let of_file = Tokenizer::load(&saved.join(TOKENIZER)).unwrap();
    let begun = [vec![Special::Theorem.id()], of_file.encode("by simp")].concat();
    for tokenizer in [load(&given).tokenizer, load(&saved).tokenizer, of_file] {
        assert_eq!(tokenizer.encode_prompt("by simp").unwrap(), begun);
    }
    edit(&saved.join(TOKENIZER_CONFIG), |fields| {
        fields["tokenizer_class"] = "LlamaTokenizer".into();
        fields["add_bos_token"] = false.into();
    });
    assert_eq!(load(&saved).tokenizer.encode_prompt("by simp").unwrap(), begun[1..]);
}

#[test]
fn the_tokenizers_own_end_ends_a_text_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("given");
    checkpoint().save(&dir).unwrap();
    for (name, expected) in
        [("<|statement|>", vec![Special::End.id(), Special::Statement.id()]), ("by", vec![Special::End.id()])]
    {
        edit(&dir.join(TOKENIZER_CONFIG), |fields| fields["eos_token"] = json!({ "content": name }));
        assert_eq!(Checkpoint::load(&dir, &Device::flex()).unwrap().end_tokens, expected, "{name}");
    }
}

#[test]
fn prompts_need_no_weights() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("given");
    let saved = checkpoint().with_chat_template("{{ messages[0].content }}");
    saved.save(&dir).unwrap();
    split(&dir);
    let read = Checkpoint::without_weights(&dir).unwrap();
    assert_eq!(read.end_tokens, saved.end_tokens);
    assert_eq!(read.tokenizer.encode("by simp"), saved.tokenizer.encode("by simp"));
    let asked = [Message { role: "user".to_owned(), content: "x".to_owned() }];
    assert_eq!(read.chat_prompt(&asked).unwrap().as_deref(), Some("x"));
    fs::write(dir.join(TOKENIZER), "{").unwrap();
    assert!(Checkpoint::without_weights(&dir).unwrap_err().to_string().contains(TOKENIZER));
}

#[test]
fn the_only_file_counts_where_there_are_shards_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("both");
    let saved = checkpoint();
    saved.save(&dir).unwrap();
    let whole = fs::read(dir.join(MODEL)).unwrap();
    split(&dir);
    fs::write(dir.join(MODEL), whole).unwrap();
    for name in ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] {
        fs::write(dir.join(name), "of an older model").unwrap();
    }
    let loaded = Checkpoint::load(&dir, &Device::flex()).unwrap();
    assert_eq!(logits(&loaded.model), logits(&saved.model));
}
