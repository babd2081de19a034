"""BEST's measurement: closures of its tables, combined rates, and what follows from single extractions."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from megacurie.foundation import provenance, units
from megacurie.radiochemistry import production, tables
from megacurie.radiochemistry.campaign import PEAKS, Campaign, Extraction, PublishedRate
from megacurie.studies import assumptions, constancy
from megacurie.studies.rates import ZoneRate, chain, published_rates, with_expectation, zone_rate

_NAME = "best-2022"


@functools.cache
def _best() -> Campaign:
    return tables.built_in(_NAME)


@functools.cache
def _combined(zone: str, first: int) -> ZoneRate:
    """The rate of a zone from the runs from ``first`` on."""
    rates, best = published_rates(_best()), _best()
    for run in range(1, first):
        rates = rates.without(run)
    found = zone_rate(rates, zone)
    total = chain(_NAME, "prl")
    found = replace(found, systematic_plus=found.rate * total.printed_plus, systematic_minus=found.rate * total.printed_minus)
    return with_expectation(found, best.zone(zone))


def combined(zone: str, part: str, first: int = 1) -> float:
    """The combined rate ("rate"), its statistical errors ("plus", "minus"), its ratio to the expected one, or the distance of that from 1 ("sigma")."""
    found = _combined(zone, first)
    if part == "sigma":
        assert found.ratio is not None
        assert found.ratio_error is not None
        return (1 - found.ratio) / found.ratio_error
    return float(getattr(found, part))


def total_error(zone: str) -> float:
    """Upper statistical error and the upper systematic one of the letter, in quadrature."""
    found = _combined(zone, 1)
    return math.hypot(found.plus, found.systematic_plus)


def _pairs() -> Iterator[tuple[Extraction, tables.Row]]:
    yield from zip(_best().extractions, tables.corrected(_NAME, "countings"), strict=True)


def _rate(zone: str, run: int | None, peak: str = "KL") -> PublishedRate:
    return next(row for row in _best().rates if (row.zone, row.run, row.peak) == (zone, run, peak))


def saturation_closures() -> int:
    """Saturation factors that agree with the printed ones to 1e-4."""
    best = _best()
    found = [float(production.saturation(one.source_in, one.source_out, best.source_decay, best.germanium_decay)) for one, _ in _pairs()]
    return sum(abs(s - float(row["saturation"])) < 1e-4 for s, (_, row) in zip(found, _pairs(), strict=True))


def efficiency_closures() -> int:
    """Total efficiencies, saturation x chemistry x counter x delta, that agree with the printed ones to 1e-4."""
    number = 0
    for one, row in _pairs():
        for peak in PEAKS:
            found = float(row["saturation"]) * one.efficiency * one.countings[0].peaks[peak].efficiency * float(row[f"delta_{peak}_xiii"])
            number += abs(found - float(row[f"total_efficiency_{peak}"])) < 1e-4
    return number


def source_count_closures() -> int:
    """Counts from the source over rates that agree with what exposure and efficiencies give to .4 %."""
    best = _best()
    number = 0
    for zone in best.zones:
        for one, k in zip(best.of_zone(zone.name), production.counts_per_rate(best, zone.name), strict=True):
            row = _rate(zone.name, one.run)
            number += abs(float(k) * row.rate / row.source - 1) < 4e-3
    return number


def start_rate_closures() -> int:
    """Rates of the K and L peaks alone that are those at the start of the exposure: to 1 %, and the rounding of the printed rate and counts."""
    best = _best()
    number = 0
    for one in best.extractions:
        made = float(production.saturation(one.source_in, one.source_out, best.source_decay, best.germanium_decay)) / best.germanium_decay
        for peak, window in one.countings[0].peaks.items():
            row = _rate(one.zone, one.run, peak)
            found = row.source / (made * one.efficiency * window.efficiency * window.decay_sum)
            rounding = 0.05 / row.source + 0.05 / units.to_display(row.rate, "1/d")
            number += abs(found / row.rate - 1) < 0.01 + rounding
    return number


def sum_closures() -> int:
    """Rows of the table of both peaks, the combined ones among them, in which fitted = source + solar + carried to one unit of the last digit."""
    rows = [row for row in _best().rates if row.peak == "KL"]
    return sum(abs(row.fitted - row.source - row.solar - row.carried) < 0.1 * (1 + 1e-9) for row in rows)


def candidates(zone: str, peak: str = "KL") -> int:
    """Sum of the candidates of the ten extractions of a zone."""
    return sum(row.candidates for row in _best().rates if (row.zone, row.peak) == (zone, peak) and row.run is not None)


def source_counts(zone: str) -> float:
    """Counts from the source that the published combined rate means: rate x sum of counts per rate."""
    return _rate(zone, None).rate * float(production.counts_per_rate(_best(), zone).sum())


def k_sum() -> float:
    """Sum of the three kinds of K capture."""
    data = provenance.load("nuclide.ge71")["capture"]
    return float(sum(data[name].value for name in ("k_auger", "k_xray_alpha", "k_xray_beta")))


def k_to_l() -> float:
    """Counting efficiency in the K peak over that in the L peak, mean of the twenty fillings: with equal live times, the ratio of the counts."""
    return float(np.mean([one.countings[0].peaks["K"].efficiency / one.countings[0].peaks["L"].efficiency for one in _best().extractions]))


def solar(zone: str) -> float:
    """Counts from the sun in a zone."""
    return float(assumptions.solar(_best(), zone).sum())


def carried(zone: str, rate: str = "predicted") -> float:
    """Counts carried over from one extraction to the next in a zone, at the predicted or the measured rate."""
    at = _best().zone(zone).predicted if rate == "predicted" else _rate(zone, None).rate
    assert at is not None
    return float(assumptions.carried(_best(), zone, at).sum())


def chi2() -> float:
    """Chi2 of the twenty rates about one rate per zone."""
    return constancy.constancy(published_rates(_best())).chi2


def half_life(zone: str, part: str) -> float:
    """Half-life of 51Cr from the rates of a zone: "value", or the mean "error"."""
    found = assumptions.source_half_life(_best(), published_rates(_best()).zone(zone))
    return found.value if part == "value" else 0.5 * (found.plus + found.minus)


def systematic(paper: str, side: str) -> float:
    """All systematic errors of a paper in quadrature, relative, upwards ("plus") or downwards ("minus")."""
    return float(getattr(chain(_NAME, paper), side))


def candidates_per_day() -> float:
    """Candidates of both peaks per day of live time of a counter."""
    windows = [window for one in _best().extractions for window in one.countings[0].peaks.values()]
    return (candidates("inner") + candidates("outer")) / (0.5 * sum(window.live_time for window in windows))


def exposure_mean() -> float:
    """Mean time with the source in place."""
    return float(np.mean([one.source_out - one.source_in for one in _best().extractions]))


def schedule(part: str) -> float:
    """From the arrival of the source to the last extraction ("exposures"), or to the end of the last counting if it was always live ("all")."""
    best = _best()
    if part == "exposures":
        return max(one.extracted for one in best.extractions)
    return max(c.start + max(window.live_time for window in c.peaks.values()) for one in best.extractions for c in one.countings)
