//! CPU time of this process and of all that it started, as Linux counts it.

use std::fs;
use std::path::Path;

/// Ticks in a second of `/proc`'s times: a constant of Linux's interface.
const TICKS: f64 = 100.0;

/// CPU seconds used so far by this process, its descendants, and those of them that ended; `None` where
/// there is no `/proc`.
pub fn cpu_seconds() -> Option<f64> {
    Some(ticks(Path::new("/proc/self"))? as f64 / TICKS)
}

/// A process that is gone counts nothing: its parent counts it.
fn ticks(process: &Path) -> Option<u64> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The fields behind the program's name, which may hold anything: user, system, and the same of children.
    let fields: Vec<_> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let own: u64 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    let children = fs::read_dir(process.join("task")).ok()?.flatten().map(|task| {
        let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        let ids = list.split_whitespace().map(|id| Path::new("/proc").join(id));
        ids.filter_map(|child| ticks(&child)).sum::<u64>()
    });
    Some(own + children.sum::<u64>())
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn work_is_counted() {
        use super::cpu_seconds;
        let before = cpu_seconds().unwrap();
        let began = std::time::Instant::now();
        while began.elapsed().as_millis() < 60 {}
        let used = cpu_seconds().unwrap() - before;
        assert!(used > 0.0 && used < 30.0, "{used}");
    }
}
