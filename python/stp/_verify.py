"""`verify`: rows in, verdicts out, by `stp verify`."""

from __future__ import annotations

import json
from typing import Any, Mapping, Optional, Sequence

from ._binary import run_stp
from ._frames import frame, kind_of, rows_of

#: What each verdict has, with the value of those that `stp verify` leaves out.
_COLUMNS: dict[str, Any] = {
    "id": None,
    "row": None,
    "part": None,
    "parts": None,
    "verdict": None,
    "messages": [],
    "hint": None,
    "axioms": [],
    "premises": [],
    "implicit_premises": [],
    "seconds": None,
    "hash": None,
}


def verify(
    rows: Any,
    *,
    columns: Optional[Mapping[str, str]] = None,
    workers: int = 2,
    timeout: float = 10.0,
    options: Sequence[str] = (),
    progress: bool = False,
) -> Any:
    """Judges proofs, and returns one verdict for each, in the order of the rows.

    `rows` is a data frame of pandas or polars, or dictionaries, with a statement, a proof and perhaps a header, under
    any of the names that `stp verify` knows; `columns={"proof": "response"}` names another. The verdicts are a data
    frame of the same library, or a list of dictionaries:

    - `id`: the row's own, or its number from 1 if it has none;
    - `row`: which row it is, from 0. A row with a list of proofs has several verdicts, numbered by `part` of `parts`;
    - `verdict`: proved, failed, rejected, statement_error, timeout, crashed or malformed;
    - `messages`: Lean's, or why the row was not judged; `hint`: what may be behind them;
    - `axioms`, `premises`, `implicit_premises`, `seconds`, `hash`: as `stp verify` gives them.

    `workers` is the number of Lean processes, and `timeout` the seconds of one check. `options` are more options of
    `stp verify`, such as `["--project", "FOLDER"]`. With `progress`, what it says goes to standard error.

    Raises `StpError` if Lean cannot be run. A proof that is wrong, or a row that makes no sense, raises nothing.
    """
    given = "".join(json.dumps(row, default=_plain) + "\n" for row in rows_of(rows))
    arguments = ["verify", "-", "--workers", str(workers), "--timeout", str(timeout), *options]
    for field, column in (columns or {}).items():
        arguments += ["--map", f"{field}={column}"]
    if not progress:
        arguments.append("--quiet")
    verdicts = [_verdict(line) for line in run_stp(arguments, given, progress).splitlines()] if given else []
    return frame({name: [verdict[name] for verdict in verdicts] for name in _COLUMNS}, kind_of(rows))


def _verdict(line: str) -> dict[str, Any]:
    """A line of `stp verify` with all columns. Lines of its input are rows here, counted from 0."""
    found = json.loads(line)
    if "error" in found:
        found.update(verdict="malformed", messages=[found["error"]])
    found["row"] = found["line"] - 1
    return {name: found.get(name, list(default) if default == [] else default) for name, default in _COLUMNS.items()}


def _plain(value: Any) -> Any:
    """What JSON does not know as what it does: numbers and arrays of numpy, and texts of everything else."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
