//! What a run has proved and spent after each row of its table: the numbers that curves are made of.

use std::collections::HashSet;

use anyhow::Result;
use stp_datasets::{Ledger, Phase};
use stp_selfplay::config::RunConfig;
use stp_selfplay::plan::EarlierFinal;

use super::table::{Report, Row};
use crate::effort::{Effort, efforts};

/// A row of the table, with what is proved by then.
#[derive(Clone, Debug)]
pub(crate) struct Progress<'a> {
    /// The row.
    pub(crate) row: &'a Row,
    /// What it took so far.
    pub(crate) effort: Effort,
    /// Given statements that have a proof by a sample or by search now, and had none at the row before.
    pub(crate) newly: Vec<String>,
}

/// The rows in order; a final model that a run had before it went on is none of its own.
///
/// # Errors
/// If the ledger cannot be read, or a record in it is damaged.
pub(crate) fn progress<'a>(
    ledger: &Ledger,
    config: &RunConfig,
    report: &'a Report,
    given: &HashSet<String>,
) -> Result<Vec<Progress<'a>>> {
    let (efforts, mut effort) = (efforts(ledger, config)?, Effort::default());
    let (mut proved, mut all) = (HashSet::new(), Vec::new());
    for row in report.rows.iter().filter(|row| EarlierFinal::of_round(row.round).is_none()) {
        effort += efforts.get(&row.round).copied().unwrap_or_default();
        let mut newly = Vec::new();
        for phase in [Phase::Train, Phase::Search] {
            let tallies = ledger.tallies_of(phase, row.round..=row.round)?.into_iter();
            let of_round = tallies.filter(|((_, id), tally)| tally.proved > 0 && given.contains(id));
            newly.extend(of_round.map(|((_, id), _)| id).filter(|id| proved.insert(id.clone())));
        }
        newly.sort();
        all.push(Progress { row, effort, newly });
    }
    Ok(all)
}
