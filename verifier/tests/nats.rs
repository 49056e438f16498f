//! Judging through a real NATS server: workers are this test binary, started once more for each.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, stream};
use common::{RUNTIME, candidate};
use stp_datasets::{Status, Verdict};
use stp_verifier::queue::{QueueError, RemoteConfig, WorkerConfig, run_worker};
use stp_verifier::{Candidate, Pool, PoolConfig, Toolchain, VerifierError};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

const ROLE: &str = "STP_TEST_WORKER_OF";
/// Roomy: on a busy machine the first use of a tactic takes seconds.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Not a test by itself: a worker, until it is told to stop or killed.
#[test]
fn worker() {
    let Some(url) = std::env::var_os(ROLE) else { return };
    let config = WorkerConfig {
        url: url.into_string().unwrap(),
        pool: PoolConfig { workers: 1, check_timeout: TIMEOUT, ..PoolConfig::default() },
        ack_wait: Duration::from_secs(3),
        ..WorkerConfig::default()
    };
    RUNTIME.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).unwrap();
        let stop = async move {
            terminate.recv().await;
        };
        run_worker(&Toolchain::Managed(common::managed()), config, || println!("connected"), stop)
            .await
            .unwrap();
    });
}

/// A child that does not outlive the test.
struct Process(Child);

impl Process {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start_worker(url: &str) -> Process {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "worker", "--nocapture"])
        .env(ROLE, url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut lines = std::io::BufRead::lines(output).map_while(Result::ok);
    assert!(lines.any(|line| line.contains("connected")));
    // The pipe is read to its end: the child's test runner gives up if it cannot write.
    std::thread::spawn(move || lines.for_each(drop));
    Process(child)
}

/// The server of the system, or that of Debian's package, unpacked into the target folder.
static NATS_SERVER: LazyLock<PathBuf> = LazyLock::new(|| {
    if Command::new("nats-server").arg("--version").output().is_ok() {
        return "nats-server".into();
    }
    stp_tests::require_external();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nats-server");
    let program = folder.join("usr").join("sbin").join("nats-server");
    if !program.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        let download = || {
            let output =
                Command::new("apt-get").args(["download", "nats-server"]).current_dir(&folder).output();
            output.is_ok_and(|output| output.status.success())
        };
        if !download() {
            let _ = Command::new("apt-get").arg("update").output();
            assert!(
                download(),
                "this test needs a `nats-server`: none is on the PATH, and `apt-get download nats-server` fails. \
                 Install the package `nats-server`."
            );
        }
        let package = std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
        let package =
            package.into_iter().find(|path| path.extension().is_some_and(|end| end == "deb")).unwrap();
        let unpacked = Command::new("dpkg-deb").arg("-x").args([&package, &folder]).status().unwrap();
        assert!(unpacked.success(), "`dpkg-deb -x` fails on {}", package.display());
    }
    program
});

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start_server(port: u16, storage: Option<&Path>) -> Process {
    let mut command = Command::new(&*NATS_SERVER);
    command.args(["-a", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(folder) = storage {
        command.arg("-js").arg("-sd").arg(folder);
    }
    let process = Process(command.spawn().unwrap());
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "the NATS server does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    process
}

/// Waits until the server was missed: until somebody tried to reach it in vain a few times.
fn missed(port: u16) {
    let in_its_place = TcpListener::bind(("127.0.0.1", port)).unwrap();
    in_its_place.incoming().take(4).for_each(drop);
}

/// Proofs of all kinds, some of them slow, so that workers hold something at any time.
fn candidates() -> Vec<Candidate> {
    let mut all = vec![
        candidate(
            "(xs ys : List Nat) : (xs ++ ys).length = ys.length + xs.length",
            "by\n  simp [Nat.add_comm]",
        ),
        candidate("(a b : Nat) : a + b = b + a", "by\n  rw [Nat.mul_comm]"),
        candidate("(a : Nat) : a = b", "rfl"),
        candidate(": False", "by sorry"),
        candidate("(p : Prop) : p ∨ ¬p", "Classical.em p"),
        candidate("(n : Nat) : n = n", "by\n  induction n with\n  | zero => rfl"),
    ];
    all.extend((0..30).map(|n| {
        candidate(
            &format!("(a b c d : Nat) (h : a < b) (g : b + {n} < c) (f : c < d) : a + {n} < d"),
            if n % 3 == 0 { "by\n  grind" } else { "by\n  omega" },
        )
    }));
    all
}

type Known = HashMap<Candidate, Verdict>;

fn assert_same(local: &Known, candidate: &Candidate, remote: &Verdict) {
    let local = &local[candidate];
    assert_eq!(remote.status, local.status, "{candidate:?}: {remote:?}");
    assert_eq!(
        (&remote.messages, &remote.axioms, &remote.premises),
        (&local.messages, &local.axioms, &local.premises)
    );
}

/// Asks for verdicts on all at once.
fn ask(pool: &Pool, candidates: &[Candidate]) -> JoinSet<(Candidate, Result<Verdict, VerifierError>)> {
    let mut checks = JoinSet::new();
    for candidate in candidates {
        let (pool, candidate) = (pool.clone(), candidate.clone());
        checks.spawn_on(
            async move {
                let verdict = pool.check(candidate.clone()).await;
                (candidate, verdict)
            },
            RUNTIME.handle(),
        );
    }
    checks
}

fn connect(url: &str, config: RemoteConfig) -> Result<Pool, QueueError> {
    RUNTIME.block_on(Pool::connect(url, RemoteConfig { check_timeout: TIMEOUT, ..config }))
}

fn context(url: &str) -> jetstream::Context {
    RUNTIME.block_on(async { jetstream::new(async_nats::connect(url).await.unwrap()) })
}

#[test]
fn a_killed_worker_and_a_killed_server_lose_nothing() {
    if !stp_tests::external("a_killed_worker_and_a_killed_server_lose_nothing") {
        return;
    }
    let local = common::pool(1, TIMEOUT);
    let candidates = candidates();
    let known: Known =
        candidates.iter().map(|c| (c.clone(), RUNTIME.block_on(local.check(c.clone())).unwrap())).collect();
    let report = RUNTIME.block_on(local.statement("", "(a : Nat) : b = a")).unwrap();
    RUNTIME.block_on(local.shutdown());

    let storage = tempfile::tempdir().unwrap();
    let port = free_port();
    let url = format!("nats://127.0.0.1:{port}");
    let mut server = start_server(port, Some(storage.path()));
    let pool = connect(&url, RemoteConfig::default()).unwrap();
    let mut first = start_worker(&url);
    let mut second = start_worker(&url);

    // One worker is killed in the middle, with what it holds.
    let mut checks = ask(&pool, &candidates);
    let mut answered = 0;
    while let Some(done) = RUNTIME.block_on(checks.join_next()) {
        let (candidate, verdict) = done.unwrap();
        assert_same(&known, &candidate, &verdict.unwrap());
        answered += 1;
        if answered == 6 {
            first.kill();
        }
    }
    assert_eq!(answered, candidates.len());
    let stored = |url: &str| {
        let context = context(url);
        RUNTIME.block_on(async {
            let waiting = context.get_stream("stp-checks").await.unwrap();
            let consumer = waiting.consumer_info("stp-workers").await.unwrap();
            let answers = context.get_stream("KV_stp-verdicts").await.unwrap();
            let answers = answers.get_info().await.unwrap().state;
            (consumer, answers)
        })
    };
    let (consumer, answers) = stored(&url);
    assert!(
        consumer.delivered.consumer_sequence > consumer.delivered.stream_sequence,
        "what the killed worker held was delivered again: {consumer:?}"
    );
    // Every write counts in the sequence, so none was stored twice. One candidate fails the client's own gate.
    let asked = candidates.len() as u64 - 1;
    assert_eq!((answers.messages, answers.last_sequence), (asked, asked));

    // The server is killed in the middle and comes back after a while.
    let mut checks = ask(&pool, &candidates);
    for _ in 0..4 {
        let (candidate, verdict) = RUNTIME.block_on(checks.join_next()).unwrap().unwrap();
        assert_same(&known, &candidate, &verdict.unwrap());
    }
    server.kill();
    missed(port);
    let _server = start_server(port, Some(storage.path()));
    let rest = RUNTIME.block_on(checks.join_all());
    assert_eq!(rest.len() + 4, candidates.len());
    for (candidate, verdict) in rest {
        assert_same(&known, &candidate, &verdict.unwrap());
    }
    let (_, answers) = stored(&url);
    assert_eq!((answers.messages, answers.last_sequence), (2 * asked, 2 * asked));

    // The other questions go the same way.
    assert_eq!(RUNTIME.block_on(pool.statement("", "(a : Nat) : b = a")).unwrap(), report);
    let names = ["Nat.add_comm".to_owned(), "No.such".to_owned()];
    let signatures = RUNTIME.block_on(pool.signatures(&names)).unwrap();
    assert_eq!(signatures, [Some("(n m : Nat) : n + m = m + n".to_owned()), None]);
    let stats = pool.stats();
    assert_eq!(stats.checks, 2 * asked + 2, "{stats:?}");

    hostile_requests_get_the_gates_answer(&url);
    verdicts_of_another_lean_are_refused(&url);
    limits_travel_with_requests(&url);

    // A worker that is told to stop ends well, and leaves no request unanswered.
    RUNTIME.block_on(pool.shutdown());
    assert!(RUNTIME.block_on(pool.check(candidates[0].clone())).is_err());
    let id = nix::unistd::Pid::from_raw(second.0.id().try_into().unwrap());
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert!(second.0.wait().unwrap().success());
}

/// What was put into the stream without a client of ours, and so without its gate.
fn hostile_requests_get_the_gates_answer(url: &str) {
    let context = context(url);
    let request = |id: &str, header: &str, proof: &str| {
        serde_json::json!({
            "id": id,
            "limits": { "timeout_ms": 10_000, "max_heartbeats": 20_000 },
            "request": { "check": { "header": header, "signature": ": False", "proof": proof } },
        })
        .to_string()
    };
    let bodies = [
        "not a request".to_owned(),
        request("../x", "", "trivial"),
        request("evil.1", "", "by sorry"),
        request("evil.2", "run_cmd Lean.logInfo \"x\"", "trivial"),
    ];
    RUNTIME.block_on(async {
        for body in bodies {
            context.publish("stp.checks.evil", body.into()).await.unwrap().await.unwrap();
        }
        let answers = context.get_key_value("stp-verdicts").await.unwrap();
        for (id, words) in [("evil.1", "`sorry` is not allowed"), ("evil.2", "may run code")] {
            let deadline = Instant::now() + Duration::from_secs(60);
            let answer = loop {
                if let Some(bytes) = answers.get(id).await.unwrap() {
                    break String::from_utf8(bytes.to_vec()).unwrap();
                }
                assert!(Instant::now() < deadline, "no answer to {id}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            };
            assert!(answer.contains("\"rejected\"") && answer.contains(words), "{answer}");
        }
    });
}

fn limits_travel_with_requests(url: &str) {
    let config = RemoteConfig { check_timeout: Duration::from_secs(2), ..RemoteConfig::default() };
    let pool = RUNTIME.block_on(Pool::connect(url, config)).unwrap();
    let hangs = candidate(": ∀ a b c d : Fin 64, a + b + c + d = d + c + b + a", "by decide +kernel");
    let verdict = RUNTIME.block_on(pool.check(hangs)).unwrap();
    assert_eq!(
        (verdict.status, verdict.messages),
        (Status::Timeout, vec!["no answer within 2 s".to_owned()])
    );
    RUNTIME.block_on(pool.shutdown());
}

fn verdicts_of_another_lean_are_refused(url: &str) {
    let config = RemoteConfig { toolchain: Some("Lean 3".into()), ..RemoteConfig::default() };
    let pool = connect(url, config).unwrap();
    let error = RUNTIME.block_on(pool.check(candidate(": True", "trivial"))).unwrap_err();
    let VerifierError::Queue(QueueError::OtherToolchain { found, .. }) = &error else { panic!("{error}") };
    assert_eq!(found, Toolchain::Managed(common::managed()).version());
    assert!(error.to_string().contains("Stop that worker"), "{error}");
    RUNTIME.block_on(pool.shutdown());
}

#[test]
fn what_is_wrong_with_a_queue_is_said_with_advice() {
    let none = format!("nats://me:secret@127.0.0.1:{}", free_port());
    let error = connect(&none, RemoteConfig::default()).unwrap_err();
    assert!(matches!(error, QueueError::Unreachable { .. }), "{error}");
    assert!(
        error.to_string().contains("nats-server -js") && !error.to_string().contains("secret"),
        "{error}"
    );
    let error = connect("http://127.0.0.1:4222", RemoteConfig::default()).unwrap_err();
    assert!(matches!(error, QueueError::Url { .. }) && error.to_string().contains("nats://HOST"), "{error}");
    let name = RemoteConfig { queue: "a.b".into(), ..RemoteConfig::default() };
    assert!(matches!(connect(&none, name).unwrap_err(), QueueError::Name(_)));

    if !stp_tests::external("what_is_wrong_with_a_queue_is_said_with_advice, the part of a real server") {
        return;
    }
    let port = free_port();
    let _plain = start_server(port, None);
    let error = connect(&format!("nats://127.0.0.1:{port}"), RemoteConfig::default()).unwrap_err();
    assert!(matches!(error, QueueError::NoJetStream { .. }) && error.to_string().contains("-js"), "{error}");

    let storage = tempfile::tempdir().unwrap();
    let port = free_port();
    let url = format!("nats://127.0.0.1:{port}");
    let _server = start_server(port, Some(storage.path()));
    let context = context(&url);
    RUNTIME.block_on(async {
        let taken = stream::Config {
            name: "kept-checks".into(),
            subjects: vec!["kept.checks.*".into()],
            ..stream::Config::default()
        };
        context.create_stream(taken).await.unwrap();
        let bucket = stream::Config {
            name: "KV_long-verdicts".into(),
            subjects: vec!["$KV.long-verdicts.>".into()],
            max_messages_per_subject: 9,
            ..stream::Config::default()
        };
        context.create_stream(bucket).await.unwrap();
    });
    for (queue, words) in [("kept", "not a work queue"), ("long", "more than one value")] {
        let config = RemoteConfig { queue: queue.into(), ..RemoteConfig::default() };
        let error = connect(&url, config).unwrap_err();
        assert!(matches!(error, QueueError::Misconfigured { .. }), "{error}");
        assert!(error.to_string().contains(words) && error.to_string().contains("--queue"), "{error}");
    }
    // Requests that nobody judges are given up, with advice.
    let patience = Duration::from_secs(1);
    let pool =
        connect(&url, RemoteConfig { queue: "idle".into(), patience, ..RemoteConfig::default() }).unwrap();
    let error = RUNTIME.block_on(pool.check(candidate(": True", "trivial"))).unwrap_err();
    assert!(matches!(error, VerifierError::Queue(QueueError::NoWorker { .. })), "{error}");
    assert!(error.to_string().contains("stp worker --nats nats://127.0.0.1"), "{error}");
}
