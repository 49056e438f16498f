//! The HTTP server, asked by the real Python client of the Kimina server and by plain requests.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::common::{POOL, RUNTIME};
use serde_json::{Value, json};
use stp_verifier::Pool;
use stp_verifier::serve::{ServeConfig, ServeError, Server};
use tokio::sync::oneshot;

const CLIENT: &str = "kimina-client==0.2.1";
/// What the client imports; without `datasets`, which only its benchmark needs.
const IMPORTED: [&str; 7] = ["colorama", "httpx", "pydantic", "pygments", "tabulate", "tenacity", "tqdm"];
const KEY: &str = "test-key";
const HANGS: &str = "example : ∀ a b c d : Fin 64, a + b + c + d = d + c + b + a := by decide +kernel";

/// A server on a free port; it ends with the process, or when the sender is used or dropped.
fn start(pool: &Pool, config: ServeConfig) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let config = ServeConfig { listen: "127.0.0.1:0".into(), ..config };
    let server = RUNTIME.block_on(Server::bind(pool.clone(), config)).unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let run = RUNTIME.spawn(async move {
        let stop = async move {
            let _ = stopped.await;
        };
        server.run(stop).await.unwrap();
    });
    (address, stop, run)
}

/// One server with a key and roomy limits, one without a key and with tight ones; both on the shared pool.
static ROOMY: LazyLock<SocketAddr> = LazyLock::new(|| {
    let (address, stop, _) =
        start(&POOL, ServeConfig { api_key: Some(KEY.into()), ..ServeConfig::default() });
    std::mem::forget(stop);
    address
});
static TIGHT: LazyLock<SocketAddr> = LazyLock::new(|| {
    let config = ServeConfig {
        max_waiting: 0,
        max_snippets: 2,
        max_code_bytes: 500,
        max_body_bytes: 2000,
        ..ServeConfig::default()
    };
    let (address, stop, _) = start(&POOL, config);
    std::mem::forget(stop);
    address
});

struct Reply {
    code: u16,
    retry_after: Option<String>,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_owned()
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

fn reply(mut response: ureq::http::Response<ureq::Body>) -> Reply {
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let text = response.body_mut().read_to_string().unwrap();
    Reply { code: response.status().as_u16(), retry_after, text }
}

fn post_text(address: SocketAddr, path: &str, key: &str, body: &str) -> Reply {
    let request = agent().post(format!("http://{address}{path}")).header("content-type", "application/json");
    reply(request.header("authorization", format!("Bearer {key}")).send(body).unwrap())
}

fn post(address: SocketAddr, path: &str, body: &Value) -> Reply {
    post_text(address, path, KEY, &body.to_string())
}

fn get(address: SocketAddr, path: &str) -> Reply {
    reply(agent().get(format!("http://{address}{path}")).call().unwrap())
}

/// The value of a metric without labels.
fn metric(address: SocketAddr, name: &str) -> f64 {
    let page = get(address, "/metrics").text;
    let line = page.lines().find(|line| line.split(' ').next() == Some(name));
    line.unwrap_or_else(|| panic!("no {name} in\n{page}")).rsplit(' ').next().unwrap().parse().unwrap()
}

fn until(what: &str, reached: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !reached() {
        assert!(Instant::now() < deadline, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}:\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// A Python with the pinned client, made once for each target folder.
fn python() -> PathBuf {
    let installs: [&[&str]; 2] = [&["--no-deps", CLIENT], &IMPORTED];
    stp_tests::python_by(env!("CARGO_TARGET_TMPDIR"), "kimina-client-0.2.1", &installs)
}

const SCRIPT: &str = r##"
import asyncio, json, sys, typing
if sys.version_info < (3, 12):
    # There pydantic refuses the client's own `typing.TypedDict`, so that it cannot even be imported.
    import typing_extensions
    typing.TypedDict = typing_extensions.TypedDict
import httpx
from kimina_client import AsyncKiminaClient, KiminaClient, Snippet, VerifyResponse
from kimina_client.proof_utils import parse_client_response

url, key = sys.argv[1:]
facts = {}
client = KiminaClient(api_url=url, api_key=key)
facts["health"] = client.health()
client.test()
codes = {
    "proved": "theorem x (a b : Nat) : a + b = b + a := by\n  omega",
    "failing": "theorem x (a b : Nat) : a + b = b + a := by\n  rfl",
    "sorry": "theorem é (a b : Nat) (h : a < b) : a + b = b + a := by\n  have : a = a := sorry\n  sorry",
    "hidden sorry": "macro \"close\" : tactic => `(tactic| sorry)\ntheorem x : 1 = 2 := by close",
    "mathlib": "import Mathlib\ntheorem x : True := trivial",
    "imports": "import Std.Data.HashMap\nopen Std\n#check HashMap\n#check 1 + 1",
    "axioms": "axiom bad : 1 = 2\ntheorem x : 1 = 2 := bad\n#print axioms x",
}
snippets = [Snippet(id=id, code=code) for id, code in codes.items()]
response = client.check(snippets, timeout=120, batch_size=3, max_workers=2, show_progress=False, debug=True)
facts["status"] = {r.id: r.analyze().status.value for r in response.results}
facts["response"] = {r.id: r.response for r in response.results}
facts["timed"] = all(r.time > 0 for r in response.results)
facts["memory"] = [r.diagnostics["memory_max"] for r in response.results]
response.analyze(1.0)

async def again():
    other = AsyncKiminaClient(api_url=url, api_key=key)
    await other.test()
    facts["async health"] = await other.health()
    found = await other.check([codes["proved"], codes["failing"]], timeout=120, batch_size=1, show_progress=False)
    facts["async"] = [r.analyze().status.value for r in found.results]
    await other.close()

asyncio.run(again())

wrong = KiminaClient(api_url=url, api_key="wrong", n_retries=1)
facts["wrong key"] = wrong.check("#check Nat", show_progress=False).results[0].error
direct = httpx.post(url + "/api/check", json={}, headers={"Authorization": "Bearer wrong"})
facts["wrong key directly"] = [direct.status_code, direct.json()["detail"]]

body = {"codes": [{"custom_id": 7, "proof": codes["proved"]}, {"custom_id": "s", "code": codes["sorry"]}], "timeout": 120}
old = httpx.post(url + "/verify", json=body, headers=client.headers, timeout=200).raise_for_status().json()
VerifyResponse.model_validate(old)
facts["old"] = {r["custom_id"]: parse_client_response(r) for r in old["results"]}
print("@facts " + json.dumps(facts))
"##;

#[test]
fn the_real_client_works_unchanged() {
    if !stp_tests::external("the_real_client_works_unchanged") {
        return;
    }
    let url = format!("http://{}", *ROOMY);
    let mut command = Command::new(python());
    command
        .args(["-c", SCRIPT, &url, KEY])
        .env_remove("LEAN_SERVER_API_KEY")
        .env_remove("LEANSERVER_API_KEY");
    let output = succeed(&mut command);
    let facts = output.lines().find_map(|line| line.strip_prefix("@facts ")).unwrap();
    let facts: Value = serde_json::from_str(facts).unwrap();

    assert_eq!((&facts["health"]["status"], &facts["async health"]["status"]), (&json!("ok"), &json!("ok")));
    let status = json!({
        "proved": "valid",
        "failing": "lean_error",
        "sorry": "sorry",
        "hidden sorry": "sorry",
        "mathlib": "lean_error",
        "imports": "valid",
        "axioms": "valid",
    });
    assert_eq!(facts["status"], status, "{facts:#}");
    let response = &facts["response"];
    assert!(response["proved"].get("messages").is_none(), "{facts:#}");
    let message = &response["failing"]["messages"][0];
    assert_eq!(
        (&message["severity"], &message["pos"]),
        (&json!("error"), &json!({ "line": 2, "column": 2 }))
    );
    assert_eq!(message["endPos"], json!({ "line": 2, "column": 5 }));
    let sorries = response["sorry"]["sorries"].as_array().unwrap();
    assert_eq!(sorries.len(), 2, "{facts:#}");
    assert_eq!(sorries[0]["goal"], "a b : Nat\nh : a < b\n⊢ a = a");
    assert_eq!(sorries[0]["pos"], json!({ "line": 2, "column": 18 }));
    assert_eq!(sorries[1]["goal"], "a b : Nat\nh : a < b\nthis : a = a\n⊢ a + b = b + a");
    let unknown = response["mathlib"]["messages"][0]["data"].as_str().unwrap();
    assert!(unknown.starts_with("unknown module prefix 'Mathlib'"), "{unknown}");
    let said: Vec<_> = response["imports"]["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["data"].as_str().unwrap())
        .collect();
    assert!(said[0].starts_with("Std.HashMap.{u, v}") && said[1] == "1 + 1 : Nat", "{said:?}");
    let axioms = response["axioms"]["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(axioms["data"], "'x' depends on axioms: [bad]");
    assert_eq!(facts["timed"], true);
    assert!(facts["memory"].as_array().unwrap().iter().all(|bytes| bytes.as_f64().unwrap() > 1e8));

    assert_eq!(facts["async"], json!(["valid", "lean_error"]));
    assert_eq!(facts["wrong key"], "Request failed after 1 retries");
    assert_eq!(facts["wrong key directly"], json!([401, "Invalid API key"]));
    assert_eq!(facts["old"]["7"]["is_valid_no_sorry"], true, "{facts:#}");
    assert_eq!(facts["old"]["s"]["is_valid_with_sorry"], true);
}

#[test]
fn code_in_a_text_changes_nothing_for_later_ones() {
    let before = POOL.stats().recycled;
    let code = "#eval (IO.FS.writeFile \"/stp-library/evil.txt\" \"x\" : IO Unit)\n\
                #eval (IO.FS.removeFile \"/stp-library/Init.olean\" : IO Unit)\n\
                #eval show IO Unit from do IO.println (← (← IO.getStdin).getLine)";
    let body = json!({ "snippets": [{ "id": "a", "code": code }], "timeout": 120 });
    let messages = post(*ROOMY, "/api/check", &body).json()["results"][0]["response"]["messages"].clone();
    for index in [0, 1] {
        assert!(messages[index]["data"].as_str().unwrap().contains("read-only file system"), "{messages:#}");
    }
    let library = crate::common::managed().library;
    assert!(!library.join("evil.txt").exists() && library.join("Init.olean").exists());
    until("the process is replaced", || POOL.stats().recycled > before);
    // A process that ends in the middle is the text's own matter.
    let body =
        json!({ "snippets": [{ "id": "a", "code": "#eval (IO.Process.exit 3 : IO Unit)" }], "timeout": 120 });
    let result = post(*ROOMY, "/api/check", &body).json()["results"][0].clone();
    assert!(result["error"].as_str().unwrap().contains("died"), "{result:#}");
    assert_eq!(
        crate::common::status("(a b : Nat) : a + b = b + a", "by omega"),
        stp_datasets::Status::Proved
    );
}

#[test]
fn the_judge_cannot_be_cheated_over_http() {
    let rows = json!([
        { "id": 1, "signature": "(a b : Nat) : a + b = b + a", "proof": "by omega" },
        { "id": "two", "statement": "theorem x (xs : List Nat) : xs ++ [] = xs := by sorry", "proof": "by simp" },
        { "id": 3, "signature": "(a : Nat) : a = a + 1", "proof": "by omega" },
        { "id": 4, "signature": ": False", "proof": "by sorry" },
        { "id": 5, "signature": ": 1 = 2", "proof": "by decide +kernel", "header": "set_option debug.skipKernelTC true" },
        { "id": 6, "signature": ": False", "proof": "h", "header": "axiom h : False" },
        { "id": 7, "signature": ": True := trivial\n#eval 1\ntheorem y : True", "proof": "trivial" },
        { "id": 8, "header": "open Nat", "signature": "(a b : Nat) (h : a < b) : a + 1 ≤ b", "proof": "succ_le_of_lt h" },
        { "id": 9, "signature": "(a : Nat) : a + c = a", "proof": "by simp" },
    ]);
    let reply = post(*ROOMY, "/api/judge", &json!({ "rows": rows })).json();
    let verdicts = reply["verdicts"].as_array().unwrap();
    let found: Vec<_> = verdicts.iter().map(|v| (v["id"].clone(), v["status"].as_str().unwrap())).collect();
    let expected = [
        (json!(1), "proved"),
        (json!("two"), "proved"),
        (json!(3), "failed"),
        (json!(4), "rejected"),
        (json!(5), "rejected"),
        (json!(6), "rejected"),
        (json!(7), "rejected"),
        (json!(8), "proved"),
        (json!(9), "statement_error"),
    ];
    assert_eq!(found, expected, "{reply:#}");
    assert_eq!(verdicts[1]["implicit_premises"], json!(["List.append_nil"]));
    assert!(verdicts[0]["seconds"].as_f64().unwrap() > 0.0 && verdicts[0]["axioms"].is_array());
}

#[test]
fn a_bad_row_costs_the_others_nothing() {
    let snippets = json!([
        { "id": "good", "code": "#check Nat" },
        { "id": "bad" },
        { "id": "long", "code": "-".repeat(300 << 10) },
        { "custom_id": "other", "full_code": "theorem x : 1 = 2 := rfl" },
        { "id": "good", "proof": "#check Int" },
    ]);
    let reply = post(*ROOMY, "/api/check", &json!({ "snippets": snippets, "timeout": 120 }));
    let results = reply.json()["results"].as_array().unwrap().clone();
    let said: Vec<_> = results.iter().map(|r| r["response"]["messages"][0]["severity"].clone()).collect();
    assert_eq!(json!(said), json!(["info", null, null, "error", "info"]), "{}", reply.text);
    assert_eq!(results[3]["id"], "other");
    assert!(results[1]["error"].as_str().unwrap().contains("no `code`"), "{}", reply.text);

    let rows = json!([
        { "name": "a", "formal_statement": "theorem a.{u} (t : Type u) (x : t) : x = x := by sorry", "formal_proof": ":= rfl" },
        { "id": "b", "statement": "theorem b : 1 + 1 = 2" },
        { "id": "c", "theorem": "theorem c : 1 + 1 = 2 := by", "proof": "```lean4\n  decide\n```", "header": "open Nat" },
        { "id": "d", "signature": ": 1 + 1 = 3", "proof": "by decide", "heder": "open Nat" },
    ]);
    let reply = post(*ROOMY, "/api/judge", &json!({ "rows": rows }));
    let verdicts = reply.json()["verdicts"].as_array().unwrap().clone();
    let statuses: Vec<_> = verdicts.iter().map(|verdict| verdict["status"].clone()).collect();
    assert_eq!(json!(statuses), json!(["proved", "malformed", "proved", "failed"]), "{}", reply.text);
    assert_eq!(
        (&verdicts[0]["id"], &verdicts[3]["note"]),
        (&json!("a"), &json!("Did you mean `header` by `heder`?"))
    );
}

#[test]
fn a_theorem_of_a_whole_text_is_judged() {
    let text = "def double (n : Nat) := n + n\n\
                theorem helper (n : Nat) : double n = 2 * n := by unfold double; omega\n\
                theorem x (n : Nat) : double n % 2 = 0 := by rw [helper]; omega";
    let own = "def N := Unit\ndef y : 1 = 2 := sorry\ntheorem x : (1 : Nat) + 1 = 2 := rfl";
    let rows = json!([
        { "id": 1, "code": text },
        { "id": 2, "code": text, "statement": "theorem helper (n : Nat) : double n = 2 * n := by sorry" },
        { "id": 3, "code": own, "statement": "theorem x : (1 : Nat) + 1 = 2" },
        { "id": 4, "code": own, "statement": "theorem x : (1 : Nat) + 1 = 3" },
        // A text may bring a meaning of its own, which is not the statement's.
        { "id": 5, "full_code": "namespace A\ndef Nat := Unit\ntheorem x : ∀ a b : Nat, a = b := fun _ _ => rfl\nend A",
          "statement": "theorem x : ∀ a b : Nat, a = b" },
        { "id": 6, "code": "theorem x : 1 = 2 := sorry" },
        { "id": 7, "code": "axiom bad : 1 = 2\ntheorem x : 1 = 2 := bad" },
        { "id": 8, "header": "import Std", "code": "theorem x : True :=\n  nonsense" },
        { "id": 9, "statement": "theorem x : 1 = 2", "header": "axiom bad : 1 = 2", "code": "theorem x : 1 = 2 := bad" },
    ]);
    let reply = post(*ROOMY, "/api/judge", &json!({ "rows": rows }));
    let verdicts = reply.json()["verdicts"].as_array().unwrap().clone();
    let statuses: Vec<_> = verdicts.iter().map(|verdict| verdict["status"].clone()).collect();
    let expected = [
        "proved",
        "statement_error",
        "proved",
        "rejected",
        "rejected",
        "rejected",
        "rejected",
        "failed",
        "rejected",
    ];
    assert_eq!(json!(statuses), json!(expected), "{:#}", reply.json());
    assert!(verdicts[7]["messages"][0].as_str().unwrap().starts_with("2:"), "{:#}", reply.json());
}

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
