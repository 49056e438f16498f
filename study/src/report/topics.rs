//! Families of statements: what is mastered, and what nobody proves.

use std::collections::BTreeMap;

use serde::Serialize;

/// The statements of one topic. A statement of several topics counts in each.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Topic {
    topic: String,
    train: Standing,
    valid: Standing,
    /// Proved and judged attempts at its statements in the last round that tried any.
    proved: u64,
    judged: u64,
}

/// How the statements of a topic stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Training: they came with a proof. Validation: the model of stage 1 proved them.
    stage1: usize,
    /// Proved since then.
    new: usize,
    /// Never proved.
    never: usize,
}

/// How far a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Known at stage 1.
    Stage1,
    /// Proved since then.
    New,
    /// Not proved.
    Never,
    /// A text that did not become a statement.
    Dropped,
}

/// A statement as far as topics go.
pub(super) struct InTopics<'a> {
    pub(super) topics: &'a [String],
    pub(super) is_valid: bool,
    pub(super) state: State,
    /// Proved and judged in the last round.
    pub(super) last: (u32, u32),
}

/// The topics, those with most that nobody proves first.
pub(super) fn topics<'a>(statements: impl IntoIterator<Item = InTopics<'a>>) -> Vec<Topic> {
    let mut topics: BTreeMap<&str, Topic> = BTreeMap::new();
    for it in statements {
        for name in it.topics {
            let topic = topics.entry(name).or_default();
            let standing = if it.is_valid { &mut topic.valid } else { &mut topic.train };
            match it.state {
                State::Stage1 => standing.stage1 += 1,
                State::New => standing.new += 1,
                State::Never | State::Dropped => standing.never += 1,
            }
            topic.proved += u64::from(it.last.0);
            topic.judged += u64::from(it.last.1);
        }
    }
    let mut topics: Vec<_> =
        topics.into_iter().map(|(name, topic)| Topic { topic: name.to_owned(), ..topic }).collect();
    topics.sort_by_key(|it| std::cmp::Reverse((it.train.never, it.valid.never)));
    topics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_counts_in_each_of_its_topics_and_what_is_left_comes_first() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (nat, both) = (names(&["nat"]), names(&["nat", "list"]));
        let statement = |topics, is_valid, state| InTopics { topics, is_valid, state, last: (1, 4) };
        let found = topics([
            statement(&nat, false, State::Stage1),
            statement(&both, false, State::Never),
            statement(&nat, false, State::Never),
            statement(&both, true, State::New),
        ]);
        let shown: Vec<_> =
            found.iter().map(|it| (it.topic.as_str(), it.train, it.valid.new, it.judged)).collect();
        let standing = |stage1, new, never| Standing { stage1, new, never };
        assert_eq!(shown, [("nat", standing(1, 0, 2), 1, 16), ("list", standing(0, 0, 1), 1, 8)]);
    }
}
