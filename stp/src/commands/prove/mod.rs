//! `stp prove`: a statement or a file with `sorry`s in, proofs out.

mod args;
mod file;
mod input;
mod model;
mod output;
mod seeker;
mod text;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use stp_selfplay::error::UsageError;
use stp_selfplay::search::{Found, Model, Outcome, Problem};
use stp_verifier::{Pool, PoolConfig};

pub use self::args::ProveArgs;
use self::file::{Filled, fill};
use self::input::{Input, Statement};
use self::model::Source;
use self::output::{FileRow, Row, diff, name_in_diff, status};
use self::seeker::Seeker;
use self::text::{LeanText, has_sorry};
use crate::display::Display;
use crate::lean::{cache, locate_or_install};
use crate::signals::{self, cancel_on_signals};

/// Exit code 0 if all is proved, 1 if something stays open, 130 if the user stopped it.
pub async fn prove(args: ProveArgs) -> Result<ExitCode> {
    let (time, check_timeout) = times(&args)?;
    require_temperature(args.temperature)?;
    let input = input::read(&args)?;
    let source = Source::of(&args)?;
    let display = Display::new(args.machine.quiet || args.json);
    if let Input::Text(lean, path) = &input
        && lean.open().is_empty()
    {
        return nothing_to_fill(&args, lean, path.as_deref());
    }
    let lean = locate_or_install(&args.machine.lean, &display)?;
    let cancel = cancel_on_signals()?;
    let config = PoolConfig {
        workers: args.machine.workers.unwrap_or(2).max(1),
        check_timeout,
        cache: cache(&args.machine.lean, &lean, &display),
        ..PoolConfig::default()
    };
    let pool = Pool::start(&lean, config);
    let load = source.as_ref().map(|source| move || source.load());
    let model = load.as_ref().map(|load| load as &(dyn Fn() -> Result<Model> + Send + Sync));
    let seeker = Seeker { pool: pool.clone(), args: &args, time, model, cancel, display };
    let done = match &input {
        Input::Statement(statement) => of_statement(statement, &seeker).await,
        Input::Text(lean, path) => of_text(lean, path.as_deref(), &seeker).await,
    };
    pool.shutdown().await;
    done
}

/// The time for each theorem, and for each check.
fn times(args: &ProveArgs) -> Result<(Option<Duration>, Duration)> {
    let above_zero = |name: &str, seconds: f64| {
        Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero()).ok_or_else(|| {
            UsageError(format!("--{name} is a number of seconds above 0, which {seconds} is not."))
        })
    };
    if args.checks == 0 {
        let said = "--checks 0 leaves nothing to look with; give at least 1.";
        return Err(UsageError(said.to_owned()).into());
    }
    let time = args.seconds.map(|seconds| above_zero("seconds", seconds)).transpose()?;
    Ok((time, above_zero("timeout", args.timeout)?))
}

/// Refuses before anything is searched what the model would refuse only when it is first asked.
fn require_temperature(temperature: f32) -> Result<()> {
    if temperature.is_finite() && temperature >= 0.0 {
        return Ok(());
    }
    Err(UsageError(format!("--temperature is a number from 0 on, which {temperature} is not.")).into())
}

async fn of_statement(statement: &Statement, seeker: &Seeker<'_>) -> Result<ExitCode> {
    let Statement { header, name, signature, .. } = statement.clone();
    let problem = Problem { header: header.clone(), signature: signature.clone(), given: None };
    let started = Instant::now();
    let found = seeker.seek(if name.is_empty() { "a proof" } else { &name }, &problem).await?;
    if let Outcome::Refused(reason) = &found.outcome {
        return Err(UsageError(format!("Nothing can be searched: {reason}")).into());
    }
    if seeker.args.json {
        let row = Row::of(&name, &header, &signature, &found, started.elapsed().as_secs_f64());
        println!("{}", serde_json::to_string(&row).context("the result cannot be written as JSON")?);
    } else {
        println!("{}", statement.with(&found.proof));
        say_open(&found);
    }
    Ok(code([&found.outcome]))
}

async fn of_text(lean: &LeanText, path: Option<&Path>, seeker: &Seeker<'_>) -> Result<ExitCode> {
    let filled = fill(lean, seeker).await?;
    let out_of_reach = lean.out_of_reach();
    let name = path.map_or_else(|| "standard input".to_owned(), |path| path.display().to_string());
    let args = seeker.args;
    if args.in_place && filled.is_changed {
        let path = path.context("there is no file to write")?;
        write(path, lean, &filled.text)?;
    }
    let worst = code(filled.theorems.iter().map(|it| &it.found.outcome));
    let is_open = worst != ExitCode::SUCCESS || !out_of_reach.is_empty() || filled.failed.is_some();
    if args.json {
        let row = file_row(&filled, path, &out_of_reach, is_open);
        println!("{}", serde_json::to_string(&row).context("the result cannot be written as JSON")?);
    } else if args.diff {
        let name = path.map_or_else(|| name.clone(), name_in_diff);
        print!("{}", diff(&name, &lean.written(&lean.text), &lean.written(&filled.text)));
    } else if !args.in_place {
        print!("{}", lean.written(&filled.text));
    }
    for it in &filled.theorems {
        let theorem = if it.theorem.name.is_empty() { "example" } else { &it.theorem.name };
        let line = it.theorem.line;
        match &it.found.outcome {
            Outcome::Proved => eprintln!("{name}:{line}: `{theorem}` is proved."),
            Outcome::Refused(reason) => {
                eprintln!("{name}:{line}: `{theorem}` stays open: {reason}");
                if !has_sorry(&it.found.proof) {
                    eprintln!("{}", it.found.proof);
                }
            }
            _ => {
                eprintln!("{name}:{line}: `{theorem}` stays open; the best that was found:");
                eprintln!("{}", it.found.proof);
                say_open(&it.found);
            }
        }
    }
    for it in &out_of_reach {
        eprintln!("{name}:{}: this `sorry` is not searched: {}", it.line, it.reason);
    }
    if let Some(error) = filled.failed {
        return Err(error);
    }
    if worst == ExitCode::SUCCESS && is_open { Ok(ExitCode::FAILURE) } else { Ok(worst) }
}

fn file_row(
    filled: &Filled,
    path: Option<&Path>,
    out_of_reach: &[text::OutOfReach],
    is_open: bool,
) -> FileRow {
    let row = |it: &file::Searched| {
        let (theorem, found) = (&it.theorem, &it.found);
        let row = Row::of(&theorem.name, &theorem.header, &theorem.signature, found, it.seconds);
        Row { line: Some(theorem.line), ..row }
    };
    let stopped = filled.theorems.iter().find(|it| it.found.outcome == Outcome::Interrupted);
    FileRow {
        file: path.map(|path| path.display().to_string()),
        status: stopped.map_or(if is_open { "open" } else { "proved" }, |it| status(&it.found.outcome)),
        theorems: filled.theorems.iter().map(row).collect(),
        out_of_reach: out_of_reach.iter().map(|it| (it.line, it.reason.clone())).collect(),
        text: filled.text.clone(),
    }
}

/// A text that holds no `sorry` that can be searched.
fn nothing_to_fill(args: &ProveArgs, lean: &LeanText, path: Option<&Path>) -> Result<ExitCode> {
    let name = path.map_or_else(|| "standard input".to_owned(), |path| path.display().to_string());
    let out_of_reach = lean.out_of_reach();
    if args.json {
        let nothing =
            Filled { text: lean.text.clone(), theorems: Vec::new(), is_changed: false, failed: None };
        let row = file_row(&nothing, path, &out_of_reach, !out_of_reach.is_empty());
        println!("{}", serde_json::to_string(&row).context("the result cannot be written as JSON")?);
    } else if !args.diff && !args.in_place {
        print!("{}", lean.written(&lean.text));
    }
    for it in &out_of_reach {
        eprintln!("{name}:{}: this `sorry` is not searched: {}", it.line, it.reason);
    }
    if out_of_reach.is_empty() {
        eprintln!("{name} holds no `sorry`: there is nothing to fill.");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// Writes a file beside its place and renames it, unless somebody else has changed it meanwhile. A link stays one.
fn write(path: &Path, lean: &LeanText, text: &str) -> Result<()> {
    let path = &path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?;
    let now = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    if LeanText::of(&now) != *lean {
        anyhow::bail!(
            "{} was changed while the search went on, so it was not written. Run the command again.",
            path.display()
        );
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = || format!("{} cannot be written; it is as it was.", path.display());
    let draft = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    std::fs::write(draft.path(), lean.written(text)).with_context(failed)?;
    std::fs::set_permissions(draft.path(), std::fs::metadata(path).with_context(failed)?.permissions())
        .with_context(failed)?;
    draft.persist(path).with_context(failed)?;
    Ok(())
}

/// The goals that are left, one a line.
fn say_open(found: &Found) {
    for goal in &found.open {
        eprintln!("open: {goal}");
    }
}

fn code<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> ExitCode {
    let mut worst = ExitCode::SUCCESS;
    for outcome in outcomes {
        match outcome {
            Outcome::Proved => {}
            Outcome::Interrupted => return ExitCode::from(signals::exit_code()),
            _ => worst = ExitCode::FAILURE,
        }
    }
    worst
}
