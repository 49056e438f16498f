//! Seconds and memory of each part, as a table in Markdown.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};

/// Measures one part after the other.
pub struct Meter {
    /// What the process had at the start, in kB.
    start: u64,
    rows: Vec<(String, f64, u64)>,
}

impl Meter {
    pub fn new() -> Result<Self> {
        Ok(Self { start: status("VmRSS:")?, rows: Vec::new() })
    }

    pub fn part<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        // The peak is from now on.
        fs::write("/proc/self/clear_refs", "5")?;
        let began = Instant::now();
        let found = work()?;
        let seconds = began.elapsed().as_secs_f64();
        self.rows.push((name.to_owned(), seconds, status("VmHWM:")?.saturating_sub(self.start)));
        Ok(found)
    }

    pub fn print(&self, first: &str) {
        println!("\n| {first} | seconds | peak above the start |\n|---|---:|---:|");
        for (name, seconds, peak) in &self.rows {
            println!("| {name} | {seconds:.1} | {} MB |", peak / 1000);
        }
        let seconds: f64 = self.rows.iter().map(|(_, seconds, _)| seconds).sum();
        let peak = self.rows.iter().map(|(_, _, peak)| peak).max().unwrap_or(&0);
        println!("| all | {seconds:.1} | {} MB |", peak / 1000);
    }
}

fn status(field: &str) -> Result<u64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
    Ok(line.trim_end_matches("kB").trim().parse()?)
}
