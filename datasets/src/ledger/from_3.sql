-- From version 3, which knew no goals of failed proofs, no search, and no answers without a proof.
ALTER TABLE conjectures ADD COLUMN source TEXT NOT NULL DEFAULT 'model' CHECK (source IN ('model', 'subgoal'));

CREATE TABLE sketches (
    round   INTEGER NOT NULL REFERENCES rounds (round),
    number  INTEGER NOT NULL,
    parent  TEXT NOT NULL,
    depth   INTEGER NOT NULL,
    failed  TEXT NOT NULL,
    sketch  TEXT,
    reason  TEXT,
    goals   TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (round, number),
    UNIQUE (parent, failed)
) STRICT;

-- SQLite cannot change a CHECK: the table is made anew, and the one that refers to it with it.
DROP VIEW judged;
DROP INDEX verdicts_proved;
DROP INDEX attempts_by_statement;
ALTER TABLE verdicts RENAME TO verdicts3;
ALTER TABLE attempts RENAME TO attempts3;
CREATE TABLE attempts (
    id        INTEGER PRIMARY KEY,
    round     INTEGER NOT NULL REFERENCES rounds (round),
    phase     TEXT NOT NULL CHECK (phase IN ('seed', 'train', 'valid', 'search')),
    statement INTEGER NOT NULL REFERENCES statements (id),
    sample    INTEGER NOT NULL,
    proof     TEXT NOT NULL,
    tokens    INTEGER NOT NULL,
    logprob   REAL NOT NULL,
    UNIQUE (phase, round, statement, sample)
) STRICT;
CREATE TABLE verdicts (
    attempt           INTEGER PRIMARY KEY REFERENCES attempts (id),
    status            TEXT NOT NULL CHECK (status IN ('proved', 'failed', 'rejected', 'statement_error', 'timeout', 'crashed',
                                                       'unfinished', 'malformed')),
    elapsed_ms        INTEGER NOT NULL,
    messages          TEXT,
    axioms            TEXT,
    premises          TEXT,
    implicit_premises TEXT
) STRICT;
INSERT INTO attempts SELECT * FROM attempts3 ORDER BY id;
INSERT INTO verdicts SELECT * FROM verdicts3 ORDER BY attempt;
DROP TABLE verdicts3;
DROP TABLE attempts3;
CREATE INDEX attempts_by_statement ON attempts (statement, phase, round);
CREATE INDEX verdicts_proved ON verdicts (attempt) WHERE status = 'proved';

CREATE VIEW judged AS
SELECT a.id, a.round, a.phase, s.name AS statement, s.signature, s.header, s.split, s.origin, a.sample, a.proof, a.tokens,
       a.logprob, v.status, v.elapsed_ms, v.messages, v.axioms, v.premises, v.implicit_premises
FROM attempts a JOIN statements s ON s.id = a.statement LEFT JOIN verdicts v ON v.attempt = a.id;
