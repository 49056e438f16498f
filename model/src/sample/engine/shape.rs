//! Where keys and values lie in a page.

use crate::ModelConfig;

/// Positions of a page, as many as the widest vectors have lanes.
pub(super) const POSITIONS: usize = 16;

/// What decides the size of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub layers: usize,
    pub kv_heads: usize,
    pub head: usize,
}

impl Shape {
    pub(super) fn of(config: &ModelConfig) -> Self {
        Self { layers: config.layers, kv_heads: config.kv_heads, head: config.head_dim() }
    }

    /// The size of a value vector, filled up to whole vectors of every width.
    pub(super) fn padded_head(&self) -> usize {
        self.head.next_multiple_of(POSITIONS)
    }

    fn head_values(&self) -> usize {
        POSITIONS * (self.head + self.padded_head())
    }

    /// Numbers in a page.
    pub(super) fn page_values(&self) -> usize {
        self.layers * self.kv_heads * self.head_values()
    }

    /// Bytes of a page.
    pub(super) fn page_bytes(&self) -> usize {
        self.page_values() * size_of::<f32>()
    }

    /// Where the keys `[head, POSITIONS]` of a head are in its page; the values `[POSITIONS, padded_head]` follow.
    pub(super) fn keys(&self, layer: usize, kv_head: usize) -> std::ops::Range<usize> {
        let start = (layer * self.kv_heads + kv_head) * self.head_values();
        start..start + POSITIONS * self.head
    }

    /// Where the values of a head are.
    pub(super) fn values(&self, layer: usize, kv_head: usize) -> std::ops::Range<usize> {
        let start = self.keys(layer, kv_head).end;
        start..start + POSITIONS * self.padded_head()
    }

    /// Pages for so many positions.
    pub(super) fn pages_for(positions: usize) -> usize {
        positions.div_ceil(POSITIONS)
    }
}
