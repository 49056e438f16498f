//! Counters for Prometheus.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stp_verifier::serve::{Connections, Durations, Page};

/// What was counted since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    /// (path, status code)
    requests: BTreeMap<(&'static str, u16), u64>,
    /// Samples, by why they ended.
    samples: BTreeMap<&'static str, u64>,
    prompt_tokens: u64,
    tokens: u64,
    times: Durations,
}

impl Metrics {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn request(&self, path: &'static str, code: u16) {
        *self.counted().requests.entry((path, code)).or_default() += 1;
    }

    /// Prompts with so many tokens were taken in.
    pub(crate) fn asked(&self, tokens: usize) {
        self.counted().prompt_tokens += tokens as u64;
    }

    /// A sample of so many tokens ended.
    pub(crate) fn ended(&self, finish: &'static str, tokens: usize) {
        let mut counted = self.counted();
        *counted.samples.entry(finish).or_default() += 1;
        counted.tokens += tokens as u64;
    }

    /// All samples of a request ended.
    pub(crate) fn answered(&self, time: Duration) {
        self.counted().times.add(time);
    }

    /// The text of `/metrics`.
    pub(crate) fn render(&self, under_way: usize, connections: &Connections) -> String {
        let (counted, mut page) = (self.counted(), Page::default());
        let requests = counted.requests.iter();
        let requests = requests
            .map(|((path, code), count)| (format!("{{path=\"{path}\",code=\"{code}\"}}"), *count as f64));
        page.family("stp_http_requests_total", "counter", "HTTP requests answered.", requests);
        let samples = counted.samples.iter();
        let samples = samples.map(|(finish, count)| (format!("{{finish=\"{finish}\"}}"), *count as f64));
        page.family("stp_samples_total", "counter", "Samples that ended, by why.", samples);
        let (name, help) = ("stp_prompt_tokens_total", "Tokens of prompts that were taken in.");
        page.single(name, "counter", help, counted.prompt_tokens as f64);
        let (name, help) = ("stp_sampled_tokens_total", "Tokens of samples that ended.");
        page.single(name, "counter", help, counted.tokens as f64);
        page.single("stp_in_progress", "gauge", "Samples that wait or run.", under_way as f64);
        page.connections(connections);
        page.histogram(
            "stp_answer_seconds",
            "Time from a request's admission to its answer's end.",
            &counted.times,
        );
        page.text()
    }
}
