"""Rows as data frames, and data frames as rows. Neither pandas nor polars is imported before it is needed."""

from __future__ import annotations

import importlib
import math
import sys
from typing import Any, Iterable, Mapping

from ._binary import StpError

#: What tables can be made as; `rows` is a list of dictionaries.
KINDS = ("pandas", "polars", "rows")


def kind_of(rows: Any) -> str:
    """Which of `KINDS` these rows are."""
    for name in ("pandas", "polars"):
        # A data frame can be one of a library's only if somebody has imported that library.
        library = sys.modules.get(name)
        if library is not None and isinstance(rows, library.DataFrame):
            return name
    return "rows"


def rows_of(table: Any) -> list[dict[str, Any]]:
    """A data frame, or anything that gives dictionaries, as dictionaries without empty values."""
    kind = kind_of(table)
    if kind == "pandas":
        rows: Iterable[Any] = table.to_dict(orient="records")
    elif kind == "polars":
        rows = table.iter_rows(named=True)
    elif isinstance(table, Mapping):
        raise TypeError("give a list of dictionaries or a data frame, not one dictionary: `[row]`")
    else:
        rows = table
    found = []
    for row in rows:
        if not isinstance(row, Mapping):
            raise TypeError(f"each row must be a dictionary; one is a {type(row).__name__}")
        found.append({str(key): value for key, value in row.items() if not _is_empty(value)})
    return found


def checked_kind(kind: str) -> str:
    """The same, if it is one of `KINDS`."""
    if kind not in KINDS:
        raise ValueError(f"there is no frame `{kind}`: one of {', '.join(KINDS)}")
    return kind


def frame(columns: dict[str, list[Any]], kind: str) -> Any:
    """Columns of equal length as one of `KINDS`."""
    if kind == "rows":
        return [dict(zip(columns, values)) for values in zip(*columns.values())]
    try:
        library = importlib.import_module(checked_kind(kind))
    except ImportError as error:
        raise StpError(
            f"{kind} is not installed. Install it (`pip install {kind}`), or ask for another frame: "
            f"{', '.join(it for it in KINDS if it != kind)}."
        ) from error
    if kind == "polars":
        return library.DataFrame(columns, strict=False)
    return library.DataFrame(columns)


def _is_empty(value: Any) -> bool:
    """`None`, and what pandas has in its place: a number that is none, or `pandas.NA` and `NaT`."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return type(value).__name__ in ("NAType", "NaTType")
