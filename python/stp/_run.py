"""`Run`: a run's folder as data frames."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Sequence, Union
from urllib.parse import quote

from ._binary import StpError, run_stp
from ._frames import checked_kind, frame

#: The oldest ledger that has all that is asked for here.
_OLDEST = 3

#: Columns that are lists, kept as JSON.
_LISTS = ("topics", "messages", "axioms", "premises", "implicit_premises")

_STATEMENTS = """
SELECT s.name AS statement, s.signature, s.header, s.split, s.origin, s.topics,
       count(v.attempt) AS judged, coalesce(sum(v.status = 'proved'), 0) AS proved
FROM statements s
LEFT JOIN attempts a ON a.statement = s.id AND a.phase <> 'seed'
LEFT JOIN verdicts v ON v.attempt = a.id
GROUP BY s.id ORDER BY s.id
"""

_CONJECTURES = """
SELECT c.*, count(v.attempt) AS judged, coalesce(sum(v.status = 'proved'), 0) AS proved
FROM conjectures c
LEFT JOIN statements s ON s.name = c.statement
LEFT JOIN attempts a ON a.statement = s.id AND a.phase = 'train' AND a.round = c.round
LEFT JOIN verdicts v ON v.attempt = a.id
GROUP BY c.round, c.input, c.sample ORDER BY c.round, c.input, c.sample
"""


class Run:
    """A run's folder, finished or still going on. Nothing in it is changed.

    `frame` says what tables are given as: `pandas` (the default), `polars`, or `rows` (a list of dictionaries).
    """

    def __init__(self, path: Union[str, Path], frame: str = "pandas") -> None:
        self.path = Path(path)
        self._frame = checked_kind(frame)
        self._ledger = self.path / "ledger.sqlite"
        if not self._ledger.is_file():
            raise StpError(f"{self._ledger} is not there: give the folder of a run")
        with closing(self._open()) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
        if version < _OLDEST:
            raise StpError(
                f"{self._ledger} has version {version}, which is too old to be read here: "
                f"`stp report {self.path}` brings it up to date"
            )

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def attempts(self) -> Any:
        """Every proof that was sampled or came with the corpus, with its verdict if it has one."""
        return self.query("SELECT * FROM judged ORDER BY id")

    def conjectures(self) -> Any:
        """Every text of the conjecturer: what became of it, and how many proofs of its round were judged and proved."""
        return self.query(_CONJECTURES)

    def statements(self) -> Any:
        """The corpus' statements and the accepted conjectures, with how many sampled proofs were judged and proved."""
        return self.query(_STATEMENTS)

    def rounds(self) -> Any:
        """The run's table, one row for each model, as `stp report --json` has it."""
        rows = json.loads(run_stp(["report", str(self.path), "--json"]))["rows"]
        return frame({name: [row[name] for row in rows] for name in rows[0]} if rows else {}, self._frame)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The answer of the ledger to a question of your own; `datasets/src/ledger/schema.sql` says what is in it."""
        with closing(self._open()) as database:
            found = database.execute(sql, parameters)
            names = [column[0] for column in found.description]
            columns: dict[str, list[Any]] = {name: [] for name in names}
            for row in found:
                for name, value in zip(names, row):
                    columns[name].append(_list(value) if name in _LISTS else value)
        return frame(columns, self._frame)

    def _open(self) -> sqlite3.Connection:
        try:
            address = f"file:{quote(str(self._ledger.resolve()))}?mode=ro"
            return sqlite3.connect(address, uri=True)
        except sqlite3.Error as error:
            raise StpError(f"{self._ledger} cannot be read: {error}") from error


def _list(value: Any) -> list[str]:
    return json.loads(value) if value else []
