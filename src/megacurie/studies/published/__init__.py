"""Published numbers and what our chain gives for them: ``reproduce()``.

The rows stand in ``data/published/*.toml``; a row's ``compute`` names a function in a module of this folder.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args

from megacurie.foundation import provenance, units
from megacurie.foundation.errors import DataError, did_you_mean

Outcome = Literal["reproduced", "explained", "open", "skipped", "failed"]
_REACHED = 1e-3  # explained and open rows may not drift from what was reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One published number: keys as in ``data/published/*.toml``; numbers in the printed ``unit``."""

    id: str
    what: str
    value: float
    plus: float | None
    minus: float | None
    unit: str
    ref: str
    where: str
    compute: str
    args: Mapping[str, Any]
    within: str
    because: str
    status: str
    slow: bool
    reached: str
    why: str

    @property
    def tolerance(self) -> float:
        """``within`` as an absolute number in the printed unit."""
        text = self.within.strip()
        return float(text.removesuffix("%")) / 100 * abs(self.value) if text.endswith("%") else float(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A row with what our chain gives for it, in the printed unit; ``computed`` is None for a skipped row."""

    row: Row
    computed: float | None
    outcome: Outcome
    why: str

    @property
    def deviation(self) -> float | None:
        """Relative to the published number; None if skipped or the published number is zero."""
        return None if self.computed is None or self.row.value == 0 else self.computed / self.row.value - 1

    def to_dict(self) -> dict[str, Any]:
        """Keys of ``reproduce --json``."""
        r = self.row
        return {
            "id": r.id, "what": r.what, "published": r.value, "plus": r.plus, "minus": r.minus, "unit": r.unit, "computed": self.computed,
            "deviation": self.deviation, "within": r.within, "status": self.outcome, "why": self.why, "ref": r.ref, "where": r.where,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """All rows asked for."""

    rows: tuple[Checked, ...]

    @property
    def summary(self) -> dict[str, int]:
        """Number of rows by outcome."""
        return {name: sum(row.outcome == name for row in self.rows) for name in get_args(Outcome)}

    @property
    def references(self) -> frozenset[str]:
        """Keys of ``references.bib``."""
        return frozenset(row.row.ref for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """The object of ``reproduce --json``."""
        return {"rows": [row.to_dict() for row in self.rows], "summary": self.summary}


def rows() -> tuple[Row, ...]:
    """Every published number, in the order of the files.

    Raises
    ------
    DataError
        If a row lacks a key, has an unknown one, names an unknown reference or a wrong status.
    """
    found = []
    for name in provenance.names_in("published"):
        for raw in provenance.read_toml(f"published/{name}.toml")["number"]:
            place = f"published/{name}.toml: {raw.get('id', '?')}"
            wrong = set(Row.__slots__) ^ ({"plus", "minus"} | set(raw))
            if wrong:
                raise DataError(f"{place}: {', '.join(sorted(wrong))}: missing or not a key of a row")
            if raw["status"] not in ("reproduced", "explained", "open"):
                raise DataError(f"{place}: status {raw['status']!r}: expected reproduced, explained or open")
            if raw["status"] != "reproduced" and not (raw["reached"] and raw["why"]):
                raise DataError(f"{place}: {raw['status']} without reached and why")
            provenance.check_reference(raw["ref"], place)
            units.unit(raw["unit"])
            numbers = {key: None if raw.get(key) is None else float(raw[key]) for key in ("value", "plus", "minus")}
            args = {key: float(arg) if isinstance(arg, Decimal) else arg for key, arg in raw["args"].items()}
            found.append(Row(**{**raw, **numbers, "args": args}))
    return tuple(found)


def check(row: Row) -> Checked:
    """Compute one row and compare."""
    module, _, function = row.compute.partition(".")
    compute: Callable[..., float] = getattr(importlib.import_module(f"megacurie.studies.published.{module}"), function)
    computed = units.to_display(compute(**row.args), row.unit)
    if row.status == "reproduced":
        # the tolerance itself counts as inside: printed digits are decimal, ours are binary
        if abs(computed - row.value) <= row.tolerance * (1 + 1e-9):
            return Checked(row=row, computed=computed, outcome="reproduced", why=row.because)
        return Checked(row=row, computed=computed, outcome="failed", why=f"outside {row.within}: {row.because}")
    reached = float(row.reached)
    if abs(computed - reached) <= _REACHED * abs(reached):
        return Checked(row=row, computed=computed, outcome="explained" if row.status == "explained" else "open", why=row.why)
    return Checked(row=row, computed=computed, outcome="failed", why=f"drifted from {row.reached}, the value reached before. {row.why}")


def reproduce(ids: Sequence[str] = (), *, slow: bool = False, progress: Callable[[int, int, str], None] | None = None) -> Reproduction:
    """Compute published numbers and compare.

    Parameters
    ----------
    ids : sequence of str
        Rows, or beginnings of their names (``giunti-2022.ratio``); empty for all.
    slow : bool
        Whether to compute rows that need more than two seconds; a row named in full is always computed.
    progress : callable (done, total, id), optional

    Raises
    ------
    DataError
        If an id matches no row, with the nearest one.

    Examples
    --------
    >>> reproduce(["best-2022.inner.measured"]).summary["reproduced"]
    1
    """
    every = rows()
    for name in ids:
        if not any(_matches(row.id, name) for row in every):
            raise DataError(f"no published number {name!r}. {did_you_mean(name, {row.id for row in every} | {row.id.split('.')[0] for row in every})}")
    wanted = [row for row in every if not ids or any(_matches(row.id, name) for name in ids)]
    done = []
    for i, row in enumerate(wanted):
        if progress is not None:
            progress(i, len(wanted), row.id)
        if row.slow and not slow and row.id not in ids:
            done.append(Checked(row=row, computed=None, outcome="skipped", why="needs more than two seconds: name it, or give --all"))
        else:
            done.append(check(row))
    return Reproduction(rows=tuple(done))


def _matches(row: str, name: str) -> bool:
    return row == name or row.startswith(f"{name}.")
