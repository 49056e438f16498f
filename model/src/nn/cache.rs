//! Keys and values of the tokens seen so far.
//!
//! Rows are aligned at their right end: all rows have their newest token in the same slot, and the
//! unused slots of shorter rows are on the left. So rows can leave, and rows of another batch can
//! join, without moving what stays. Slots are allocated in chunks, so that a step writes one slot
//! in place instead of copying the whole cache.

use burn::tensor::{Int, Tensor, TensorData};

/// Slots added at a time.
const CHUNK: usize = 32;

/// The cache of all layers for one batch.
#[derive(Default)]
pub(crate) struct KvCache {
    layers: Vec<LayerCache>,
    pads: Vec<usize>,
    len: usize,
}

/// Keys and values `[batch, kv_heads, slots, head_dim]` of one layer.
#[derive(Default)]
pub(crate) struct LayerCache {
    keys: Option<Tensor<4>>,
    values: Option<Tensor<4>>,
}

impl KvCache {
    /// An empty cache for rows with the given left padding.
    pub(crate) fn new(layers: usize, pads: Vec<usize>) -> Self {
        Self { layers: (0..layers).map(|_| LayerCache::default()).collect(), pads, len: 0 }
    }

    /// Unused slots to the left of each row.
    pub(crate) fn pads(&self) -> &[usize] {
        &self.pads
    }

    /// Slots filled.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Slots that the layers will have once `time` more tokens are written.
    pub(crate) fn slots_for(&self, time: usize) -> usize {
        let end = self.len + time;
        match self.layers.first().and_then(|layer| layer.keys.as_ref()) {
            None => end,
            Some(keys) if keys.dims()[2] >= end => keys.dims()[2],
            Some(_) => end.next_multiple_of(CHUNK),
        }
    }

    /// The layers, to be written in order.
    pub(crate) fn layers_mut(&mut self) -> &mut [LayerCache] {
        &mut self.layers
    }

    /// Notes that every layer has been given `time` more slots.
    pub(crate) fn advance(&mut self, time: usize) {
        self.len += time;
    }

    /// Keeps the given rows, in that order; a row may be named more than once. Slots that no
    /// remaining row uses are dropped.
    pub(crate) fn select(&mut self, rows: &[usize]) {
        self.pads = rows.iter().map(|&row| self.pads[row]).collect();
        let unused = self.pads.iter().copied().min().unwrap_or(0);
        let len = self.len;
        for layer in &mut self.layers {
            layer.map(|tensor| {
                let indices: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
                let data = TensorData::new(indices, [rows.len()]);
                let indices = Tensor::<1, Int>::from_data(data, &tensor.device());
                slots(tensor, unused, len).select(0, indices)
            });
        }
        self.pads.iter_mut().for_each(|pad| *pad -= unused);
        self.len -= unused;
    }

    /// Adds the rows of another cache below those of this one.
    pub(crate) fn append(&mut self, mut other: Self) {
        if self.pads.is_empty() {
            *self = other;
            return;
        }
        let len = self.len.max(other.len);
        self.shift_to(len);
        other.shift_to(len);
        for (layer, more) in self.layers.iter_mut().zip(&mut other.layers) {
            layer.keys = join(layer.keys.take(), more.keys.take());
            layer.values = join(layer.values.take(), more.values.take());
        }
        self.pads.append(&mut other.pads);
    }

    /// Moves every row to the right so that `len` slots are filled, and drops the spare slots.
    fn shift_to(&mut self, len: usize) {
        let (shift, old) = (len - self.len, self.len);
        for layer in &mut self.layers {
            layer.map(|tensor| {
                let filled = slots(tensor, 0, old);
                if shift == 0 {
                    return filled;
                }
                let [batch, heads, _, dim] = filled.dims();
                Tensor::cat(vec![Tensor::zeros([batch, heads, shift, dim], &filled.device()), filled], 2)
            });
        }
        self.pads.iter_mut().for_each(|pad| *pad += shift);
        self.len = len;
    }
}

impl LayerCache {
    /// Writes new keys and values from slot `start` on and returns all of them, with spare slots at
    /// the end that the caller has to mask.
    pub(crate) fn extend(
        &mut self,
        keys: Tensor<4>,
        values: Tensor<4>,
        start: usize,
    ) -> (Tensor<4>, Tensor<4>) {
        let keys = write(self.keys.take(), keys, start);
        let values = write(self.values.take(), values, start);
        self.keys = Some(keys.clone());
        self.values = Some(values.clone());
        (keys, values)
    }

    fn map(&mut self, change: impl Fn(Tensor<4>) -> Tensor<4>) {
        self.keys = self.keys.take().map(&change);
        self.values = self.values.take().map(&change);
    }
}

fn write(old: Option<Tensor<4>>, new: Tensor<4>, start: usize) -> Tensor<4> {
    let [batch, heads, time, dim] = new.dims();
    let end = start + time;
    let old = match old {
        None => return new,
        Some(old) if old.dims()[2] >= end => old,
        Some(old) => {
            let spare = end.next_multiple_of(CHUNK) - old.dims()[2];
            let room = Tensor::zeros([batch, heads, spare, dim], &old.device());
            Tensor::cat(vec![old, room], 2)
        }
    };
    old.slice_assign([0..batch, 0..heads, start..end, 0..dim], new)
}

fn slots(tensor: Tensor<4>, start: usize, end: usize) -> Tensor<4> {
    let [batch, heads, _, dim] = tensor.dims();
    tensor.slice([0..batch, 0..heads, start..end, 0..dim])
}

fn join(upper: Option<Tensor<4>>, lower: Option<Tensor<4>>) -> Option<Tensor<4>> {
    Some(Tensor::cat(vec![upper?, lower?], 0))
}
