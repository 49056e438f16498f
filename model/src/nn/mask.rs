//! Which keys a query may look at, as values added to the attention scores.

use burn::tensor::{Device, Int, Tensor, TensorData};

/// Added to the score of a hidden key. Finite in 16 bits as well, so that a row with nothing to see (padding) stays a
/// number; its softmax weight is exactly 0 beside any visible key.
pub(crate) const HIDDEN: f32 = -3e4;

/// Where the new tokens of a batch stand: row `r` has its first token in slot `pads[r]`, and the new
/// tokens occupy the slots `start..start + time` of every row.
pub(crate) struct Placement<'a> {
    /// Unused slots to the left of each row.
    pub pads: &'a [usize],
    /// Slots filled before.
    pub start: usize,
    /// New tokens a row.
    pub time: usize,
}

impl Placement<'_> {
    /// Positions within each row's own sequence; padding gets position 0. Rows that have ended may
    /// be carried on past the last position, `last`, and then stay there.
    pub(crate) fn positions(&self, last: usize, device: &Device) -> Tensor<1, Int> {
        let mut values = Vec::with_capacity(self.pads.len() * self.time);
        for &pad in self.pads {
            values.extend((0..self.time).map(|i| (self.start + i).saturating_sub(pad).min(last) as i64));
        }
        let len = values.len();
        Tensor::from_data(TensorData::new(values, [len]), device)
    }

    /// Bias `[batch, 1, group * time, slots]`.
    pub(crate) fn bias(&self, group: usize, slots: usize, device: &Device) -> Tensor<4> {
        self.bias_of(HIDDEN, group, slots, device)
    }

    fn bias_of(&self, hidden: f32, group: usize, slots: usize, device: &Device) -> Tensor<4> {
        let mut values = Vec::with_capacity(self.pads.len() * group * self.time * slots);
        for &pad in self.pads {
            for query in (0..group).flat_map(|_| self.start..self.start + self.time) {
                let row = (0..slots).map(|key| if key >= pad && key <= query { 0.0 } else { hidden });
                values.extend(row);
            }
        }
        let shape = [self.pads.len(), 1, group * self.time, slots];
        Tensor::from_data(TensorData::new(values, shape), device)
    }
}

/// Causal bias `[1, 1, group * time, time]`, the same for every row. Every query sees at least
/// itself, so hidden keys can have the score `-inf`, whose exponential is quicker than an underflow.
pub(crate) fn causal(group: usize, time: usize, device: &Device) -> Tensor<4> {
    Placement { pads: &[0], start: 0, time }.bias_of(f32::NEG_INFINITY, group, time, device)
}
