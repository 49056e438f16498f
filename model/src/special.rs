//! The special tokens of models that begin with random numbers.

/// Tokens with a meaning of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Special {
    /// Fills up short rows of a batch.
    Pad,
    /// Ends a completion.
    End,
    /// Asks for a proof.
    Prove,
    /// Comes before a proof.
    Proof,
    /// Asks for a conjecture.
    Conjecture,
    /// Comes before a trigger lemma.
    Lemma,
    /// Comes before a theorem.
    Theorem,
    /// Comes before a statement.
    Statement,
}

impl Special {
    /// All of them, in the order of their ids.
    pub const ALL: [Self; 8] = [
        Self::Pad,
        Self::End,
        Self::Prove,
        Self::Proof,
        Self::Conjecture,
        Self::Lemma,
        Self::Theorem,
        Self::Statement,
    ];

    /// Its token id, the same for every tokenizer.
    pub fn id(self) -> u32 {
        self as u32
    }

    /// How it is shown in decoded text.
    pub fn text(self) -> &'static str {
        match self {
            Self::Pad => "<|pad|>",
            Self::End => "<|end|>",
            Self::Prove => "<|prove|>",
            Self::Proof => "<|proof|>",
            Self::Conjecture => "<|conjecture|>",
            Self::Lemma => "<|lemma|>",
            Self::Theorem => "<|theorem|>",
            Self::Statement => "<|statement|>",
        }
    }
}
