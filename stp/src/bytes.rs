//! What the user sees of something that is fetched: a bar on a terminal, plain lines elsewhere.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::display::Display;

const BAR: &str = "{prefix:.cyan.bold} {bar:24.green/black.bright} {bytes}/{total_bytes} · ETA {eta}";
const PLAIN_LINE_EVERY: Duration = Duration::from_secs(5);

/// How far a fetch is, in bytes.
pub struct Bytes<'a> {
    display: &'a Display,
    bar: Option<ProgressBar>,
    last_line: Mutex<Instant>,
}

impl<'a> Bytes<'a> {
    /// Nothing is fetched yet.
    pub fn new(display: &'a Display) -> Self {
        let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = display.has_bars().then(|| ProgressBar::new(0).with_style(style.progress_chars("━━─")));
        Self { display, bar, last_line: Mutex::new(Instant::now()) }
    }

    /// Shows that so many bytes of a phase are done.
    pub fn tell(&self, phase: &'static str, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(phase);
            bar.set_length(total);
            bar.set_position(done);
            return;
        }
        let mut last = self.last_line.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= PLAIN_LINE_EVERY {
            *last = Instant::now();
            self.display.line(&format!("{phase}: {} of {} MB", done >> 20, total >> 20));
        }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
