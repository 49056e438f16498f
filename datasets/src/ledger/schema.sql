-- The run ledger, one SQLite file a run; `PRAGMA user_version` is the version of this schema. Rows are only added, and
-- completed once: nothing is rewritten on resume, but that the final model of a run that gets more rounds makes room for them. Times are seconds since 1970. Any tool may read it while a run goes
-- on (write-ahead log); `attempt` and `statement` below are row ids, and the view `judged` joins them with their names.

-- What the run was told and has worked out once: key and value.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- What the run's corpus was when the run began, in its order: for each entry the SHA-256 of its statement (id, signature,
-- header, split, topics) and of its proofs (those and the tactics that close it). `meta` has one of all, under `corpus`.
CREATE TABLE corpus (
    position  INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    statement TEXT NOT NULL,
    proofs    TEXT NOT NULL
) STRICT;

-- Statements of the corpus and accepted conjectures. Those of runs from before version 2 have no signature.
CREATE TABLE statements (
    id        INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    signature TEXT,
    header    TEXT NOT NULL DEFAULT '',
    split     TEXT NOT NULL DEFAULT 'train' CHECK (split IN ('train', 'valid', 'test')),
    origin    TEXT NOT NULL DEFAULT 'corpus' CHECK (origin IN ('corpus', 'conjecture')),
    topics    TEXT NOT NULL DEFAULT '[]' -- JSON
) STRICT;

-- Rounds of self-play; 0 is everything before the first, the one after the last belongs to the final re-training. If the run
-- went on after R rounds, 1000000 + R belongs to the final re-training that it had then.
CREATE TABLE rounds (
    round   INTEGER PRIMARY KEY,
    started REAL NOT NULL DEFAULT (unixepoch('subsec'))
) STRICT;

-- Steps of the run that are finished for good, in the order in which they finished.
CREATE TABLE steps (
    name     TEXT PRIMARY KEY,
    ordinal  INTEGER NOT NULL,
    seconds  REAL NOT NULL, -- in the process that finished it
    detail   TEXT NOT NULL, -- JSON
    finished REAL NOT NULL DEFAULT (unixepoch('subsec'))
) STRICT;

-- Models that were kept, by the name of their folder below `checkpoints/`.
CREATE TABLE checkpoints (
    name   TEXT PRIMARY KEY,
    detail TEXT NOT NULL, -- JSON: what training said
    made   REAL NOT NULL DEFAULT (unixepoch('subsec'))
) STRICT;

-- Whatever else happened: starts, interruptions, measurements.
CREATE TABLE events (
    id     INTEGER PRIMARY KEY,
    at     REAL NOT NULL DEFAULT (unixepoch('subsec')),
    kind   TEXT NOT NULL,
    detail TEXT NOT NULL -- JSON
) STRICT;

-- Every text that the conjecturer produced, and every goal that a failed proof left open, with what became of it.
CREATE TABLE conjectures (
    round       INTEGER NOT NULL REFERENCES rounds (round),
    input       INTEGER NOT NULL,
    sample      INTEGER NOT NULL,
    seed        TEXT NOT NULL,
    seed_proof  TEXT NOT NULL,
    lemma       TEXT,
    signature   TEXT NOT NULL,
    outcome     TEXT,        -- empty until the filters have run
    fingerprint TEXT,
    statement   TEXT UNIQUE, -- the name it was given as a statement
    header      TEXT NOT NULL DEFAULT '', -- the seed's, before which it was judged; '' in runs from before version 3
    -- `model`, or `subgoal`: then `seed` and `seed_proof` are what left it open, `input` and `sample` count its sketches
    -- of the round and its holes, from 2^30 on.
    source      TEXT NOT NULL DEFAULT 'model' CHECK (source IN ('model', 'subgoal')),
    PRIMARY KEY (round, input, sample)
) STRICT;

CREATE INDEX conjectures_open ON conjectures (round) WHERE outcome IS NULL;

-- Proofs that failed, with `sorry` where a tactic did, and the statement that each `sorry` stands for.
CREATE TABLE sketches (
    round   INTEGER NOT NULL REFERENCES rounds (round), -- in which it was made
    number  INTEGER NOT NULL,
    parent  TEXT NOT NULL,    -- the statement that the proof is of
    depth   INTEGER NOT NULL, -- of its goals: 1 if the parent is no goal of a sketch itself
    failed  TEXT NOT NULL,    -- the proof that failed
    sketch  TEXT,             -- JSON: the proof with holes; empty if there is none
    reason  TEXT,             -- why there is none, or why its goals are not tried
    goals   TEXT NOT NULL DEFAULT '[]', -- JSON: for each hole the name of its statement
    PRIMARY KEY (round, number),
    UNIQUE (parent, failed)
) STRICT;

-- Every sampled proof, those that came with the corpus (phase `seed`), and those that were put together or tried without a
-- model (phase `search`).
CREATE TABLE attempts (
    id        INTEGER PRIMARY KEY,
    round     INTEGER NOT NULL REFERENCES rounds (round),
    phase     TEXT NOT NULL CHECK (phase IN ('seed', 'train', 'valid', 'search')),
    statement INTEGER NOT NULL REFERENCES statements (id),
    sample    INTEGER NOT NULL,
    proof     TEXT NOT NULL, -- the text after `:=`
    tokens    INTEGER NOT NULL,
    logprob   REAL NOT NULL,
    UNIQUE (phase, round, statement, sample)
) STRICT;

CREATE INDEX attempts_by_statement ON attempts (statement, phase, round);

-- What a model wrote before a proof, where the prompts' layout learns that, too: kept until the judge has spoken, and longer
-- of proofs that hold.
CREATE TABLE thoughts (
    attempt INTEGER PRIMARY KEY REFERENCES attempts (id),
    text    TEXT NOT NULL
) STRICT;

-- What the judge said of an attempt; none yet if it has no row. The run itself says `unfinished` of a text that was cut off
-- before its end, and `malformed` of an answer without a proof: no judge has seen them. Lists are JSON, and empty where they
-- have nothing.
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

CREATE INDEX verdicts_proved ON verdicts (attempt) WHERE status = 'proved';

CREATE VIEW judged AS
SELECT a.id, a.round, a.phase, s.name AS statement, s.signature, s.header, s.split, s.origin, a.sample, a.proof, a.tokens,
       a.logprob, v.status, v.elapsed_ms, v.messages, v.axioms, v.premises, v.implicit_premises
FROM attempts a JOIN statements s ON s.id = a.statement LEFT JOIN verdicts v ON v.attempt = a.id;
