//! A run whose samples come from the real `transformers serve`: two of them, of which one is killed midway.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use stp_datasets::{Attempt, Ledger, Phase};
use stp_tests::manual::repository;
use stp_tests::{attempts, conjectures, counts, external, finish, smoke, transformers};

/// Requests that each server has at a time.
const CONCURRENCY: usize = 2;
/// After so many answers one server is killed.
const ANSWERS: usize = 8;

/// A server, and how many completions it has told.
struct Server {
    url: String,
    child: Arc<Mutex<Child>>,
    answers: Arc<AtomicUsize>,
}

impl Server {
    /// Starts one and waits until it listens; it kills itself after so many answers, if any are given.
    fn start(python: &Path, home: &Path, last: Option<usize>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let program: PathBuf = python.with_file_name("transformers");
        let mut command = Command::new(program);
        command.args(["serve", "--host", "127.0.0.1", "--port", &port, "--device", "cpu"]);
        command.env("HF_HOME", home).env("HF_HUB_OFFLINE", "1").env("PYTHONUNBUFFERED", "1");
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel::<String>();
        let outputs: [Box<dyn BufRead + Send>; 2] = [
            Box::new(BufReader::new(child.stdout.take().unwrap())),
            Box::new(BufReader::new(child.stderr.take().unwrap())),
        ];
        for output in outputs {
            let sender = sender.clone();
            std::thread::spawn(move || {
                output.lines().map_while(Result::ok).for_each(|line| sender.send(line).unwrap_or_default());
            });
        }
        drop(sender);
        let mut said = String::new();
        let listens = lines.iter().any(|line| {
            said.push_str(&line);
            said.push('\n');
            line.contains("Uvicorn running on")
        });
        assert!(listens, "the server does not listen:\n{said}");
        let (child, answers) = (Arc::new(Mutex::new(child)), Arc::new(AtomicUsize::new(0)));
        let (killed, count) = (child.clone(), answers.clone());
        std::thread::spawn(move || {
            for line in
                lines.iter().filter(|line| line.contains("POST /v1/completions") && line.contains("200"))
            {
                println!("{line}");
                if Some(count.fetch_add(1, Ordering::SeqCst) + 1) == last {
                    killed.lock().unwrap().kill().unwrap();
                }
            }
        });
        Self { url: format!("http://127.0.0.1:{port}"), child, answers }
    }

    fn is_running(&self) -> bool {
        self.child.lock().unwrap().try_wait().unwrap().is_none()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap_or_default();
        child.wait().unwrap();
    }
}

#[test]
fn a_run_samples_by_two_servers_of_which_one_dies() {
    if !external("a_run_samples_by_two_servers_of_which_one_dies") {
        return;
    }
    let python = transformers(env!("CARGO_TARGET_TMPDIR"));
    let folder = tempfile::tempdir().unwrap();
    let (dying, living) = std::thread::scope(|scope| {
        let first = scope.spawn(|| Server::start(&python, folder.path(), Some(ANSWERS)));
        let second = scope.spawn(|| Server::start(&python, folder.path(), None));
        (first.join().unwrap(), second.join().unwrap())
    });
    let reloads = folder.path().join("reloads");
    let settings = format!(
        "rounds = 1\nmax_train = 12\nmax_valid = 2\n\
         [stage1]\nepochs = 2\n\
         [sampling]\nengine = \"openai\"\nmax_proof_tokens = 12\nmax_conjecture_tokens = 12\n\
         [sampling.server]\nurls = [\"{}\", \"{}\"]\nmodel = \"{{checkpoint}}\"\nconcurrency = {CONCURRENCY}\nretries = 1\n\
         reload = \"echo $STP_MODEL_NAME $STP_URL >> '{}'\"\n\
         [proving]\nproofs_per_round = 24\nsamples_per_conjecture = 2\nvalid_samples = 2\n\
         [conjecturing]\ngenerated_per_round = 6\nsources = [\"model\"]\n[search]\nenabled = false\n",
        dying.url,
        living.url,
        reloads.display()
    );
    let (config, run) = (folder.path().join("served.toml"), folder.path().join("run"));
    std::fs::write(&config, settings).unwrap();
    let said = finish(&mut smoke(&run, &["--config", &config.display().to_string()]));

    assert!(!dying.is_running() && living.is_running(), "{said}");
    let found = attempts(&run, 1);
    let counts = counts(&found);
    assert_eq!(counts[&(1, "train")], 24, "{counts:?}");
    let valid: usize =
        counts.iter().filter(|((_, phase), _)| *phase == "valid").map(|(_, count)| count).sum();
    assert_eq!(valid, 3 * 2 * 2, "after stage 1, the round and the final training: {counts:?}");
    let sampled = || found.iter().filter(|((_, phase, ..), _)| *phase != Phase::Corpus.as_str());
    let odd = |it: &Attempt| it.verdict.is_none() || (it.tokens == 0 && !it.proof.is_empty());
    let odd: Vec<_> = sampled().filter(|(_, attempt)| odd(attempt)).collect();
    assert!(odd.is_empty(), "each is judged, and its tokens are counted: {odd:?}");
    let distinct: std::collections::BTreeSet<_> = sampled().map(|(_, attempt)| &attempt.proof).collect();
    assert!(distinct.len() > 12, "a server that draws nothing says the same again and again: {distinct:?}");
    let texts = conjectures(&Ledger::open(&run.join("ledger.sqlite")).unwrap(), 1);
    assert!((1..=6).contains(&texts.len()), "{} texts", texts.len());
    // Each answer is one sample in the ledger; only what was under way to the one that died was asked for again.
    let answers = dying.answers.load(Ordering::SeqCst) + living.answers.load(Ordering::SeqCst);
    let samples = sampled().count() + texts.len();
    assert!(answers.abs_diff(samples) <= CONCURRENCY, "{answers} answers, {samples} samples");
    let given = std::fs::read_to_string(reloads).unwrap();
    for name in ["stage1", "round-1", "final"] {
        let lines: Vec<_> = given.lines().filter(|line| line.starts_with(name)).collect();
        assert_eq!(lines.len(), 2, "{given}");
        assert_ne!(lines[0], lines[1]);
    }
}

/// Whether something comes to be within a minute.
fn comes(mut is_there: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !is_there() {
        if began.elapsed() > Duration::from_secs(60) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    true
}

#[test]
fn an_old_server_that_ended_and_that_nobody_waited_for_does_not_stop_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut ended = Command::new("true").spawn().unwrap();
    let status = format!("/proc/{}/status", ended.id());
    assert!(comes(|| std::fs::read_to_string(&status).unwrap().contains("State:\tZ")));
    // A server that ends at once.
    std::os::unix::fs::symlink("/bin/true", folder.path().join("vllm")).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    for program in ["transformers", "vllm"] {
        let pid = folder.path().join(format!("stp-{program}-7.pid"));
        std::fs::write(&pid, ended.id().to_string()).unwrap();
        let mut script = Command::new("sh");
        script.arg(repository().join("examples").join(format!("serve-{program}.sh")));
        script.env("TMPDIR", folder.path()).env("TRANSFORMERS", "true");
        script.env("STP_URL", "http://localhost:7/").env("STP_CHECKPOINT", "x").env("STP_MODEL_NAME", "m");
        script.env("PATH", &path).stderr(Stdio::piped());
        let mut script = script.spawn().unwrap();
        let ends = comes(|| script.try_wait().unwrap().is_some());
        script.kill().unwrap_or_default();
        let said = String::from_utf8_lossy(&script.wait_with_output().unwrap().stderr).into_owned();
        assert!(
            ends && said.contains("ended before it answered"),
            "{program}: it waits for a zombie: {said}"
        );
        assert_ne!(std::fs::read_to_string(&pid).unwrap().trim(), ended.id().to_string());
    }
    ended.wait().unwrap();
}
