//! `stp verify`: proofs in, verdicts out, in the same order and in constant memory.

mod output;
mod rows;

use std::collections::{BTreeMap, VecDeque};
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use stp_datasets::Verdict;
use stp_verifier::{Pool, PoolConfig, VerifierError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::toolchain;
use crate::cancel::Cancel;
use crate::cli::VerifyArgs;
use crate::display::Display;
use output::{Output, Written};
use rows::{JsonRows, Row, lean_rows};

/// Rows under way for each Lean process: enough that none waits while the first in line takes long.
const ROWS_PER_WORKER: usize = 32;
const REPORT_EVERY: Duration = Duration::from_secs(10);

type Check = JoinHandle<Result<Verdict, VerifierError>>;

/// Exit code 0; with `--all-must-pass` 1 unless every row is proved.
pub(super) async fn verify(args: VerifyArgs) -> Result<ExitCode> {
    let mut output = Output::open(args.output.as_deref(), args.overwrite)?;
    let mut rows = read(&args)?;
    let display = Display::new(true);
    let lean = toolchain::take(&args.lean, &display)?;
    let cancel = Cancel::on_signals()?;
    let config = PoolConfig {
        workers: args.workers.max(1),
        check_timeout: Duration::from_secs_f64(args.timeout),
        max_rss_bytes: args.memory_mb << 20,
        cache: toolchain::cache(&args.lean, &lean, &display),
        ..PoolConfig::default()
    };
    let pool = Pool::start(&lean, config);
    let mut tally = Tally::new();
    let judged = judge(&pool, &mut rows, &mut output, &mut tally, &cancel, &display).await;
    // Whoever reads the rows must not wait for a channel that nobody empties.
    drop(rows);
    let stats = pool.stats();
    pool.shutdown().await;
    judged?;
    display.line(&tally.table(stats.cache_hits));
    let passed = tally.rows() == tally.counts.get("proved").copied().unwrap_or_default();
    Ok(if args.all_must_pass && !passed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Keeps the pool busy while results leave in the order in which the rows came.
async fn judge(
    pool: &Pool,
    rows: &mut mpsc::Receiver<Result<Row>>,
    output: &mut Output,
    tally: &mut Tally,
    cancel: &Cancel,
    display: &Display,
) -> Result<()> {
    let limit = ROWS_PER_WORKER * pool.workers();
    let mut window: VecDeque<(Row, Option<Check>)> = VecDeque::new();
    let mut open = true;
    while open || !window.is_empty() {
        tokio::select! {
            () = cancel.cancelled() => break,
            row = rows.recv(), if open && window.len() < limit => match row {
                None => open = false,
                Some(row) => {
                    let row = row?;
                    match output.earlier(&row)? {
                        Some(earlier) => tally.count(earlier.verdict.as_deref()),
                        None => {
                            let check = row.candidate.clone().ok().map(|candidate| {
                                let pool = pool.clone();
                                tokio::spawn(async move { pool.check(candidate).await })
                            });
                            window.push_back((row, check));
                        }
                    }
                }
            },
            verdict = first(&mut window), if !window.is_empty() => {
                let verdict = verdict?;
                if let Some((row, _)) = window.pop_front() {
                    output.write(&Written::new(&row, verdict.as_ref()))?;
                    tally.count(verdict.map(|verdict| verdict.status.as_str()));
                    tally.say_now_and_then(display);
                }
            }
        }
    }
    cancel.check()?;
    Ok(())
}

/// The verdict on the row whose turn it is; `None` if it cannot be judged. Waiting may be given up and begun again.
async fn first(window: &mut VecDeque<(Row, Option<Check>)>) -> Result<Option<Verdict>> {
    match window.front_mut() {
        Some((_, Some(check))) => Ok(Some(check.await??)),
        _ => Ok(None),
    }
}

/// The rows of the input, read ahead by a thread of its own.
fn read(args: &VerifyArgs) -> Result<mpsc::Receiver<Result<Row>>> {
    let header = match &args.header {
        None => String::new(),
        Some(path) => {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?
        }
    };
    let (sender, receiver) = mpsc::channel(64);
    let path = args.file.clone().filter(|path| path != Path::new("-"));
    let name = path.as_ref().map_or("standard input".to_owned(), |path| path.display().to_string());
    let cannot = move || format!("cannot read {name}");
    let rows: Box<dyn Iterator<Item = std::io::Result<Row>> + Send> = match path {
        None => Box::new(JsonRows::new(BufReader::new(std::io::stdin()), header)),
        Some(path) if is_lean(&path) => Box::new(lean_rows(&path).with_context(&cannot)?.into_iter().map(Ok)),
        Some(path) => {
            let file = std::fs::File::open(&path).with_context(&cannot)?;
            Box::new(JsonRows::new(BufReader::new(file), header))
        }
    };
    std::thread::spawn(move || {
        for row in rows {
            // A receiver that went away needs no more rows.
            if sender.blocking_send(row.with_context(&cannot)).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

fn is_lean(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "lean")
}

/// How many rows got which verdict.
struct Tally {
    counts: BTreeMap<String, u64>,
    judged: u64,
    began: Instant,
    said: Instant,
}

impl Tally {
    fn new() -> Self {
        let now = Instant::now();
        Self { counts: BTreeMap::new(), judged: 0, began: now, said: now }
    }

    fn count(&mut self, verdict: Option<&str>) {
        *self.counts.entry(verdict.unwrap_or("malformed").to_owned()).or_default() += 1;
    }

    fn rows(&self) -> u64 {
        self.counts.values().sum()
    }

    fn say_now_and_then(&mut self, display: &Display) {
        self.judged += 1;
        if self.said.elapsed() >= REPORT_EVERY {
            self.said = Instant::now();
            display.line(&format!("{} rows · {:.1} rows/s", self.rows(), self.speed()));
        }
    }

    fn speed(&self) -> f64 {
        self.judged as f64 / self.began.elapsed().as_secs_f64().max(1e-9)
    }

    fn table(&self, cache_hits: u64) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY).set_header(["verdict", "rows", "share"]);
        for (verdict, count) in &self.counts {
            let share = 100.0 * *count as f64 / self.rows().max(1) as f64;
            table.add_row([verdict.clone(), count.to_string(), format!("{share:.1} %")]);
        }
        format!(
            "{table}\n{} rows judged in {:.1} s ({:.1} rows/s), {cache_hits} of them from the cache",
            self.judged,
            self.began.elapsed().as_secs_f64(),
            self.speed()
        )
    }
}
