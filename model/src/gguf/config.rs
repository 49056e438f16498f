//! The sizes of the model in a file.

use super::meta::Meta;
use crate::ModelConfig;
use crate::rope::{self, RopeScaling};

/// What the tensor of stretched rotary frequencies is called.
pub(super) const FREQUENCIES: &str = "rope_freqs.weight";

/// The shape of the model; what has no key is seen by which tensors there are.
pub(super) fn shape(meta: &Meta<'_>) -> Result<ModelConfig, String> {
    let has = |name: &str| meta.tensor(name).is_some();
    if meta.optional_size(&meta.key("expert_count"))?.is_some_and(|experts| experts > 0) {
        return Err(format!("it is a `{}` with experts, which is not supported", meta.architecture));
    }
    let (width, heads) = (meta.size("embedding_length")?, meta.size("attention.head_count")?);
    let table = meta.tensor("token_embd.weight").ok_or("the weight `token_embd.weight` is missing")?;
    let vocab_size = table.shape.get(1).copied().ok_or("`token_embd.weight` is no matrix")?;
    let head = meta.optional_size(&meta.key("attention.key_length"))?;
    let mut config = ModelConfig {
        vocab_size,
        layers: meta.size("block_count")?,
        width,
        heads,
        kv_heads: meta.optional_size(&meta.key("attention.head_count_kv"))?.unwrap_or(heads),
        head_size: head.filter(|head| head * heads != width),
        ff: meta.size("feed_forward_length")?,
        max_seq: meta.size("context_length")?,
        rope_theta: meta.number(&meta.key("rope.freq_base"))?.unwrap_or(10_000.0),
        rope_scaling: scaling(meta)?,
        norm_eps: meta.number(&meta.key("attention.layer_norm_rms_epsilon"))?.map_or(1e-5, as_written),
        tied_embeddings: !has("output.weight"),
        qkv_bias: has("blk.0.attn_q.bias"),
        output_bias: has("blk.0.attn_output.bias"),
        ff_bias: has("blk.0.ffn_up.bias"),
        qk_norm: has("blk.0.attn_q_norm.weight"),
    };
    if heads > 0 {
        let (turned, head) = (meta.optional_size(&meta.key("rope.dimension_count"))?, config.head_dim());
        if turned.is_some_and(|turned| turned != head) {
            return Err(format!("only a part of each head ({turned:?} of {head}) has rotary positions"));
        }
    }
    config.validate().map_err(|error| error.to_string())?;
    if let Some(tensor) = meta.tensor(FREQUENCIES) {
        let (factors, _) = meta.file.dequant_f32(&tensor.name).map_err(|error| format!("{error:#}"))?;
        config.rope_scaling = both(&config.rope_scaling, llama3(&config, &factors)?)?;
    }
    Ok(config)
}

/// A number that was written down with 32 bits, as people write it: 1e-5 and not 9.99999974e-6.
fn as_written(number: f64) -> f64 {
    (number as f32).to_string().parse().unwrap_or(number)
}

/// The scaling that the keys name. As in llama.cpp, a factor without a type is that of linear scaling, and has an older name.
fn scaling(meta: &Meta<'_>) -> Result<RopeScaling, String> {
    let number = |name: &str| meta.number(&meta.key(name));
    let kind = meta.text(&meta.key("rope.scaling.type"));
    let factor = number("rope.scaling.factor")?.or(number("rope.scale_linear")?).filter(|it| *it != 0.0);
    let attention = attention_factor(meta, kind)?;
    let needed = || factor.ok_or("the scaling of its rotary positions has no factor".to_owned());
    Ok(match kind {
        Some("none") => RopeScaling::None,
        None => {
            factor.filter(|it| *it != 1.0).map_or(RopeScaling::None, |factor| RopeScaling::Linear { factor })
        }
        Some("linear") => RopeScaling::Linear { factor: needed()? },
        Some("yarn") => {
            let factor = needed()?;
            RopeScaling::Yarn {
                factor,
                beta_fast: number("rope.scaling.yarn_beta_fast")?.unwrap_or(32.0),
                beta_slow: number("rope.scaling.yarn_beta_slow")?.unwrap_or(1.0),
                original_max_seq: meta.size("rope.scaling.original_context_length")?,
                attention_factor: attention * if factor > 1.0 { 0.1 * factor.ln() + 1.0 } else { 1.0 },
                truncate: true,
            }
        }
        Some(other) => {
            return Err(format!(
                "its rotary positions are scaled by `{other}`; linear and yarn are supported"
            ));
        }
    })
}

/// What YaRN's factor of cosines and sines is multiplied with.
///
/// # Errors
/// Keys that change the rotary positions in a way that is not computed, if they change anything.
fn attention_factor(meta: &Meta<'_>, kind: Option<&str>) -> Result<f64, String> {
    let refuse = |name: &str, without: f64| -> Result<(), String> {
        let key = meta.key(name);
        match meta.number(&key)? {
            Some(found) if found != without => Err(format!(
                "its rotary positions have `{key}` = {}, which is not supported",
                as_written(found)
            )),
            _ => Ok(()),
        }
    };
    if kind == Some("yarn") {
        refuse("rope.scaling.yarn_ext_factor", 1.0)?;
        refuse("rope.scaling.yarn_attn_factor", 1.0)?;
        refuse("rope.scaling.yarn_log_multiplier", 0.0)?;
    } else {
        refuse("rope.scaling.attn_factor", 1.0)?;
    }
    Ok(meta.number(&meta.key("rope.scaling.attn_factor"))?.map_or(1.0, as_written))
}

/// The one scaling of two that there is: that of the keys, and that of the stretched frequencies.
fn both(keys: &RopeScaling, frequencies: RopeScaling) -> Result<RopeScaling, String> {
    match (keys, frequencies) {
        (keys, RopeScaling::None) => Ok(keys.clone()),
        (RopeScaling::None, frequencies) => Ok(frequencies),
        _ => Err(format!(
            "its rotary positions are scaled by keys and by `{FREQUENCIES}`, which is not supported"
        )),
    }
}

/// The scaling of Llama 3.1, of which a file has what it makes of the frequencies and not its constants. Those of all
/// releases are tried.
fn llama3(config: &ModelConfig, factors: &[f32]) -> Result<RopeScaling, String> {
    let (plain, _) = rope::frequencies(config.rope_theta, config.head_dim(), &RopeScaling::None);
    let factor = factors.iter().copied().fold(1.0f32, f32::max);
    let scaling = RopeScaling::Llama3 {
        factor: f64::from(factor),
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_seq: 8192,
    };
    let (scaled, _) = rope::frequencies(config.rope_theta, config.head_dim(), &scaling);
    let same = factors.len() == plain.len()
        && plain
            .iter()
            .zip(&scaled)
            .zip(factors)
            .all(|((plain, scaled), factor)| (plain / scaled / f64::from(*factor) - 1.0).abs() < 1e-3);
    if factors.iter().all(|factor| *factor == 1.0) {
        Ok(RopeScaling::None)
    } else if same {
        Ok(scaling)
    } else {
        Err(format!("its `{FREQUENCIES}` are none that Llama 3.1 to 3.3 have, which is not supported"))
    }
}
