//! Runs seen from outside: everything is read from their folders, so nothing has to be asked of the process
//! that plays them, and a dashboard that comes late or dies does no harm.
//!
//! A watcher gathers the page's data when a ledger has changed and hands the same text to all browsers, by
//! server-sent events.

use std::convert::Infallible;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use stp_selfplay::spent::SPENT;
use stp_study::report::{RecordedRun, gathered, page};
use stp_verifier::serve::{Connections, Hosts};
use tokio::sync::watch;

use crate::metrics;

const TICK: Duration = Duration::from_secs(1);
/// Gathering may take this share of the time at most.
const GATHERING_SHARE: u32 = 5;
/// Browsers that look on at the same time, some with a few connections.
const MAX_CONNECTIONS: usize = 256;
/// What a browser may take to ask, and to take what it is sent.
const PATIENCE: Duration = Duration::from_secs(20);
/// Enough of the end of the metrics' file to have a whole line.
const TAIL: u64 = 4096;

/// What it is doing: the last line that its metrics have of a phase, and whether it still runs.
fn doing(run: &RecordedRun) -> Result<Value> {
    let mut now = last_phase(&run.path().join(metrics::FILE)).unwrap_or_else(|| json!({}));
    let events = run.ledger().events()?;
    // What a step took says nothing of how the run is.
    let state = match events.iter().rfind(|event| event.kind != SPENT) {
        Some(event) if event.kind == "started" => "running".to_owned(),
        Some(event) if event.kind == "stopped" => {
            format!("stopped: {}", event.detail["reason"].as_str().unwrap_or("no reason was noted"))
        }
        Some(event) => event.kind.clone(),
        None => "not begun".to_owned(),
    };
    now["run"] = run.name().into();
    now["state"] = state.into();
    Ok(now)
}

/// The last whole line with a phase, if there is one among the last lines.
fn last_phase(path: &Path) -> Option<Value> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let whole = &bytes[..=bytes.iter().rposition(|byte| *byte == b'\n')?];
    let lines = whole.split(|byte| *byte == b'\n').rev();
    lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok()).find(|line| line["phase"].is_string())
}

/// What browsers are told: the data of the page, and what the runs are doing.
#[derive(Clone)]
struct Feed {
    runs: watch::Receiver<Arc<str>>,
    now: watch::Receiver<Arc<str>>,
}

/// Serves the page until the returned future is dropped; `ready` gets the address. It is asked by names of this
/// machine, by `listen`, or by one of `allow_hosts`.
///
/// # Errors
/// If the address cannot be listened on, a name is none, or a run cannot be read.
pub async fn serve(
    runs: Vec<RecordedRun>,
    listen: &str,
    allow_hosts: &[String],
    ready: impl FnOnce(SocketAddr),
) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}. Give another address with --listen."))?;
    let seen = versions(&runs)?;
    let (send_runs, see_runs) = watch::channel(Arc::from(gathered(&runs)?));
    let (send_now, see_now) = watch::channel(Arc::from(now(&runs)?));
    let feed = Feed { runs: see_runs, now: see_now };
    let router = Router::new().route("/", get(show)).route("/events", get(events)).with_state(feed);
    let address = listener.local_addr()?;
    let router = Hosts::new(listen, address, allow_hosts)?.guard(router);
    let connections = Connections::new(MAX_CONNECTIONS, PATIENCE);
    // Nobody stops it but whoever drops this future.
    let stop = watch::Sender::new(false);
    ready(address);
    let watching = tokio::task::spawn_blocking(move || watch_runs(&runs, seen, &send_runs, &send_now));
    tokio::select! {
        served = connections.serve(listener, router, stop.subscribe()) => Ok(served?),
        ended = watching => ended.context("the watcher broke down")?,
    }
}

fn now(runs: &[RecordedRun]) -> Result<String> {
    Ok(serde_json::to_string(&runs.iter().map(doing).collect::<Result<Vec<_>>>()?)?)
}

/// Numbers that change when a run's ledger is written.
fn versions(runs: &[RecordedRun]) -> Result<Vec<i64>> {
    Ok(runs.iter().map(|run| run.ledger().data_version()).collect::<Result<_, _>>()?)
}

/// Looks at the runs each second, until nobody can be told any more. `seen` are the versions that were gathered
/// before.
fn watch_runs(
    runs: &[RecordedRun],
    mut seen: Vec<i64>,
    send_runs: &watch::Sender<Arc<str>>,
    send_now: &watch::Sender<Arc<str>>,
) -> Result<()> {
    let mut next = Instant::now();
    while !send_runs.is_closed() {
        send_if_new(send_now, now(runs)?);
        let version = versions(runs)?;
        if version != seen && Instant::now() >= next {
            let began = Instant::now();
            send_if_new(send_runs, gathered(runs)?);
            seen = version;
            next = Instant::now() + (began.elapsed() * GATHERING_SHARE).max(TICK);
        }
        std::thread::sleep(TICK);
    }
    Ok(())
}

fn send_if_new(to: &watch::Sender<Arc<str>>, text: String) {
    to.send_if_modified(|old| {
        let is_new = **old != *text;
        if is_new {
            *old = Arc::from(text);
        }
        is_new
    });
}

async fn show(State(feed): State<Feed>) -> Html<String> {
    Html(page(&feed.runs.borrow(), true))
}

async fn events(State(feed): State<Feed>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let both = stream::select(named("runs", feed.runs), named("now", feed.now));
    Sse::new(both.map(Ok)).keep_alive(KeepAlive::default())
}

/// What the channel holds, now and after each change.
fn named(name: &'static str, mut channel: watch::Receiver<Arc<str>>) -> impl Stream<Item = Event> {
    channel.mark_changed();
    stream::unfold(channel, move |mut channel| async move {
        channel.changed().await.ok()?;
        let event = Event::default().event(name).data(&*channel.borrow_and_update());
        Some((event, channel))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(address: SocketAddr, host: &str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.lines().next().unwrap().to_owned()
    }

    #[tokio::test]
    async fn pages_with_other_names_see_nothing() {
        let (send, address) = tokio::sync::oneshot::channel();
        let allowed = ["runs.example.org".to_owned()];
        let serving = serve(Vec::new(), "127.0.0.1:0", &allowed, |address| send.send(address).unwrap());
        let asking = async {
            let address = address.await.unwrap();
            for (host, code) in [
                ("localhost", "200"),
                ("127.0.0.1:8001", "200"),
                ("runs.example.org", "200"),
                ("evil.example", "403"),
            ] {
                let line = ask(address, host).await;
                assert!(line.contains(code), "{host}: {line}");
            }
        };
        tokio::select! {
            served = serving => panic!("{served:?}"),
            () = asking => {}
        }
    }

    #[test]
    fn a_half_written_line_is_left_for_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(metrics::FILE);
        let text = "{\"phase\":\"a\",\"done\":1}\n{\"step\":3}\n{\"phase\":\"b\",\"do";
        std::fs::write(&path, text).unwrap();
        assert_eq!(last_phase(&path).unwrap()["phase"], "a");
        std::fs::write(&path, "").unwrap();
        assert!(last_phase(&path).is_none());
    }
}
