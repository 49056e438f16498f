//! One search after the other, with what all of them share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use stp_selfplay::context::Cancel;
use stp_selfplay::search::{Budget, Found, Limits, Model, Outcome, Problem, Spent, Tools, solve};
use stp_verifier::Pool;
use stp_verifier::hint::hint;

use super::args::ProveArgs;
use crate::display::Display;

/// What searches.
pub(super) struct Seeker<'a> {
    /// The judge.
    pub pool: Pool,
    /// The options.
    pub args: &'a ProveArgs,
    /// Time for each theorem.
    pub time: Option<Duration>,
    /// Loads the model, if there is one.
    pub model: Option<&'a (dyn Fn() -> Result<Model> + Send + Sync)>,
    /// Whether the user wants to stop.
    pub cancel: Cancel,
    /// Where progress goes.
    pub display: Display,
}

impl Seeker<'_> {
    /// Searches for a proof, and shows how far that is.
    ///
    /// # Errors
    /// If Lean or the model fails.
    pub(super) async fn seek(&self, name: &str, problem: &Problem) -> Result<Found> {
        let asked = self.pool.statement(&problem.header, &problem.signature);
        let report = match self.cancel.unless(asked).await {
            Ok(report) => report?,
            Err(_) => return Ok(nothing(problem, Outcome::Interrupted)),
        };
        if !report.ok {
            let all = format!("{}\n{}", problem.header, problem.signature);
            let advice = hint(&all, &report.messages).map(|it| format!(" {it}")).unwrap_or_default();
            let said = report.messages.first().map_or("nothing more", String::as_str);
            let reason = format!("the statement does not elaborate: {}{advice}", said.trim());
            return Ok(nothing(problem, Outcome::Refused(reason)));
        }
        let deadline = self.time.map(|time| tokio::time::Instant::now() + time);
        let limits = Limits {
            budget: Budget { checks: Some(self.args.checks), deadline },
            depth: self.args.depth,
            samples: self.args.samples,
            shortening: if self.args.no_shorten { 0 } else { Limits::default().shortening },
            seed: self.args.seed,
            ..Limits::default()
        };
        let progress = self.display.phase(&format!("searching {name}"), self.args.checks);
        let last = AtomicU64::new(0);
        let told = |spent: &Spent, _: usize| {
            let before = last.swap(spent.checks, Ordering::Relaxed);
            progress.advance(spent.checks.saturating_sub(before));
        };
        let tools =
            Tools { pool: self.pool.clone(), model: self.model, cancel: self.cancel.clone(), told: &told };
        let started = Instant::now();
        let found = solve(problem, &limits, &tools).await?;
        tracing::debug!(?found, seconds = started.elapsed().as_secs_f64(), "a search ended");
        progress.finish(&brief(&found));
        Ok(found)
    }
}

/// What is there before anything was tried.
pub(super) fn nothing(problem: &Problem, outcome: Outcome) -> Found {
    let bare = || "by\n  sorry".to_owned();
    Found {
        outcome,
        proof: problem.given.clone().unwrap_or_else(bare),
        open: vec![problem.signature.clone()],
        spent: Spent::default(),
    }
}

fn brief(found: &Found) -> String {
    let Spent { checks, sketches, samples, .. } = found.spent;
    let how = match &found.outcome {
        Outcome::Proved => "proved".to_owned(),
        Outcome::Open => format!("the budget is spent, {} open", goals(found.open.len())),
        Outcome::Exhausted => format!("nothing more to try, {} open", goals(found.open.len())),
        Outcome::Interrupted => "stopped".to_owned(),
        Outcome::Refused(reason) => format!("not searched: {reason}"),
    };
    format!("{how} · {checks} checks, {samples} samples, {sketches} sketches")
}

fn goals(count: usize) -> String {
    if count == 1 { "1 goal".to_owned() } else { format!("{count} goals") }
}
