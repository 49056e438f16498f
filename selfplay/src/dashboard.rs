//! Runs seen from outside: everything is read from their folders, so nothing has to be asked of the process
//! that plays them, and a dashboard that comes late or dies does no harm.
//!
//! A watcher gathers the page's data when a ledger has changed and hands the same text to all browsers, by
//! server-sent events.

use std::collections::HashSet;
use std::convert::Infallible;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use stp_datasets::Ledger;
use tokio::sync::watch;

use crate::commands::{load_corpus, run_config};
use crate::config::RunConfig;
use crate::metrics;
use crate::report::{Report, RunPage, page};
use crate::run::Run;

const TICK: Duration = Duration::from_secs(1);
/// Gathering may take this share of the time at most.
const GATHERING_SHARE: u32 = 5;
/// Enough of the end of the metrics' file to have a whole line.
const TAIL: u64 = 4096;

/// A run folder, opened for reading.
#[derive(Debug)]
pub struct Watched {
    path: PathBuf,
    name: String,
    config: RunConfig,
    given: HashSet<String>,
    valid_total: usize,
    ledger: Ledger,
}

impl Watched {
    /// Opens the folder of a run that goes on, has ended or was interrupted.
    ///
    /// # Errors
    /// If it is no run folder, or its corpus or ledger cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let (config, _) = run_config(path)?;
        let (train, valid) = Run::choose(&load_corpus(&config.corpus)?, &config);
        let whole = std::path::absolute(path)?;
        let name = whole.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into());
        Ok(Self {
            name,
            given: train.into_iter().map(|statement| statement.id).collect(),
            valid_total: valid.len(),
            ledger: open_ledger(&path.join("ledger.sqlite"))?,
            path: path.to_owned(),
            config,
        })
    }

    /// Its table, as far as it has come.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn report(&self) -> Result<Report> {
        let config = &self.config;
        let samples = config.proving.valid_samples;
        Report::read(&self.ledger, config.rounds, &self.given, self.valid_total, samples)
    }

    /// What the page shows of it.
    ///
    /// # Errors
    /// As [`Self::report`].
    pub fn gather(&self) -> Result<RunPage> {
        let (method, seed) = (self.config.method.as_str(), self.config.seed);
        RunPage::gather(self.name.clone(), method, seed, self.report()?, &self.ledger)
    }

    /// What it is doing: the last line that its metrics have of a phase, and whether it still runs.
    fn now(&self) -> Result<Value> {
        let mut now = last_phase(&self.path.join(metrics::FILE)).unwrap_or_else(|| json!({}));
        let events = self.ledger.events()?;
        let state = match events.last() {
            Some(event) if event.kind == "started" => "running".to_owned(),
            Some(event) if event.kind == "stopped" => {
                format!("stopped: {}", event.detail["reason"].as_str().unwrap_or("no reason was noted"))
            }
            Some(event) => event.kind.clone(),
            None => "not begun".to_owned(),
        };
        now["run"] = self.name.clone().into();
        now["state"] = state.into();
        Ok(now)
    }
}

/// A ledger of an older version is migrated first, which only a writer can do.
fn open_ledger(path: &Path) -> Result<Ledger> {
    match Ledger::open_read_only(path) {
        Err(stp_datasets::LedgerError::Older(_)) => {
            drop(Ledger::open(path)?);
            Ok(Ledger::open_read_only(path)?)
        }
        other => Ok(other?),
    }
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
    first_page: Arc<dyn Fn() -> Result<String> + Send + Sync>,
}

/// Serves the page until the returned future is dropped; `ready` gets the address.
///
/// # Errors
/// If the address cannot be listened on or a run cannot be read.
pub async fn serve(runs: Vec<Watched>, listen: &str, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}. Give another address with --listen."))?;
    let runs = Arc::new(runs);
    let (send_runs, see_runs) = watch::channel(Arc::from(gathered(&runs)?));
    let (send_now, see_now) = watch::channel(Arc::from(now(&runs)?));
    let of_page = runs.clone();
    let first_page =
        Arc::new(move || page(&of_page.iter().map(Watched::gather).collect::<Result<Vec<_>>>()?, true));
    let feed = Feed { runs: see_runs, now: see_now, first_page };
    let router = Router::new().route("/", get(show)).route("/events", get(events)).with_state(feed);
    ready(listener.local_addr()?);
    let watching = tokio::task::spawn_blocking(move || watch_runs(&runs, &send_runs, &send_now));
    tokio::select! {
        served = async { axum::serve(listener, router).await } => Ok(served?),
        ended = watching => ended.context("the watcher broke down")?,
    }
}

fn gathered(runs: &[Watched]) -> Result<String> {
    let pages = runs.iter().map(Watched::gather).collect::<Result<Vec<_>>>()?;
    Ok(serde_json::to_string(&pages)?)
}

fn now(runs: &[Watched]) -> Result<String> {
    Ok(serde_json::to_string(&runs.iter().map(Watched::now).collect::<Result<Vec<_>>>()?)?)
}

/// Looks at the runs each second, until nobody can be told any more.
fn watch_runs(
    runs: &[Watched],
    send_runs: &watch::Sender<Arc<str>>,
    send_now: &watch::Sender<Arc<str>>,
) -> Result<()> {
    let versions = || runs.iter().map(|run| run.ledger.data_version()).collect::<Result<Vec<_>, _>>();
    let (mut seen, mut next) = (Vec::new(), Instant::now());
    while !send_runs.is_closed() {
        send_if_new(send_now, now(runs)?);
        let version = versions()?;
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

async fn show(State(feed): State<Feed>) -> Response {
    let made = tokio::task::spawn_blocking(move || (feed.first_page)()).await;
    match made.map_err(anyhow::Error::from).and_then(|page| page) {
        Ok(text) => Html(text).into_response(),
        Err(error) => (axum::http::StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
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
