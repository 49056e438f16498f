//! What the user sees while a run goes on: bars on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

const PLAIN_LINE_EVERY: Duration = Duration::from_secs(10);
const BAR: &str = "{prefix:.cyan.bold} {bar:24.green/black.bright} {pos}/{len} {msg} · {elapsed} · ETA {eta}";

/// Where progress goes.
#[derive(Clone, Copy, Debug)]
pub struct Display {
    bars: bool,
}

impl Display {
    /// Bars if standard error is a terminal and `quiet` is off; plain lines otherwise.
    pub fn new(quiet: bool) -> Self {
        Self { bars: !quiet && std::io::stderr().is_terminal() }
    }

    /// Whether progress is drawn as bars.
    pub fn has_bars(&self) -> bool {
        self.bars
    }

    /// One line that stays.
    pub fn line(&self, text: &str) {
        eprintln!("{text}");
    }

    /// Starts a phase of `total` units of work.
    pub fn phase(&self, title: &str, total: u64) -> PhaseProgress {
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
            started: now,
            last_line: Mutex::new(now),
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
    started: Instant,
    last_line: Mutex<Instant>,
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
            None => self.plain_line(),
        }
    }

    fn plain_line(&self) {
        let mut last = self.last_line.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() < PLAIN_LINE_EVERY {
            return;
        }
        *last = Instant::now();
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
        let seconds = self.started.elapsed().as_secs_f64().max(1e-3);
        let mut parts = Vec::new();
        let tokens = self.tokens.load(Ordering::Relaxed);
        if tokens > 0 {
            parts.push(format!("{:.0} tokens/s", tokens as f64 / seconds));
        }
        let judged = self.judged.load(Ordering::Relaxed);
        if judged > 0 {
            let rate = 100.0 * self.proved.load(Ordering::Relaxed) as f64 / judged as f64;
            parts.push(format!("{:.1} proofs/s · pass rate {rate:.1} %", judged as f64 / seconds));
        }
        parts.join(" · ")
    }
}

/// Minutes and seconds, with hours where there are any: `4:07`, `1:02:09`.
pub fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_shows_hours_only_where_there_are_any() {
        assert_eq!(clock(Duration::from_secs(7)), "0:07");
        assert_eq!(clock(Duration::from_secs(3729)), "1:02:09");
    }

    #[test]
    fn rates_name_what_the_phase_has() {
        let progress = Display { bars: false }.phase("x", 10);
        assert_eq!(progress.rates(), "");
        progress.judged(true);
        progress.judged(false);
        assert!(progress.rates().ends_with("pass rate 50.0 %"), "{}", progress.rates());
        assert_eq!(progress.eta(10), "0:00");
    }
}
