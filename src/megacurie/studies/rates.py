"""Rates of a campaign: combined, divided by the expected ones, with the chain of systematic errors."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.display import Table
from megacurie.foundation.errors import DataError
from megacurie.radiochemistry import combination, tables
from megacurie.radiochemistry.campaign import Campaign, CampaignZone, Systematic
from megacurie.statistics.results import finite


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rates:
    """Measured rates of the extractions of some zones, at the reference time, with their statistical errors.

    Attributes
    ----------
    zones : tuple of str
    runs : tuple of int
        The runs that every zone has.
    value, plus, minus : array (n_zones, n_runs), rate
    """

    zones: tuple[str, ...]
    runs: tuple[int, ...]
    value: Array
    plus: Array
    minus: Array

    def zone(self, name: str) -> Rates:
        """The rates of one zone alone."""
        i = self.zones.index(name)
        return replace(self, zones=(name,), value=self.value[i : i + 1], plus=self.plus[i : i + 1], minus=self.minus[i : i + 1])

    def without(self, run: int) -> Rates:
        """All runs but one."""
        keep = np.array(self.runs) != run
        runs = tuple(r for r in self.runs if r != run)
        return replace(self, runs=runs, value=self.value[:, keep], plus=self.plus[:, keep], minus=self.minus[:, keep])

    def scaled(self, factor: Array) -> Rates:
        """Rates divided by factors (n_zones, n_runs) or (n_runs,), errors alike: of P in rates that are expected to be P x factor."""
        return replace(self, value=self.value / factor, plus=self.plus / factor, minus=self.minus / factor)

    def shifted(self, by: Array) -> Rates:
        """Rates moved by some rates (n_zones, n_runs), errors as they are."""
        return replace(self, value=self.value + by)


def published_rates(campaign: Campaign) -> Rates:
    """The published rates of a campaign from both peaks together.

    Raises
    ------
    DataError
        If the campaign has none, or not for the same runs of each zone.

    Examples
    --------
    >>> print(published_rates(tables.built_in("best-2022")).value.shape)
    (2, 10)
    """
    rows = [row for row in campaign.rates if row.peak == "KL" and row.run is not None and not row.at_start]
    by_zone = {zone.name: {row.run: row for row in rows if row.zone == zone.name} for zone in campaign.zones}
    zones = tuple(name for name, of in by_zone.items() if of)
    if not zones:
        raise DataError(f"{campaign.name}: no rates of single extractions from both peaks (KL): expected rows in rates.csv")
    runs = tuple(sorted(run for run in by_zone[zones[0]] if run is not None))
    for name in zones:
        if set(by_zone[name]) != set(runs):
            raise DataError(f"{campaign.name}: rates of {name}: runs {sorted(map(str, by_zone[name]))}, but {zones[0]} has {list(runs)}: expected the same")
    columns = [np.array([[getattr(by_zone[name][run], what) for run in runs] for name in zones]) for what in ("rate", "plus", "minus")]
    return Rates(zones=zones, runs=runs, value=columns[0], plus=columns[1], minus=columns[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneRate:
    """The combined rate of a zone, and what it is divided by.

    Attributes
    ----------
    zone : str
    rate, plus, minus : float, rate
        With statistical errors.
    chi2, dof : float, int
        Of the single rates about the combined one.
    systematic_plus, systematic_minus : float, rate
    predicted, ratio, ratio_error : float or None
        Expected rate, measured over expected, and its error from all three: statistics, systematics and expectation; None without an expectation.
    """

    zone: str
    rate: float
    plus: float
    minus: float
    chi2: float
    dof: int
    systematic_plus: float
    systematic_minus: float
    predicted: float | None = None
    ratio: float | None = None
    ratio_error: float | None = None

    @property
    def total_error(self) -> float:
        """Mean statistical and mean systematic error in quadrature."""
        return math.hypot(0.5 * (self.plus + self.minus), 0.5 * (self.systematic_plus + self.systematic_minus))

    def to_dict(self) -> dict[str, Any]:
        """Keys of ``count --json``; rates per day."""
        day = units.day
        return {
            "rate_per_day": self.rate * day, "plus": self.plus * day, "minus": self.minus * day,
            "systematic_plus": self.systematic_plus * day, "systematic_minus": self.systematic_minus * day, "total_error": self.total_error * day,
            "chi2": finite(self.chi2), "dof": self.dof, "ratio": self.ratio, "ratio_error": self.ratio_error,
        }  # fmt: skip


def zone_rate(rates: Rates, name: str, zone: CampaignZone | None = None, systematics: tuple[Systematic, ...] = ()) -> ZoneRate:
    """The rates of a zone combined: product of Poisson-like likelihoods with the printed errors.

    Examples
    --------
    >>> best = tables.built_in("best-2022")
    >>> found = zone_rate(published_rates(best), "inner", best.zone("inner"), best.systematics)
    >>> print(f"{found.rate * units.day:.2f} +{found.plus * units.day:.2f} -{found.minus * units.day:.2f}")
    55.51 +2.49 -2.43
    """
    of = rates.zone(name)
    found = combination.combine(of.value[0], of.plus[0], of.minus[0])
    result = ZoneRate(zone=name, rate=found.rate, plus=found.plus, minus=found.minus, chi2=found.chi2, dof=len(of.runs) - 1,
                      systematic_plus=0.0, systematic_minus=0.0)  # fmt: skip
    return with_systematics(result, zone, systematics)


def with_systematics(rate: ZoneRate, zone: CampaignZone | None, systematics: tuple[Systematic, ...]) -> ZoneRate:
    """A rate with its systematic errors in quadrature, and with its ratio to the expectation of a zone."""
    up, down = (rate.rate * math.hypot(*(getattr(item, side) for item in systematics), 0.0) for side in ("plus", "minus"))
    result = replace(rate, systematic_plus=up, systematic_minus=down)
    return result if zone is None else with_expectation(result, zone)


def with_expectation(rate: ZoneRate, zone: CampaignZone) -> ZoneRate:
    """A combined rate with its ratio to the expected one."""
    if zone.predicted is None:
        return rate
    ratio = rate.rate / zone.predicted
    error = math.hypot(rate.total_error, ratio * 0.5 * (zone.plus + zone.minus)) / zone.predicted
    return replace(rate, predicted=zone.predicted, ratio=ratio, ratio_error=error)


def outer_over_inner(inner: ZoneRate, outer: ZoneRate) -> dict[str, float]:
    """The ratio of two ratios to expectation (of rates, without one), with the total errors of both as if they were independent: as BEST does it."""
    a, b = (one.ratio if one.ratio is not None else one.rate for one in (inner, outer))
    return {"ratio": b / a, "ratio_error": b / a * math.hypot(inner.total_error / inner.rate, outer.total_error / outer.rate)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Systematic errors item by item: each as a shift of a rate, and their sums in quadrature beside the printed ones.

    Attributes
    ----------
    paper : str
    items : tuple of Systematic
    plus, minus : float
        Relative, sums in quadrature of the items.
    printed_plus, printed_minus : float
    """

    paper: str
    items: tuple[Systematic, ...]
    plus: float
    minus: float
    printed_plus: float
    printed_minus: float

    def to_dict(self) -> dict[str, Any]:
        """Keys of ``count --json``: relative errors."""
        items = {item.name: {"plus": item.plus, "minus": item.minus} for item in self.items}
        return {"items": items, **{name: getattr(self, name) for name in ("plus", "minus", "printed_plus", "printed_minus")}}

    def table(self, rate: float) -> Table:
        """Each item in per cent and as a shift of a rate."""
        day = rate * units.day
        rows = [(item.name, f"+{100 * item.plus:.2f} -{100 * item.minus:.2f}", f"+{day * item.plus:.2f} -{day * item.minus:.2f}") for item in self.items]
        rows += [
            (name, f"+{100 * up:.2f} -{100 * down:.2f}", f"+{day * up:.2f} -{day * down:.2f}")
            for name, up, down in (("in quadrature", self.plus, self.minus), ("printed", self.printed_plus, self.printed_minus))
        ]
        return Table(title=f"Systematic errors ({self.paper})", head=("item", "per cent", f"of {day:.1f}/d"), rows=tuple(rows))


def chain(name: str, paper: str) -> Chain:
    """The systematic errors of a published campaign as the letter ("prl") or the long paper ("prc") itemises them.

    Examples
    --------
    >>> found = chain("best-2022", "prc")
    >>> print(f"+{100 * found.plus:.2f} -{100 * found.minus:.2f} %")
    +2.88 -2.67 %
    """
    items = tables.systematics(name, paper)
    total = next(row for row in tables.printed(name, "systematics") if row["item"] == "total")
    return Chain(
        paper=paper,
        items=items,
        plus=math.hypot(*(item.plus for item in items)),
        minus=math.hypot(*(item.minus for item in items)),
        printed_plus=abs(float(total[f"{paper}_up"])) / 100,
        printed_minus=abs(float(total[f"{paper}_down"])) / 100,
    )
