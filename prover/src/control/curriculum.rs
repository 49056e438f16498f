//! A bandit over topics (Chen et al., "Self-Evolving Curriculum for LLM Reasoning", 2025): each topic is an arm, worth
//! what its attempts taught, and topics that are worth more get more samples.

use std::collections::BTreeMap;

use stp_datasets::Tally;

/// Part of the samples that is shared out among topics alike, so that none is forgotten.
const EVEN: f64 = 0.2;

/// What each topic is worth.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curriculum {
    values: BTreeMap<String, f64>,
}

impl Curriculum {
    /// Learns from a round: topics and pass rates of the statements that were tried in it. A topic's reward is the mean
    /// size of its attempts' advantages, 2p(1 − p), which is largest where half of the attempts succeed; `rate` is the
    /// part of the new reward in the new value.
    pub fn learn<'a>(&mut self, round: impl IntoIterator<Item = (&'a str, Tally)>, rate: f64) {
        let mut rewards: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for (topic, pass) in round {
            if pass.judged > 0 {
                let (sum, count) = rewards.entry(topic).or_default();
                *sum += 2.0 * pass.rate() * (1.0 - pass.rate());
                *count += 1.0;
            }
        }
        for (topic, (sum, count)) in rewards {
            let value = self.values.entry(topic.to_owned()).or_default();
            *value += rate * (sum / count - *value);
        }
    }

    /// A weight for each statement, by its topic: topics share by the softmax of their values, the statements of one
    /// alike. The mean weight is 1.
    pub fn weights(&self, topics: &[&str], temperature: f64) -> Vec<f64> {
        let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
        for topic in topics {
            *counts.entry(topic).or_default() += 1.0;
        }
        let raw = |topic: &str| (self.value(topic) / temperature).exp();
        let sum: f64 = counts.keys().map(|topic| raw(topic)).sum();
        let share = |topic: &str| (1.0 - EVEN) * raw(topic) / sum + EVEN / counts.len() as f64;
        topics.iter().map(|topic| share(topic) * topics.len() as f64 / counts[topic]).collect()
    }

    /// What a topic is worth; 0 for those that were never tried.
    pub fn value(&self, topic: &str) -> f64 {
        self.values.get(topic).copied().unwrap_or_default()
    }

    /// All topics with their values.
    pub fn values(&self) -> &BTreeMap<String, f64> {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(correct: u32) -> Tally {
        Tally { proved: correct, judged: 4 }
    }

    #[test]
    fn topics_at_the_border_are_worth_most() {
        let mut curriculum = Curriculum::default();
        curriculum
            .learn([("easy", rate(4)), ("border", rate(2)), ("hard", rate(0)), ("border", rate(1))], 0.5);
        assert!((curriculum.value("border") - 0.5 * (0.5 + 0.375) / 2.0).abs() < 1e-12);
        assert_eq!((curriculum.value("easy"), curriculum.value("new")), (0.0, 0.0));
        let weights = curriculum.weights(&["easy", "border", "hard", "border"], 0.1);
        assert!(weights[1] > weights[0] && weights[0] == weights[2] && weights[1] == weights[3]);
        curriculum.learn([("border", rate(4))], 0.5);
        assert!((curriculum.value("border") - 0.109_375).abs() < 1e-12, "old rewards fade");
    }

    proptest! {
        #[test]
        fn weights_are_1_on_average(values in proptest::collection::vec(0u32..5, 1..30)) {
            let names: Vec<String> = values.iter().enumerate().map(|(i, _)| format!("t{}", i % 7)).collect();
            let topics: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut curriculum = Curriculum::default();
            curriculum.learn(topics.iter().copied().zip(values.into_iter().map(rate)), 0.7);
            let sum: f64 = curriculum.weights(&topics, 0.1).iter().sum();
            prop_assert!((sum / topics.len() as f64 - 1.0).abs() < 1e-9);
        }
    }
}
