//! What the user sees while a run goes on: bars on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use stp_study::clock::clock;

use crate::metrics::{Metrics, PhaseNow};

const METRICS_EVERY: Duration = Duration::from_secs(2);
const PLAIN_LINE_EVERY: Duration = Duration::from_secs(10);
const BAR: &str = "{prefix:.cyan.bold} {bar:24.green/black.bright} {pos}/{len} {msg} · {elapsed} · ETA {eta}";

/// Where progress goes.
#[derive(Clone, Copy, Debug)]
pub struct Display {
    bars: bool,
    silent: bool,
}

impl Display {
    /// Bars if standard error is a terminal and `quiet` is off; plain lines otherwise.
    pub fn new(quiet: bool) -> Self {
        Self { bars: !quiet && std::io::stderr().is_terminal(), silent: false }
    }

    /// Nothing at all: errors alone are for the user.
    pub fn silent() -> Self {
        Self { bars: false, silent: true }
    }

    /// Whether progress is drawn as bars.
    pub fn has_bars(&self) -> bool {
        self.bars
    }

    /// One line that stays.
    pub fn line(&self, text: &str) {
        if !self.silent {
            eprintln!("{text}");
        }
    }

    /// Starts a phase of `total` units of work.
    pub fn phase(&self, title: &str, total: u64) -> PhaseProgress {
        self.phase_of_run(title, total, None)
    }

    /// The same, whose progress is written to a run's metrics too.
    pub fn phase_of_run(&self, title: &str, total: u64, metrics: Option<Arc<Metrics>>) -> PhaseProgress {
        let bar = self.bars.then(|| {
            let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar =
                ProgressBar::new(total).with_style(style.progress_chars("━━─")).with_prefix(title.to_owned());
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        let now = Instant::now();
        PhaseProgress {
            title: title.to_owned(),
            total,
            bar,
            metrics,
            started: now,
            last_line: Mutex::new(now),
            last_metrics: Mutex::new(now),
            done: AtomicU64::new(0),
            tokens: AtomicU64::new(0),
            judged: AtomicU64::new(0),
            proved: AtomicU64::new(0),
        }
    }
}

/// A phase in progress. Shared by the sampler's thread and the judge's task.
#[derive(Debug)]
pub struct PhaseProgress {
    title: String,
    total: u64,
    bar: Option<ProgressBar>,
    metrics: Option<Arc<Metrics>>,
    started: Instant,
    last_line: Mutex<Instant>,
    last_metrics: Mutex<Instant>,
    done: AtomicU64,
    tokens: AtomicU64,
    judged: AtomicU64,
    proved: AtomicU64,
}

impl PhaseProgress {
    /// `count` units of the phase's work are done.
    pub fn advance(&self, count: u64) {
        self.done.fetch_add(count, Ordering::Relaxed);
        self.refresh();
    }

    /// `count` tokens were sampled or trained on.
    pub fn tokens(&self, count: u64) {
        self.tokens.fetch_add(count, Ordering::Relaxed);
        self.refresh();
    }

    /// One proof was judged.
    pub fn judged(&self, proved: bool) {
        self.judged.fetch_add(1, Ordering::Relaxed);
        self.proved.fetch_add(u64::from(proved), Ordering::Relaxed);
        self.advance(1);
    }

    /// Takes the bar away and leaves one line with what the phase came to.
    pub fn finish(self, summary: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.write_metrics();
        let rates = self.rates();
        let dot = if rates.is_empty() { "" } else { " · " };
        eprintln!("{}: {summary} · {}{dot}{rates}", self.title, clock(self.started.elapsed()));
    }

    fn refresh(&self) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.done.load(Ordering::Relaxed).min(self.total));
                bar.set_message(self.rates());
            }
            None if is_due(&self.last_line, PLAIN_LINE_EVERY) => self.plain_line(),
            None => {}
        }
        if is_due(&self.last_metrics, METRICS_EVERY) {
            self.write_metrics();
        }
    }

    fn write_metrics(&self) {
        if let Some(metrics) = &self.metrics {
            metrics.phase(self.now());
        }
    }

    /// How far the phase has come, with the rates that it has.
    fn now(&self) -> PhaseNow<'_> {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let seconds = self.started.elapsed().as_secs_f64().max(1e-3);
        let share = |part: u64, of: f64| part as f64 / of;
        let (tokens, judged) = (count(&self.tokens), count(&self.judged));
        PhaseNow {
            title: &self.title,
            done: count(&self.done),
            total: self.total,
            tokens_per_second: (tokens > 0).then(|| share(tokens, seconds)),
            proofs_per_second: (judged > 0).then(|| share(judged, seconds)),
            pass_rate: (judged > 0).then(|| share(count(&self.proved), judged as f64)),
        }
    }

    fn plain_line(&self) {
        let done = self.done.load(Ordering::Relaxed);
        eprintln!("{}: {done}/{} {} · ETA {}", self.title, self.total, self.rates(), self.eta(done));
    }

    fn eta(&self, done: u64) -> String {
        if done == 0 {
            return "?".to_owned();
        }
        let left = self.total.saturating_sub(done) as f64;
        clock(self.started.elapsed().mul_f64(left / done as f64))
    }

    /// Tokens/s, proofs/s and pass rate, as far as the phase has them.
    fn rates(&self) -> String {
        let now = self.now();
        let parts = [
            now.tokens_per_second.map(|rate| format!("{rate:.0} tokens/s")),
            now.proofs_per_second.map(|rate| format!("{rate:.1} proofs/s")),
            now.pass_rate.map(|rate| format!("pass rate {:.1} %", 100.0 * rate)),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

/// Whether so much time has passed since the last time that this was so.
fn is_due(last: &Mutex<Instant>, every: Duration) -> bool {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let due = last.elapsed() >= every;
    if due {
        *last = Instant::now();
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_name_what_the_phase_has() {
        let progress = Display::new(true).phase("x", 10);
        assert_eq!(progress.rates(), "");
        progress.judged(true);
        progress.judged(false);
        assert!(progress.rates().ends_with("pass rate 50.0 %"), "{}", progress.rates());
        assert_eq!(progress.eta(10), "0:00");
    }
}
