//! Weights out of a file: what each is called there, how it lies, and its blocks as numbers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use rlx_gguf::GgmlType;

use super::config::FREQUENCIES;
use super::meta::Meta;
use crate::stored::Stored;
use crate::{ModelConfig, ModelError};

/// The types of weights that are read; each was compared with another reader.
const TYPES: [GgmlType; 13] = [
    GgmlType::F32,
    GgmlType::F16,
    GgmlType::BF16,
    GgmlType::Q4_0,
    GgmlType::Q4_1,
    GgmlType::Q5_0,
    GgmlType::Q5_1,
    GgmlType::Q8_0,
    GgmlType::Q2K,
    GgmlType::Q3K,
    GgmlType::Q4K,
    GgmlType::Q5K,
    GgmlType::Q6K,
];

/// What the parts of Hugging Face's names are called in a file.
const NAMES: [(&str, &str); 15] = [
    ("model.embed_tokens", "token_embd"),
    ("model.norm", "output_norm"),
    ("lm_head", "output"),
    ("model.layers", "blk"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "ffn_norm"),
];

/// The weights of a file.
pub(super) struct Blocks<'a> {
    meta: &'a Meta<'a>,
    path: PathBuf,
    device: &'a Device,
    head: usize,
    asked: BTreeSet<String>,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(meta: &'a Meta<'a>, path: &Path, config: &ModelConfig, device: &'a Device) -> Self {
        Self { meta, path: path.to_owned(), device, head: config.head_dim(), asked: BTreeSet::new() }
    }

    /// Refuses weights that the model did not ask for: they would be lost silently.
    pub(super) fn finish(self) -> Result<(), ModelError> {
        let harmless = |name: &str| name == FREQUENCIES;
        let unasked = self.meta.file.keys().filter(|name| !self.asked.contains(*name) && !harmless(name));
        match unasked.min() {
            None => Ok(()),
            Some(name) => {
                let architecture = self.meta.architecture;
                let reason = format!("it has a weight `{name}` that a `{architecture}` of its sizes has not");
                Err(ModelError::damaged(&self.path, reason))
            }
        }
    }
}

/// The name in a file of a weight that Hugging Face calls so.
pub(super) fn named(name: &str) -> String {
    // The longest first: `input_layernorm` is a part of nothing else, but `model.norm` must not be taken apart.
    NAMES.iter().fold(name.to_owned(), |name, (theirs, there)| match name.find(theirs) {
        Some(at) if name[at + theirs.len()..].starts_with('.') => name.replacen(theirs, there, 1),
        _ => name,
    })
}

/// Undoes what llama.cpp does to queries and keys of a `llama`: the two halves of each head lie row by row in turn there.
fn unpermuted(values: &[f32], rows: usize, head: usize) -> Vec<f32> {
    let columns = values.len() / rows.max(1);
    let half = head / 2;
    let mut turned = Vec::with_capacity(values.len());
    for row in 0..rows {
        let (first, inside) = (row / head * head, row % head);
        let there = first + inside % half * 2 + inside / half;
        turned.extend_from_slice(&values[there * columns..(there + 1) * columns]);
    }
    turned
}

impl Blocks<'_> {
    fn refused(&self, name: &str, reason: &str) -> ModelError {
        ModelError::damaged(&self.path, format!("the weight `{name}` {reason}"))
    }
}

impl Stored for Blocks<'_> {
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        self.check(name, shape)?;
        let name = named(name);
        let read = self.meta.file.dequant_f32(&name);
        let (mut values, _) =
            read.map_err(|error| self.refused(&name, &format!("cannot be read: {error:#}")))?;
        if self.meta.architecture == "llama" && (name.contains(".attn_q.") || name.contains(".attn_k.")) {
            let rows = shape.first().copied().unwrap_or_default();
            values = unpermuted(&values, rows, self.head);
        }
        Ok(values)
    }

    fn check(&mut self, name: &str, shape: &[usize]) -> Result<(), ModelError> {
        let name = named(name);
        let tensor = self.meta.tensor(&name).ok_or_else(|| self.refused(&name, "is missing"))?;
        let found: Vec<_> = tensor.shape.iter().rev().copied().collect();
        if found != shape {
            let reason = format!("should have the shape {shape:?}, but has {found:?}");
            return Err(self.refused(&name, &reason));
        }
        if !TYPES.contains(&tensor.dtype) {
            let known: Vec<_> = TYPES.iter().map(|it| it.name()).collect();
            let reason = format!("has the type {}; {} are supported", tensor.dtype, known.join(", "));
            return Err(self.refused(&name, &reason));
        }
        // No more than where they lie.
        let bytes = self.meta.file.tensor_bytes(tensor);
        bytes.map_err(|error| self.refused(&name, &format!("cannot be read: {error:#}")))?;
        self.asked.insert(name);
        Ok(())
    }

    fn device(&self) -> &Device {
        self.device
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_llama_cpp() {
        for (theirs, there) in [
            ("model.embed_tokens.weight", "token_embd.weight"),
            ("model.norm.weight", "output_norm.weight"),
            ("lm_head.weight", "output.weight"),
            ("model.layers.12.self_attn.q_proj.bias", "blk.12.attn_q.bias"),
            ("model.layers.0.self_attn.q_norm.weight", "blk.0.attn_q_norm.weight"),
            ("model.layers.3.input_layernorm.weight", "blk.3.attn_norm.weight"),
            ("model.layers.3.post_attention_layernorm.weight", "blk.3.ffn_norm.weight"),
            ("model.layers.3.mlp.down_proj.weight", "blk.3.ffn_down.weight"),
        ] {
            assert_eq!(named(theirs), there);
        }
    }

    #[test]
    fn the_halves_of_each_head_are_put_together_again() {
        // Two heads of four rows and one column: 0 1 2 3 lie as 0 2 1 3.
        let there = [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0];
        assert_eq!(unpermuted(&there, 8, 4), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    }
}
