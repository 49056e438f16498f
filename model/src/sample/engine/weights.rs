//! A model's weights where the engine can read them: the tensors' own memory, not a copy.

use std::collections::HashMap;

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, FloatDType, Tensor};

use crate::kernels::cpu::{Bf16Matrix, Matrix};
use crate::nn::Weight;
use crate::{Lm, ModelError, Precision};

/// The values of one tensor, in order.
pub(super) struct Values(FloatTensor<Flex>);

impl Values {
    fn new<const D: usize>(tensor: Tensor<D>) -> Result<Self, ModelError> {
        let tensor = if tensor.dtype() == DType::F32 { tensor } else { tensor.cast(FloatDType::F32) };
        let failed = |error| ModelError::Compute { reason: format!("{error:?}") };
        let tensor = tensor.try_into_primitive::<Flex>().map_err(failed)?;
        Ok(Self(if tensor.as_slice::<f32>().is_some() { tensor } else { tensor.to_contiguous() }))
    }

    pub(super) fn get(&self) -> &[f32] {
        self.0.as_slice().expect("made dense before")
    }
}

/// A projection `[inputs, outputs]`.
pub(super) struct Projection {
    pub weight: Factor,
    pub bias: Option<Values>,
    pub outputs: usize,
}

/// What inputs are multiplied with.
pub(super) enum Factor {
    /// The tensor itself.
    Full(Values),
    /// A rounded copy of it.
    Rounded(Bf16Matrix),
}

impl Factor {
    /// Of a tensor `[inputs, outputs]`, or the other way round.
    fn new(tensor: Tensor<2>, is_turned: bool, precision: Precision) -> Result<Self, ModelError> {
        if precision == Precision::F32 {
            return Ok(Self::Full(Values::new(if is_turned { tensor.transpose() } else { tensor })?));
        }
        let [rows, cols] = tensor.dims();
        let values = Values::new(tensor)?;
        let matrix = Matrix::dense(values.get(), rows, cols);
        Ok(Self::Rounded(Bf16Matrix::new(if is_turned { matrix.transposed() } else { matrix })))
    }
}

/// One block.
pub(super) struct Layer {
    pub attention_norm: Values,
    pub query: Projection,
    pub key: Projection,
    pub value: Projection,
    pub query_norm: Option<Values>,
    pub key_norm: Option<Values>,
    pub output: Projection,
    pub feed_forward_norm: Values,
    pub gate: Projection,
    pub up: Projection,
    pub down: Projection,
}

/// All weights.
pub(super) struct ModelWeights {
    pub embedding: Values,
    pub layers: Vec<Layer>,
    pub norm: Values,
    pub head: Projection,
}

impl ModelWeights {
    pub(super) fn new(model: &Lm, precision: Precision) -> Result<Self, ModelError> {
        let mut named = ByName { weights: model.list().into_iter().collect(), precision };
        let layers = (0..model.config().layers).map(|index| named.layer(index)).collect::<Result<_, _>>()?;
        let norm = named.vector("model.norm.weight")?;
        // A tied head is the one weight that is copied, for the engine reads inputs row by row.
        let tied = !named.weights.contains_key("lm_head.weight");
        let table = named.take("model.embed_tokens.weight")?;
        let Weight::Table(table) = table else { return Err(missing("model.embed_tokens.weight")) };
        let head = if tied {
            let [outputs, _] = table.dims();
            Projection { weight: Factor::new(table.clone(), true, precision)?, bias: None, outputs }
        } else {
            named.projection("lm_head")?
        };
        Ok(Self { embedding: Values::new(table)?, layers, norm, head })
    }
}

struct ByName {
    weights: HashMap<String, Weight>,
    precision: Precision,
}

fn missing(name: &str) -> ModelError {
    ModelError::Compute { reason: format!("the model has no weight `{name}`") }
}

impl ByName {
    fn take(&mut self, name: &str) -> Result<Weight, ModelError> {
        self.weights.remove(name).ok_or_else(|| missing(name))
    }

    fn vector(&mut self, name: &str) -> Result<Values, ModelError> {
        match self.take(name)? {
            Weight::Vector(tensor) => Values::new(tensor),
            Weight::Projection(tensor) | Weight::Table(tensor) => Values::new(tensor),
        }
    }

    fn optional(&mut self, name: &str) -> Result<Option<Values>, ModelError> {
        if self.weights.contains_key(name) { self.vector(name).map(Some) } else { Ok(None) }
    }

    fn projection(&mut self, name: &str) -> Result<Projection, ModelError> {
        let weight = format!("{name}.weight");
        let (Weight::Projection(tensor) | Weight::Table(tensor)) = self.take(&weight)? else {
            return Err(missing(&weight));
        };
        let [_, outputs] = tensor.dims();
        let bias = self.optional(&format!("{name}.bias"))?;
        Ok(Projection { weight: Factor::new(tensor, false, self.precision)?, bias, outputs })
    }

    fn layer(&mut self, index: usize) -> Result<Layer, ModelError> {
        let block = format!("model.layers.{index}");
        let (attention, mlp) = (format!("{block}.self_attn"), format!("{block}.mlp"));
        Ok(Layer {
            attention_norm: self.vector(&format!("{block}.input_layernorm.weight"))?,
            query: self.projection(&format!("{attention}.q_proj"))?,
            key: self.projection(&format!("{attention}.k_proj"))?,
            value: self.projection(&format!("{attention}.v_proj"))?,
            query_norm: self.optional(&format!("{attention}.q_norm.weight"))?,
            key_norm: self.optional(&format!("{attention}.k_norm.weight"))?,
            output: self.projection(&format!("{attention}.o_proj"))?,
            feed_forward_norm: self.vector(&format!("{block}.post_attention_layernorm.weight"))?,
            gate: self.projection(&format!("{mlp}.gate_proj"))?,
            up: self.projection(&format!("{mlp}.up_proj"))?,
            down: self.projection(&format!("{mlp}.down_proj"))?,
        })
    }
}
