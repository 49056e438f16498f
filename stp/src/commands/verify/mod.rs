//! `stp verify`: proofs in, verdicts out, in the same order and in constant memory.

mod earlier;
mod formats;
mod glossary;
mod input;
mod judge;
mod output;
mod row;
mod sink;
mod tally;
mod unit;

use std::collections::VecDeque;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use stp_verifier::{Pool, PoolConfig, Toolchain, VerifierError, cache};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::toolchain;
use crate::cancel::Cancel;
use crate::cli::VerifyArgs;
use crate::display::Display;
use crate::error::UsageError;
use input::Event;
use output::Known;
use row::Row;
use sink::Sink;
use tally::Tally;
use unit::{Judge, Unit, Work};

/// Rows under way for each Lean process: enough that none waits while the first in line takes long.
const ROWS_PER_WORKER: usize = 32;

/// Rows that are there or will be.
enum Pending {
    Known(Vec<Row>),
    Judging(JoinHandle<Result<Vec<Row>, VerifierError>>),
}

/// Exit code 0; with `--all-must-pass` 1 unless every row is proved and there is one.
pub(super) async fn verify(args: VerifyArgs) -> Result<ExitCode> {
    let limit = Duration::try_from_secs_f64(args.timeout).ok().filter(|limit| !limit.is_zero());
    let check_timeout = limit.ok_or_else(|| {
        UsageError(format!("--timeout is a number of seconds above 0, which {} is not.", args.timeout))
    })?;
    let mut events = input::read(&args)?;
    let sink = Sink::open(args.format, args.output.as_deref(), args.overwrite)?;
    let display = if args.quiet { Display::silent() } else { Display::new(true) };
    let lean = toolchain::take(&args.lean, &display)?;
    let cancel = Cancel::on_signals()?;
    let config = PoolConfig {
        workers: args.workers.max(1),
        check_timeout,
        max_rss_bytes: args.memory_mb << 20,
        cache: toolchain::cache(&args.lean, &lean, &display),
        ..PoolConfig::default()
    };
    let judge = Judge { identity: identity(&lean, &config), limit_ms: check_timeout.as_millis() };
    let pool = Pool::start(&lean, config);
    let mut call = Call { pool: pool.clone(), judge, sink, tally: Tally::new(), display, empty: Vec::new() };
    let judged = call.run(&mut events, &cancel).await;
    // Whoever reads the rows must not wait for a channel that nobody empties.
    drop(events);
    let stats = pool.stats();
    pool.shutdown().await;
    judged?;
    call.display.line(&call.tally.table(stats.cache_hits, call.sink.kept()));
    Ok(call.exit_code(args.all_must_pass))
}

/// What verdicts depend on beside the texts. What a Lake project holds may change, so of one no verdict is kept.
fn identity(lean: &Toolchain, config: &PoolConfig) -> String {
    let once = match lean.is_fixed() {
        true => String::new(),
        false => format!(" {:?} {}", std::time::SystemTime::now(), std::process::id()),
    };
    format!("{} rules {} heartbeats {}{once}", lean.identity(), cache::RULES, config.max_heartbeats)
}

/// One call of the command.
struct Call {
    pool: Pool,
    judge: Judge,
    sink: Sink,
    tally: Tally,
    display: Display,
    /// Inputs without anything to judge.
    empty: Vec<String>,
}

impl Call {
    /// Keeps the pool busy while results leave in the order in which the units came.
    async fn run(&mut self, events: &mut mpsc::Receiver<Result<Event>>, cancel: &Cancel) -> Result<()> {
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
        self.sink.end()?;
        self.say_notes();
        Ok(())
    }

    /// Begins with a unit, unless its rows stand where they belong.
    fn admit(&mut self, unit: Unit) -> Result<Option<(Unit, Pending)>> {
        let hashes = unit.hashes(&self.judge);
        let known = self.sink.known(&unit, &hashes)?;
        self.say_notes();
        Ok(match known {
            Known::InPlace(rows) => {
                self.tally.count(&rows);
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
        self.tally.count(&rows);
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
            self.tally.judged(rows.len(), &self.display);
        }
        self.sink.write(rows)
    }

    fn say_notes(&mut self) {
        for note in self.sink.notes() {
            self.display.line(&note);
        }
    }

    fn exit_code(&self, all_must_pass: bool) -> ExitCode {
        let nothing = self.tally.rows() == 0 && self.empty.is_empty();
        let empty =
            self.empty.iter().cloned().chain(nothing.then(|| "the input holds nothing to judge".to_owned()));
        let mut passed = self.tally.all_proved();
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

#[cfg(test)]
mod tests {
    use super::unit::{Hashes, Place, Unit};

    /// A row of standard input that is no claim.
    pub(super) fn unit(id: &str) -> Unit {
        Unit { file: None, place: Place::Line(1), id: id.into(), part: None, work: Err("no".into()) }
    }

    pub(super) fn hashes() -> Hashes {
        Hashes { plain: "plain".into(), timeout: "timeout".into() }
    }
}
