//! `stp train`: builds a run from the command line and plays it.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use stp_datasets::Ledger;
use stp_verifier::queue::RemoteConfig;
use stp_verifier::{Pool, PoolConfig, Toolchain};

use super::{block_on, load_corpus, toolchain};
use crate::cancel::Cancel;
use crate::cli::TrainArgs;
use crate::config::RunConfig;
use crate::display::{Display, clock};
use crate::folder::RunFolder;
use crate::language::Language;
use crate::run::Run;
use crate::start::{metrics, pool_config};

pub(super) fn train(args: TrainArgs) -> Result<ExitCode> {
    let config = super::config::gather(&args.settings)?.config()?;
    if args.plan.plan {
        return super::plan::plan(&config, &args.plan);
    }
    let device = super::device(&args.machine.device)?;
    let corpus = load_corpus(&config.corpus)?;
    let path = args.run_dir.clone().unwrap_or_else(|| config.default_folder(&args.settings.preset));
    let folder = RunFolder::open(&path, &config)?;
    let ledger = Arc::new(Ledger::open(&folder.ledger())?);
    let display = Display::new(args.machine.quiet).with_metrics(Arc::new(metrics(&folder, &ledger)?));
    let verifier = match &args.verifier {
        Some(url) => Verifier::Remote(url.clone(), remote_config(&config, &args)),
        None => {
            let lean = toolchain::take(&args.machine.lean, &display)?;
            let cache = toolchain::cache(&args.machine.lean, &lean, &display);
            let pool = PoolConfig { cache, ..pool_config(&config, args.machine.workers, &lean) };
            Verifier::Local(lean, pool)
        }
    };
    let started = Instant::now();
    block_on(async {
        let cancel = Cancel::on_signals()?;
        ledger.remember("toolchain", &verifier.name())?;
        let pool = verifier.start().await?;
        let (train, valid) = Run::choose(&corpus, &config);
        display.line(&format!(
            "run folder {} · {} train and {} valid statements · {} · seed {}",
            folder.path().display(),
            train.len(),
            valid.len(),
            config.method.as_str(),
            config.seed
        ));
        let language = Language::new(device);
        let mut run = Run { config, folder, ledger, corpus, train, valid, pool, display, cancel, language };
        let outcome = run.play().await;
        let stats = run.pool.stats();
        run.pool.shutdown().await;
        let report = outcome?;
        println!("{}", report.table(false));
        println!("time by step: {} · this process {}", report.times(), clock(started.elapsed()));
        println!(
            "memory: this process {:.1} GB, each Lean process up to {:.1} GB · Lean restarts: {} · answers from the \
             verdict cache: {}",
            own_peak().unwrap_or_default() as f64 / 1e9,
            stats.peak_rss as f64 / 1e9,
            restarts(&stats),
            stats.cache_hits
        );
        println!("run folder: {}", run.folder.path().display());
        Ok(ExitCode::SUCCESS)
    })
}

/// Where proofs are judged.
enum Verifier {
    Local(Toolchain, PoolConfig),
    Remote(String, RemoteConfig),
}

impl Verifier {
    /// What judges, for those who read the ledger.
    fn name(&self) -> String {
        match self {
            Self::Local(lean, _) => lean.version().to_owned(),
            Self::Remote(..) => "workers on other machines".to_owned(),
        }
    }

    async fn start(self) -> Result<Pool> {
        match self {
            Self::Local(lean, config) => Ok(Pool::start(&lean, config)),
            Self::Remote(url, config) => Ok(Pool::connect(&url, config).await?),
        }
    }
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

fn restarts(stats: &stp_verifier::PoolStats) -> u64 {
    stats.timeouts + stats.crashes + stats.recycled
}

/// The largest resident size that this process has had, in bytes; only Linux tells.
fn own_peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}
