//! Bringing a ledger to the schema of this program, in one transaction: a ledger is of one version or of the next.

use rusqlite::{Connection, OptionalExtension};

const SCHEMA: &str = include_str!("schema.sql");
/// The version of `schema.sql`, in `PRAGMA user_version`.
pub(super) const VERSION: i64 = 2;

/// From version 1, which kept the verdict as JSON beside the proof and knew statements by name alone.
const FROM_1: &str = "
INSERT INTO rounds (round) SELECT round FROM attempts1 UNION SELECT round FROM conjectures1;
INSERT INTO statements (name, signature, origin)
    SELECT statement, signature, 'conjecture' FROM conjectures1 WHERE statement IS NOT NULL;
INSERT OR IGNORE INTO statements (name, split)
    SELECT statement, CASE phase WHEN 'valid' THEN 'valid' ELSE 'train' END FROM attempts1 GROUP BY statement;
INSERT INTO conjectures SELECT * FROM conjectures1;
INSERT INTO attempts (round, phase, statement, sample, proof, tokens, logprob)
    SELECT a.round, a.phase, s.id, a.sample, a.proof, a.tokens, a.logprob
    FROM attempts1 a JOIN statements s ON s.name = a.statement ORDER BY a.rowid;
INSERT INTO verdicts (attempt, status, elapsed_ms, messages, axioms, premises, implicit_premises)
    SELECT n.id, a.status, coalesce(a.verdict ->> '$.elapsed_ms', 0), nullif(a.verdict -> '$.messages', '[]'),
           nullif(a.verdict -> '$.axioms', '[]'), nullif(a.verdict -> '$.premises', '[]'),
           nullif(a.verdict -> '$.implicit_premises', '[]')
    FROM attempts1 a JOIN statements s ON s.name = a.statement
    JOIN attempts n ON (n.phase, n.round, n.statement, n.sample) = (a.phase, a.round, s.id, a.sample)
    WHERE a.status IS NOT NULL;
INSERT INTO steps (name, ordinal, seconds, detail) SELECT name, ordinal, seconds, detail FROM steps1;
INSERT INTO meta SELECT key, value FROM meta1 WHERE key <> 'schema_version';
DROP TABLE attempts1; DROP TABLE conjectures1; DROP TABLE steps1; DROP TABLE meta1;
";

/// The version of an opened file; 0 if it is empty.
///
/// # Errors
/// If it is no database, or one of something else.
pub(super) fn version(db: &Connection) -> rusqlite::Result<i64> {
    let version = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let has_meta =
        db.query_row("SELECT 1 FROM sqlite_schema WHERE name = 'meta'", [], |_| Ok(())).optional()?.is_some();
    if version == 0 && has_meta {
        let first: Option<String> = db
            .query_row("SELECT value FROM meta WHERE key = 'schema_version'", [], |row| row.get(0))
            .optional()?;
        return Ok(i64::from(first.as_deref() == Some("1")));
    }
    Ok(version)
}

/// Brings an opened file from `version` to [`VERSION`].
///
/// # Errors
/// If a statement fails; then nothing is changed.
pub(super) fn migrate(db: &mut Connection, version: i64) -> rusqlite::Result<()> {
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Another process may have been quicker.
    if self::version(&transaction)? == version {
        if version == 1 {
            for table in ["attempts", "conjectures", "steps", "meta"] {
                transaction.execute_batch(&format!("ALTER TABLE {table} RENAME TO {table}1;"))?;
            }
            transaction.execute_batch("DROP INDEX IF EXISTS attempts_by_statement;")?;
        }
        transaction.execute_batch(SCHEMA)?;
        if version == 1 {
            transaction.execute_batch(FROM_1)?;
        }
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::super::{Attempt, Ledger, LedgerError, Phase};
    use super::*;
    use crate::{Status, Verdict};

    const VERSION_1: &str = include_str!("version1.sql");

    fn version_1(path: &std::path::Path) {
        let db = Connection::open(path).unwrap();
        db.execute_batch(VERSION_1).unwrap();
        db.execute_batch(
            r#"INSERT INTO meta VALUES ('schema_version', '1'), ('toolchain', 'lean');
            INSERT INTO steps VALUES ('setup', 0, 1.5, '{"n":1}');
            INSERT INTO conjectures VALUES (1, 0, 0, 'a', 'by simp', NULL, ': True', 'accepted', 'f', 'r1_c0');
            INSERT INTO attempts VALUES (1, 'train', 'r1_c0', 0, 'trivial', 2, -0.5, 'proved',
                '{"status":"proved","messages":[],"axioms":["propext"],"premises":["Nat.add_comm"],"elapsed_ms":7}');
            INSERT INTO attempts VALUES (1, 'train', 'a', 3, 'by x', 2, -0.5, 'failed',
                '{"status":"failed","messages":["no"],"axioms":[],"premises":[],"elapsed_ms":9}');
            INSERT INTO attempts VALUES (1, 'valid', 'v', 0, 'by y', 2, -0.5, NULL, NULL);"#,
        )
        .unwrap();
    }

    #[test]
    fn a_ledger_of_version_1_keeps_all_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        version_1(&path);
        for _ in 0..2 {
            let ledger = Ledger::open(&path).unwrap();
            assert_eq!(ledger.remember("toolchain", "other").unwrap(), "lean");
            assert_eq!(ledger.step("setup").unwrap().unwrap().detail["n"], 1);
            assert_eq!(ledger.conjectures().unwrap()[0].statement.as_deref(), Some("r1_c0"));
            let attempts = ledger.attempts(1, Phase::Train).unwrap();
            let expected = |statement: &str, sample, proof: &str, verdict| Attempt {
                round: 1,
                phase: Phase::Train,
                statement: statement.to_owned(),
                sample,
                proof: proof.to_owned(),
                tokens: 2,
                logprob: -0.5,
                verdict: Some(verdict),
            };
            let proved = Verdict {
                messages: vec![],
                axioms: vec!["propext".to_owned()],
                premises: vec!["Nat.add_comm".to_owned()],
                elapsed_ms: 7,
                ..Verdict::new(Status::Proved, "")
            };
            let failed = Verdict { elapsed_ms: 9, ..Verdict::new(Status::Failed, "no") };
            assert_eq!(attempts, [expected("a", 3, "by x", failed), expected("r1_c0", 0, "trivial", proved)]);
            assert_eq!(ledger.attempts(1, Phase::Valid).unwrap()[0].verdict, None);
        }
    }

    #[test]
    fn a_ledger_of_a_newer_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        drop(Ledger::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", VERSION + 1).unwrap();
        for result in [Ledger::open(&path), Ledger::open_read_only(&path)] {
            let error = result.unwrap_err();
            assert!(matches!(error, LedgerError::Newer { found: 3, .. }), "{error}");
        }
    }

    #[test]
    fn a_database_of_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE meta (x)").unwrap();
        assert!(Ledger::open(&path).is_err());
    }
}
