//! `stp verify`: proofs in, verdicts out, in the same order and in constant memory.

mod args;
mod counts;
mod earlier;
mod formats;
mod glossary;
mod input;
mod judge;
mod output;
mod row;
mod sink;
#[cfg(test)]
mod test_units;
mod unit;

use std::collections::VecDeque;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use stp_selfplay::context::Cancel;
use stp_selfplay::error::UsageError;
use stp_verifier::cache::RULES;
use stp_verifier::{Pool, PoolConfig, Toolchain, VerifierError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub use self::args::VerifyArgs;
use self::counts::VerdictCounts;
use self::input::Event;
use self::output::Known;
use self::row::Row;
use self::sink::Sink;
use self::unit::{Rules, Unit, Work};
use crate::display::Display;
use crate::lean::{cache, locate_or_install};
use crate::signals::cancel_on_signals;

/// Rows under way for each Lean process: enough that none waits while the first in line takes long.
const ROWS_PER_WORKER: usize = 32;

/// Rows that are there or will be.
enum Pending {
    Known(Vec<Row>),
    Judging(JoinHandle<Result<Vec<Row>, VerifierError>>),
}

/// Exit code 0; with `--all-must-pass` 1 unless every row is proved and there is one.
pub async fn verify(args: VerifyArgs) -> Result<ExitCode> {
    let limit = Duration::try_from_secs_f64(args.timeout).ok().filter(|limit| !limit.is_zero());
    let check_timeout = limit.ok_or_else(|| {
        UsageError(format!("--timeout is a number of seconds above 0, which {} is not.", args.timeout))
    })?;
    let mut events = input::read(&args)?;
    let sink = Sink::open(args.format, args.output.as_deref(), args.overwrite)?;
    let display = if args.quiet { Display::silent() } else { Display::new(true) };
    let lean = locate_or_install(&args.lean, &display)?;
    let cancel = cancel_on_signals()?;
    let config = PoolConfig {
        workers: args.workers.max(1),
        check_timeout,
        max_rss_bytes: args.memory_mb << 20,
        cache: cache(&args.lean, &lean, &display),
        ..PoolConfig::default()
    };
    let rules = Rules { identity: identity(&lean, &config), limit_ms: check_timeout.as_millis() };
    let pool = Pool::start(&lean, config);
    let counts = VerdictCounts::new();
    let mut call = Call { pool: pool.clone(), rules, sink, counts, display, empty: Vec::new() };
    let judged = call.run(&mut events, &cancel).await;
    // Whoever reads the rows must not wait for a channel that nobody empties.
    drop(events);
    let stats = pool.stats();
    pool.shutdown().await;
    judged?;
    call.display.line(&call.counts.table(stats.cache_hits, call.sink.kept()));
    Ok(call.exit_code(args.all_must_pass))
}

/// What verdicts depend on beside the texts. What a Lake project holds may change, so of one no verdict is kept.
fn identity(lean: &Toolchain, config: &PoolConfig) -> String {
    let once = match lean.is_fixed() {
        true => String::new(),
        false => format!(" {:?} {}", std::time::SystemTime::now(), std::process::id()),
    };
    format!("{} rules {} heartbeats {}{once}", lean.identity(), RULES, config.max_heartbeats)
}

/// One call of the command.
struct Call {
    pool: Pool,
    rules: Rules,
    sink: Sink,
    counts: VerdictCounts,
    display: Display,
    /// Inputs without anything to judge.
    empty: Vec<String>,
}

impl Call {
    /// Judges all that comes, and leaves the output so that another call can go on with it.
    async fn run(&mut self, events: &mut mpsc::Receiver<Result<Event>>, cancel: &Cancel) -> Result<()> {
        if let Err(error) = self.judge_all(events, cancel).await {
            // The first error is what counts.
            let _ = self.sink.stop();
            return Err(error);
        }
        self.sink.end()?;
        self.say_notes();
        Ok(())
    }

    /// Keeps the pool busy while results leave in the order in which the units came.
    async fn judge_all(&mut self, events: &mut mpsc::Receiver<Result<Event>>, cancel: &Cancel) -> Result<()> {
        let limit = ROWS_PER_WORKER * self.pool.workers();
        let mut window: VecDeque<(Unit, Pending)> = VecDeque::new();
        let mut open = true;
        while open || !window.is_empty() {
            tokio::select! {
                () = cancel.cancelled() => break,
                event = events.recv(), if open && window.len() < limit => match event {
                    None => open = false,
                    Some(event) => match event? {
                        Event::Unit(unit) => window.extend(self.admit(unit)?),
                        Event::Note(note) => self.display.line(&note),
                        Event::Empty(what) => self.empty.push(what),
                    },
                },
                rows = first(&mut window), if !window.is_empty() => {
                    let rows = rows?;
                    if let Some((unit, pending)) = window.pop_front() {
                        self.settle(&unit, &pending, rows)?;
                    }
                }
            }
        }
        cancel.check()?;
        Ok(())
    }

    /// Begins with a unit, unless its rows stand where they belong.
    fn admit(&mut self, unit: Unit) -> Result<Option<(Unit, Pending)>> {
        let hashes = unit.hashes(&self.rules);
        let known = self.sink.known(&unit, &hashes)?;
        self.say_notes();
        Ok(match known {
            Known::InPlace(rows) => {
                self.counts.count(&rows);
                None
            }
            Known::Rows(rows) => Some((unit, Pending::Known(rows))),
            Known::No => {
                let judging = tokio::spawn(judge::judge(self.pool.clone(), unit.clone(), hashes));
                Some((unit, Pending::Judging(judging)))
            }
        })
    }

    /// Hands on the rows of the unit whose turn it is.
    fn settle(&mut self, unit: &Unit, pending: &Pending, rows: Vec<Row>) -> Result<()> {
        self.counts.count(&rows);
        if let Ok(Work::File(lean)) = &unit.work
            && rows.is_empty()
        {
            let what = format!("{} holds no theorem", unit.file.as_deref().unwrap_or("standard input"));
            if lean.named {
                self.empty.push(what);
            } else {
                self.display.line(&what);
            }
        }
        if matches!(pending, Pending::Judging(_)) {
            self.counts.judged(rows.len(), &self.display);
        }
        self.sink.write(rows)
    }

    fn say_notes(&mut self) {
        for note in self.sink.notes() {
            self.display.line(&note);
        }
    }

    fn exit_code(&self, all_must_pass: bool) -> ExitCode {
        let nothing = self.counts.rows() == 0 && self.empty.is_empty();
        let empty =
            self.empty.iter().cloned().chain(nothing.then(|| "the input holds nothing to judge".to_owned()));
        let mut passed = self.counts.all_proved();
        for what in empty {
            if all_must_pass {
                eprintln!("stp: {what}, so --all-must-pass fails.");
                passed = false;
            } else {
                self.display.line(&what);
            }
        }
        if all_must_pass && !passed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// The rows of the unit whose turn it is. Waiting may be given up and begun again.
async fn first(window: &mut VecDeque<(Unit, Pending)>) -> Result<Vec<Row>> {
    match window.front_mut() {
        Some((_, Pending::Judging(judging))) => Ok(judging.await??),
        Some((_, Pending::Known(rows))) => Ok(std::mem::take(rows)),
        None => Ok(Vec::new()),
    }
}
