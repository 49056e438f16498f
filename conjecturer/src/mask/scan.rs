//! A text as far as it is written, in a few bytes: open brackets, whether binders or a type are being written, and which
//! names of one letter were bound.

use super::level::Masking;
use super::word::{Word, begins_name, goes_on, hash, is_suffix};
use crate::filter::MAX_CHARACTERS;

/// Opening brackets; each is closed by that of the same place in [`CLOSING`].
const OPENING: [char; 5] = ['(', '[', '{', '⟨', '⦃'];
/// Closing brackets.
pub(super) const CLOSING: [char; 5] = [')', ']', '}', '⟩', '⦄'];
/// Brackets in brackets, at most.
const DEEPEST: usize = 24;

/// What cannot stand before a closing bracket or at the end.
const DANGLING: &str = "+-*/=<>≤≥≠∧∨→↔∣%^,:∀∃¬∈∉⊆⊂∘&∪∩×∑∏λ↦~\\";
/// Symbols after which names are bound.
const BINDERS: &str = "∀∃λΣΠ∑∏⋃⋂⨆⨅∫";
/// Words after which names are bound, up to a comma, a colon or an arrow.
const BINDING_WORDS: [&str; 9] = ["fun", "forall", "exists", "let", "have", "match", "with", "if", "rec"];

/// What names a bracket may bind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Binder {
    /// None: it is part of a term.
    #[default]
    No,
    /// Those before its colon, if it has one: binders of `∀`, patterns, instances.
    Loose,
    /// Those before its colon, where nothing else may stand: a binder of the statement.
    Strict,
}

/// A bracket that is open; the first is the whole text.
#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    /// Its place in [`OPENING`].
    bracket: u8,
    binder: Binder,
    /// Whether its colon was there.
    colon: bool,
    /// Whether names that are read now are bound, as after `∀`.
    binding: bool,
}

impl Frame {
    fn binds(self) -> bool {
        self.binding || self.binder != Binder::No && !self.colon
    }
}

/// What a literal is waiting for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Literal {
    #[default]
    None,
    /// The end of a string.
    Text,
    /// The character of a character literal.
    Character,
    /// The quote after it.
    Quote,
}

/// A text as far as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Scan {
    level: Masking,
    characters: u16,
    depth: u8,
    frames: [Frame; DEEPEST],
    word: Word,
    literal: Literal,
    /// A colon of which it is not known yet whether it is half of `::`.
    colon: bool,
    /// The last character, and the last that is no space.
    previous: char,
    last: char,
    /// Bytes of a character that is not whole yet.
    partial: [u8; 4],
    held: u8,
    /// Names that were bound, by hash.
    bound: [u64; 4],
}

impl Scan {
    /// An empty text.
    pub fn new(level: Masking) -> Self {
        Self {
            level,
            characters: 0,
            depth: 0,
            frames: [Frame::default(); DEEPEST],
            word: Word::default(),
            literal: Literal::None,
            colon: false,
            previous: ' ',
            last: ' ',
            partial: [0; 4],
            held: 0,
            bound: [0; 4],
        }
    }

    /// Takes the bytes of a piece of text; whether they may stand there.
    pub fn take_bytes(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| self.take_byte(*byte))
    }

    fn take_byte(&mut self, byte: u8) -> bool {
        if self.held == 0 && byte.is_ascii() {
            return self.take(char::from(byte));
        }
        self.partial[usize::from(self.held)] = byte;
        let held = usize::from(self.held) + 1;
        match std::str::from_utf8(&self.partial[..held]) {
            Ok(text) => {
                let c = text.chars().next();
                self.held = 0;
                c.is_some_and(|c| self.take(c))
            }
            Err(error) if error.error_len().is_none() && held < self.partial.len() => {
                self.held += 1;
                self.can_become_whole()
            }
            Err(_) => false,
        }
    }

    /// Whether some character that begins with the bytes held may stand here. Terms take any; among the statement's binders
    /// few have more than a byte.
    fn can_become_whole(&self) -> bool {
        let frame = self.frames[usize::from(self.depth)];
        let strict = frame.binder == Binder::Strict || self.depth == 0;
        let in_literal = matches!(self.literal, Literal::Text | Literal::Character);
        if self.level < Masking::Binders || in_literal || frame.colon || self.colon || !strict {
            return true;
        }
        if self.depth == 0 {
            return self.begins('⦃');
        }
        let greek = self.held == 1 && matches!(self.partial[0], 0xce | 0xcf);
        let closes = frame.bracket == place(OPENING, '⦃').unwrap_or_default() && self.word.length > 0;
        greek || self.word.length > 0 && ('₀'..='₉').any(|c| self.begins(c)) || closes && self.begins('⦄')
    }

    /// Takes a character; whether it may stand there.
    pub fn take(&mut self, c: char) -> bool {
        self.characters += 1;
        if usize::from(self.characters) > MAX_CHARACTERS {
            return false;
        }
        let good = if self.level >= Masking::Binders { self.take_term(c) } else { self.take_bracket(c) };
        self.previous = c;
        if !c.is_whitespace() {
            self.last = c;
        }
        good
    }

    /// Whether the text may end here.
    pub fn may_end(&self) -> bool {
        let whole = self.depth == 0 && self.held == 0 && self.frames[0].colon && self.last != ':';
        let good = || !self.is_dangling() && self.literal == Literal::None && self.name_is_bound();
        whole && (self.level < Masking::Binders || good())
    }

    /// Whether no name that a token has written has to become another one.
    pub fn is_settled(&self) -> bool {
        self.name_is_bound()
    }

    /// Tokens that the text takes at least until it may end, with the one that ends it, where a closing bracket takes so
    /// many.
    pub(super) fn needs(&self, closing: &[u8; CLOSING.len()]) -> usize {
        let open = &self.frames[1..=usize::from(self.depth)];
        let brackets: usize = open.iter().map(|frame| usize::from(closing[usize::from(frame.bracket)])).sum();
        let colon = self.frames[0].colon || self.depth == 0 && self.colon;
        let nameless = open.last().is_some_and(|frame| frame.binder == Binder::Strict && !frame.colon)
            && place(OPENING, self.last).is_some();
        let word = self.last == ':' || nameless || self.level >= Masking::Binders && self.is_dangling();
        let literal = self.literal != Literal::None;
        let needed = 1 + brackets + if colon { 0 } else { 2 } + usize::from(word) + usize::from(literal);
        if self.held == 0 {
            return needed;
        }
        let missing = character_length(self.partial[0]).saturating_sub(usize::from(self.held));
        let closed = open.last().filter(|frame| self.begins(CLOSING[usize::from(frame.bracket)]));
        needed + missing - closed.map_or(0, |frame| usize::from(closing[usize::from(frame.bracket)]))
    }

    /// Whether the bytes held begin a character.
    fn begins(&self, c: char) -> bool {
        c.encode_utf8(&mut [0; 4]).as_bytes().starts_with(&self.partial[..usize::from(self.held)])
    }

    fn frame(&mut self) -> &mut Frame {
        &mut self.frames[usize::from(self.depth)]
    }

    /// What [`crate::is_plausible`] asks for.
    fn take_bracket(&mut self, c: char) -> bool {
        if c == ':' {
            self.frame().colon = true;
        }
        !(c == '=' && self.previous == ':') && self.nest(c, Frame::default())
    }

    /// Opens or closes a bracket, if the character is one.
    fn nest(&mut self, c: char, opened: Frame) -> bool {
        if let Some(bracket) = place(OPENING, c) {
            if usize::from(self.depth) + 1 == DEEPEST {
                return false;
            }
            self.depth += 1;
            *self.frame() = Frame { bracket, ..opened };
        } else if let Some(bracket) = place(CLOSING, c) {
            if self.depth == 0 || self.frame().bracket != bracket {
                return false;
            }
            self.depth -= 1;
        }
        true
    }

    fn take_term(&mut self, c: char) -> bool {
        if self.in_literal(c) {
            return !(c == '=' && self.previous == ':') && self.nest(c, Frame::default());
        }
        self.settle_colon(c)
            && self.fits_binders(c)
            && self.take_word(c)
            && self.fits_term(c)
            && self.nest(c, self.opened(c))
    }

    /// Whether the character belongs to a literal.
    fn in_literal(&mut self, c: char) -> bool {
        let frame = *self.frame();
        let in_term = frame.colon || self.depth > 0 && frame.binder != Binder::Strict;
        let (literal, inside) = match (self.literal, c) {
            (Literal::Text, '"') => (Literal::None, true),
            (Literal::Text, _) => (Literal::Text, true),
            (Literal::Character, '\\') => (Literal::Character, true),
            (Literal::Character, _) => (Literal::Quote, true),
            (Literal::Quote, '\'') => (Literal::None, true),
            (_, '"') => (Literal::Text, in_term),
            (_, '\'') if self.word.length == 0 => (Literal::Character, in_term),
            _ => (Literal::None, false),
        };
        self.literal = if inside { literal } else { Literal::None };
        inside
    }

    /// Decides what the colon before this character is.
    fn settle_colon(&mut self, c: char) -> bool {
        if !std::mem::take(&mut self.colon) {
            return true;
        }
        if matches!(c, ':' | '+') {
            // `::` and `<:+:`, which no binder begins with.
            let frame = *self.frame();
            return frame.colon || self.depth > 0 && frame.binder != Binder::Strict;
        }
        let frame = self.frame();
        let good = c != '=' && (!frame.colon || frame.binding);
        (frame.colon, frame.binding) = (true, false);
        good
    }

    /// Whether the character may stand where binders of the statement are.
    fn fits_binders(&self, c: char) -> bool {
        let frame = self.frames[usize::from(self.depth)];
        if frame.colon {
            return true;
        }
        match (self.depth, frame.binder) {
            (0, _) => c.is_ascii_whitespace() || matches!(c, '(' | '[' | '{' | '⦃' | ':'),
            (_, Binder::Strict) => match c {
                ':' | ')' | '}' | '⦄' => place(OPENING, self.last).is_none(),
                '_' => true,
                _ => c.is_ascii_whitespace() || begins_name(c) || self.word.length > 0 && is_suffix(c),
            },
            _ => true,
        }
    }

    /// Reads words; whether one that ends here may be there.
    fn take_word(&mut self, c: char) -> bool {
        if self.word.length > 0 && goes_on(c) {
            self.word.add(c);
        } else {
            if !self.name_is_bound() {
                return false;
            }
            self.end_word();
            if c.is_alphanumeric() && !BINDERS.contains(c) || c == '_' {
                let field = self.previous == '.';
                self.word.add(c);
                self.word.short &= !field;
            }
        }
        true
    }

    fn name_is_bound(&self) -> bool {
        let checked = self.level >= Masking::Names && self.word.short && self.literal == Literal::None;
        !checked || self.frames[usize::from(self.depth)].binds() || self.is_bound(self.word.base)
    }

    fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        if word.length == 0 {
            return;
        }
        if BINDING_WORDS.iter().any(|it| hash(it) == word.whole) {
            self.frame().binding = true;
        } else if word.whole == hash("then") {
            self.frame().binding = false;
        } else if self.frame().binds() {
            self.bound[(word.base >> 6 & 3) as usize] |= 1 << (word.base & 63);
        }
    }

    fn is_bound(&self, name: u32) -> bool {
        self.bound[(name >> 6 & 3) as usize] >> (name & 63) & 1 == 1
    }

    /// Symbols that say what comes next; whether this one may stand here.
    fn fits_term(&mut self, c: char) -> bool {
        let (previous, dangling) = (self.previous, self.is_dangling());
        let frame = self.frame();
        match c {
            ':' => self.colon = !matches!(previous, ':' | '+' | '<'),
            ',' | '↦' => frame.binding = false,
            '>' if matches!(previous, '=' | '|') => frame.binding = false,
            '/' if previous == '/' => frame.binding = false,
            '|' => frame.binding = previous != '|',
            _ if BINDERS.contains(c) => frame.binding = true,
            _ if place(CLOSING, c).is_some() => {
                return !dangling;
            }
            _ => {}
        }
        true
    }

    /// The frame that an opening bracket begins here.
    fn opened(&self, c: char) -> Frame {
        let around = self.frames[usize::from(self.depth)];
        let binder = match c {
            _ if self.depth == 0 && !around.colon => {
                if c == '[' {
                    Binder::Loose
                } else {
                    Binder::Strict
                }
            }
            _ if around.binds() => Binder::Loose,
            _ => Binder::No,
        };
        Frame { binder, binding: c == '{' && binder == Binder::No, ..Frame::default() }
    }

    fn is_dangling(&self) -> bool {
        DANGLING.contains(self.last)
    }
}

/// Bytes of a character whose first is this.
fn character_length(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

fn place(brackets: [char; 5], c: char) -> Option<u8> {
    (0..).zip(brackets).find(|(_, bracket)| *bracket == c).map(|(place, _)| place)
}
