//! What a model learns from.

/// What to learn.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Read but not learned; at least one token.
    pub prompt: Vec<u32>,
    /// Learned, with its end marker; at least one token.
    pub target: Vec<u32>,
    /// Factor on the loss, measured by the mean of all that is trained on; 0 leaves the example out.
    pub weight: f32,
}

impl Example {
    /// Tokens that the model reads.
    pub(crate) fn len(&self) -> usize {
        self.prompt.len() + self.target.len() - 1
    }
}
