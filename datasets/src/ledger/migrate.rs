//! Bringing a ledger to the schema of this program, in one transaction: a ledger is of one version or of the next.

use rusqlite::{Connection, OptionalExtension};

const SCHEMA: &str = include_str!("schema.sql");
/// The version of `schema.sql`, in `PRAGMA user_version`.
pub(super) const VERSION: i64 = 5;
/// The schema of version 2, through which those of version 1 go.
const VERSION_2: &str = include_str!("version2.sql");
/// From version 2 to 3.
const FROM_2: &str = include_str!("from_2.sql");
/// From version 3 to 4.
const FROM_3: &str = include_str!("from_3.sql");
/// From version 4, which kept of an answer nothing but the proof, to 5.
const FROM_4: &str = "
CREATE TABLE thoughts (
    attempt INTEGER PRIMARY KEY REFERENCES attempts (id),
    text    TEXT NOT NULL
) STRICT;
";

/// From version 1 to 2, which kept the verdict as JSON beside the proof and knew statements by name alone.
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
        if version == 0 {
            transaction.execute_batch(SCHEMA)?;
        } else {
            if version < 2 {
                from_1_to_2(&transaction)?;
            }
            if version < 3 {
                transaction.execute_batch(FROM_2)?;
            }
            if version < 4 {
                transaction.execute_batch(FROM_3)?;
            }
            transaction.execute_batch(FROM_4)?;
        }
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

fn from_1_to_2(db: &Connection) -> rusqlite::Result<()> {
    for table in ["attempts", "conjectures", "steps", "meta"] {
        db.execute_batch(&format!("ALTER TABLE {table} RENAME TO {table}1;"))?;
    }
    db.execute_batch("DROP INDEX IF EXISTS attempts_by_statement;")?;
    db.execute_batch(VERSION_2)?;
    db.execute_batch(FROM_1)
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
            assert_eq!(ledger.conjectures_of(1).unwrap()[0].statement.as_deref(), Some("r1_c0"));
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

    /// Tables with their columns, indexes and views: what a program can see of a schema.
    fn shape(db: &Connection) -> Vec<String> {
        let sql = "SELECT 'table ' || m.name || ' ' || c.cid || ' ' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' '
                       || coalesce(c.dflt_value, '') || ' ' || c.pk
                   FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type IN ('table', 'view')
                   UNION ALL
                   SELECT 'index ' || m.name || ' ' || l.name || ' ' || l.\"unique\" || ' ' || l.partial || ' ' || i.seqno || ' ' || i.name
                   FROM sqlite_schema m, pragma_index_list(m.name) l, pragma_index_info(l.name) i WHERE m.type = 'table'
                   UNION ALL
                   SELECT 'key ' || m.name || ' ' || k.\"from\" || ' ' || k.\"table\" || ' ' || k.\"to\"
                   FROM sqlite_schema m, pragma_foreign_key_list(m.name) k WHERE m.type = 'table' ORDER BY 1";
        db.prepare(sql)
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap()
    }

    #[test]
    fn all_ways_lead_to_one_schema() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        version_1(&path("1"));
        version_2(&path("2"));
        version_3(&path("3"));
        // Version 4 was today's without one table.
        drop(Ledger::open(&path("4")).unwrap());
        let db = Connection::open(path("4")).unwrap();
        db.execute_batch("DROP TABLE thoughts; PRAGMA user_version = 4;").unwrap();
        let [fresh, from_4, from_3, from_2, from_1] = ["fresh", "4", "3", "2", "1"].map(|name| {
            drop(Ledger::open(&path(name)).unwrap());
            let db = Connection::open(path(name)).unwrap();
            assert_eq!(version(&db).unwrap(), VERSION);
            shape(&db)
        });
        assert!(fresh.iter().any(|line| line.contains("conjectures_open")), "{fresh:#?}");
        assert_eq!(from_4, fresh);
        assert_eq!(from_3, fresh);
        assert_eq!(from_2, fresh);
        assert_eq!(from_1, fresh);
    }

    fn version_2(path: &std::path::Path) {
        let db = Connection::open(path).unwrap();
        db.execute_batch(VERSION_2).unwrap();
        db.execute_batch(
            r#"INSERT INTO meta VALUES ('toolchain', 'lean');
            INSERT INTO rounds (round) VALUES (1);
            INSERT INTO statements (name, signature) VALUES ('a', ': True');
            INSERT INTO conjectures VALUES (1, 0, 0, 'a', 'by simp', NULL, ': True', NULL, NULL, NULL);
            INSERT INTO attempts VALUES (7, 1, 'train', 1, 0, 'by x', 4, -1), (9, 1, 'train', 1, 1, 'by y', 4, -1),
                (11, 1, 'train', 1, 2, 'by z', 4, -1), (12, 1, 'train', 1, 3, 'by w', 4, -1);
            INSERT INTO verdicts (attempt, status, elapsed_ms, messages) VALUES
                (7, 'failed', 0, '["the proof did not end within 4 tokens"]'),
                (9, 'failed', 8, '["unsolved goals: the proof did not end within reason"]'),
                (11, 'rejected', 0, '["the proof did not end within a comment"]');
            PRAGMA user_version = 2;"#,
        )
        .unwrap();
    }

    fn version_3(path: &std::path::Path) {
        let db = Connection::open(path).unwrap();
        db.execute_batch(include_str!("version3.sql")).unwrap();
        db.execute_batch(
            r#"INSERT INTO rounds (round) VALUES (1);
            INSERT INTO statements (name, signature) VALUES ('a', ': True');
            INSERT INTO attempts VALUES (7, 1, 'train', 1, 0, 'by x', 4, -1);
            INSERT INTO verdicts (attempt, status, elapsed_ms, axioms) VALUES (7, 'proved', 5, '["propext"]');
            PRAGMA user_version = 3;"#,
        )
        .unwrap();
    }

    #[test]
    fn a_ledger_of_version_3_keeps_its_verdicts_and_takes_malformed_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        version_3(&path);
        let ledger = Ledger::open(&path).unwrap();
        let first = ledger.attempts(1, Phase::Train).unwrap().remove(0);
        let verdict = first.verdict.clone().unwrap();
        assert_eq!((verdict.status, verdict.elapsed_ms, verdict.axioms.len()), (Status::Proved, 5, 1));
        let verdict = Some(Verdict::new(Status::Malformed, "no proof"));
        ledger.record_attempt(&Attempt { sample: 1, verdict: verdict.clone(), ..first }).unwrap();
        assert_eq!(ledger.attempts(1, Phase::Train).unwrap()[1].verdict, verdict);
    }

    #[test]
    fn what_was_cut_off_is_failed_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        version_2(&path);
        assert!(matches!(Ledger::open_read_only(&path), Err(LedgerError::Older(_))));
        let ledger = Ledger::open_to_read(&path).unwrap();
        let statuses: Vec<_> = ledger
            .attempts(1, Phase::Train)
            .unwrap()
            .into_iter()
            .map(|attempt| attempt.verdict.map(|verdict| (verdict.status, verdict.elapsed_ms)))
            .collect();
        assert_eq!(
            statuses,
            [Some((Status::Unfinished, 0)), Some((Status::Failed, 8)), Some((Status::Rejected, 0)), None]
        );
        let conjecture = ledger.conjectures_of(1).unwrap().remove(0);
        assert_eq!((conjecture.header.as_str(), conjecture.outcome), ("", None));
        assert_eq!(ledger.recall("toolchain").unwrap().as_deref(), Some("lean"));
    }

    /// What a ledger of a whole run has, counted by who reads SQL, before and after.
    #[test]
    fn ledgers_of_whole_runs_keep_all_they_have() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes, cut_off, failed, accepted) in [
            ("stp", &include_bytes!("../../../tests/fixtures/ledger-v2-stp.sqlite")[..], 104, 50, 0),
            ("recipe", &include_bytes!("../../../tests/fixtures/ledger-v2-recipe.sqlite")[..], 23, 139, 15),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let before = contents(&path);
            let ledger = Ledger::open(&path).unwrap();
            let after = contents(&path);
            assert_eq!(after, before, "{name}");
            let by_status = |status: &str| -> i64 {
                let stats = ledger.stats().unwrap();
                stats.attempts.values().filter_map(|counts| counts.get(status)).sum()
            };
            assert_eq!((by_status("unfinished"), by_status("failed")), (cut_off, failed), "{name}");
            assert_eq!(ledger.accepted_of(0..=9).unwrap().len(), accepted, "{name}");
            let kept = ledger.keep_corpus(&crate::Corpus::default()).unwrap_err().to_string();
            assert!(kept.contains("is gone"), "{kept}");
        }
    }

    /// All that a migration must not change: every column of every row, but for the word by which a cut-off text failed.
    fn contents(path: &std::path::Path) -> Vec<(String, i64, String)> {
        let db = Connection::open(path).unwrap();
        let tables = [
            ("meta", "key || value"),
            ("statements", "id || name || signature || header || split || origin || topics"),
            ("rounds", "round || ' ' || started"),
            ("steps", "name || ordinal || seconds || detail || finished"),
            ("checkpoints", "name || detail || made"),
            ("events", "id || at || kind || detail"),
            (
                "conjectures",
                "round || ' ' || input || ' ' || sample || seed || seed_proof || coalesce(lemma, '-') || signature
                 || coalesce(outcome, '-') || coalesce(fingerprint, '-') || coalesce(statement, '-')",
            ),
            (
                "attempts",
                "id || ' ' || round || phase || statement || ' ' || sample || proof || tokens || ' ' || logprob",
            ),
            (
                "verdicts",
                "attempt || replace(status, 'unfinished', 'failed') || elapsed_ms || coalesce(messages, '-')
                 || coalesce(axioms, '-') || coalesce(premises, '-') || coalesce(implicit_premises, '-')",
            ),
        ];
        let row = |(table, columns): (&str, &str)| {
            let sql = format!(
                "SELECT count(*), coalesce(group_concat(it, char(10)), '') FROM (SELECT {columns} AS it FROM {table}
                 ORDER BY rowid)"
            );
            db.query_row(&sql, [], |row| Ok((table.to_owned(), row.get(0)?, row.get(1)?))).unwrap()
        };
        tables.map(row).to_vec()
    }

    #[test]
    fn a_ledger_of_a_newer_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        drop(Ledger::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", VERSION + 1).unwrap();
        for result in [Ledger::open(&path), Ledger::open_read_only(&path)] {
            let error = result.unwrap_err();
            assert!(matches!(error, LedgerError::Newer { found, .. } if found == VERSION + 1), "{error}");
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
