//! A mask for the sampler under which no text is malformed: brackets match, binders have names, and, at the strictest level,
//! names of one letter are bound.
//!
//! Each token is looked at alone, as the bytes that it stands for, so that a step costs a few comparisons and no parse
//! ([`Scan`]). It errs on the side of what may be right: what it refuses is no statement, what it lets through need not be
//! one.

mod level;
mod scan;
mod word;

use std::sync::Arc;

use stp_model::{Grammar, Mask, Reader, Tokenizer};

pub use self::level::Masking;
pub use self::scan::Scan;

/// Of each token what the mask has to know.
struct Vocabulary {
    level: Masking,
    /// The bytes of each token; none for special ones.
    pieces: Vec<Option<Box<[u8]>>>,
    /// Tokens of each closing bracket.
    closing: [u8; scan::CLOSING.len()],
}

/// The mask of a level for texts in these tokens; `None` if it is off.
pub fn mask(tokenizer: &Tokenizer, level: Masking) -> Option<Mask> {
    (level != Masking::Off).then(|| Mask::new(Signatures::new(tokenizer, level)))
}

/// Statements: binders and a type.
pub struct Signatures(Arc<Vocabulary>);

impl Signatures {
    /// Those that keep to a level, in these tokens.
    pub fn new(tokenizer: &Tokenizer, level: Masking) -> Self {
        let count = u32::try_from(tokenizer.vocab_size()).unwrap_or(u32::MAX);
        let pieces = (0..count).map(|token| tokenizer.piece(token).map(Vec::into_boxed_slice)).collect();
        let tokens = |bracket: char| tokenizer.encode(bracket.encode_utf8(&mut [0; 4])).len();
        let closing = scan::CLOSING.map(|bracket| u8::try_from(tokens(bracket)).unwrap_or(u8::MAX));
        Self(Arc::new(Vocabulary { level, pieces, closing }))
    }
}

impl Grammar for Signatures {
    fn begin(&self) -> Box<dyn Reader> {
        Box::new(Follower { vocabulary: self.0.clone(), scan: Scan::new(self.0.level) })
    }
}

/// One text.
struct Follower {
    vocabulary: Arc<Vocabulary>,
    scan: Scan,
}

impl Follower {
    fn after(&self, token: u32) -> Option<Scan> {
        let piece = self.vocabulary.pieces.get(token as usize)?.as_ref()?;
        let mut scan = self.scan;
        scan.take_bytes(piece).then_some(scan)
    }
}

impl Reader for Follower {
    fn allows(&self, token: u32, left: usize) -> bool {
        self.after(token).is_some_and(|scan| scan.is_settled() && scan.needs(&self.vocabulary.closing) < left)
    }

    fn may_end(&self) -> bool {
        self.scan.may_end()
    }

    fn read(&mut self, token: u32) {
        if let Some(scan) = self.after(token) {
            self.scan = scan;
        }
    }
}

#[cfg(test)]
mod tests;
