//! `stp verify`: JSON lines in, verdicts out, in the same order.

use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use stp_verifier::{Candidate, Pool, PoolConfig};

use super::toolchain;
use crate::cli::VerifyArgs;
use crate::display::Display;

/// Exit code 0 if every proof is proved, 1 otherwise.
pub(super) async fn verify(args: VerifyArgs) -> Result<ExitCode> {
    let (name, candidates) = read(&args)?;
    let lean = toolchain::take(&args.lean, &Display::new(true))?;
    let config = PoolConfig {
        workers: args.workers.clamp(1, candidates.len().max(1)),
        check_timeout: Duration::from_secs_f64(args.timeout),
        ..PoolConfig::default()
    };
    let pool = Pool::start(&lean, config);
    let checks: Vec<_> = candidates
        .into_iter()
        .map(|candidate| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.check(candidate).await })
        })
        .collect();
    let mut output = std::io::stdout();
    let mut all = true;
    for check in checks {
        let verdict = check.await??;
        all &= verdict.is_proved();
        writeln!(output, "{}", serde_json::to_string(&verdict)?)
            .with_context(|| format!("cannot write the verdicts on {name}"))?;
    }
    pool.shutdown().await;
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(args: &VerifyArgs) -> Result<(String, Vec<Candidate>)> {
    let (name, reader): (_, Box<dyn BufRead>) = match &args.file {
        None => ("standard input".to_owned(), Box::new(std::io::stdin().lock())),
        Some(path) => {
            let file =
                std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            (path.display().to_string(), Box::new(std::io::BufReader::new(file)))
        }
    };
    let mut candidates = Vec::new();
    for (index, line) in reader.lines().enumerate() {
        let line = line.with_context(|| format!("cannot read {name}"))?;
        if !line.trim().is_empty() {
            let place = || {
                format!(
                    "{name}:{}: not a candidate; a line looks like {{\"signature\": \": True\", \"proof\": \"trivial\"}}",
                    index + 1
                )
            };
            candidates.push(serde_json::from_str(&line).with_context(place)?);
        }
    }
    Ok((name, candidates))
}
