//! The HTTP server against clients that are slow, many, or not who they should be; by plain sockets, without Lean.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stp_verifier::serve::{ServeConfig, ServeError, Server};
use stp_verifier::toolchain::{NativeLean, Toolchain};
use stp_verifier::{Pool, PoolConfig};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// More than any answer here takes.
const LONG: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_millis(1500);

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    run: JoinHandle<Result<(), ServeError>>,
}

/// A server whose Lean cannot be started.
fn pool() -> Pool {
    let lean = NativeLean {
        program: "/nonexistent/lean".into(),
        args: Vec::new(),
        cwd: None,
        lean_path: None,
        version: "none".to_owned(),
        source: "a test".to_owned(),
        repl: None,
        kernel: None,
    };
    let _inside = RUNTIME.enter();
    Pool::start(&Toolchain::Native(lean), PoolConfig::default())
}

fn start(config: ServeConfig) -> Running {
    let config = ServeConfig { listen: "127.0.0.1:0".into(), ..config };
    let server = RUNTIME.block_on(Server::bind(pool(), config)).unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let run = RUNTIME.spawn(server.run(async move {
        let _ = stopped.await;
    }));
    Running { address, stop, run }
}

fn impatient() -> ServeConfig {
    ServeConfig { read_timeout: PATIENCE, ..ServeConfig::default() }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// What the server sends until it closes the connection.
fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&bytes)),
    }
    String::from_utf8(bytes).unwrap()
}

fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    rest(stream)
}

fn code(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

fn body(answer: &str) -> Value {
    let text = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no body: {answer}")).1;
    serde_json::from_str(text).unwrap_or_else(|_| panic!("not JSON: {answer}"))
}

fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nconnection: close\r\n{headers}\r\n"))
}

fn post(address: SocketAddr, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    exchange(
        address,
        &format!(
            "POST {path} HTTP/1.1\r\nconnection: close\r\nhost: localhost\r\ncontent-length: {length}\r\n\
             {headers}\r\n{body}"
        ),
    )
}

fn metric(address: SocketAddr, name: &str) -> f64 {
    let page = get(address, "/metrics", "host: localhost\r\n");
    let line = page.lines().find(|line| line.split(' ').next() == Some(name));
    line.unwrap_or_else(|| panic!("no {name} in\n{page}")).rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn half_a_head_is_not_waited_for() {
    let server = start(ServeConfig { max_connections: 400, ..impatient() });
    let began = Instant::now();
    let open: Vec<_> =
        ["", "POST /api/check HT", "POST /api/check HTTP/1.1\r\nhost: localhost\r\ncontent-le"]
            .iter()
            .cycle()
            .take(300)
            .map(|text| {
                let mut stream = connect(server.address);
                stream.write_all(text.as_bytes()).unwrap();
                stream
            })
            .collect();
    assert_eq!(
        code(&get(server.address, "/health", "host: localhost\r\n")),
        200,
        "others are answered meanwhile"
    );
    for stream in open {
        let said = rest(stream);
        assert!(said.is_empty() || code(&said) == 408, "{said}");
    }
    let took = began.elapsed();
    assert!(took < PATIENCE * 4, "they were open for {took:?}");
    require_closed(server.address, began + LONG, "connections are counted that nobody has");
}

/// Waits until the one that asks is the only connection: one that is closed here is counted until the server has seen it.
fn require_closed(address: SocketAddr, deadline: Instant, otherwise: &str) {
    while metric(address, "stp_open_connections") != 1.0 {
        assert!(Instant::now() < deadline, "{otherwise}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn bytes_that_trickle_do_not_prolong_a_head() {
    let server = start(impatient());
    let mut stream = connect(server.address);
    let began = Instant::now();
    let text = format!("GET /health HTTP/1.1\r\nhost: localhost\r\nx: {}", "x".repeat(1000));
    let sent = text.bytes().take_while(|byte| {
        std::thread::sleep(Duration::from_millis(50));
        stream.write_all(&[*byte]).is_ok() && began.elapsed() < LONG
    });
    assert!(sent.count() < text.len() && began.elapsed() < PATIENCE * 4);
}

#[test]
fn half_a_body_is_not_waited_for() {
    let server = start(impatient());
    let began = Instant::now();
    let request = "POST /api/judge HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5000\r\n\r\n{\"rows\":[";
    let said = exchange(server.address, request);
    assert_eq!(code(&said), 408, "{said}");
    assert!(body(&said)["detail"].as_str().unwrap().contains("9 bytes"), "{said}");
    assert!(began.elapsed() >= PATIENCE && began.elapsed() < PATIENCE * 4, "{:?}", began.elapsed());
    // Sending a little now and then is no way around it.
    let mut stream = connect(server.address);
    stream.write_all(request.as_bytes()).unwrap();
    let began = Instant::now();
    while stream.write_all(b" ").is_ok() && began.elapsed() < LONG {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(began.elapsed() < PATIENCE * 4);
}

#[test]
fn a_long_body_that_keeps_coming_is_waited_for() {
    let server = start(impatient());
    let row = json!({ "id": "x".repeat(50_000), "proof": 1 }).to_string();
    let text = format!("{{\"rows\":[{row},{row}]}}");
    let mut stream = connect(server.address);
    let head = "POST /api/judge HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length:";
    write!(stream, "{head} {}\r\n\r\n", text.len()).unwrap();
    let began = Instant::now();
    // 25 KB/s: twice as long as a head may take.
    for part in text.as_bytes().chunks(2500) {
        stream.write_all(part).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(began.elapsed() > PATIENCE * 2);
    assert_eq!(code(&rest(stream)), 200);
}

#[test]
fn an_idle_connection_is_closed() {
    let server = start(impatient());
    let began = Instant::now();
    let said = exchange(server.address, "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(code(&said), 200);
    assert!(began.elapsed() >= PATIENCE && began.elapsed() < PATIENCE * 4, "{:?}", began.elapsed());
}

#[test]
fn an_answer_that_nobody_reads_is_given_up() {
    let server = start(ServeConfig { max_snippets: 1000, ..impatient() });
    // The server says a row's id again: an answer larger than what the system keeps for a connection.
    let row = json!({ "id": "x".repeat(15_000) }).to_string();
    let text = format!("{{\"rows\":[{}]}}", vec![row; 1000].join(","));
    let mut stream = connect(server.address);
    let head = "POST /api/judge HTTP/1.1\r\nhost: localhost\r\ncontent-length:";
    write!(stream, "{head} {}\r\n\r\n{text}", text.len()).unwrap();
    assert_eq!(metric(server.address, "stp_open_connections"), 2.0);
    require_closed(server.address, Instant::now() + PATIENCE * 6, "it still waits for its reader");
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    assert!(bytes.len() < text.len(), "all of the answer came, so this test showed nothing");
}

#[test]
fn connections_over_the_limit_are_told_to_come_again() {
    let server = start(ServeConfig { max_connections: 3, ..ServeConfig::default() });
    let mut open: Vec<_> = (0..3).map(|_| connect(server.address)).collect();
    for stream in &mut open {
        // It was accepted once it is answered.
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        assert_ne!(stream.read(&mut [0; 1000]).unwrap(), 0);
    }
    let refused = get(server.address, "/health", "host: localhost\r\n");
    assert_eq!(code(&refused), 503, "{refused}");
    assert!(refused.contains("retry-after: 1"), "{refused}");
    assert!(body(&refused)["detail"].as_str().unwrap().contains("3 connections"), "{refused}");
    drop(open.pop());
    let deadline = Instant::now() + LONG;
    while code(&get(server.address, "/health", "host: localhost\r\n")) != 200 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(metric(server.address, "stp_refused_connections_total") >= 1.0);
}

#[test]
fn only_its_own_names_are_answered() {
    let server =
        start(ServeConfig { allow_hosts: vec!["Lean.Example.org".into()], ..ServeConfig::default() });
    let port = server.address.port();
    let asked = |host: &str| code(&get(server.address, "/health", &format!("host: {host}\r\n")));
    for host in ["localhost", "127.0.0.1", "[::1]", "lean.example.org", "LEAN.example.org:443"] {
        assert_eq!(asked(host), 200, "{host}");
        assert_eq!(asked(&format!("{}:{port}", host.split(":443").next().unwrap())), 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "10.0.0.5", ""] {
        assert_eq!(asked(host), 403, "{host}");
    }
    let refused = post(server.address, "/api/judge", "host: evil.example\r\n", "{}");
    assert_eq!(code(&refused), 403, "a second name");
    assert!(body(&refused)["detail"].as_str().unwrap().contains("--allow-host"), "{refused}");
    let line = exchange(
        server.address,
        "GET http://evil.example/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    );
    assert_eq!(code(&line), 403, "{line}");
    assert_eq!(
        code(&exchange(server.address, "GET /health HTTP/1.0\r\n\r\n")),
        200,
        "no browser leaves it out"
    );
    let config = ServeConfig {
        allow_hosts: vec!["http://x".into()],
        listen: "127.0.0.1:0".into(),
        ..ServeConfig::default()
    };
    let error = RUNTIME.block_on(Server::bind(pool(), config)).unwrap_err();
    assert!(matches!(error, ServeError::BadHost(_)) && error.to_string().contains("`http://x`"), "{error}");
}

#[test]
fn pages_of_others_cannot_send_requests() {
    let server =
        start(ServeConfig { allow_hosts: vec!["lean.example.org".into()], ..ServeConfig::default() });
    let sent = |origin: &str| {
        let headers = format!("origin: {origin}\r\ncontent-type: text/plain\r\n");
        code(&post(server.address, "/api/judge", &headers, r#"{"rows":[{}]}"#))
    };
    for origin in ["http://localhost", "https://localhost", "https://lean.example.org"] {
        assert_eq!(sent(origin), 200, "{origin}");
    }
    for origin in ["http://evil.example", "null", "http://localhost:3000", "http://127.0.0.1", ""] {
        assert_eq!(sent(origin), 403, "{origin}");
    }
}

#[test]
fn the_type_of_a_body_does_not_matter() {
    let server = start(ServeConfig::default());
    for kind in ["", "content-type: text/plain\r\n", "content-type: application/x-www-form-urlencoded\r\n"] {
        for text in [r#"{"rows":[{}]}"#, "\u{feff}{\"rows\":[{}]}"] {
            let said = post(server.address, "/api/judge", kind, text);
            assert_eq!(code(&said), 200, "{kind}{said}");
        }
        assert_eq!(code(&post(server.address, "/api/judge", kind, "rows=1")), 400, "{kind}");
    }
}

#[test]
fn a_bad_row_is_answered_by_itself() {
    let server = start(ServeConfig { max_code_bytes: 100, ..ServeConfig::default() });
    let long = "x".repeat(101);
    let rows = json!([
        { "id": 7, "proof": "trivial" },
        "theorem x : True := trivial",
        { "id": "b", "signature": ": True", "proofs": ["trivial", "by simp"] },
        { "name": "c", "formal_statement": "theorem c : True", "prof": "trivial" },
        { "id": "d", "statement": ": True", "proof": long },
        { "id": null, "statement": 3, "proof": "trivial" },
        // No Lean is needed to refuse this.
        { "id": { "any": "thing" }, "statement": ": True", "header": "axiom x : False", "formal_proof": "trivial" },
    ]);
    let said = post(server.address, "/api/judge", "", &json!({ "rows": rows }).to_string());
    assert_eq!(code(&said), 200, "{said}");
    let verdicts = body(&said)["verdicts"].clone();
    let ids: Vec<_> = verdicts.as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
    assert_eq!(json!(ids), json!([7, 1, "b", "c", "d", 5, { "any": "thing" }]));
    let reasons = [
        "no column holds the statement",
        "no JSON object",
        "2 proofs; give each a row of its own",
        "Did you mean `proof` by `prof`?",
        "its proof has 101 bytes, more than 100",
        "column `statement`: it is a number",
    ];
    for (row, reason) in verdicts.as_array().unwrap().iter().zip(reasons) {
        assert_eq!(row["status"], "malformed", "{row}");
        assert!(row["error"].as_str().unwrap().contains(reason), "{row}: {reason}");
    }
    assert_eq!(verdicts[6]["status"], "rejected");
    // Without Lean the whole request fails if it asks for one.
    let asks = json!({ "rows": [{}, { "statement": ": True", "proof": "trivial" }] });
    assert_eq!(code(&post(server.address, "/api/judge", "", &asks.to_string())), 503);
}

#[test]
fn a_bad_snippet_is_answered_by_itself() {
    let server = start(ServeConfig { max_code_bytes: 100, ..ServeConfig::default() });
    let entries = json!([{ "id": "a", "cod": "" }, { "id": 2, "code": 3 }, null, { "custom_id": "d", "code": "x".repeat(101) }]);
    let reasons = ["no `code`", "its `code` is a number", "null, not an object", "its text has 101 bytes"];
    for (path, field, id, ids) in [
        ("/api/check", "snippets", "id", json!(["a", 2, 2, "d"])),
        ("/verify", "codes", "custom_id", json!(["a", "2", "2", "d"])),
    ] {
        let said = post(server.address, path, "", &json!({ field: entries, "timeout": null }).to_string());
        assert_eq!(code(&said), 200, "{said}");
        let results = body(&said)["results"].as_array().unwrap().clone();
        assert_eq!(json!(results.iter().map(|result| result[id].clone()).collect::<Vec<_>>()), ids);
        for (result, reason) in results.iter().zip(reasons) {
            assert!(result["error"].as_str().unwrap().contains(reason), "{result}: {reason}");
            assert!(result.get("response").is_none());
        }
    }
}

#[test]
fn a_stop_does_not_wait_for_half_a_request() {
    let server = start(ServeConfig { grace: LONG, ..impatient() });
    let mut stream = connect(server.address);
    stream.write_all(b"POST /api/judge HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{").unwrap();
    let idle = connect(server.address);
    assert_eq!(code(&get(server.address, "/health", "host: localhost\r\n")), 200);
    let began = Instant::now();
    server.stop.send(()).unwrap();
    RUNTIME.block_on(server.run).unwrap().unwrap();
    assert!(began.elapsed() < PATIENCE * 4, "{:?}", began.elapsed());
    drop(idle);
}
