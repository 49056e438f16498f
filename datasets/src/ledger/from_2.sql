-- From version 2, in which a text that was cut off before its end was stored as `failed`, and told by its message alone.
-- Attempts that took over the verdict of such a text become `unfinished` as well: the ledger does not tell them apart.
CREATE TABLE corpus (
    position  INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    statement TEXT NOT NULL,
    proofs    TEXT NOT NULL
) STRICT;

ALTER TABLE conjectures ADD COLUMN header TEXT NOT NULL DEFAULT '';
CREATE INDEX conjectures_open ON conjectures (round) WHERE outcome IS NULL;
CREATE INDEX attempts_by_statement ON attempts (statement, phase, round);

-- SQLite cannot change a CHECK: the table is made anew.
DROP VIEW judged;
DROP INDEX verdicts_proved;
ALTER TABLE verdicts RENAME TO verdicts2;
CREATE TABLE verdicts (
    attempt           INTEGER PRIMARY KEY REFERENCES attempts (id),
    status            TEXT NOT NULL CHECK (status IN ('proved', 'failed', 'rejected', 'statement_error', 'timeout', 'crashed',
                                                       'unfinished')),
    elapsed_ms        INTEGER NOT NULL,
    messages          TEXT,
    axioms            TEXT,
    premises          TEXT,
    implicit_premises TEXT
) STRICT;
INSERT INTO verdicts (attempt, status, elapsed_ms, messages, axioms, premises, implicit_premises)
    SELECT attempt,
           CASE WHEN status = 'failed' AND messages LIKE '["the proof did not end within %' THEN 'unfinished' ELSE status END,
           elapsed_ms, messages, axioms, premises, implicit_premises
    FROM verdicts2 ORDER BY attempt;
DROP TABLE verdicts2;
CREATE INDEX verdicts_proved ON verdicts (attempt) WHERE status = 'proved';

CREATE VIEW judged AS
SELECT a.id, a.round, a.phase, s.name AS statement, s.signature, s.header, s.split, s.origin, a.sample, a.proof, a.tokens,
       a.logprob, v.status, v.elapsed_ms, v.messages, v.axioms, v.premises, v.implicit_premises
FROM attempts a JOIN statements s ON s.id = a.statement LEFT JOIN verdicts v ON v.attempt = a.id;
