//! What a server's answers show of it although they can be read. Each is told once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::request::Choice;
use crate::events::ServerState;

/// Shorter texts may be the same by chance.
const LONG: usize = 40;
/// Fewer texts may be the same by chance.
const SEVERAL: usize = 4;
/// So many answers in a row whose texts are the same are no chance.
const IN_A_ROW: usize = 3;

/// What is known of a server by its answers.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Answers in a row, up to the last one, that repeat a text.
    same: AtomicUsize,
    told_other_tokens: AtomicBool,
    told_repeats: AtomicBool,
    told_ends_early: AtomicBool,
    told_one_by_one: AtomicBool,
}

impl Watch {
    /// It makes another number of tokens of a prompt than its tokenizer here.
    pub(super) fn other_tokens(
        &self,
        ours: Option<usize>,
        theirs: Option<usize>,
    ) -> Option<ServerState<'static>> {
        let (ours, theirs) = (ours?, theirs?);
        let is_news = ours != theirs && is_first(&self.told_other_tokens);
        is_news.then_some(ServerState::OtherTokens { ours, theirs })
    }

    /// All texts of an answer are the same, again and again: it draws them with one seed.
    pub(super) fn repeats(&self, choices: &[Choice], temperature: f32) -> Option<ServerState<'static>> {
        let [first, others @ ..] = choices else { return None };
        if others.len() + 1 < SEVERAL || temperature <= 0.0 {
            return None;
        }
        if others.iter().any(|choice| choice.text != first.text) {
            self.same.store(0, Ordering::Relaxed);
            return None;
        }
        if first.text.chars().count() < LONG {
            return None;
        }
        let same = self.same.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        (same >= IN_A_ROW && is_first(&self.told_repeats)).then_some(ServerState::Repeats)
    }

    /// It takes no request for several texts.
    pub(super) fn one_by_one(&self, refuses: bool) -> Option<ServerState<'static>> {
        (refuses && is_first(&self.told_one_by_one)).then_some(ServerState::OneByOne)
    }

    /// A text came to the end of the server's context, with clearly fewer tokens than it was allowed.
    pub(super) fn ends_early(&self, choices: &[Choice], allowed: usize) -> Option<ServerState<'static>> {
        let cut = choices.iter().filter(|choice| !choice.finished);
        // A server that does not count says 0.
        let tokens = cut.filter_map(|choice| choice.tokens).filter(|tokens| *tokens > 0).min()?;
        let is_clear = tokens.saturating_mul(10) < allowed.saturating_mul(9);
        (is_clear && is_first(&self.told_ends_early)).then_some(ServerState::EndsEarly { tokens, allowed })
    }
}

/// Whether nobody has asked this yet.
fn is_first(told: &AtomicBool) -> bool {
    !told.swap(true, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(texts: &[&str]) -> Vec<Choice> {
        let choice =
            |text: &&str| Choice { text: (*text).to_owned(), finished: true, logprob: None, tokens: None };
        texts.iter().map(choice).collect()
    }

    #[test]
    fn long_texts_that_are_the_same_three_times_in_a_row_are_told_once() {
        let (text, short) = ("x".repeat(LONG), "x".repeat(LONG - 1));
        let same = choices(&[text.as_str(); SEVERAL]);
        let watch = Watch::default();
        let told = |choices: &[Choice], temperature| watch.repeats(choices, temperature).is_some();
        assert_eq!([0; 2].map(|_| told(&same, 1.0)), [false; 2]);
        assert!(!told(&choices(&[&text, &text, &text, &short]), 1.0), "it can draw others");
        assert_eq!([0; 2].map(|_| told(&same, 1.0)), [false; 2]);
        // None of these says anything.
        assert!(!told(&choices(&[short.as_str(); SEVERAL]), 1.0));
        assert!(!told(&choices(&[text.as_str(); SEVERAL - 1]), 1.0));
        assert!(!told(&same, 0.0), "the likeliest text is always the same");
        assert_eq!([0; 3].map(|_| told(&same, 1.0)), [true, false, false]);
    }

    #[test]
    fn a_text_that_was_cut_long_before_it_had_to_be_is_told_once() {
        let told = |watch: &Watch, finished: bool, tokens: Option<usize>| {
            let mut answer = choices(&["a", "b"]);
            (answer[1].finished, answer[1].tokens) = (finished, tokens);
            watch.ends_early(&answer, 100)
        };
        let watch = Watch::default();
        for (finished, tokens) in [(false, Some(90)), (true, Some(3)), (false, None), (false, Some(0))] {
            assert_eq!(told(&watch, finished, tokens), None, "{finished} {tokens:?}");
        }
        let expected = ServerState::EndsEarly { tokens: 89, allowed: 100 };
        assert_eq!(told(&watch, false, Some(89)), Some(expected));
        assert_eq!(told(&watch, false, Some(3)), None, "it is known");
    }
}
