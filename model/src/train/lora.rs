//! Low-rank adapters (Hu et al., 2021): large models are trained through two small factors beside each chosen
//! projection, and the factors are added to the weights at the end.
//!
//! Factors, freezing and merging are burn's. Initial factors come from the training's seed, as `peft` draws them:
//! the first uniform within `1 / sqrt(inputs)`, the second zero, so that an adapted model begins as the one it adapts.

use burn::module::{LoraAdapter, Module, ModuleVisitor, Param, Reparameterizer};
use burn::tensor::{Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::nn::unit;
use crate::{Lm, ModelConfig, ModelError};

/// A projection of each block, by its name in Hugging Face's checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Projection {
    /// Queries of the attention.
    QProj,
    /// Its keys.
    KProj,
    /// Its values.
    VProj,
    /// Its output.
    OProj,
    /// The gate of the feed-forward layer.
    GateProj,
    /// Its other inner projection.
    UpProj,
    /// Its output.
    DownProj,
}

impl Projection {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::QProj, Self::KProj, Self::VProj, Self::OProj, Self::GateProj, Self::UpProj, Self::DownProj];

    /// How its weight's path in the model ends.
    fn path(self) -> &'static str {
        match self {
            Self::QProj => "attention.query.weight",
            Self::KProj => "attention.key.weight",
            Self::VProj => "attention.value.weight",
            Self::OProj => "attention.output.weight",
            Self::GateProj => "feed_forward.gate.weight",
            Self::UpProj => "feed_forward.up.weight",
            Self::DownProj => "feed_forward.down.weight",
        }
    }
}

/// Which adapters to train instead of the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoraConfig {
    /// Rank of the adapters; 0 trains all weights themselves.
    pub rank: usize,
    /// The adapters' products are multiplied by `alpha / rank`.
    pub alpha: f64,
    /// The projections that get one.
    pub projections: Vec<Projection>,
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self { rank: 0, alpha: 32.0, projections: Projection::ALL.to_vec() }
    }
}

impl LoraConfig {
    /// Whether there are any adapters.
    pub(super) fn is_on(&self) -> bool {
        self.rank > 0
    }

    /// How many numbers the adapters of such a model have.
    pub fn parameters(&self, model: &ModelConfig) -> usize {
        let (width, ff) = (model.width, model.ff);
        let (query, kv) = (model.heads * model.head_dim(), model.kv_heads * model.head_dim());
        let sides = |projection: &Projection| match projection {
            Projection::QProj | Projection::OProj => width + query,
            Projection::KProj | Projection::VProj => width + kv,
            Projection::GateProj | Projection::UpProj | Projection::DownProj => width + ff,
        };
        let chosen = Projection::ALL.iter().filter(|projection| self.projections.contains(projection));
        self.rank * model.layers * chosen.map(sides).sum::<usize>()
    }

    pub(super) fn validate(&self) -> Result<(), ModelError> {
        let setting = |name, value: String, remedy| Err(ModelError::Setting { name, value, remedy });
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            return setting(
                "lora.alpha",
                self.alpha.to_string(),
                "set it above 0, usually to twice the rank",
            );
        }
        if self.is_on() && self.projections.is_empty() {
            return setting("lora.projections", "empty".to_owned(), "name at least one, for example q_proj");
        }
        Ok(())
    }
}

/// Freezes a model and gives the chosen projections adapters.
///
/// # Errors
/// [`ModelError::Setting`] if the rank is no lower than that of a projection.
pub(super) fn attach(model: Lm, config: &LoraConfig, seed: u64) -> Result<Lm, ModelError> {
    let mut attach = Attach { config, rng: ChaCha8Rng::seed_from_u64(seed), smallest: usize::MAX };
    let model = model.apply_reparameterization(&mut attach);
    if config.rank < attach.smallest {
        return Ok(model);
    }
    Err(ModelError::Setting {
        name: "lora.rank",
        value: config.rank.to_string(),
        remedy: "set it below the sizes of the projections, usually 8 to 64",
    })
}

/// Adds the adapters to the weights, which can be trained again afterwards.
pub(super) fn merge(model: Lm) -> Lm {
    model.materialize().unfreeze()
}

struct Attach<'a> {
    config: &'a LoraConfig,
    rng: ChaCha8Rng,
    /// Smallest side of an adapted projection.
    smallest: usize,
}

impl Reparameterizer for &mut Attach<'_> {
    type Reparam = LoraAdapter;

    fn reparameterize<const D: usize>(
        &mut self,
        path: &str,
        param: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, Option<LoraAdapter>) {
        let param = param.set_require_grad(false);
        if !self.config.projections.iter().any(|projection| path.ends_with(projection.path())) {
            return (param, None);
        }
        let (rank, device) = (self.config.rank, param.device());
        let [inputs, outputs] = [param.dims()[0], param.dims()[D - 1]];
        self.smallest = self.smallest.min(inputs).min(outputs);
        let bound = (inputs as f64).powf(-0.5);
        let first: Vec<f32> =
            (0..inputs * rank).map(|_| (bound * (2.0 * unit(&mut self.rng) - 1.0)) as f32).collect();
        let adapter = LoraAdapter {
            a: Param::from_data(TensorData::new(first, [inputs, rank]), &device),
            b: Param::from_tensor(Tensor::zeros([rank, outputs], &device)),
            scale: self.config.alpha / rank as f64,
        };
        (param, Some(adapter))
    }
}

/// How many numbers of a model are trained.
pub(super) fn trained_parameters(model: &Lm) -> usize {
    let mut count = Count(0);
    model.clone().train().visit(&mut count);
    count.0
}

struct Count(usize);

impl ModuleVisitor for Count {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.is_require_grad() {
            self.0 += param.shape().num_elements();
        }
    }
}
