//! From tokens to text while they come: what is certain of it, and where a text that ends it stands.

use stp_model::{Drawn, Tokenizer};

/// A sample's text as far as it was drawn.
#[derive(Debug, Default)]
pub(crate) struct Speech {
    tokens: Vec<u32>,
    text: String,
    window: Window,
    /// Bytes of the text that were handed out.
    told: usize,
    spoken: Vec<Spoken>,
}

/// So many tokens are turned into text again with each new one, and as many before them, on which their spaces may depend.
const WINDOW: usize = 64;

/// What of a text is still turned into text again.
#[derive(Debug, Default)]
struct Window {
    /// The token that it begins at.
    start: usize,
    /// The first token whose text may still change, where that begins in the window's text, and in the whole one.
    open: usize,
    within: usize,
    whole: usize,
}

/// A token with its place.
#[derive(Clone, Debug)]
pub(crate) struct Spoken {
    pub(crate) drawn: Drawn,
    /// Where its text begins, in bytes of the sample's.
    pub(crate) start: usize,
}

impl Speech {
    /// Takes in the next token.
    pub(crate) fn hear(&mut self, drawn: Drawn, tokenizer: &Tokenizer) {
        let start = self.text.len();
        self.tokens.push(drawn.token);
        let seen = tokenizer.decode_plain(&self.tokens[self.window.start..]);
        self.text.truncate(self.window.whole);
        self.text.push_str(seen.get(self.window.within..).unwrap_or_default());
        let is_torn = self.text.ends_with(char::REPLACEMENT_CHARACTER);
        if self.tokens.len() - self.window.open >= WINDOW && !is_torn {
            let (start, open) = (self.window.open, self.tokens.len());
            let within = tokenizer.decode_plain(&self.tokens[start..]).len();
            self.window = Window { start, open, within, whole: self.text.len() };
        }
        self.spoken.push(Spoken { drawn, start: start.min(self.text.len()) });
    }

    /// What is new of the text and will not change: nothing of a character whose other bytes are still to come, or of what
    /// may become one of the texts that end it.
    pub(crate) fn certain(&mut self, stops: &[String]) -> String {
        let text = self.text.trim_end_matches(char::REPLACEMENT_CHARACTER);
        let held = stops.iter().map(|stop| overlap(text, stop)).max().unwrap_or(0);
        let end = self.stopped_at(stops).unwrap_or(text.len() - held);
        self.hand_out(end)
    }

    /// The text is at its end, which is where one of `stops` stands if one does. What is new of it is handed out.
    pub(crate) fn end(&mut self, stops: &[String]) -> String {
        if let Some(end) = self.stopped_at(stops) {
            self.text.truncate(end);
            self.spoken.retain(|spoken| spoken.start < end);
        }
        self.hand_out(self.text.len())
    }

    /// Where the first of the texts that end it stands.
    fn stopped_at(&self, stops: &[String]) -> Option<usize> {
        stops.iter().filter_map(|stop| self.text.find(stop.as_str())).min()
    }

    fn hand_out(&mut self, end: usize) -> String {
        let Some(new) = self.text.get(self.told..end.max(self.told)).map(str::to_owned) else {
            return String::new();
        };
        self.told += new.len();
        new
    }

    /// All of the text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Its tokens so far.
    pub(crate) fn spoken(&self) -> &[Spoken] {
        &self.spoken
    }

    /// How many tokens were drawn, those behind a text that ended it included.
    pub(crate) fn drawn(&self) -> usize {
        self.tokens.len()
    }
}

/// The longest beginning of `stop`, but not all of it, with which the text ends, in bytes.
fn overlap(text: &str, stop: &str) -> usize {
    let begins = |len: &usize| stop.is_char_boundary(*len) && text.ends_with(&stop[..*len]);
    (1..stop.len()).rev().find(begins).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer() -> Tokenizer {
        Tokenizer::train(&["by simp".to_owned()], Tokenizer::MIN_VOCAB).unwrap()
    }

    fn spoken(text: &str, stops: &[&str]) -> (Vec<String>, Speech) {
        let (tokenizer, mut speech) = (tokenizer(), Speech::default());
        let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut parts = Vec::new();
        for token in tokenizer.encode(text) {
            speech.hear(Drawn { sample: 0, token, logprob: 0.0, likeliest: Vec::new() }, &tokenizer);
            parts.push(speech.certain(&stops));
        }
        parts.push(speech.end(&stops));
        parts.retain(|part| !part.is_empty());
        (parts, speech)
    }

    #[test]
    fn parts_come_to_the_whole_and_no_character_is_torn() {
        let (parts, speech) = spoken("∀ x, x ≤ é 😀", &[]);
        assert_eq!((parts.concat().as_str(), speech.text()), ("∀ x, x ≤ é 😀", "∀ x, x ≤ é 😀"));
        assert!(parts.iter().all(|part| !part.contains(char::REPLACEMENT_CHARACTER)), "{parts:?}");
        assert!(parts.len() > 5, "{parts:?}");
    }

    #[test]
    fn a_long_text_is_the_same_as_at_once() {
        let text = "∀ x, x ≤ é 😀 by simp\n".repeat(20);
        let (parts, speech) = spoken(&text, &[]);
        assert_eq!((parts.concat(), speech.text()), (text.clone(), &*text));
        assert!(speech.window.start > 0);
    }

    #[test]
    fn nothing_is_told_of_a_text_that_ends_it() {
        let (parts, speech) = spoken("by simp\n\n-- more", &["\n\n", "#"]);
        assert_eq!((parts.concat().as_str(), speech.text()), ("by simp", "by simp"));
        assert_eq!(speech.spoken().len(), "by simp".len(), "a byte each");
        assert!(speech.drawn() > speech.spoken().len());
        let (parts, _) = spoken("a\nb", &["\n\n"]);
        assert_eq!(parts, ["a", "\nb"], "a beginning of it alone is text");
    }
}
