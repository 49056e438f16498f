//! Seconds and memory of each part, as a table in Markdown.

use std::time::Instant;

use anyhow::{Context, Result};
use stp_model::{peak_memory, reset_peak_memory};

/// Measures one part after the other.
pub struct Meter {
    /// What the process had at the start, in kB.
    start: u64,
    rows: Vec<(String, f64, u64)>,
}

impl Meter {
    pub fn new() -> Result<Self> {
        reset_peak_memory();
        Ok(Self { start: peak()?, rows: Vec::new() })
    }

    pub fn part<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        reset_peak_memory();
        let began = Instant::now();
        let found = work()?;
        let seconds = began.elapsed().as_secs_f64();
        self.rows.push((name.to_owned(), seconds, peak()?.saturating_sub(self.start)));
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

/// Most memory since the peak was last forgotten, in kB.
fn peak() -> Result<u64> {
    Ok(peak_memory().context("this needs Linux")? / 1024)
}
