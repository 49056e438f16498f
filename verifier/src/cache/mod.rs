//! Answers that Lean gave before, kept in memory and on disk, shared by all runs on the machine.
//!
//! A key is the hash of all that an answer depends on: the toolchain, this judge's own rules, Lean's limit,
//! header, statement and proof. Answers that say more of the machine than of the proof are not kept: a
//! crash never, a timeout only for those who would not wait longer.

mod disk;
mod key;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use serde::{Deserialize, Serialize};
use stp_datasets::{Status, Verdict};

use crate::protocol::StatementReport;
use disk::Disk;
pub use key::{Key, RULES};
pub(crate) use key::{check_key, statement_key};

/// Answers kept in memory; the others are read from disk.
const IN_MEMORY: usize = 100_000;

/// Why the cache on disk cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "the verdict cache {path} cannot be used ({reason}). Remove that file, or go without with --no-cache; only time is lost."
)]
pub struct CacheError {
    path: String,
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Answer {
    Verdict(Verdict),
    Statement { ok: bool, messages: Vec<String>, fingerprint: Option<String> },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    answer: Answer,
    /// The wall-clock limit under which it was given, in milliseconds.
    limit_ms: u64,
}

/// A cache of verdicts and statement reports. Threads share it by reference.
#[derive(Debug)]
pub struct VerdictCache {
    memory: DashMap<Key, Entry>,
    disk: Option<Disk>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl VerdictCache {
    /// A cache that ends with the process.
    pub fn in_memory() -> Self {
        Self { memory: DashMap::new(), disk: None, hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// A cache that is also kept in a file, which other processes may use at the same time.
    ///
    /// # Errors
    /// [`CacheError`] if the file is damaged or cannot be written.
    pub fn open(path: &Path) -> Result<Self, CacheError> {
        let wrap = |error: rusqlite::Error| CacheError {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        Ok(Self { disk: Some(Disk::open(path).map_err(wrap)?), ..Self::in_memory() })
    }

    /// Questions answered from the cache, and those that were not.
    pub fn counts(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }

    /// The verdict known for a key under that wall-clock limit. It says that Lean took no time.
    pub(crate) fn verdict(&self, key: &Key, limit: Duration) -> Option<Verdict> {
        match self.get(key, limit)? {
            Answer::Verdict(verdict) => Some(Verdict { elapsed_ms: 0, ..verdict }),
            Answer::Statement { .. } => None,
        }
    }

    /// The report known for a statement's key.
    pub(crate) fn statement(&self, key: &Key, limit: Duration) -> Option<StatementReport> {
        match self.get(key, limit)? {
            Answer::Statement { ok, messages, fingerprint } => {
                Some(StatementReport { ok, messages, fingerprint })
            }
            Answer::Verdict(_) => None,
        }
    }

    /// Keeps a verdict, unless it says more of the machine than of the proof.
    pub(crate) fn keep_verdict(&self, key: Key, limit: Duration, verdict: &Verdict) {
        if verdict.status != Status::Crashed {
            self.keep(key, Entry { answer: Answer::Verdict(verdict.clone()), limit_ms: millis(limit) });
        }
    }

    /// Keeps a report on a statement. Only a good one: a bad one may come of a lack of time.
    pub(crate) fn keep_statement(&self, key: Key, limit: Duration, report: &StatementReport) {
        if report.ok {
            let StatementReport { ok, messages, fingerprint } = report.clone();
            let answer = Answer::Statement { ok, messages, fingerprint };
            self.keep(key, Entry { answer, limit_ms: millis(limit) });
        }
    }

    fn get(&self, key: &Key, limit: Duration) -> Option<Answer> {
        let in_memory = self.memory.get(key).map(|entry| entry.clone());
        let entry = in_memory.or_else(|| self.read_disk(key));
        let answer = entry.filter(|entry| serves(entry, limit)).map(|entry| entry.answer);
        let counter = if answer.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        answer
    }

    fn read_disk(&self, key: &Key) -> Option<Entry> {
        let text = self.disk.as_ref()?.read(key)?;
        let entry: Entry = serde_json::from_str(&text).ok()?;
        self.remember(*key, entry.clone());
        Some(entry)
    }

    fn keep(&self, key: Key, entry: Entry) {
        if let (Some(disk), Ok(text)) = (&self.disk, serde_json::to_string(&entry)) {
            disk.write(&key, &text);
        }
        self.remember(key, entry);
    }

    fn remember(&self, key: Key, entry: Entry) {
        if self.memory.len() < IN_MEMORY || self.memory.contains_key(&key) {
            self.memory.insert(key, entry);
        }
    }
}

/// A timeout is no answer for those who would wait longer.
fn serves(entry: &Entry, limit: Duration) -> bool {
    let timed_out = matches!(&entry.answer, Answer::Verdict(verdict) if verdict.status == Status::Timeout);
    !timed_out || millis(limit) <= entry.limit_ms
}

fn millis(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_served_only_to_those_who_wait_no_longer() {
        let cache = VerdictCache::in_memory();
        let (key, second) = ([1; 32], Duration::from_secs(1));
        cache.keep_verdict(key, second, &Verdict::new(Status::Timeout, "late"));
        assert!(cache.verdict(&key, second).is_some() && cache.verdict(&key, second / 2).is_some());
        assert!(cache.verdict(&key, second * 2).is_none());
        assert_eq!(cache.counts(), (2, 1));
        cache.keep_verdict(key, second * 2, &Verdict::new(Status::Failed, "no"));
        assert_eq!(cache.verdict(&key, second * 9).unwrap().status, Status::Failed);
    }

    #[test]
    fn crashes_and_bad_statements_are_not_kept() {
        let cache = VerdictCache::in_memory();
        cache.keep_verdict([1; 32], Duration::ZERO, &Verdict::new(Status::Crashed, "trap"));
        cache.keep_statement([2; 32], Duration::ZERO, &StatementReport::default());
        assert!(cache.verdict(&[1; 32], Duration::ZERO).is_none());
        assert!(cache.statement(&[2; 32], Duration::ZERO).is_none());
    }

    #[test]
    fn the_file_outlives_the_process_and_may_be_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("verdicts.sqlite");
        let verdict = Verdict { elapsed_ms: 7, ..Verdict::new(Status::Failed, "no") };
        let limit = Duration::from_secs(1);
        VerdictCache::open(&path).unwrap().keep_verdict([3; 32], limit, &verdict);
        let (one, two) = (VerdictCache::open(&path).unwrap(), VerdictCache::open(&path).unwrap());
        for cache in [&one, &two] {
            let served = cache.verdict(&[3; 32], limit).unwrap();
            assert_eq!((served.status, served.elapsed_ms), (Status::Failed, 0));
        }
        drop((one, two));
        std::fs::write(&path, "no database at all, but long enough to be read as one".repeat(99)).unwrap();
        let error = VerdictCache::open(&path).unwrap_err().to_string();
        assert!(error.contains("Remove that file"), "{error}");
    }
}
