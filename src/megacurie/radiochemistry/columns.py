"""Tables of a campaign as CSV files: columns, and rows checked with the file and line of every problem."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from megacurie.foundation.errors import did_you_mean

Cell = Callable[[str], Any]
"""Reads the text of a cell; raises ValueError with what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns of a table: those that it must have, and groups of which it has all or none."""

    needed: Mapping[str, Cell]
    together: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of a table that could be read: its place for messages (``file:line``) and its values by column."""

    place: str
    values: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]


def read_table(path: Path, columns: Columns, problems: list[str]) -> list[Line]:
    """The rows of a CSV file; what is wrong is added to ``problems``, each with file and line.

    Empty lines and lines that begin with ``#`` are skipped.
    """
    text = read_text(path, problems)
    if text is None:
        return []
    rows = csv.reader(io.StringIO(text), strict=True)
    cells = {**columns.needed, **columns.together}
    head: list[str] = []
    found = []
    try:
        for row in rows:
            if not any(cell.strip() for cell in row) or row[0].startswith("#"):
                continue
            place = f"{path}:{rows.line_num}"
            if not head:
                head = [cell.strip() for cell in row]
                if _head(place, head, columns, problems):
                    return []
                continue
            if len(row) != len(head):
                problems.append(f"{place}: {len(row)} cells: expected {len(head)}, one for each of {', '.join(head)}")
                continue
            line = Line(place=place, values=_values(place, dict(zip(head, row, strict=True)), cells, problems))
            if len(line.values) == len(head):
                found.append(line)
    except csv.Error as error:
        problems.append(f"{path}:{rows.line_num}: not CSV: {error}")
        return []
    if not head:
        problems.append(f"{path}:1: the file is empty: expected a line with the columns {', '.join(columns.needed)}")
    return found


def read_text(path: Path, problems: list[str]) -> str | None:
    """The text of a file, or None with the problem added."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problems.append(f"{path}: not a text file: expected UTF-8")
    except OSError as error:
        problems.append(f"{path}: cannot be read: {error.strerror}")
    return None


def _head(place: str, head: list[str], columns: Columns, problems: list[str]) -> bool:
    """Whether something is wrong with the names of the columns."""
    wrong = [f"{place}: {name!r} is not a column. {did_you_mean(name, {**columns.needed, **columns.together})}" for name in head
             if name not in columns.needed and name not in columns.together]  # fmt: skip
    wrong += [f"{place}: no column {name!r}; expected {', '.join(columns.needed)}" for name in columns.needed if name not in head]
    wrong += [f"{place}: column {name!r} stands twice" for name in sorted(set(head)) if head.count(name) > 1]
    some = [name for name in columns.together if name in head]
    if some and len(some) < len(columns.together):
        missing = ", ".join(name for name in columns.together if name not in some)
        wrong.append(f"{place}: {', '.join(some)} without {missing}: expected all of these columns or none")
    problems += wrong
    return bool(wrong)


def _values(place: str, row: Mapping[str, str], cells: Mapping[str, Cell], problems: list[str]) -> dict[str, Any]:
    values = {}
    for name, text in row.items():
        try:
            values[name] = cells[name](text.strip())
        except ValueError as error:
            problems.append(f"{place}: {name}: {error}")
    return values


def word(text: str) -> str:
    """A name."""
    if not text:
        raise ValueError("empty: expected a name")
    return text


def any_text(text: str) -> str:
    """Text, which may be empty."""
    return text


def one_of(*names: str) -> Cell:
    """One of some words."""

    def read(text: str) -> str:
        if text not in names:
            raise ValueError(f"{text!r}: expected {' or '.join(repr(name) for name in names)}")
        return text

    return read


def moment(text: str) -> datetime:
    """A calendar time with its UTC offset.

    Examples
    --------
    >>> print(moment("2019-07-05T14:02+03:00"))
    2019-07-05 14:02:00+03:00
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r}: expected a date and time with UTC offset, such as 2019-07-05T14:02+03:00") from None
    if found.tzinfo is None:
        raise ValueError(f"{text!r}: no UTC offset. Write '{found.isoformat()}+03:00', or Z for UTC, if that is what you mean")
    return found


def whole(low: int) -> Cell:
    """A whole number from ``low``."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < low:
            raise ValueError(f"{text!r}: expected a whole number from {low}")
        return int(text)

    return read


def number(*, low: float = -math.inf, high: float = math.inf, above: float = -math.inf, empty: bool = False) -> Cell:
    """A finite number from ``low`` to ``high`` and above ``above``; ``empty`` allows an empty cell, read as None."""
    limits = [f"above {above:g}"] if above > -math.inf else [f"from {low:g}"] if low > -math.inf else []
    limits += [f"to {high:g}"] if high < math.inf else []
    expected = " ".join(["expected a finite number", *limits, *(["or nothing"] if empty else [])])

    def read(text: str) -> float | None:
        if empty and not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and low <= value <= high and value > above):
            raise ValueError(f"{text!r}: {expected}")
        return value

    return read
