"""Neutrino sources: lines, activity against time, nuclides."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import DataError, RangeError, did_you_mean
from megacurie.physics import beta


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One monoenergetic neutrino line: energy, and neutrinos per decay (intensity)."""

    energy: float
    intensity: float

    def __post_init__(self) -> None:
        if not (self.energy > 0 and 0 <= self.intensity <= 1):
            raise RangeError(f"line of {units.format(self.energy, 'keV')}, intensity {self.intensity}: expected a positive energy and an intensity in [0, 1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityHistory:
    """Activity against time: exponential decay from a reference time.

    Attributes
    ----------
    activity : float, activity
        At the reference time t = 0.
    half_life : float, time
    reference_time : str
        The calendar time of t = 0 as printed; empty where none was.

    Examples
    --------
    >>> from megacurie.foundation import units as u
    >>> history = ActivityHistory(activity=3.414 * u.MCi, half_life=27.704 * u.day)
    >>> print(round(history.at(27.704 * u.day) / history.activity, 6))
    0.5
    """

    activity: float
    half_life: float
    reference_time: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.activity) and self.activity >= 0):
            raise RangeError(f"activity {units.format(self.activity, 'MCi')}: expected zero or more")
        if not (math.isfinite(self.half_life) and self.half_life > 0):
            raise RangeError(f"half-life {units.format(self.half_life, 'd')}: expected a positive time")

    def at(self, time: float | Array) -> float | Array:
        """Activity at a time after the reference."""
        return self.activity * 2.0 ** (-np.asarray(time) / self.half_life)

    def decays(self, start: float, stop: float) -> float:
        """Number of decays between two times: the integral of the activity.

        Examples
        --------
        >>> from megacurie.foundation import units as u
        >>> history = ActivityHistory(activity=1 * u.Bq, half_life=1 * u.day)
        >>> a, b, c = history.decays(0, u.day), history.decays(u.day, 2 * u.day), history.decays(0, 2 * u.day)
        >>> round((a + b) / c, 12)
        1.0
        """
        rate = math.log(2) / self.half_life
        return self.activity / rate * math.exp(-rate * start) * -math.expm1(-rate * (stop - start))


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A nuclide with its neutrino lines and, where it is known, its activity.

    Attributes
    ----------
    nuclide : str
        Such as "51Cr".
    lines : tuple of Line
    line_table : str
        Name of the table of lines.
    half_life : float, time
    history : ActivityHistory or None
    activity_error : float
        Relative error of the activity.
    particle : str
        "neutrino", or "antineutrino".
    tags : frozenset of str
        ``source:cr51`` and, where stated, ``activity:calorimetric`` or ``activity:gamma``.
    references : frozenset of str
    """

    nuclide: str
    lines: tuple[Line, ...]
    line_table: str
    half_life: float
    history: ActivityHistory | None = None
    activity_error: float = 0.0
    particle: str = "neutrino"
    tags: frozenset[str] = field(default_factory=frozenset)
    references: frozenset[str] = field(default_factory=frozenset)

    @property
    def key(self) -> str:
        """Name of the nuclide in our data: ``cr51``."""
        return nuclide_key(self.nuclide)

    @property
    def energies(self) -> Array:
        """Energies of the lines (n_lines,)."""
        return np.array([line.energy for line in self.lines])

    @property
    def intensities(self) -> Array:
        """Neutrinos per decay of each line (n_lines,)."""
        return np.array([line.intensity for line in self.lines])


def nuclide_key(nuclide: str) -> str:
    """``"51Cr"`` -> ``"cr51"``, checked against the nuclides that have data.

    Raises
    ------
    DataError
        If there is no data for the nuclide, with the nearest name.
    """
    if nuclide not in names():
        raise DataError(f"{nuclide!r} is not a known source nuclide. {did_you_mean(nuclide, names())}")
    return nuclide.lstrip(string.digits).lower() + nuclide.rstrip(string.ascii_letters)


def names() -> tuple[str, ...]:
    """The nuclides with neutrino lines.

    Examples
    --------
    >>> print(names())
    ('37Ar', '144Ce', '58Co', '51Cr', '65Zn')
    """
    keys = [name for name in provenance.names_in("nuclides") if "lines" in provenance.load(f"nuclide.{name}")]
    return tuple(f"{key.lstrip(string.ascii_lowercase)}{key.rstrip(string.digits).capitalize()}" for key in keys)


def source(
    nuclide: str,
    *,
    lines: str = "four",
    half_life: str = "",
    activity: float | None = None,
    activity_error: float = 0.0,
    reference_time: str = "",
    calibration: str = "",
    references: frozenset[str] = frozenset(),
) -> Source:
    """A source of a nuclide with one of its tables of lines.

    Parameters
    ----------
    nuclide : str
        "51Cr", "37Ar", "65Zn", "58Co" or "144Ce" (with 144Pr).
    lines : str
        Name of a table of lines in the nuclide's data; the neutrinos of beta branches are added as lines of a quadrature.
    half_life : str
        Name of a half-life in the nuclide's data; empty for its default.
    activity : float, activity, or None
        At the reference time.
    activity_error : float
        Relative.
    reference_time, calibration : str
        Calendar time of the activity; "calorimetric" or "gamma".
    references : frozenset of str
        Where the activity stood.

    Raises
    ------
    DataError
        Unknown nuclide or table of lines.

    Examples
    --------
    >>> print(len(source("51Cr").lines), round(sum(line.intensity for line in source("51Cr").lines), 3))
    4 1.0
    """
    key = nuclide_key(nuclide)
    tables = provenance.look_up(f"nuclide.{key}.lines")
    names = [name for name in tables if isinstance(tables[name], tuple)]
    if lines not in names:
        raise DataError(f"{nuclide} has no table of lines {lines!r}. {did_you_mean(lines, names)}")
    entry = provenance.datum(f"nuclide.{key}.half_life" + (f".{half_life}" if half_life else ""), "time")
    branches = provenance.load(f"nuclide.{key}").get("beta", ())
    used = [datum for line in (*tables[lines], *branches) for datum in provenance.walk(line)]
    every = [Line(energy=line["energy"].value, intensity=line["intensity"].value) for line in tables[lines]]
    for branch in branches:
        every += _of_branch(branch)
    history = None if activity is None else ActivityHistory(activity=activity, half_life=entry.value, reference_time=reference_time)
    return Source(
        nuclide=nuclide,
        lines=tuple(every),
        line_table=lines,
        half_life=entry.value,
        history=history,
        activity_error=activity_error,
        particle="antineutrino" if any(branch["kind"] == "electrons" for branch in branches) else "neutrino",
        tags=frozenset({f"source:{key}", *([f"activity:{calibration}"] if calibration else [])}),
        references=references.union(entry.references, *(datum.references for datum in used)),
    )


def _of_branch(branch: Mapping[str, Any]) -> list[Line]:
    """The neutrinos of a beta branch as lines of a quadrature."""
    sign = -1 if branch["kind"] == "positrons" else 1
    charge, nucleons = sign * round(branch["charge"].value), round(branch["nucleons"].value)
    threshold = branch["threshold"].value if "threshold" in branch else 0.0
    energy, share = beta.neutrino_lines(branch["endpoint"].value, charge, nucleons, threshold=threshold)
    return [Line(energy=float(e), intensity=float(branch["intensity"].value * part)) for e, part in zip(energy, share, strict=True)]
