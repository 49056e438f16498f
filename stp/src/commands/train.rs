//! `stp train`: builds a run from the command line and plays it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use stp_model::Package;
use stp_selfplay::config::RunConfig;
use stp_selfplay::config::settings::{Setter, Settings};
use stp_selfplay::context::fork::{ForkedFrom, Source};
use stp_selfplay::context::statements::load_corpus;
use stp_selfplay::context::{CpuMeter, RunFolder, base_path, check_beginning, pool_config};
use stp_selfplay::run::{Run, RunParts};
use stp_study::clock::clock;
use stp_study::report::{self, RecordedRun, Report};
use stp_verifier::queue::RemoteConfig;
use stp_verifier::{Pool, PoolConfig, PoolStats, Toolchain};

use super::config::gather;
use super::estimate::{PlanArgs, estimate};
use crate::args::{MachineArgs, SettingsArgs};
use crate::common::{block_on, device};
use crate::display::Display;
use crate::drawer::drawer;
use crate::lean::{cache, locate_or_install};
use crate::metrics::Metrics;
use crate::models::fetch_base;
use crate::signals::cancel_on_signals;
use crate::usage::cpu_seconds;

/// `stp train`.
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    /// What the run does.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// The run's folder [default: runs/PRESET-METHOD-seedN, or RUN_FOLDER-forkROUND].
    #[arg(long, value_name = "FOLDER")]
    pub run_dir: Option<PathBuf>,
    /// Begin a new run where another one was after a round (0: stage 1) [default: its last finished round]. The settings
    /// are those of that run, and --preset is not used.
    #[arg(long, value_name = "RUN_FOLDER[:ROUND]")]
    pub from: Option<String>,
    /// Judge on other machines: the NATS server (nats://HOST:4222) that their `stp worker` is connected to.
    #[arg(long, value_name = "URL")]
    pub verifier: Option<String>,
    /// The queue of that server.
    #[arg(long, value_name = "NAME", default_value = stp_verifier::queue::DEFAULT_QUEUE, requires = "verifier")]
    pub queue: String,
    /// Write Lean's answers to a file, for --replay-lean; with --no-cache, for what the cache answers is not among them.
    #[arg(long, value_name = "FILE", conflicts_with = "replay_lean")]
    pub record_lean: Option<PathBuf>,
    /// Without Lean: take its answers from a file of --record-lean. Any other proof counts as crashed. For trying a machine
    /// on which Lean cannot be installed.
    #[arg(long, value_name = "FILE", conflicts_with = "verifier")]
    pub replay_lean: Option<PathBuf>,
    /// What the run would need.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// What it runs on.
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// Plays a run, or says what it would need.
pub fn train(args: TrainArgs) -> Result<ExitCode> {
    let source = args.from.as_deref().map(|from| Source::parse(from, args.run_dir.as_deref())).transpose()?;
    let base = match &source {
        None => Settings::preset(&args.settings.preset)?,
        Some(source) => Settings::run(&source.from().run, &source.config)?,
    };
    let settings = gather(base, &args.settings)?;
    let config = settings.config()?;
    let path = run_folder(&args, &config, source.as_ref());
    let begins = source.is_none() && !path.join("ledger.sqlite").exists();
    if args.plan.plan {
        if begins {
            check_plan(&settings, &config, args.machine.lean.home.clone())?;
        }
        return estimate(&config, &args.plan);
    }
    let device = device(&args.machine.device)?;
    let corpus = load_corpus(&config.corpus)?;
    let display = Display::new(args.machine.quiet);
    if begins {
        // Before there is a folder, in which nothing of it could be mended.
        fetch_base(&config, &args.machine.lean, &display)?;
        check_beginning(&config, args.machine.lean.home.clone())?;
    }
    // Before Lean is installed, so that a folder that cannot be used is told at once.
    let folder = open_folder(&args, &path, &config, source.as_ref(), display)?;
    fetch_base(&config, &args.machine.lean, &display)?;
    let metrics = Metrics::of_run(folder.path())?;
    let judge = Judge::choose(&config, &args, display)?;
    let started = Instant::now();
    block_on(async {
        let cancel = cancel_on_signals()?;
        let name = judge.name();
        let pool = judge.start().await?;
        let pool = match &args.record_lean {
            Some(path) => pool.recorded(path)?,
            None => pool,
        };
        let events = drawer(display, Some(Arc::new(metrics)));
        let parts = RunParts::new(&folder, device, pool.clone(), &name, events, cancel)
            .with_home(args.machine.lean.home.clone())
            .with_cpu(CpuMeter::new(cpu_seconds));
        let opened = Run::open(folder, config, corpus, parts);
        let played = match &opened {
            Ok(run) => run.play().await,
            Err(_) => Ok(()),
        };
        let stats = pool.stats();
        pool.shutdown().await;
        let run = opened?;
        played?;
        let path = run.context().folder.path();
        let report = report::write(&RecordedRun::open(path)?)?;
        say_end(&report, started, &stats);
        println!("run folder: {}", path.display());
        Ok(ExitCode::SUCCESS)
    })
}

/// Where the run is or will be.
fn run_folder(args: &TrainArgs, config: &RunConfig, source: Option<&Source>) -> PathBuf {
    let default = || config.default_folder(&args.settings.preset);
    let default = || source.map_or_else(default, Source::default_folder);
    args.run_dir.clone().unwrap_or_else(default)
}

/// Checks what a planned run begins with, as far as it is there: what is fetched, and what a preset names, may come later.
fn check_plan(settings: &Settings, config: &RunConfig, home: Option<PathBuf>) -> Result<()> {
    let base = &config.model.base;
    let of_preset = matches!(settings.setter("model.base"), Some(Setter::Preset(_)));
    let may_come = !base.is_empty() && (of_preset || Package::named(base).is_some());
    if may_come && !base_path(base, home.clone())?.exists() {
        return Ok(());
    }
    check_beginning(config, home)
}

/// The run's folder, locked: a new one, that of a run that goes on, or a fork's.
fn open_folder(
    args: &TrainArgs,
    path: &Path,
    config: &RunConfig,
    source: Option<&Source>,
    display: Display,
) -> Result<RunFolder> {
    let folder = match source {
        None => RunFolder::open(path, config)?,
        Some(source) => {
            if args.run_dir.is_none()
                && !path.exists()
                && let Some((other, round)) = source.earlier_fork()
            {
                display.line(&format!(
                    "{} is another fork, from round {round}; to go on with that, give the round with --from, too",
                    other.display()
                ));
            }
            let folder = source.open_fork(path, config, &drawer(display, None))?;
            let ForkedFrom { run, round } = source.from();
            display.line(&format!("forked from {run} after round {round}"));
            folder
        }
    };
    for change in folder.changed() {
        display.line(&format!("the run goes on with {change}"));
    }
    Ok(folder)
}

/// Where proofs are judged.
enum Judge {
    Local(Toolchain, PoolConfig),
    Remote(String, RemoteConfig),
    Replayed(PathBuf),
}

impl Judge {
    /// Workers on other machines if there is a server for them; a Lean of this machine otherwise.
    fn choose(config: &RunConfig, args: &TrainArgs, display: Display) -> Result<Self> {
        if let Some(url) = &args.verifier {
            return Ok(Self::Remote(url.clone(), remote_config(config, args)));
        }
        if let Some(path) = &args.replay_lean {
            return Ok(Self::Replayed(path.clone()));
        }
        let lean = locate_or_install(&args.machine.lean, &display)?;
        let cache = cache(&args.machine.lean, &lean, &display);
        let pool = PoolConfig { cache, ..pool_config(config, args.machine.workers, &lean) };
        Ok(Self::Local(lean, pool))
    }

    /// What judges, for those who read the ledger.
    fn name(&self) -> String {
        match self {
            Self::Local(lean, _) => lean.version().to_owned(),
            Self::Remote(..) => "workers on other machines".to_owned(),
            Self::Replayed(path) => format!("a recording, {}, and no Lean", path.display()),
        }
    }

    async fn start(self) -> Result<Pool> {
        match self {
            Self::Local(lean, config) => Ok(Pool::start(&lean, config)),
            Self::Remote(url, config) => Ok(Pool::connect(&url, config).await?),
            Self::Replayed(path) => Ok(Pool::replayed(&path)?),
        }
    }
}

fn say_end(report: &Report, started: Instant, stats: &PoolStats) {
    println!("{}", report.table(false));
    println!("time by step: {} · this process {}", report.times(), clock(started.elapsed()));
    println!(
        "memory: this process {:.1} GB, each Lean process up to {:.1} GB · Lean restarts: {} · answers from the \
         verdict cache: {}",
        stp_model::peak_memory().unwrap_or_default() as f64 / 1e9,
        stats.peak_rss as f64 / 1e9,
        restarts(stats),
        stats.cache_hits
    );
}

fn remote_config(config: &RunConfig, args: &TrainArgs) -> RemoteConfig {
    let default = RemoteConfig::default();
    RemoteConfig {
        queue: args.queue.clone(),
        workers: args.machine.workers.unwrap_or(default.workers),
        check_timeout: Duration::from_secs_f64(config.verifier.timeout_s),
        max_heartbeats: config.verifier.max_heartbeats,
        ..default
    }
}

fn restarts(stats: &PoolStats) -> u64 {
    stats.timeouts + stats.crashes + stats.recycled
}
