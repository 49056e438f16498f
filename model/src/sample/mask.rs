//! Masks: which tokens a text may go on with. What a text has to be is the caller's business; sampling only asks.

use std::fmt;
use std::sync::Arc;

/// What completions have to look like.
pub trait Grammar: Send + Sync {
    /// What knows a completion of which nothing is written yet.
    fn begin(&self) -> Box<dyn Reader>;
}

/// Follows one completion, token by token.
pub trait Reader: Send {
    /// Whether `token` may come next, where at most `left` tokens can still be drawn, it and the one that ends the
    /// completion included.
    fn allows(&self, token: u32, left: usize) -> bool;

    /// Whether the completion may end here.
    fn may_end(&self) -> bool;

    /// `token` was written.
    fn read(&mut self, token: u32);
}

/// A grammar that every completion of a sampling keeps to. One that nothing can be added to, and which may not end, is cut
/// off there, as one that ran out of tokens.
#[derive(Clone)]
pub struct Mask(Arc<dyn Grammar>);

impl Mask {
    /// The mask of a grammar.
    pub fn new(grammar: impl Grammar + 'static) -> Self {
        Self(Arc::new(grammar))
    }

    pub(super) fn begin(&self) -> Box<dyn Reader> {
        self.0.begin()
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask")
    }
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
