//! What the server refuses, and how it starts and stops.

use std::time::Duration;

use serde_json::json;
use stp_verifier::serve::{ServeConfig, ServeError, Server};

use super::server::{HANGS, ROOMY, TIGHT, get, metric, post, post_text, start, until};
use crate::common::{POOL, RUNTIME};

#[test]
fn more_than_the_queue_holds_is_told_to_come_again() {
    // One for each of the pool's two processes.
    let hanging = std::thread::spawn(|| {
        let snippets = json!([{ "id": "h", "code": HANGS }, { "id": "i", "code": HANGS }]);
        post(*TIGHT, "/api/check", &json!({ "snippets": snippets, "timeout": 4 }))
    });
    until("they are under way", || metric(*TIGHT, "stp_in_progress") == 2.0);
    let refused = post(*TIGHT, "/api/check", &json!({ "snippets": [{ "id": "a", "code": "#check Nat" }] }));
    assert_eq!(refused.code, 429, "{}", refused.text);
    assert!(refused.retry_after.unwrap().parse::<u64>().unwrap() >= 1);
    let result = hanging.join().unwrap().json()["results"][0].clone();
    assert!(result["error"].as_str().unwrap().contains("timed out"), "{result:#}");
    assert_eq!(result["time"], 4.0);
    until("the places are free again", || metric(*TIGHT, "stp_in_progress") == 0.0);
    let accepted = post(*TIGHT, "/api/check", &json!({ "snippets": [{ "id": "a", "code": "#check Nat" }] }));
    assert_eq!(accepted.code, 200, "{}", accepted.text);
    let page = get(*TIGHT, "/metrics").text;
    for line in [
        "stp_http_requests_total{path=\"/api/check\",code=\"429\"} 1",
        "stp_answers_total{kind=\"check\",outcome=\"timeout\"} 2",
        "# TYPE stp_answer_seconds histogram",
        "stp_lean_workers 2",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
    }
    assert!(metric(*TIGHT, "stp_lean_busy_seconds_total") > 4.0);
}

#[test]
fn what_is_no_request_is_refused_by_name() {
    let bad = [
        ("/api/check", "{", 400, "EOF"),
        ("/api/check", r#"{"snippet":[{"id":"a"}]}"#, 400, "missing field `snippets`"),
        ("/api/check", r#"{"snippets":{"id":"a"}}"#, 400, "snippets: invalid type: map"),
        ("/api/check", r#"{"snippets":[]}"#, 400, "`snippets` must not be empty"),
        ("/api/check", r#"{"snippets":[{"id":"a","code":""}],"timeout":-1}"#, 400, "`timeout`"),
        ("/api/check", r#"{"snippets":[{"id":"a","code":""}],"infotree":"full"}"#, 400, "`infotree`"),
        ("/verify", r#"{"codes":[],"timeout":"x"}"#, 400, "timeout"),
        ("/api/judge", r#"{"rows":[]}"#, 400, "`rows` must not be empty"),
    ];
    for (path, body, code, words) in bad {
        let reply = post_text(*TIGHT, path, "", body);
        assert_eq!(reply.code, code, "{body}: {}", reply.text);
        assert!(reply.detail().contains(words), "{body}: {}", reply.text);
    }
    let snippet = |id: usize, size: usize| json!({ "id": id.to_string(), "code": "-".repeat(size) });
    let large = [
        (json!({ "snippets": [snippet(0, 3000)] }), "2000 bytes"),
        (json!({ "snippets": [snippet(0, 1), snippet(1, 1), snippet(2, 1)] }), "3 entries, more than 2"),
    ];
    for (body, words) in large {
        let reply = post(*TIGHT, "/api/check", &body);
        assert_eq!(reply.code, 413, "{}", reply.text);
        assert!(reply.detail().contains(words), "{}", reply.text);
    }
    assert_eq!(post_text(*ROOMY, "/api/judge", "other", "{}").code, 401);
    assert_eq!(get(*ROOMY, "/api/check").code, 401, "the key comes before everything else");
    assert_eq!(get(*TIGHT, "/nothing").code, 404);
    assert_eq!(get(*ROOMY, "/health").json(), json!({ "status": "ok" }), "needs no key");
}

#[test]
fn an_address_that_cannot_be_had_is_an_error_with_advice() {
    let bind = |listen: &str, key: Option<&str>| {
        let config =
            ServeConfig { listen: listen.into(), api_key: key.map(str::to_owned), ..ServeConfig::default() };
        RUNTIME.block_on(Server::bind(POOL.clone(), config)).unwrap_err()
    };
    let taken = bind(&TIGHT.to_string(), None);
    assert!(matches!(taken, ServeError::Taken(_)) && taken.to_string().contains("--listen"), "{taken}");
    assert!(bind("nowhere", None).to_string().contains("127.0.0.1:8000"));
    assert!(matches!(bind("127.0.0.1:0", Some("")), ServeError::BadKey));
}

#[test]
fn a_stop_lets_running_requests_finish_and_ends_lean() {
    let pool = crate::common::pool(1, Duration::from_secs(120));
    let check = |address, code: &'static str| {
        std::thread::spawn(move || {
            post(address, "/api/check", &json!({ "snippets": [{ "id": "a", "code": code }], "timeout": 120 }))
        })
    };
    let (address, stop, run) =
        start(&pool, ServeConfig { grace: Duration::from_secs(100), ..ServeConfig::default() });
    let slow = check(address, "#eval (IO.sleep 3000 : IO Unit)");
    until("it is under way", || metric(address, "stp_in_progress") == 1.0);
    stop.send(()).unwrap();
    let reply = slow.join().unwrap();
    assert_eq!(
        (reply.code, &reply.json()["results"][0]["response"]["env"]),
        (200, &json!(0)),
        "{}",
        reply.text
    );
    RUNTIME.block_on(run).unwrap();
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
    // Nothing is left that could answer, and the second stop has to break off what runs.
    assert!(RUNTIME.block_on(pool.check(crate::common::candidate(": True", "trivial"))).is_err());
    let pool = crate::common::pool(1, Duration::from_secs(120));
    RUNTIME.block_on(pool.check(crate::common::candidate(": True", "trivial"))).unwrap();
    let (address, stop, run) =
        start(&pool, ServeConfig { grace: Duration::from_millis(200), ..ServeConfig::default() });
    let endless = check(address, HANGS);
    until("it is under way", || metric(address, "stp_in_progress") == 1.0);
    stop.send(()).unwrap();
    let reply = endless.join().unwrap();
    assert_eq!(reply.code, 503, "{}", reply.text);
    RUNTIME.block_on(run).unwrap();
}
