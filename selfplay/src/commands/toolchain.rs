//! `stp toolchain`, and how every other command gets its Lean.

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use stp_verifier::toolchain::{self, Located, Progress, ToolchainOptions};
use stp_verifier::{Sandbox, Toolchain, VerdictCache};

use crate::cli::{LeanArgs, ToolchainArgs, ToolchainCommand};
use crate::display::Display;

const BAR: &str = "{prefix:.cyan.bold} {bar:24.green/black.bright} {bytes}/{total_bytes} · ETA {eta}";
const PLAIN_LINE_EVERY: Duration = Duration::from_secs(5);

pub(super) fn toolchain(args: &ToolchainArgs) -> Result<ExitCode> {
    let options = options(&args.lean);
    match (args.command, toolchain::locate(&options)?) {
        (_, Located::Ready(lean)) if args.json => {
            let (kind, place) = match &lean {
                Toolchain::Managed(lean) => ("managed", &lean.root),
                Toolchain::Native(lean) => ("native", &lean.program),
            };
            let sandbox = Sandbox::around(&lean).to_string();
            println!(
                "{}",
                json!({ "installed": true, "kind": kind, "version": lean.version(), "place": place, "sandbox": sandbox })
            );
        }
        (ToolchainCommand::Status, Located::NotInstalled(home)) if args.json => {
            println!("{}", json!({ "installed": false, "kind": "managed", "place": home }));
        }
        (_, Located::Ready(lean)) => {
            println!("{}\nsandbox: {}", lean.describe(), Sandbox::around(&lean));
        }
        (ToolchainCommand::Status, Located::NotInstalled(home)) => {
            println!(
                "managed Lean: not installed\nwhy:     no --lean, STP_LEAN or --project was given\nplace:   {}\n\
                 `stp toolchain install` installs it; so does the first command that needs it.",
                home.display()
            );
        }
        (ToolchainCommand::Install, Located::NotInstalled(home)) => {
            let lean = install(&home, &Display::new(false))?;
            if args.json {
                println!(
                    "{}",
                    json!({ "installed": true, "kind": "managed", "version": lean.version(), "place": home })
                );
            } else {
                println!("{}", lean.describe());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The Lean to use, installed now if need be, and says which it is.
pub(super) fn take(args: &LeanArgs, display: &Display) -> Result<Toolchain> {
    let lean = match toolchain::locate(&options(args))? {
        Located::Ready(lean) => lean,
        Located::NotInstalled(home) => {
            let installed = install(&home, display)?;
            match toolchain::locate(&options(args))? {
                Located::Ready(lean) => lean,
                Located::NotInstalled(_) => installed,
            }
        }
    };
    let first = lean.describe();
    display.line(first.lines().next().unwrap_or_default());
    display.line(&format!("sandbox of its processes: {}", Sandbox::around(&lean)));
    Ok(lean)
}

/// The cache of verdicts, beside the managed Lean; without one if it cannot be used, and says so.
pub(super) fn cache(args: &LeanArgs, lean: &Toolchain, display: &Display) -> Option<Arc<VerdictCache>> {
    if args.no_cache {
        return None;
    }
    let home = toolchain::home(&options(args)).ok().filter(|_| lean.is_fixed());
    let Some(home) = home else { return Some(Arc::new(VerdictCache::in_memory())) };
    let opened = std::fs::create_dir_all(&home)
        .map_err(anyhow::Error::from)
        .and_then(|()| Ok(VerdictCache::open(&home.join("verdicts.sqlite"))?));
    match opened {
        Ok(cache) => Some(Arc::new(cache)),
        Err(error) => {
            display.line(&format!("going on without the verdict cache: {error}"));
            None
        }
    }
}

fn options(args: &LeanArgs) -> ToolchainOptions {
    let LeanArgs { lean, project, home, repl, kernel, .. } = args.clone();
    ToolchainOptions { lean, project, home, repl, kernel }
}

fn install(home: &Path, display: &Display) -> Result<Toolchain> {
    display.line(&format!("installing the managed Lean in {} (once, 500 MB)", home.display()));
    let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = display.has_bars().then(|| ProgressBar::new(0).with_style(style.progress_chars("━━─")));
    let last_line = Mutex::new(Instant::now());
    let show = |progress: Progress| match &bar {
        Some(bar) => {
            bar.set_prefix(progress.phase);
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        }
        None => {
            let mut last = last_line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if last.elapsed() >= PLAIN_LINE_EVERY {
                *last = Instant::now();
                display.line(&format!(
                    "{}: {} of {} MB",
                    progress.phase,
                    progress.done >> 20,
                    progress.total >> 20
                ));
            }
        }
    };
    let lean = toolchain::install(home, &show)?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(Toolchain::Managed(lean))
}
