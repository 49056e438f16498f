//! What corpus a run began with: hashes of its entries, so that a run is never gone on with on another one.

use std::collections::HashSet;
use std::fmt;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{Ledger, LedgerError, Origin};
use crate::digest::sha256;
use crate::{Corpus, CorpusEntry, Statement};

/// Under which key of `meta` the hash of the whole corpus is.
const KEY: &str = "corpus";

/// How an entry of a corpus is not as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorpusChange {
    /// Its signature, header, split or topics are others.
    Statement,
    /// Its proofs, or the tactics that close it, are others.
    Proofs,
    /// The corpus has no entry of that name any more.
    Gone,
    /// The corpus had no entry of that name.
    New,
    /// It stands at another place, on which random choices depend.
    Moved,
}

impl fmt::Display for CorpusChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Statement => "has another statement",
            Self::Proofs => "has other proofs",
            Self::Gone => "is gone",
            Self::New => "is new",
            Self::Moved => "stands at another place",
        })
    }
}

/// The first entry in which a corpus differs from the one that the run began with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the corpus is not the one that this run began with: `{name}` (entry {entry}) {change}. Restore it, or give another folder with --run-dir."
)]
pub struct CorpusDiffers {
    /// The entry's name.
    pub name: String,
    /// Its number from 1: in the corpus as it was if it is gone, and as it is now if not.
    pub entry: usize,
    /// In what it differs.
    pub change: CorpusChange,
}

/// Why a run may not go on with a corpus.
#[derive(Debug, thiserror::Error)]
pub enum KeepCorpusError {
    /// It is another one.
    #[error(transparent)]
    Differs(#[from] CorpusDiffers),
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What is kept of an entry: SHA-256 as hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Print {
    name: String,
    statement: String,
    proofs: String,
}

impl Print {
    fn of(entry: &CorpusEntry) -> Self {
        let CorpusEntry { statement, proofs, closed_by, .. } = entry;
        let Statement { id, signature, header, topics, split } = statement;
        Self {
            name: id.clone(),
            statement: sha256(serde_json::json!([id, signature, header, split, topics]).to_string()),
            proofs: sha256(serde_json::json!([proofs, closed_by]).to_string()),
        }
    }
}

impl Corpus {
    /// SHA-256 of all entries in their order, as hexadecimal digits: equal for the same statements, proofs and tactics
    /// that close them, whatever files they stand in.
    pub fn digest(&self) -> String {
        digest(&prints(self))
    }
}

impl Ledger {
    /// Keeps what the corpus is if the ledger knows none yet, and compares it with the one that is kept if it does. A
    /// ledger from before version 3 of the schema knows the statements alone; those are compared.
    ///
    /// # Errors
    /// [`KeepCorpusError::Differs`] with the first difference, and then nothing is changed; or
    /// [`KeepCorpusError::Ledger`].
    pub fn keep_corpus(&self, corpus: &Corpus) -> Result<(), KeepCorpusError> {
        if let Some(differs) = self.corpus_differs(corpus)? {
            return Err(differs.into());
        }
        if self.recall(KEY)?.is_some() {
            return Ok(());
        }
        let now = prints(corpus);
        let digest = digest(&now);
        // Another process may have been faster.
        let kept = self.with(|db| {
            let transaction = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
            let kept = kept(&transaction)?;
            if kept.is_none() {
                keep(&transaction, &now, &digest)?;
            }
            transaction.commit()?;
            Ok(kept)
        })?;
        match kept.and_then(|kept| difference(&kept, &now)) {
            Some(differs) => Err(differs.into()),
            None => Ok(()),
        }
    }

    /// In what a corpus differs from the one that is kept; where none is kept, from the statements that the ledger knows.
    /// Nothing is written.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn corpus_differs(&self, corpus: &Corpus) -> Result<Option<CorpusDiffers>, LedgerError> {
        let now = prints(corpus);
        match self.recall(KEY)? {
            Some(kept) if kept == digest(&now) => Ok(None),
            Some(_) => Ok(self.with(kept)?.and_then(|kept| difference(&kept, &now))),
            None => self.statements_differ(corpus),
        }
    }

    /// The first of the ledger's own statements of the corpus that the corpus has no more, or otherwise.
    fn statements_differ(&self, corpus: &Corpus) -> Result<Option<CorpusDiffers>, LedgerError> {
        let places: std::collections::HashMap<_, _> =
            corpus.entries.iter().enumerate().map(|(at, entry)| (entry.statement.id.as_str(), at)).collect();
        let known = self.statements()?.into_iter().filter(|it| it.origin == Origin::Corpus);
        for (at, it) in known.enumerate().filter(|(_, it)| !it.statement.signature.is_empty()) {
            let name = it.statement.id.clone();
            match places.get(name.as_str()) {
                None => return Ok(Some(CorpusDiffers { name, entry: at + 1, change: CorpusChange::Gone })),
                Some(&place) if corpus.entries[place].statement != it.statement => {
                    let change = CorpusChange::Statement;
                    return Ok(Some(CorpusDiffers { name, entry: place + 1, change }));
                }
                Some(_) => {}
            }
        }
        Ok(None)
    }
}

fn prints(corpus: &Corpus) -> Vec<Print> {
    corpus.entries.iter().map(Print::of).collect()
}

/// The entries that are kept; `None` if the ledger has never been told of a corpus.
fn kept(db: &Connection) -> rusqlite::Result<Option<Vec<Print>>> {
    let known = db.query_row("SELECT 1 FROM meta WHERE key = ?1", [KEY], |_| Ok(())).optional()?;
    if known.is_none() {
        return Ok(None);
    }
    let print = |row: &rusqlite::Row<'_>| {
        Ok(Print { name: row.get(0)?, statement: row.get(1)?, proofs: row.get(2)? })
    };
    db.prepare("SELECT name, statement, proofs FROM corpus ORDER BY position")?
        .query_map([], print)?
        .collect::<rusqlite::Result<_>>()
        .map(Some)
}

fn keep(db: &Connection, prints: &[Print], digest: &str) -> rusqlite::Result<()> {
    let mut insert =
        db.prepare("INSERT INTO corpus (position, name, statement, proofs) VALUES (?1, ?2, ?3, ?4)")?;
    for (position, print) in (0_i64..).zip(prints) {
        insert.execute(params![position, print.name, print.statement, print.proofs])?;
    }
    db.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", [KEY, digest])?;
    Ok(())
}

fn difference(kept: &[Print], now: &[Print]) -> Option<CorpusDiffers> {
    let names = |prints: &[Print]| prints.iter().map(|print| print.name.clone()).collect::<HashSet<_>>();
    for at in 0..kept.len().max(now.len()) {
        let differs =
            |print: &Print, change| Some(CorpusDiffers { name: print.name.clone(), entry: at + 1, change });
        match (kept.get(at), now.get(at)) {
            (Some(old), Some(new)) if old == new => {}
            (Some(old), Some(new)) if old.name == new.name => {
                let proofs = old.statement == new.statement;
                return differs(new, if proofs { CorpusChange::Proofs } else { CorpusChange::Statement });
            }
            (_, Some(new)) if !names(kept).contains(&new.name) => return differs(new, CorpusChange::New),
            (Some(old), _) if !names(now).contains(&old.name) => return differs(old, CorpusChange::Gone),
            (_, Some(new)) => return differs(new, CorpusChange::Moved),
            (Some(old), None) => return differs(old, CorpusChange::Moved),
            (None, None) => {}
        }
    }
    None
}

fn digest(prints: &[Print]) -> String {
    let mut all = String::new();
    for print in prints {
        all.push_str(&format!("{} {} {}\n", print.name, print.statement, print.proofs));
    }
    sha256(&all)
}

#[cfg(test)]
mod tests {
    use super::super::tests::scratch;
    use super::*;
    use crate::Split;

    fn entry(id: &str) -> CorpusEntry {
        let statement = Statement {
            id: id.to_owned(),
            signature: ": True".to_owned(),
            header: String::new(),
            topics: vec!["logic".to_owned()],
            split: Split::Train,
        };
        CorpusEntry { proofs: vec!["trivial".to_owned()], ..CorpusEntry::unchecked(statement) }
    }

    fn corpus(ids: &[&str]) -> Corpus {
        Corpus { entries: ids.iter().map(|id| entry(id)).collect() }
    }

    fn differs(ledger: &Ledger, corpus: &Corpus) -> Option<(String, usize, CorpusChange)> {
        match ledger.keep_corpus(corpus) {
            Ok(()) => None,
            Err(KeepCorpusError::Differs(it)) => Some((it.name, it.entry, it.change)),
            Err(KeepCorpusError::Ledger(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn the_first_difference_is_named() {
        let (folder, ledger) = scratch();
        let whole = corpus(&["a", "b", "c"]);
        assert_eq!(differs(&ledger, &whole), None);
        drop(ledger);
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        assert_eq!(differs(&ledger, &whole), None);
        type Change = fn(&mut CorpusEntry);
        let changes: [(Change, CorpusChange); 6] = [
            (|it| it.statement.signature = ": False".to_owned(), CorpusChange::Statement),
            (|it| it.statement.header = "open Nat".to_owned(), CorpusChange::Statement),
            (|it| it.statement.split = Split::Test, CorpusChange::Statement),
            (|it| it.statement.topics.clear(), CorpusChange::Statement),
            (|it| it.proofs.push("by simp".to_owned()), CorpusChange::Proofs),
            (|it| it.closed_by.push("simp".to_owned()), CorpusChange::Proofs),
        ];
        for (change, expected) in changes {
            let mut other = whole.clone();
            change(&mut other.entries[1]);
            assert_eq!(differs(&ledger, &other), Some(("b".to_owned(), 2, expected)));
        }
        for (ids, name, number, expected) in [
            (&["a", "c"][..], "b", 2, CorpusChange::Gone),
            (&["a", "b"], "c", 3, CorpusChange::Gone),
            (&["a", "x", "b", "c"], "x", 2, CorpusChange::New),
            (&["a", "b", "c", "x"], "x", 4, CorpusChange::New),
            (&["a", "x", "c"], "x", 2, CorpusChange::New),
            (&["a", "c", "b"], "c", 2, CorpusChange::Moved),
        ] {
            assert_eq!(differs(&ledger, &corpus(ids)), Some((name.to_owned(), number, expected)), "{ids:?}");
        }
        let said = ledger.keep_corpus(&corpus(&["a"])).unwrap_err().to_string();
        assert!(said.contains("`b` (entry 2) is gone. Restore it, or give another folder"), "{said}");
        assert_eq!(differs(&ledger, &whole), None, "what is kept stays as it was");
    }

    #[test]
    fn an_older_ledger_knows_its_statements() {
        let (_folder, ledger) = scratch();
        let whole = corpus(&["a", "b", "c"]);
        ledger.record_statements(&[whole.entries[2].statement.clone()]).unwrap();
        let mut other = whole.clone();
        other.entries[2].statement.signature = ": False".to_owned();
        assert_eq!(differs(&ledger, &other), Some(("c".to_owned(), 3, CorpusChange::Statement)));
        assert_eq!(differs(&ledger, &corpus(&["a"])), Some(("c".to_owned(), 1, CorpusChange::Gone)));
        assert_eq!(ledger.recall(KEY).unwrap(), None);
        assert_eq!(differs(&ledger, &whole), None);
        assert_eq!(ledger.recall(KEY).unwrap(), Some(whole.digest()));
        assert_ne!(whole.digest(), other.digest());
    }

    #[test]
    fn a_comparison_keeps_nothing() {
        let (folder, ledger) = scratch();
        let reader = Ledger::open_read_only(&folder.path().join("ledger.sqlite")).unwrap();
        let whole = corpus(&["a", "b", "c"]);
        let found = |other: &Corpus| reader.corpus_differs(other).unwrap().map(|it| (it.name, it.change));
        assert_eq!(found(&whole), None);
        ledger.record_statements(&[whole.entries[2].statement.clone()]).unwrap();
        assert_eq!(found(&whole), None);
        assert_eq!(found(&corpus(&["a"])), Some(("c".to_owned(), CorpusChange::Gone)));
        assert_eq!(ledger.recall(KEY).unwrap(), None, "no corpus is kept yet");
        ledger.keep_corpus(&whole).unwrap();
        assert_eq!(found(&whole), None);
        assert_eq!(found(&corpus(&["a", "c", "b"])), Some(("c".to_owned(), CorpusChange::Moved)));
        assert_eq!(ledger.recall(KEY).unwrap(), Some(whole.digest()));
    }
}
