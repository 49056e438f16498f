//! Words of a text, by hash: a state that is copied for every token holds no strings.

/// The word that is being written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Word {
    /// Its characters; 0 between words.
    pub length: u16,
    /// A hash of the part before its first dot, and of the whole.
    pub base: u32,
    pub whole: u32,
    /// Whether a dot was there.
    dotted: bool,
    /// Whether its first part is a letter from a to z, perhaps with digits and primes.
    pub short: bool,
}

impl Word {
    /// Goes on with a character.
    pub(super) fn add(&mut self, c: char) {
        let starts = self.length == 0;
        self.length += 1;
        self.dotted |= c == '.';
        if starts {
            (self.base, self.whole) = (BASIS, BASIS);
        }
        self.whole = step(self.whole, c);
        if !self.dotted {
            self.base = step(self.base, c);
            self.short = if starts { c.is_ascii_lowercase() } else { self.short && is_suffix(c) };
        }
    }
}

const BASIS: u32 = 0x811c_9dc5;

/// FNV-1a, over characters.
fn step(hash: u32, c: char) -> u32 {
    (hash ^ u32::from(c)).wrapping_mul(0x0100_0193)
}

/// The hash of a whole word.
pub(super) fn hash(word: &str) -> u32 {
    word.chars().fold(BASIS, step)
}

/// Whether a character goes on with a word.
pub(super) fn goes_on(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '\'' | '!' | '?' | '.' | '₀'..='₉')
}

/// Whether a name of the statement's own may begin with a character: a Latin or Greek letter.
pub(super) fn begins_name(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{380}'..='\u{3ff}') && c.is_alphabetic()
}

/// Whether a character makes another name of a letter, and not a word.
pub(super) fn is_suffix(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '\'' | '₀'..='₉')
}
