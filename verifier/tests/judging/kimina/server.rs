//! Servers on the shared pool, and requests to them.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use stp_verifier::Pool;
use stp_verifier::serve::{ServeConfig, Server};
use tokio::sync::oneshot;

use crate::common::{POOL, RUNTIME};

pub const KEY: &str = "test-key";
/// A text that takes longer than any limit here.
pub const HANGS: &str = "example : ∀ a b c d : Fin 64, a + b + c + d = d + c + b + a := by decide +kernel";

/// A server on a free port; it ends with the process, or when the sender is used or dropped.
pub fn start(
    pool: &Pool,
    config: ServeConfig,
) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
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
pub static ROOMY: LazyLock<SocketAddr> = LazyLock::new(|| {
    let (address, stop, _) =
        start(&POOL, ServeConfig { api_key: Some(KEY.into()), ..ServeConfig::default() });
    std::mem::forget(stop);
    address
});
pub static TIGHT: LazyLock<SocketAddr> = LazyLock::new(|| {
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

pub struct Reply {
    pub code: u16,
    pub retry_after: Option<String>,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub fn detail(&self) -> String {
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

pub fn post_text(address: SocketAddr, path: &str, key: &str, body: &str) -> Reply {
    let request = agent().post(format!("http://{address}{path}")).header("content-type", "application/json");
    reply(request.header("authorization", format!("Bearer {key}")).send(body).unwrap())
}

pub fn post(address: SocketAddr, path: &str, body: &Value) -> Reply {
    post_text(address, path, KEY, &body.to_string())
}

pub fn get(address: SocketAddr, path: &str) -> Reply {
    reply(agent().get(format!("http://{address}{path}")).call().unwrap())
}

/// The value of a metric without labels.
pub fn metric(address: SocketAddr, name: &str) -> f64 {
    let page = get(address, "/metrics").text;
    let line = page.lines().find(|line| line.split(' ').next() == Some(name));
    line.unwrap_or_else(|| panic!("no {name} in\n{page}")).rsplit(' ').next().unwrap().parse().unwrap()
}

pub fn until(what: &str, reached: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !reached() {
        assert!(Instant::now() < deadline, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
