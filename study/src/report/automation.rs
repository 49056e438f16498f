//! Which statements of a run Lean's single tactics close: the line that a prover has to get above.

use std::collections::HashSet;

use anyhow::Result;
use stp_datasets::{Ledger, Statement};
use stp_selfplay::config::RunConfig;
use stp_selfplay::context::statements::load_corpus;

/// What the corpus knows of single tactics.
#[derive(Clone, Debug, Default)]
pub(super) struct Automation {
    closed: HashSet<String>,
    /// Given training statements that are closed.
    pub(super) given: usize,
    /// Validation statements that are closed.
    pub(super) valid: usize,
}

impl Automation {
    /// What the run's corpus says, if it is still there as the run knew it and tactics were tried on it.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub(super) fn read(
        ledger: &Ledger,
        config: &RunConfig,
        given: &[Statement],
        valid: &[Statement],
    ) -> Result<Option<Self>> {
        // A report is made of the ledger alone; a corpus that is gone or was edited takes this line with it.
        let Ok(corpus) = load_corpus(&config.corpus) else { return Ok(None) };
        if ledger.corpus_differs(&corpus)?.is_some() {
            return Ok(None);
        }
        let closed = corpus.entries.into_iter().filter(|entry| !entry.closed_by.is_empty());
        let closed: HashSet<_> = closed.map(|entry| entry.statement.id).collect();
        let count = |of: &[Statement]| of.iter().filter(|it| closed.contains(&it.id)).count();
        let (given, valid) = (count(given), count(valid));
        Ok((!closed.is_empty()).then_some(Self { closed, given, valid }))
    }

    /// Whether a single tactic proves the statement of that name.
    pub(super) fn closes(&self, name: &str) -> bool {
        self.closed.contains(name)
    }

    #[cfg(test)]
    pub(super) fn of_names<const N: usize>(closed: [String; N], given: usize, valid: usize) -> Self {
        Self { closed: closed.into_iter().collect(), given, valid }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::Corpus;
    use stp_selfplay::context::statements::choose;

    #[test]
    fn a_corpus_that_is_gone_or_edited_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let mut config = RunConfig { corpus: "core".to_owned(), ..RunConfig::load("smoke", None).unwrap() };
        let corpus = Corpus::core().unwrap();
        let (given, valid) = choose(&corpus, &config);
        ledger.keep_corpus(&corpus).unwrap();
        let known = Automation::read(&ledger, &config, &given, &valid).unwrap().unwrap();
        assert!(known.given > 0 && known.given < given.len() && known.valid < valid.len());
        let hard = corpus.entries.iter().find(|entry| entry.is_hard()).unwrap();
        assert!(!known.closes(&hard.statement.id));
        config.corpus = "library".to_owned();
        assert!(Automation::read(&ledger, &config, &given, &valid).unwrap().is_none());
        config.corpus = "nowhere.jsonl".to_owned();
        assert!(Automation::read(&ledger, &config, &given, &valid).unwrap().is_none());
    }
}
