//! `config.json`: which of its keys decide what is computed, and which values of them this crate can compute.

use serde_json::{Map, Value, json};

use super::Precision;
use crate::ModelConfig;
use crate::rope::RopeScaling;

/// The architectures that are computed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Llama,
    Qwen2,
    Qwen3,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Llama, Self::Qwen2, Self::Qwen3];

    /// The name in `architectures`.
    fn architecture(self) -> &'static str {
        match self {
            Self::Llama => "LlamaForCausalLM",
            Self::Qwen2 => "Qwen2ForCausalLM",
            Self::Qwen3 => "Qwen3ForCausalLM",
        }
    }

    /// The `model_type`.
    fn model_type(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
        }
    }

    /// What a `config.json` names: by its `architectures`, or where it has none, by its `model_type`. A name that is not known
    /// counts: what it computes is not known either.
    fn named(fields: &Map<String, Value>) -> Result<Self, String> {
        let architecture = fields.get("architectures").and_then(|names| names.get(0)).and_then(Value::as_str);
        let model_type = fields.get("model_type").and_then(Value::as_str);
        let is_named = |kind: &Self| match architecture {
            Some(name) => name == kind.architecture(),
            None => model_type == Some(kind.model_type()),
        };
        Self::ALL.into_iter().find(is_named).ok_or_else(|| {
            let found = match (architecture, model_type) {
                (Some(name), _) => format!("`architectures` is `{name}`"),
                (None, Some(name)) => format!("it names no `architectures`, and `model_type` is `{name}`"),
                (None, None) => "it names neither `architectures` nor a `model_type`".to_owned(),
            };
            let [first, second, third] = Self::ALL.map(Self::architecture);
            format!("{found}; {first}, {second} and {third} are supported")
        })
    }

    /// The first one that computes what the shape says.
    fn of(config: &ModelConfig) -> Self {
        match config {
            ModelConfig { qk_norm: true, .. } => Self::Qwen3,
            ModelConfig { qkv_bias: true, output_bias: false, .. } => Self::Qwen2,
            _ => Self::Llama,
        }
    }
}

/// What a `config.json` says: the shape, the tokens that end a text, and its keys.
pub(crate) type Described = (ModelConfig, Vec<u32>, Map<String, Value>);

/// What a `config.json` describes. Both ways of writing rotary
/// positions are known: `rope_theta` with `rope_scaling`, and the newer `rope_parameters`.
pub(crate) fn parse(text: &str) -> Result<Described, String> {
    let fields: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let kind = Kind::named(&fields)?;
    let fields = Fields(fields);
    fields.refuse_what_is_not_computed()?;
    let (width, heads) = (fields.size("hidden_size")?, fields.size("num_attention_heads")?);
    let max_seq = fields.size("max_position_embeddings")?;
    let attention_bias = fields.flag("attention_bias")?;
    let (rope_theta, rope_scaling) = fields.rope(max_seq)?;
    let config = ModelConfig {
        vocab_size: fields.size("vocab_size")?,
        layers: fields.size("num_hidden_layers")?,
        width,
        heads,
        kv_heads: fields.optional_size("num_key_value_heads")?.unwrap_or(heads),
        head_size: fields.optional_size("head_dim")?.filter(|head| head * heads != width),
        ff: fields.size("intermediate_size")?,
        max_seq,
        rope_theta,
        rope_scaling,
        norm_eps: fields.number("rms_norm_eps")?.unwrap_or(1e-6),
        tied_embeddings: fields.flag("tie_word_embeddings")?,
        qkv_bias: attention_bias || kind == Kind::Qwen2,
        output_bias: attention_bias && kind != Kind::Qwen2,
        ff_bias: kind == Kind::Llama && fields.flag("mlp_bias")?,
        qk_norm: kind == Kind::Qwen3,
    };
    config.validate().map_err(|error| error.to_string())?;
    let end_tokens = end_tokens(fields.0.get("eos_token_id"))?;
    Ok((config, end_tokens, fields.0))
}

/// Says in a `config.json` which numbers the weights are. Either name is read by some version of `transformers`.
pub(crate) fn set_type(fields: &mut Value, precision: Precision) {
    for key in ["dtype", "torch_dtype"] {
        fields[key] = precision.name().into();
    }
}

/// Whether it depends on the class of a tokenizer if its texts begin with a first token: those of Llama put one there.
pub(crate) fn may_begin_texts(fields: &Map<String, Value>) -> bool {
    let has_first = fields.get("bos_token_id").is_some_and(Value::is_number);
    has_first && Kind::named(fields) == Ok(Kind::Llama)
}

/// `eos_token_id` is a number, a list of them, or absent.
pub(crate) fn end_tokens(value: Option<&Value>) -> Result<Vec<u32>, String> {
    let token = |value: &Value| {
        let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
        id.ok_or_else(|| format!("`eos_token_id` holds {value}, which is no token id"))
    };
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(ids)) => ids.iter().map(token).collect(),
        Some(id) => Ok(vec![token(id)?]),
    }
}

/// The `config.json` of a model: of the first architecture that computes the same.
pub(crate) fn describe(config: &ModelConfig, end_tokens: &[u32]) -> Result<Value, String> {
    let kind = Kind::of(config);
    if config.qkv_bias != config.output_bias && kind != Kind::Qwen2 {
        return Err("no known architecture has biases on only some of the attention's projections".to_owned());
    }
    let mut fields = json!({
        "architectures": [kind.architecture()],
        "model_type": kind.model_type(),
        "vocab_size": config.vocab_size,
        "hidden_size": config.width,
        "intermediate_size": config.ff,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim(),
        "hidden_act": "silu",
        "max_position_embeddings": config.max_seq,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope_theta,
        "rope_scaling": scaling_fields(&config.rope_scaling),
        "tie_word_embeddings": config.tied_embeddings,
        "attention_bias": config.qkv_bias && config.output_bias,
        "mlp_bias": config.ff_bias,
        "bos_token_id": null,
        "eos_token_id": end_tokens,
        "dtype": "float32",
        "torch_dtype": "float32",
    });
    if kind == Kind::Qwen2 && config.head_size.is_some() {
        return Err("Qwen2 has no head size of its own".to_owned());
    }
    if kind != Kind::Llama {
        fields["use_sliding_window"] = false.into();
    }
    Ok(fields)
}

fn scaling_fields(scaling: &RopeScaling) -> Value {
    match scaling {
        RopeScaling::None => Value::Null,
        RopeScaling::Linear { factor } => json!({ "rope_type": "linear", "factor": factor }),
        RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_seq } => json!({
            "rope_type": "llama3",
            "factor": factor,
            "low_freq_factor": low_freq_factor,
            "high_freq_factor": high_freq_factor,
            "original_max_position_embeddings": original_max_seq,
        }),
        RopeScaling::Yarn { factor, beta_fast, beta_slow, original_max_seq, attention_factor, truncate } => {
            json!({
                "rope_type": "yarn",
                "factor": factor,
                "beta_fast": beta_fast,
                "beta_slow": beta_slow,
                "original_max_position_embeddings": original_max_seq,
                "attention_factor": attention_factor,
                "truncate": truncate,
            })
        }
    }
}

/// The keys of a `config.json`; `null` counts as absent.
struct Fields(Map<String, Value>);

impl Fields {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn size(&self, name: &str) -> Result<usize, String> {
        self.optional_size(name)?.ok_or_else(|| format!("it has no `{name}`"))
    }

    fn optional_size(&self, name: &str) -> Result<Option<usize>, String> {
        let size = |value: &Value| {
            let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
            size.ok_or_else(|| format!("`{name}` is {value}, and not a whole number"))
        };
        self.get(name).map(size).transpose()
    }

    fn number(&self, name: &str) -> Result<Option<f64>, String> {
        let number =
            |value: &Value| value.as_f64().ok_or_else(|| format!("`{name}` is {value}, and not a number"));
        self.get(name).map(number).transpose()
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        let flag = |value: &Value| {
            value.as_bool().ok_or_else(|| format!("`{name}` is {value}, and neither true nor false"))
        };
        self.get(name).map_or(Ok(false), flag)
    }

    fn refuse_what_is_not_computed(&self) -> Result<(), String> {
        if self.get("quantization_config").is_some() {
            return Err(
                "it has a `quantization_config`; take the checkpoint that is not quantised".to_owned()
            );
        }
        if let Some(activation) = self.get("hidden_act").filter(|name| *name != "silu") {
            return Err(format!("`hidden_act` is {activation}; only \"silu\" is supported"));
        }
        let sliding = self.get("layer_types").and_then(Value::as_array).is_some_and(|layers| {
            layers.iter().any(|layer| layer.as_str().is_some_and(|name| name != "full_attention"))
        });
        if self.flag("use_sliding_window")? || sliding {
            return Err("it uses sliding-window attention, which is not supported".to_owned());
        }
        if self.number("partial_rotary_factor")?.is_some_and(|part| part != 1.0) {
            return Err("`partial_rotary_factor` is not 1, which is not supported".to_owned());
        }
        Ok(())
    }

    /// Base and scaling of the rotary positions.
    fn rope(&self, max_seq: usize) -> Result<(f64, RopeScaling), String> {
        let object = |name: &str| self.get(name).and_then(Value::as_object).cloned();
        let inner = Fields(object("rope_parameters").or_else(|| object("rope_scaling")).unwrap_or_default());
        let theta = inner.number("rope_theta")?.or(self.number("rope_theta")?).unwrap_or(10_000.0);
        let kind = inner.get("rope_type").or_else(|| inner.get("type")).and_then(Value::as_str);
        let original = inner
            .optional_size("original_max_position_embeddings")?
            .or(self.optional_size("original_max_position_embeddings")?)
            .unwrap_or(max_seq);
        let scaling = match kind {
            // Dynamic scaling begins beyond `max_position_embeddings`, where this crate's sequences end.
            None | Some("default" | "dynamic") => RopeScaling::None,
            Some("linear") => RopeScaling::Linear { factor: inner.scaling_number("factor")? },
            Some("llama3") => RopeScaling::Llama3 {
                factor: inner.scaling_number("factor")?,
                low_freq_factor: inner.scaling_number("low_freq_factor")?,
                high_freq_factor: inner.scaling_number("high_freq_factor")?,
                original_max_seq: original,
            },
            Some("yarn") => inner.yarn(original)?,
            Some(other) => {
                return Err(format!(
                    "its rotary positions are scaled by `{other}`; default, linear, dynamic, llama3 and yarn are \
                     supported"
                ));
            }
        };
        Ok((theta, scaling))
    }

    fn scaling_number(&self, name: &str) -> Result<f64, String> {
        self.number(name)?.ok_or_else(|| format!("the scaling of its rotary positions has no `{name}`"))
    }

    fn yarn(&self, original_max_seq: usize) -> Result<RopeScaling, String> {
        let factor = self.scaling_number("factor")?;
        let by_scale = |scale: f64| if factor > 1.0 { 0.1 * scale * factor.ln() + 1.0 } else { 1.0 };
        let attention_factor = match (
            self.number("attention_factor")?,
            self.number("mscale")?,
            self.number("mscale_all_dim")?,
        ) {
            (Some(given), ..) => given,
            (None, Some(some), Some(all)) if some != 0.0 && all != 0.0 => by_scale(some) / by_scale(all),
            _ => by_scale(1.0),
        };
        Ok(RopeScaling::Yarn {
            factor,
            beta_fast: self.number("beta_fast")?.unwrap_or(32.0),
            beta_slow: self.number("beta_slow")?.unwrap_or(1.0),
            original_max_seq,
            attention_factor,
            truncate: self.get("truncate").and_then(Value::as_bool).unwrap_or(true),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut Value)) -> String {
        let mut fields = describe(&ModelConfig::default(), &[1]).unwrap();
        change(&mut fields);
        parse(&fields.to_string()).unwrap_err()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let base = ModelConfig::default();
        let llama3 = RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_seq: 64,
        };
        let yarn = RopeScaling::Yarn {
            factor: 4.0,
            beta_fast: 32.0,
            beta_slow: 1.0,
            original_max_seq: 64,
            attention_factor: 1.25,
            truncate: false,
        };
        for config in [
            base.clone(),
            ModelConfig { tied_embeddings: false, rope_scaling: llama3, ff_bias: true, ..base.clone() },
            ModelConfig { qkv_bias: true, rope_scaling: yarn, ..base.clone() },
            ModelConfig { qkv_bias: true, output_bias: true, head_size: Some(64), ..base.clone() },
            ModelConfig { qk_norm: true, head_size: Some(48), ..base },
        ] {
            let text = describe(&config, &[1, 2]).unwrap().to_string();
            let (found, end_tokens, source) = parse(&text).unwrap();
            assert_eq!((found, end_tokens), (config, vec![1, 2]));
            assert_eq!(Value::Object(source).to_string(), text);
        }
    }

    #[test]
    fn what_cannot_be_computed_is_named() {
        for (key, value, hint) in [
            ("architectures", json!(["MixtralForCausalLM"]), "`MixtralForCausalLM`; LlamaForCausalLM"),
            ("hidden_act", json!("gelu"), "`hidden_act` is \"gelu\""),
            ("quantization_config", json!({"bits": 4}), "quantization_config"),
            ("layer_types", json!(["full_attention", "sliding_attention"]), "sliding-window"),
            ("rope_scaling", json!({"type": "longrope"}), "`longrope`"),
            ("rope_scaling", json!({"type": "linear"}), "no `factor`"),
            ("hidden_size", json!("big"), "`hidden_size` is \"big\""),
            ("hidden_size", Value::Null, "no `hidden_size`"),
            ("num_key_value_heads", json!(4), "`kv_heads` (4)"),
            ("eos_token_id", json!(-1), "no token id"),
        ] {
            let text = refusal(|fields| fields[key] = value);
            assert!(text.contains(hint), "{key}: {text}");
        }
    }
    #[test]
    fn a_kind_without_an_architecture_is_known_by_its_type() {
        for kind in Kind::ALL {
            for nothing in [Value::Null, json!([])] {
                let fields = json!({ "architectures": nothing, "model_type": kind.model_type() });
                assert_eq!(Kind::named(fields.as_object().unwrap()), Ok(kind));
            }
        }
        let refused = |fields: Value| Kind::named(fields.as_object().unwrap()).unwrap_err();
        let said = refused(json!({ "model_type": "mixtral" }));
        assert!(said.contains("`model_type` is `mixtral`; LlamaForCausalLM"), "{said}");
        let said = refused(json!({ "architectures": null }));
        assert!(said.contains("neither `architectures` nor a `model_type`"), "{said}");
        let said = refused(json!({ "architectures": ["LlamaModel"], "model_type": "llama" }));
        assert!(said.contains("`LlamaModel`"), "what is named is meant: {said}");
        let mut whole = describe(&ModelConfig::default(), &[1]).unwrap();
        whole["architectures"] = Value::Null;
        assert_eq!(parse(&whole.to_string()).unwrap().0, ModelConfig::default());
    }
}
