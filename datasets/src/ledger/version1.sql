-- One SQLite file a run. Rows are only added, and completed once: nothing is rewritten on resume.
CREATE TABLE IF NOT EXISTS meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Steps of the run that are finished for good, in the order in which they finished.
CREATE TABLE IF NOT EXISTS steps (
    name     TEXT PRIMARY KEY,
    ordinal  INTEGER NOT NULL,
    seconds  REAL NOT NULL,
    detail   TEXT NOT NULL
) STRICT;

-- Every text that the conjecturer produced, with what became of it.
CREATE TABLE IF NOT EXISTS conjectures (
    round       INTEGER NOT NULL,
    input       INTEGER NOT NULL,
    sample      INTEGER NOT NULL,
    seed        TEXT NOT NULL,
    seed_proof  TEXT NOT NULL,
    lemma       TEXT,
    signature   TEXT NOT NULL,
    outcome     TEXT,
    fingerprint TEXT,
    statement   TEXT UNIQUE,
    PRIMARY KEY (round, input, sample)
) STRICT;

-- Every sampled proof; `status` is empty until the judge has spoken.
CREATE TABLE IF NOT EXISTS attempts (
    round      INTEGER NOT NULL,
    phase      TEXT NOT NULL,
    statement  TEXT NOT NULL,
    sample     INTEGER NOT NULL,
    proof      TEXT NOT NULL,
    tokens     INTEGER NOT NULL,
    logprob    REAL NOT NULL,
    status     TEXT,
    verdict    TEXT,
    PRIMARY KEY (round, phase, statement, sample)
) STRICT;

CREATE INDEX IF NOT EXISTS attempts_by_statement ON attempts (statement, status);
