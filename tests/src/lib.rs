//! Helpers shared by the end-to-end tests: runs of the real `stp` binary, and what their ledgers hold.
#![allow(clippy::unwrap_used)]

pub mod browser;
pub mod corpus;
pub mod imports;
pub mod manual;
pub mod played;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use stp_datasets::{Attempt, Conjecture, Ledger, Phase};

/// The signal that `abort` ends a process with.
const SIGABRT: i32 = 6;

/// Set to 1 where tests may install and fetch what they need.
const EXTERNAL: &str = "STP_TEST_EXTERNAL";

/// Whether a test, or the part of it with that name, may use what no build of this repository has: packages of others,
/// a browser, a driver, a server. If it may not, a line says that it was left out.
pub fn external(name: &str) -> bool {
    let allowed = is_external();
    if !allowed {
        // Not by a macro: the test harness keeps what those of passing tests print.
        let _ = writeln!(std::io::stderr(), "left out: {name} (set {EXTERNAL}=1)");
    }
    allowed
}

fn is_external() -> bool {
    std::env::var_os(EXTERNAL).is_some_and(|value| value == "1")
}

/// For what installs or fetches something: whoever calls it has asked [`external`] first.
///
/// # Panics
/// Unless tests may install and fetch what they need.
pub fn require_external() {
    assert!(is_external(), "nothing may be installed or fetched unless {EXTERNAL}=1");
}

/// A Python with the packages of `tests/pythons/clients.txt`, made once in the folder that cargo gives to integration tests.
///
/// # Panics
/// If it cannot be made, or nothing may be installed.
pub fn clients(test_folder: &str) -> PathBuf {
    python(test_folder, "clients")
}

/// A Python with `transformers`, which checkpoints are compared with, and its server, made once.
///
/// # Panics
/// As [`clients`].
pub fn transformers(test_folder: &str) -> PathBuf {
    python(test_folder, "transformers")
}

fn python(test_folder: &str, name: &str) -> PathBuf {
    require_external();
    let make = Path::new(env!("CARGO_MANIFEST_DIR")).join("pythons/make.sh");
    finish(Command::new(make).args([test_folder, name]));
    Path::new(test_folder).join(format!("python-{name}")).join("bin/python")
}

/// Tries to install Debian packages; whether they are there is for the caller to see.
///
/// # Panics
/// If nothing may be installed.
pub fn install(packages: &[&str]) {
    require_external();
    let install = [&["install", "--yes", "--no-install-recommends"], packages].concat();
    for arguments in [&["update"][..], &install] {
        let _ = Command::new("apt-get").args(arguments).output();
    }
}

/// Installs Debian's software Vulkan, if the machine has no driver.
///
/// # Panics
/// As [`install`].
pub fn vulkan() {
    let drivers = |folder: &str| Path::new(folder).read_dir().is_ok_and(|mut files| files.next().is_some());
    if !drivers("/usr/share/vulkan/icd.d") && !drivers("/etc/vulkan/icd.d") {
        install(&["mesa-vulkan-drivers", "libvulkan1"]);
    }
}

/// The binary that the same build made, by a second name: what builds a package moves the first one away for a while.
///
/// # Panics
/// If it was not built; `cargo test --workspace` builds it.
pub fn stp() -> PathBuf {
    static LINKED: LazyLock<PathBuf> = LazyLock::new(|| {
        let tests = std::env::current_exe().unwrap();
        let release = tests.parent().unwrap().parent().unwrap();
        let binary = release.join("stp");
        assert!(binary.is_file(), "{} is missing: run the tests with --workspace", binary.display());
        let folder = release.join("tested");
        fs::create_dir_all(&folder).unwrap();
        // Renamed into place, so other tests that run at this time find the one or the other.
        let (new, linked) = (folder.join(format!("stp-{}", std::process::id())), folder.join("stp"));
        fs::hard_link(&binary, &new).unwrap();
        fs::rename(&new, &linked).unwrap();
        // Renaming does nothing where both are names of the same file.
        let _ = fs::remove_file(&new);
        linked
    });
    LINKED.clone()
}

/// A `smoke` run in that folder that asks Lean everything anew.
pub fn smoke(folder: &Path, extra: &[&str]) -> Command {
    let mut command = Command::new(stp());
    command
        .args(["train", "--preset", "smoke", "--quiet", "--no-cache", "--run-dir"])
        .arg(folder)
        .args(extra);
    command
}

/// Runs to the end and returns what was printed on standard error.
///
/// # Panics
/// If the run fails.
pub fn finish(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

/// Starts a run and waits for a line with `mark` on standard error; the process and its id.
///
/// # Panics
/// If the run ends before the line comes.
pub fn start_until(command: &mut Command, mark: &str) -> (Child, u32) {
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut seen = String::new();
    let found = lines.by_ref().map_while(Result::ok).any(|line| {
        seen.push_str(&line);
        seen.push('\n');
        line.contains(mark)
    });
    assert!(found, "the run ended before {mark:?}:\n{seen}");
    // Somebody must go on reading, or the run's next line would find a closed pipe.
    std::thread::spawn(move || lines.for_each(drop));
    let pid = child.id();
    (child, pid)
}

/// Plays a run until it aborts itself at an event, for example at the 37th `attempt:37`; which there are is said at
/// `STP_TEST_ABORT` in `stp/src/abort.rs`. What was printed on standard error is returned.
///
/// # Panics
/// If it ends otherwise: the event never came.
pub fn abort_at(command: &mut Command, event: &str) -> String {
    let output = command.env("STP_TEST_ABORT", event).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.signal(), Some(SIGABRT), "no {event}:\n{said}");
    said
}

/// The processes whose parent is `parent`.
///
/// # Panics
/// If `/proc` cannot be read.
pub fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
        .filter(|pid| stat(*pid).and_then(|fields| fields.get(1)?.parse().ok()) == Some(parent))
        .collect()
}

/// Whether a process exists and is not just waiting to be reaped.
pub fn is_running(pid: u32) -> bool {
    stat(pid).is_some_and(|fields| fields[0] != "Z")
}

/// The fields of `/proc/PID/stat` after the name: state, parent, ...
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit(')').next()?.split_whitespace().map(String::from).collect())
}

/// All attempts of a run, by their key.
///
/// # Panics
/// If the ledger cannot be read.
pub fn attempts(folder: &Path, rounds: u32) -> BTreeMap<(u32, &'static str, String, u32), Attempt> {
    let ledger = Ledger::open(&folder.join("ledger.sqlite")).unwrap();
    let mut all = BTreeMap::new();
    for round in 0..=rounds + 1 {
        for phase in [Phase::Corpus, Phase::Train, Phase::Valid] {
            for attempt in ledger.attempts(round, phase).unwrap() {
                let key = (round, phase.as_str(), attempt.statement.clone(), attempt.sample);
                all.insert(key, attempt);
            }
        }
    }
    all
}

/// All conjectures of a run's rounds.
///
/// # Panics
/// If the ledger cannot be read.
pub fn conjectures(ledger: &Ledger, rounds: u32) -> Vec<Conjecture> {
    (1..=rounds).flat_map(|round| ledger.conjectures_of(round).unwrap()).collect()
}

/// How many attempts each round and phase has.
pub fn counts(
    attempts: &BTreeMap<(u32, &'static str, String, u32), Attempt>,
) -> BTreeMap<(u32, &'static str), usize> {
    let mut counts = BTreeMap::new();
    for (round, phase, _, _) in attempts.keys() {
        *counts.entry((*round, *phase)).or_default() += 1;
    }
    counts
}
