//! Which settings a run may go on with: what changes cost or length alone may change, and a fork may also change what comes
//! after stage 1.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::RunConfig;
use super::settings::leaves;

/// When a setting may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Whenever the run goes on: no result depends on it.
    AnyTime,
    /// When the run goes on, to a larger number.
    More,
    /// In a fork alone.
    Fork,
    /// Not even in a fork: what it takes over was made with it.
    Never,
}

/// What a sample, a verdict or a trained weight does not depend on. Of the training's command, and of what a server is told, that
/// is for their writer to see to, who must be able to mend what a server or a script refuses.
const ANY_TIME: [&str; 18] = [
    "sampling.batch",
    "sampling.cache_mb",
    "sampling.server.concurrency",
    "sampling.server.extra",
    "sampling.server.key_variable",
    "sampling.server.logprobs",
    "sampling.server.model",
    "sampling.server.prompts",
    "sampling.server.reload",
    "sampling.server.retries",
    "sampling.server.samples_per_request",
    "sampling.server.timeout_seconds",
    "sampling.server.urls",
    "training.command",
    "training.recompute",
    "training.state_minutes",
    "verifier.max_rss_mb",
    "verifier.workers",
];

/// What setup and stage 1 are made with: a key that ends with a dot stands for its table.
const BEFORE_THE_ROUNDS: [&str; 14] = [
    "corpus",
    "max_train",
    "max_valid",
    "max_supervised",
    "supervised_tactics",
    "pretraining.",
    "model.",
    "prompts.",
    "stage1.",
    "conjecturing.stage1_pairs_per_statement",
    "conjecturing.stage1_given",
    "conjecturing.near_pairs",
    "conjecturing.stage1_shared",
    "conjecturing.fates",
];

/// When the setting of that key may change.
pub fn change_of(key: &str) -> Change {
    let is_of = |known: &str| key == known || known.ends_with('.') && key.starts_with(known);
    if key == "rounds" {
        Change::More
    } else if ANY_TIME.contains(&key) {
        Change::AnyTime
    } else if BEFORE_THE_ROUNDS.into_iter().any(is_of) {
        Change::Never
    } else {
        Change::Fork
    }
}

/// A setting with two values.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its key.
    pub key: String,
    /// The first value; none if it is not set.
    pub old: Option<Value>,
    /// The second value.
    pub new: Option<Value>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |value: &Option<Value>| value.as_ref().map_or("unset".to_owned(), ToString::to_string);
        write!(f, "{}: {} -> {}", self.key, shown(&self.old), shown(&self.new))
    }
}

impl Difference {
    /// Whether a run may go on so.
    pub fn may_go_on(&self) -> bool {
        match change_of(&self.key) {
            Change::AnyTime => true,
            Change::More => {
                let number = |value: &Option<Value>| value.as_ref().and_then(Value::as_integer);
                number(&self.old).zip(number(&self.new)).is_some_and(|(old, new)| new > old)
            }
            Change::Fork | Change::Never => false,
        }
    }

    /// Whether a fork may differ so.
    pub fn may_fork(&self) -> bool {
        change_of(&self.key) != Change::Never
    }
}

/// In what two configurations differ, in the order of keys.
pub fn compare(old: &RunConfig, new: &RunConfig) -> Vec<Difference> {
    if old == new {
        return Vec::new();
    }
    // By way of the text, in which a number is as short as it was written: 0.95, not 0.949999988079071.
    let table = |config: &RunConfig| Some(leaves(&toml::to_string(config).ok()?.parse::<Table>().ok()?));
    let (Some(old), Some(new)) = (table(old), table(new)) else {
        // Seeds are checked where they are given, so this is nothing that a user can do.
        return vec![Difference { key: "a value that TOML cannot hold".to_owned(), old: None, new: None }];
    };
    let value = |of: &[(String, Value)], key: &str| {
        of.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
    };
    let keys: BTreeSet<_> = old.iter().chain(&new).map(|(key, _)| key.clone()).collect();
    let difference = |key: String| Difference { old: value(&old, &key), new: value(&new, &key), key };
    keys.into_iter().map(difference).filter(|it| it.old != it.new).collect()
}

/// The settings in which two configurations differ, as texts: `key: old -> new`.
pub fn differences(old: &RunConfig, new: &RunConfig) -> Vec<String> {
    compare(old, new).iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Settings;

    fn differ(change: impl FnOnce(&mut RunConfig)) -> Difference {
        let old = RunConfig::load("smoke", None).unwrap();
        let mut new = old.clone();
        change(&mut new);
        compare(&old, &new).remove(0)
    }

    #[test]
    fn a_run_may_grow_and_not_shrink() {
        let more = differ(|config| config.rounds = 5);
        assert!(more.may_go_on() && more.may_fork());
        assert_eq!(more.to_string(), "rounds: 2 -> 5");
        let fewer = differ(|config| config.rounds = 1);
        assert!(!fewer.may_go_on() && fewer.may_fork());
    }

    #[test]
    fn what_costs_may_change_and_what_counts_may_not() {
        assert!(differ(|config| config.verifier.workers = 7).may_go_on());
        assert!(differ(|config| config.training.command = "true".to_owned()).may_go_on());
        let seed = differ(|config| config.seed = 7);
        assert!(!seed.may_go_on() && seed.may_fork());
        let width = differ(|config| config.model.width = 7);
        assert!(!width.may_go_on() && !width.may_fork());
        assert!(!differ(|config| config.verifier.timeout_s = 1.0).may_go_on());
    }

    #[test]
    fn every_key_that_is_named_here_exists() {
        let settings = Settings::preset("tiny").unwrap().values();
        for named in ANY_TIME.into_iter().chain(BEFORE_THE_ROUNDS) {
            assert!(settings.iter().any(|(key, ..)| key == named || key.starts_with(named)), "{named}");
        }
    }
}
