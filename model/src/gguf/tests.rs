use std::ops::ControlFlow;

use burn::tensor::{Int, Tensor, TensorData};
use rlx_gguf::{GgmlType, GgufWriter, MetaValue, quantize};

use super::*;
use crate::nn::Weight;
use crate::rope::RopeScaling;
use crate::{Checkpoint, SampleConfig, SampleRequest};

fn texts(values: impl IntoIterator<Item = String>) -> MetaValue {
    MetaValue::Array(values.into_iter().map(MetaValue::String).collect())
}

/// The bytes as GPT-2 writes them, `ab` and `abc` as merged tokens, and two special ones.
fn vocabulary() -> Vec<String> {
    let mut bytes: Vec<String> =
        tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet().into_iter().map(String::from).collect();
    bytes.sort();
    bytes.extend(["ab", "abc", "<s>", "<end>"].map(str::to_owned));
    bytes
}

/// A model of one block as Hugging Face has it.
fn model(config: &ModelConfig) -> Lm {
    Lm::init(config, &Device::flex(), 3).unwrap()
}

fn sizes(architecture: &str) -> ModelConfig {
    ModelConfig {
        vocab_size: vocabulary().len(),
        layers: 2,
        width: 32,
        heads: 4,
        kv_heads: 2,
        ff: 64,
        max_seq: 128,
        rope_theta: 50_000.0,
        qkv_bias: architecture == "qwen2",
        qk_norm: architecture == "qwen3",
        tied_embeddings: architecture != "qwen2",
        ..ModelConfig::default()
    }
}

/// The file that llama.cpp would make of it.
fn writer(architecture: &str, model: &Lm, kind: GgmlType) -> GgufWriter {
    let config = model.config();
    let mut file = GgufWriter::new();
    file.set_arch(architecture);
    let mut size = |name: &str, value: usize| {
        file.set_meta(format!("{architecture}.{name}"), MetaValue::U32(value as u32));
    };
    size("block_count", config.layers);
    size("embedding_length", config.width);
    size("feed_forward_length", config.ff);
    size("attention.head_count", config.heads);
    size("attention.head_count_kv", config.kv_heads);
    size("context_length", config.max_seq);
    file.set_meta(format!("{architecture}.rope.freq_base"), MetaValue::F32(config.rope_theta as f32));
    file.set_meta(
        format!("{architecture}.attention.layer_norm_rms_epsilon"),
        MetaValue::F32(config.norm_eps as f32),
    );
    let names = vocabulary();
    let types = (0..names.len()).map(|id| MetaValue::I32(if id + 2 < names.len() { 1 } else { 3 }));
    file.set_meta("tokenizer.ggml.model", MetaValue::String("gpt2".to_owned()));
    file.set_meta("tokenizer.ggml.pre", MetaValue::String("smollm".to_owned()));
    file.set_meta("tokenizer.ggml.token_type", MetaValue::Array(types.collect()));
    file.set_meta("tokenizer.ggml.eos_token_id", MetaValue::U32(names.len() as u32 - 1));
    file.set_meta("tokenizer.ggml.bos_token_id", MetaValue::U32(names.len() as u32 - 2));
    file.set_meta("tokenizer.ggml.tokens", texts(names));
    file.set_meta("tokenizer.ggml.merges", texts(["a b", "ab c"].map(str::to_owned)));
    file.set_meta("tokenizer.chat_template", MetaValue::String("{{ messages[0].content }}".to_owned()));
    for (name, weight) in model.list() {
        let (values, shape, is_vector) = match weight {
            Weight::Projection(matrix) => {
                (matrix.clone().transpose().into_data(), matrix.dims().to_vec(), false)
            }
            Weight::Table(table) => {
                (table.clone().into_data(), table.dims().into_iter().rev().collect(), false)
            }
            Weight::Vector(vector) => (vector.clone().into_data(), vector.dims().to_vec(), true),
        };
        let mut values: Vec<f32> = values.try_to_vec().unwrap();
        let is_turned = name.contains("q_proj") || name.contains("k_proj");
        if architecture == "llama" && is_turned {
            let rows = if is_vector { shape[0] } else { shape[1] };
            values = permuted(&values, rows, config.head_dim());
        }
        let kind = if is_vector { GgmlType::F32 } else { kind };
        let bytes = quantize(&values, kind).unwrap();
        file.add_tensor_bytes(weights::named(&name), shape, kind, bytes).unwrap();
    }
    file
}

/// What llama.cpp does to queries and keys: row `i` of half `j` of a head comes to place `2 i + j`.
fn permuted(values: &[f32], rows: usize, head: usize) -> Vec<f32> {
    let columns = values.len() / rows;
    let mut there = vec![0.0; values.len()];
    for row in 0..rows {
        let (first, half, place) = (row / head * head, row % head / (head / 2), row % (head / 2));
        let to = first + 2 * place + half;
        there[to * columns..][..columns].copy_from_slice(&values[row * columns..][..columns]);
    }
    there
}

fn saved(file: &GgufWriter) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    file.write_to_path(&path).unwrap();
    (folder, path)
}

fn logits(model: &Lm) -> Vec<f32> {
    let tokens =
        Tensor::<2, Int>::from_data(TensorData::new(vec![9i64, 200, 33, 7], [1, 4]), &Device::flex());
    model.forward(tokens, None).into_data().try_to_vec().unwrap()
}

fn difference(a: &Lm, b: &Lm) -> f32 {
    logits(a).iter().zip(logits(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn every_architecture_computes_what_it_did() {
    for architecture in meta::ARCHITECTURES {
        let original = model(&sizes(architecture));
        let (_folder, path) = saved(&writer(architecture, &original, GgmlType::F32));
        let loaded = Checkpoint::load(&path, &Device::flex()).unwrap();
        assert_eq!(loaded.model.config(), original.config(), "{architecture}");
        assert_eq!(ModelConfig::of_checkpoint(&path).unwrap(), sizes(architecture));
        let described = describe(&path).unwrap();
        assert_eq!(described.config, sizes(architecture));
        assert_eq!(logits(&loaded.model), logits(&original), "{architecture}");
    }
}

#[test]
fn a_converted_file_is_a_checkpoint_like_any_other() {
    let original = model(&sizes("llama"));
    let (folder, path) = saved(&writer("llama", &original, GgmlType::Q8_0));
    let loaded = Checkpoint::load(&path, &Device::flex()).unwrap();
    assert!((1e-6..0.05).contains(&difference(&loaded.model, &original)), "a little is lost in eight bits");
    let end = vocabulary().len() as u32 - 1;
    assert_eq!(loaded.end_tokens, [end]);
    assert_eq!(loaded.tokenizer.encode("abc12").len(), 3, "digits stand alone");
    assert_eq!(loaded.tokenizer.encode_written("a<end>").unwrap(), [loaded.tokenizer.encode("a")[0], end]);
    let chat = [crate::Message { role: "user".to_owned(), content: "hello".to_owned() }];
    assert_eq!(loaded.chat_prompt(&chat).unwrap().as_deref(), Some("hello"));
    let written = folder.path().join("converted");
    loaded.save(&written).unwrap();
    let again = Checkpoint::load(&written, &Device::flex()).unwrap();
    assert_eq!(logits(&again.model), logits(&loaded.model));
    assert_eq!(
        (&again.end_tokens, again.tokenizer.encode("abc1 ≤")),
        (&loaded.end_tokens, loaded.tokenizer.encode("abc1 ≤"))
    );
    assert_eq!(again.chat_prompt(&chat).unwrap().as_deref(), Some("hello"));
    let request = SampleRequest { prompt: vec![9, 20], seeds: vec![1] };
    let config =
        SampleConfig { max_new_tokens: 4, stop: again.end_tokens.clone(), ..SampleConfig::default() };
    let stats = crate::sample(&again.model, &[request], &config, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(stats.completions, 1);
}

#[test]
fn every_type_of_weights_is_about_what_it_was() {
    // Rows of 256, as the largest blocks need.
    let config = ModelConfig { width: 256, ff: 256, heads: 8, layers: 1, ..sizes("llama") };
    let original = model(&config);
    for (kind, most) in [
        (GgmlType::F16, 0.01),
        (GgmlType::BF16, 0.05),
        (GgmlType::Q8_0, 0.1),
        (GgmlType::Q6K, 0.3),
        (GgmlType::Q5K, 0.5),
        (GgmlType::Q5_0, 0.5),
        (GgmlType::Q5_1, 0.5),
        (GgmlType::Q4K, 1.0),
        (GgmlType::Q4_0, 1.0),
        (GgmlType::Q4_1, 1.0),
    ] {
        let (_folder, path) = saved(&writer("llama", &original, kind));
        let loaded = Checkpoint::load(&path, &Device::flex()).unwrap();
        let found = difference(&loaded.model, &original);
        assert!(found > 0.0 && found < most, "{kind}: {found}");
    }
}

#[test]
fn what_is_not_known_is_named() {
    let refusal = |change: &dyn Fn(&mut GgufWriter)| {
        let mut file = writer("llama", &model(&sizes("llama")), GgmlType::F32);
        change(&mut file);
        let (_folder, path) = saved(&file);
        let text = Checkpoint::load(&path, &Device::flex()).unwrap_err().to_string();
        assert!(text.contains("model.gguf") && text.lines().count() == 1, "{text}");
        assert_eq!(Checkpoint::without_weights(&path).unwrap_err().to_string(), text);
        text
    };
    let text = |value: &str| MetaValue::String(value.to_owned());
    let set = |key: &'static str, value: MetaValue| refusal(&move |file| file.set_meta(key, value.clone()));
    let said = set("general.architecture", text("mamba2"));
    assert!(said.contains("`mamba2`") && said.contains("qwen3"), "{said}");
    assert!(set("tokenizer.ggml.model", text("llama")).contains("`llama`; only byte-level"));
    let said = set("tokenizer.ggml.pre", text("viking"));
    assert!(said.contains("`viking`") && said.contains("deepseek-llm"), "{said}");
    for nothing in [MetaValue::Bool(false), text("default")] {
        let said = set("tokenizer.ggml.pre", nothing);
        assert!(said.contains("`tokenizer.ggml.pre`") && said.contains("folder of Hugging Face"), "{said}");
    }
    assert!(set("tokenizer.ggml.eos_token_id", text("none")).contains("eos_token_id"));
    assert!(set("llama.rope.scaling.type", text("longrope")).contains("`longrope`"));
    assert!(set("split.count", MetaValue::U16(3)).contains("llama-gguf-split"));
    assert!(set("llama.expert_count", MetaValue::U32(8)).contains("experts"));
    assert!(set("llama.attention.head_count", MetaValue::U32(2)).contains("blk.0.attn_k.weight"));
    let add = |name: &'static str, kind: GgmlType, bytes: usize| {
        refusal(&move |file| file.add_tensor_bytes(name, vec![256], kind, vec![0; bytes]).unwrap())
    };
    assert!(add("blk.0.attn_q.bias", GgmlType::F32, 1024).contains("blk.0.attn_q.bias"));
    assert!(add("rope_freqs.weight", GgmlType::F32, 1024).contains("rope_freqs"));
    assert!(add("blk.0.ssm_a", GgmlType::F32, 1024).contains("blk.0.ssm_a"));
}

#[test]
fn a_text_of_deepseeks_begins_with_the_first_token_unless_the_file_says_otherwise() {
    let original = model(&sizes("llama"));
    let prompt = |keys: &[(&str, MetaValue)]| {
        let mut file = writer("llama", &original, GgmlType::F32);
        for (key, value) in keys {
            file.set_meta(*key, value.clone());
        }
        let (_folder, path) = saved(&file);
        Checkpoint::load(&path, &Device::flex()).unwrap().tokenizer.encode_prompt("ab").unwrap()
    };
    let [merged, first] = [4, 2].map(|back| vocabulary().len() as u32 - back);
    let divided = || ("tokenizer.ggml.pre", MetaValue::String("deepseek-llm".to_owned()));
    let without = ("tokenizer.ggml.add_bos_token", MetaValue::Bool(false));
    assert_eq!(prompt(&[]), [merged], "a `smollm`");
    assert_eq!(prompt(&[divided()]), [first, merged]);
    assert_eq!(prompt(&[divided(), without]), [merged]);
}

#[test]
fn rotary_positions_are_scaled_as_the_keys_say() {
    let original = model(&sizes("llama"));
    let scaling = |keys: &[(&str, MetaValue)]| {
        let mut file = writer("llama", &original, GgmlType::F32);
        for (key, value) in keys {
            file.set_meta(format!("llama.rope.{key}"), value.clone());
        }
        let (_folder, path) = saved(&file);
        let shape = ModelConfig::of_checkpoint(&path);
        shape.map(|shape| shape.rope_scaling).map_err(|error| error.to_string())
    };
    let kind = |name: &str| ("scaling.type", MetaValue::String(name.to_owned()));
    let number = |key: &'static str, value: f32| (key, MetaValue::F32(value));
    let linear = Ok(RopeScaling::Linear { factor: 4.0 });
    assert_eq!(scaling(&[kind("linear"), number("scaling.factor", 4.0)]), linear);
    assert_eq!(scaling(&[number("scaling.factor", 4.0)]), linear, "as llama.cpp reads it");
    assert_eq!(scaling(&[number("scale_linear", 4.0)]), linear, "the older name");
    assert_eq!(scaling(&[number("scale_linear", 2.0), number("scaling.factor", 4.0)]), linear);
    for nothing in [0.0, 1.0] {
        assert_eq!(scaling(&[number("scale_linear", nothing)]), Ok(RopeScaling::None));
    }
    assert_eq!(scaling(&[kind("none"), number("scaling.factor", 4.0)]), Ok(RopeScaling::None));
    let yarn = |more: &[(&'static str, MetaValue)]| {
        let length = ("scaling.original_context_length", MetaValue::U32(32));
        let keys = [&[kind("yarn"), number("scaling.factor", 4.0), length][..], more].concat();
        match scaling(&keys) {
            Ok(RopeScaling::Yarn { attention_factor, .. }) => Ok(attention_factor),
            Ok(other) => panic!("{other:?}"),
            Err(text) => Err(text),
        }
    };
    let usual = 0.1 * 4f64.ln() + 1.0;
    assert_eq!(yarn(&[]), Ok(usual));
    assert_eq!(yarn(&[number("scaling.attn_factor", 0.5)]), Ok(0.5 * usual));
    let said = yarn(&[number("scaling.yarn_log_multiplier", 0.1)]).unwrap_err();
    assert!(said.contains("`llama.rope.scaling.yarn_log_multiplier` = 0.1"), "{said}");
    let said = scaling(&[kind("linear"), number("scaling.factor", 4.0), number("scaling.attn_factor", 0.5)]);
    assert!(said.unwrap_err().contains("`llama.rope.scaling.attn_factor` = 0.5"));
    assert_eq!(scaling(&[number("scaling.attn_factor", 1.0)]), Ok(RopeScaling::None));
}

#[test]
fn two_scalings_of_rotary_positions_are_refused() {
    let original = model(&sizes("llama"));
    let with = |stretch: f32| {
        let mut file = writer("llama", &original, GgmlType::F32);
        file.set_meta("llama.rope.scaling.factor", MetaValue::F32(4.0));
        let factors = [1.0, 1.0, 1.0, stretch].map(f32::to_le_bytes).concat();
        file.add_tensor_bytes("rope_freqs.weight", vec![4], GgmlType::F32, factors).unwrap();
        let (_folder, path) = saved(&file);
        ModelConfig::of_checkpoint(&path).map(|shape| shape.rope_scaling).map_err(|error| error.to_string())
    };
    assert_eq!(with(1.0), Ok(RopeScaling::Linear { factor: 4.0 }), "factors of 1 scale nothing");
    assert!(with(2.0).unwrap_err().contains("by keys and by `rope_freqs.weight`"));
}

#[test]
fn a_type_that_is_not_known_and_a_file_that_was_cut_are_named() {
    let file = writer("llama", &model(&sizes("llama")), GgmlType::F32);
    let (_folder, path) = saved(&file);
    let bytes = std::fs::read(&path).unwrap();
    let refusal = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let text = Checkpoint::load(&path, &Device::flex()).unwrap_err().to_string();
        assert_eq!(Checkpoint::without_weights(&path).unwrap_err().to_string(), text);
        text
    };
    // The type of a tensor stands after its name, the number of its dimensions and these.
    let name = b"blk.1.ffn_up.weight";
    let at = bytes.windows(name.len()).position(|it| it == name).unwrap() + name.len() + 4 + 2 * 8;
    let of_type = |number: u8| {
        let mut other = bytes.clone();
        other[at] = number;
        refusal(&other)
    };
    assert!(of_type(99).contains("blk.1.ffn_up.weight") && of_type(99).contains("99"));
    assert!(of_type(20).contains("IQ4_NL"), "known to the reader, and not tried here");
    assert!(refusal(&bytes[..bytes.len() - 100]).contains("cannot be read"));
    assert!(refusal(&bytes[..60]).contains("model.gguf"));
    assert!(refusal(b"no model").contains("not a GGUF"));
}
