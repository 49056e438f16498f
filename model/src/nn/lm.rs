//! The language model.

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::{Embedding, Linear, RmsNorm};
use burn::tensor::{Bool, Device, FloatDType, GradientCheckpointingStrategy, Int, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::attention::{Packed, Padded, Pass, rms_norm};
use super::block::Block;
use super::cache::KvCache;
use super::layout::Layout;
use super::mask::{HIDDEN, Placement, causal};
use super::rope::RopeTable;
use super::weights::{self, Named, Random, Weight, Weights};
use crate::{ModelConfig, ModelError, Precision, kernels};

/// A decoder-only transformer.
#[derive(Module, Debug)]
pub struct Lm {
    embedding: Embedding,
    blocks: Vec<Block>,
    norm: RmsNorm,
    head: Option<Linear>,
    rope: RopeTable,
    #[module(skip)]
    config: ModelConfig,
    /// In which numbers the processor's fused passes compute products.
    #[module(skip)]
    precision: Precision,
}

impl Lm {
    /// A model with random weights; the same seed gives the same weights on every device.
    pub fn init(config: &ModelConfig, device: &Device, seed: u64) -> Result<Self, ModelError> {
        Self::build(config, &mut Random { rng: ChaCha8Rng::seed_from_u64(seed), device })
    }

    /// A model with weights from anywhere.
    pub(crate) fn build(config: &ModelConfig, weights: &mut dyn Weights) -> Result<Self, ModelError> {
        config.validate()?;
        let (vocab, width) = (config.vocab_size, config.width);
        let table = weights.table("model.embed_tokens.weight", [vocab, width])?;
        let embedding = Embedding { weight: Param::from_data(table, weights.device()) };
        let block = |index| Block::new(config, &block_name(index), weights);
        let blocks = (0..config.layers).map(block).collect::<Result<_, _>>()?;
        let head = (!config.tied_embeddings)
            .then(|| weights::linear(weights, "lm_head", [width, vocab], 0.5, false))
            .transpose()?;
        let norm = weights::norm(weights, "model.norm", width, config.norm_eps)?;
        let rope = RopeTable::new(config, weights.device());
        let precision = Precision::F32;
        Ok(Self { embedding, blocks, norm, head, rope, config: config.clone(), precision })
    }

    /// Ready for training. With `recompute`, what is quick to compute is not kept for the backward pass but computed
    /// again there: burn's balanced checkpointing.
    pub(crate) fn tracked(self, recompute: bool) -> Self {
        let model = self.train();
        if !recompute {
            return model;
        }
        let strategy = GradientCheckpointingStrategy::Balanced;
        let mut model = model.map(&mut Recompute(strategy));
        model.rope = model.rope.map(|table| table.with_gradient_checkpointing_strategy(strategy));
        model
    }

    /// The same in another precision; gradients find their way through to the weights of this one. The processor rounds what
    /// goes into products, other devices all they compute.
    pub(crate) fn in_precision(self, precision: Precision) -> Self {
        if precision == Precision::F32 || self.is_fused() {
            return Self { precision, ..self };
        }
        let mut model = self.map(&mut Cast(FloatDType::BF16));
        model.rope = model.rope.map(|table| table.cast(FloatDType::BF16));
        model
    }

    /// One of its blocks in its precision, with gradients as for [`Self::in_precision`]; the block may be of another copy.
    pub(crate) fn block_in_precision(&self, block: &Block, precision: Precision) -> Block {
        if precision == Precision::F32 || self.is_fused() {
            return block.clone();
        }
        block.clone().map(&mut Cast(FloatDType::BF16))
    }

    /// All weights with the names they have in Hugging Face's checkpoints.
    pub(crate) fn list(&self) -> Named {
        let table = Weight::Table(self.embedding.weight.val());
        let mut named = vec![("model.embed_tokens.weight".to_owned(), table)];
        for (index, block) in self.blocks.iter().enumerate() {
            block.list(&block_name(index), &mut named);
        }
        weights::list_norm(&self.norm, "model.norm", &mut named);
        self.head.iter().for_each(|head| weights::list_linear(head, "lm_head", &mut named));
        named
    }

    /// Whether it goes through the fused operations.
    pub(crate) fn is_fused(&self) -> bool {
        kernels::can_take(&self.embedding.weight.val())
    }

    /// The sizes it was made with.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Bytes of each of its numbers, and of the keys and values of what it reads.
    pub(crate) fn number_bytes(&self) -> usize {
        self.embedding.weight.val().dtype().size()
    }

    /// Where its weights are.
    pub fn device(&self) -> Device {
        self.embedding.weight.val().device()
    }

    /// Logits `[batch, time, vocab_size]` for tokens `[batch, time]`. `key_mask` is true where a
    /// token is real; without it all are.
    pub fn forward(&self, tokens: Tensor<2, Int>, key_mask: Option<Tensor<2, Bool>>) -> Tensor<3> {
        let [batch, time] = tokens.dims();
        let hidden = self.hidden_rows(tokens, key_mask);
        self.logits(hidden).reshape([batch, time, self.config.vocab_size])
    }

    /// The final hidden states `[batch, time, width]`, for embeddings of whole texts.
    pub fn hidden(&self, tokens: Tensor<2, Int>, key_mask: Option<Tensor<2, Bool>>) -> Tensor<3> {
        let [batch, time] = tokens.dims();
        self.hidden_rows(tokens, key_mask).reshape([batch, time, self.config.width])
    }

    /// The final hidden states `[batch * time, width]`.
    pub(crate) fn hidden_rows(&self, tokens: Tensor<2, Int>, key_mask: Option<Tensor<2, Bool>>) -> Tensor<2> {
        let [batch, time] = tokens.dims();
        let Some(mask) = key_mask else {
            return self.hidden_texts(tokens, &Layout::new(vec![vec![time]; batch]));
        };
        let hidden = mask.bool_not().float().mul_scalar(HIDDEN).reshape([batch, 1, 1, time]);
        let bias = causal(self.config.group(), time, &tokens.device()) + hidden;
        let pass = Padded { batch, time, rotation: self.rope.leading(time), bias };
        self.run(tokens, &Pass::Padded(Box::new(pass)), None)
    }

    /// The final hidden states `[batch * time, width]` of texts that may share rows.
    pub(crate) fn hidden_texts(&self, tokens: Tensor<2, Int>, layout: &Layout) -> Tensor<2> {
        self.run(tokens, &self.pass(layout), None)
    }

    /// What all blocks share for texts that lie so.
    pub(crate) fn pass(&self, layout: &Layout) -> Pass {
        let device = self.device();
        if let Some(texts) = layout.packed().filter(|_| self.is_fused()) {
            let angles = self.rope.angles(layout.positions(&device));
            let precision = self.precision;
            return Pass::Packed(Box::new(Packed { texts, angles, precision }));
        }
        let (batch, time) = (layout.batch(), layout.time());
        let rotation = self.rope.at(layout.positions(&device), batch, time);
        let bias = layout.bias(self.config.group(), &device);
        Pass::Padded(Box::new(Padded { batch, time, rotation, bias }))
    }

    /// What goes into the first block, `[batch * time, width]`.
    pub(crate) fn embed(&self, tokens: Tensor<2, Int>) -> Tensor<2> {
        let [batch, time] = tokens.dims();
        self.embedding.forward(tokens).reshape([batch * time, self.config.width])
    }

    /// The blocks, to be gone through one at a time.
    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The model without them.
    pub(crate) fn without_blocks(self) -> Self {
        Self { blocks: Vec::new(), ..self }
    }

    /// The final hidden states, out of what the last block gives.
    pub(crate) fn finish(&self, x: Tensor<2>) -> Tensor<2> {
        rms_norm(&self.norm, x)
    }

    /// Reads new tokens `[batch, time]` after those in the cache; returns the logits
    /// `[batch, vocab_size]` after the last of them.
    pub(crate) fn extend(&self, tokens: Tensor<2, Int>, cache: &mut KvCache) -> Tensor<2> {
        let [batch, time] = tokens.dims();
        let device = tokens.device();
        let start = cache.len();
        let placement = Placement { pads: cache.pads(), start, time };
        let rotation = self.rope.at(placement.positions(self.config.max_seq - 1, &device), batch, time);
        let bias = placement.bias(self.config.group(), cache.slots_for(time), &device);
        let pass = Pass::Padded(Box::new(Padded { batch, time, rotation, bias }));
        let hidden = self.run(tokens, &pass, Some(cache));
        cache.advance(time);
        let width = self.config.width;
        let last = hidden.reshape([batch, time, width]).slice([0..batch, time - 1..time, 0..width]);
        self.logits(last.reshape([batch, width]))
    }

    fn run(&self, tokens: Tensor<2, Int>, pass: &Pass, mut cache: Option<&mut KvCache>) -> Tensor<2> {
        let mut x = self.embed(tokens);
        for (index, block) in self.blocks.iter().enumerate() {
            let layer = cache.as_deref_mut().map(|cache| {
                let start = cache.len();
                (&mut cache.layers_mut()[index], start)
            });
            x = block.forward(x, pass, layer);
        }
        self.finish(x)
    }

    /// Logits `[rows, vocab_size]` of hidden states `[rows, width]`.
    pub(crate) fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        let table = || self.embedding.weight.val();
        match (&self.head, self.precision) {
            (Some(head), precision) => weights::project(head, hidden, precision),
            (None, Precision::F32) => hidden.matmul(table().transpose()),
            (None, Precision::Bf16) => kernels::rounded_product(hidden, table(), true),
        }
    }
}

struct Recompute(GradientCheckpointingStrategy);

impl ModuleMapper for Recompute {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|weight| weight.with_gradient_checkpointing_strategy(self.0))
    }
}

struct Cast(FloatDType);

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|weight| weight.cast(self.0))
    }
}

fn block_name(index: usize) -> String {
    format!("model.layers.{index}")
}
