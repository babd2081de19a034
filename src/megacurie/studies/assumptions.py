"""What the assumptions behind published rates do to them; and the half-life of the source from the rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from megacurie.foundation import provenance, units
from megacurie.foundation.arrays import Array
from megacurie.foundation.display import Table
from megacurie.foundation.errors import DataError
from megacurie.radiochemistry import combination, production, tables
from megacurie.radiochemistry.campaign import Campaign, Extraction, PeakWindow
from megacurie.statistics.results import finite
from megacurie.studies.rates import Rates, published_rates

_NODES = 200  # of integrals over a counting time of a dozen half-lives
_ROUNDS = 20  # of Newton's method
_GRID, _NEAR = 61, 1.2  # half-lives of toys: an odd number, within this many factors of e
_WIDE = 3.0  # half-lives are looked for within this many factors of e


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfLife:
    """The half-life of the source from the fall of the rates.

    Attributes
    ----------
    value, plus, minus : float, time
        ``plus`` is infinite where any long half-life will do.
    sigma : float
        sqrt of the rise of -2 ln L to the half-life that the campaign assumes.
    p : float or None
        Probability of as large a rise from toys, where they were thrown.
    """

    value: float
    plus: float
    minus: float
    sigma: float
    p: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Keys of ``count --json``; days, null where infinite."""
        days = {f"{name}_d": finite(units.to_display(getattr(self, name), "d")) for name in ("value", "plus", "minus")}
        return {**days, "sigma": self.sigma, "p_toys": self.p}


def source_half_life(campaign: Campaign, rates: Rates) -> HalfLife:
    """The half-life of the source with which the rates of each zone agree best.

    A rate P at the reference time was found as counts / K_i(T) with the assumed half-life T; with another one, T', the same counts mean P K_i(T) / K_i(T').

    Examples
    --------
    >>> best = tables.built_in("best-2022")
    >>> found = source_half_life(best, published_rates(best))
    >>> print(f"{found.value / units.day:.1f} {found.sigma:.1f}")
    31.6 2.5
    """
    assumed = campaign.history.half_life

    def chi2(x: float) -> float:
        changed = rates.scaled(_source(campaign, rates, assumed * x))
        return float(np.sum(combination.combine(changed.value, changed.plus, changed.minus).chi2))

    best = minimize_scalar(lambda u: chi2(math.exp(u)), bounds=(-_WIDE, _WIDE), method="bounded", options={"xatol": 1e-9})
    at = math.exp(float(best.x))
    ends = [_crossing(lambda x: chi2(x) - float(best.fun) - 1, at, at * math.exp(side)) for side in (_WIDE, -_WIDE)]
    return HalfLife(
        value=at * assumed,
        plus=(ends[0] - at) * assumed,
        minus=(at - ends[1]) * assumed,
        sigma=math.sqrt(max(chi2(1.0) - float(best.fun), 0.0)),
    )


def source_half_life_p(campaign: Campaign, rates: Rates, *, toys: int = 2000, seed: int = 1) -> float:
    """Probability of a rise of -2 ln L to the assumed half-life as large as that of some rates, if it is the true one.

    A rate with errors of Poisson kind stands for n counts where n (1 + g (P - x)) are expected (``combination.shape``): toys throw these
    counts at the rate that the zone has, and are fitted like the data, over a grid of half-lives.

    Parameters
    ----------
    campaign : Campaign
    rates : Rates
    toys, seed : int

    Raises
    ------
    DataError
        If a rate has a larger error below than above: it stands for no number of counts.
    """
    if np.any(rates.plus <= rates.minus):
        raise DataError(f"{campaign.name}: rates with a larger error below than above stand for no number of counts: expected plus above minus")
    g, n = combination.shape(rates.plus, rates.minus)
    logs = np.linspace(-_NEAR, _NEAR, _GRID)
    assumed = campaign.history.half_life
    factor = np.stack([_source(campaign, rates, assumed * math.exp(x)) for x in logs])  # (grid, zones, runs)
    here = _GRID // 2
    rng = np.random.default_rng(seed)
    rise, observed = np.zeros((toys, _GRID)), np.zeros(_GRID)
    for z in range(len(rates.zones)):
        rate = combination.combine(rates.value[z], rates.plus[z], rates.minus[z]).rate
        mean = n[z] * (1 + g[z] * (rate - rates.value[z]))
        per, flat = n[z] * g[z] * factor[:, z], n[z] * (1 - g[z] * rates.value[z])
        rise += _height(rng.poisson(mean, (toys, len(mean))).astype(float), per, flat, rate)
        observed += _height(n[z][None], per, flat, rate)[0]
    gain, seen = rise.max(-1) - rise[:, here], observed.max() - observed[here]
    return float(np.mean(gain >= seen))


def _height(counts: Array, per: Array, flat: Array, start: float) -> Array:
    """2 ln L (toys, grid) of counts (toys, runs) where P per + flat are expected, at the best P of each point; Newton's method on a concave function."""
    low = np.max(-flat / per, axis=-1)  # nothing is expected of one of the counts
    rate = np.broadcast_to(np.maximum(start, low + 1e-3 * np.abs(low)), (len(counts), len(per)))
    for _ in range(_ROUNDS):
        expected = rate[..., None] * per + flat
        slope = np.sum(per * (counts[:, None] / expected - 1), axis=-1)
        bend = np.sum(per**2 * counts[:, None] / expected**2, axis=-1)
        rate = np.maximum(rate + slope / np.maximum(bend, 1e-300), 0.5 * (rate + low))
    expected = rate[..., None] * per + flat
    found: Array = 2 * np.sum(counts[:, None] * np.log(expected) - expected, axis=-1)
    return found


def _crossing(function: Callable[[float], float], inside: float, outside: float) -> float:
    """Where a function that is negative inside becomes zero; infinity or 0 where it does not."""
    if function(outside) < 0:
        return math.inf if outside > inside else 0.0
    return float(brentq(function, inside, outside, rtol=1e-10))


def carried(campaign: Campaign, zone: str, rate: float) -> Array:
    """Counts carried over from the extractions before (n,), if the source made 71Ge at a rate at the reference time; those from the sun with them.

    Examples
    --------
    >>> best = tables.built_in("best-2022")
    >>> print(f"{carried(best, 'inner', best.zone('inner').predicted).sum():.2f}")
    9.70
    """
    of = campaign.of_zone(zone)
    made = production.production(of, campaign.source_decay, campaign.germanium_decay)
    sun = campaign.zone(zone).solar * np.array([one.mass for one in of])
    counted = np.array([production.counted(one) for one in of])
    found: Array = counted * (rate * made.source_carried + sun * made.solar_carried)
    return found


def solar(campaign: Campaign, zone: str) -> Array:
    """Counts from the sun in each extraction (n,), without what is carried over.

    Examples
    --------
    >>> print(f"{solar(tables.built_in('best-2022'), 'outer').sum():.1f}")
    32.8
    """
    of = campaign.of_zone(zone)
    made = production.production(of, campaign.source_decay, campaign.germanium_decay)
    sun = campaign.zone(zone).solar * np.array([one.mass for one in of])
    found: Array = np.array([production.counted(one) for one in of]) * sun * made.solar
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One assumption: rates of each zone with it changed, as relative changes."""

    assumption: str
    changes: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What each assumption does to the combined rates, and with them to the ratios to expectation.

    Attributes
    ----------
    rates : dict of zone to float, rate
        With the assumptions as published.
    effects : tuple of Effect
    """

    rates: Mapping[str, float]
    effects: tuple[Effect, ...]

    def table(self) -> Table:
        """Relative changes in per cent."""
        rows = tuple((one.assumption, *(f"{100 * change:+.2f}" for change in one.changes.values())) for one in self.effects)
        return Table(title="Effect of assumptions on the rates, per cent", head=("assumption changed", *self.rates), rows=rows)

    def to_dict(self) -> dict[str, Any]:
        """Relative changes by assumption and zone."""
        return {one.assumption: dict(one.changes) for one in self.effects}


def assumptions(name: str = "best-2022") -> Assumptions:
    """Every assumption of a published campaign changed in turn.

    Examples
    --------
    >>> print(assumptions().effects[0].assumption)
    71Ge half-life 11.468 d
    """
    campaign = tables.built_in(name)
    rates = published_rates(campaign)
    before = _combined(rates)
    k = np.array([production.counts_per_rate(campaign, zone) for zone in rates.zones])
    rows = [[next(r for r in campaign.rates if (r.zone, r.run, r.peak) == (zone, run, "KL")) for run in rates.runs] for zone in rates.zones]
    printed_carried, printed_solar = (np.array([[getattr(row, what) for row in of] for of in rows]) for what in ("carried", "solar"))
    at = {what: np.array([carried(campaign, zone, rate) for zone, rate in zip(rates.zones, values, strict=True)]) for what, values in
          {"predicted": [campaign.zone(zone).predicted or 0.0 for zone in rates.zones], "measured": list(before)}.items()}  # fmt: skip
    sun = np.array([solar(campaign, zone) for zone in rates.zones])
    sun_error = provenance.load(f"campaign.{name}")["solar"]["rate"]
    symmetric = 0.5 * (rates.plus + rates.minus)
    germanium = provenance.datum("nuclide.ge71.half_life.norman-2024", "time")
    source = provenance.datum("nuclide.cr51.half_life.ensdf-2006", "time")
    changed = {
        f"71Ge half-life {germanium.printed} d": rates.scaled(1 / _germanium(campaign, rates, germanium.value)),
        f"51Cr half-life {source.printed} d": rates.scaled(_source(campaign, rates, source.value)),
        "carry-over at the measured rate": rates.shifted((at["predicted"] - at["measured"]) / k),
        "carry-over as printed": rates.shifted((at["predicted"] - printed_carried) / k),
        "solar production from masses and live times": rates.shifted((printed_solar - sun) / k),
        "solar rate one error up": rates.shifted(-sun * sun_error.plus / sun_error.value / k),
        "decay sums of Table XIII": rates.scaled(_decay_sums(name, campaign, rates)),
        "errors up and down as the long paper prints them": replace(rates, plus=rates.minus, minus=rates.plus),
        "symmetric errors": replace(rates, plus=symmetric, minus=symmetric),
        "without the first extraction": rates.without(rates.runs[0]),
    }
    effects = tuple(
        Effect(assumption=what, changes=dict(zip(rates.zones, (float(x) for x in _combined(with_it) / before - 1), strict=True)))
        for what, with_it in changed.items()
    )
    return Assumptions(rates=dict(zip(rates.zones, map(float, before), strict=True)), effects=effects)


def _combined(rates: Rates) -> Array:
    return np.asarray(combination.combine(rates.value, rates.plus, rates.minus).rate)


def _runs(campaign: Campaign, rates: Rates) -> list[list[Extraction]]:
    return [[one for one in campaign.of_zone(zone) if one.run in rates.runs] for zone in rates.zones]


def _source(campaign: Campaign, rates: Rates, half_life: float) -> Array:
    """K with another half-life of the source over K."""
    begin, end = (np.array([[getattr(one, name) for one in of] for of in _runs(campaign, rates)]) for name in ("source_in", "source_out"))
    new, old = (production.from_source(begin, end, math.log(2) / t, campaign.germanium_decay) for t in (half_life, campaign.history.half_life))
    return new / old


def _decay_sums(name: str, campaign: Campaign, rates: Rates) -> Array:
    """K with the other printed decay sums over K."""
    rows = {(row["zone"], int(row["run"])): row for row in tables.corrected(name, "countings")}
    found = []
    for of in _runs(campaign, rates):
        for one in of:
            row, peaks = rows[one.zone, one.run], one.countings[0].peaks
            other = sum(window.efficiency * float(row[f"delta_{peak}_xiii"]) for peak, window in peaks.items())
            found.append(one.efficiency * other / production.counted(one))
    return np.array(found).reshape(rates.value.shape)


def _germanium(campaign: Campaign, rates: Rates, half_life: float) -> Array:
    """Rates fitted with another half-life of 71Ge over those with the assumed one: shapes in time, decay sums and saturation all change."""
    new, old = math.log(2) / half_life, campaign.germanium_decay
    found = []
    for zone, of in zip(rates.zones, _runs(campaign, rates), strict=True):
        for one in of:
            made = [float(production.from_source(one.source_in, one.source_out, campaign.source_decay, decay)) for decay in (old, new)]
            atoms = atoms_refitted([*_windows(campaign, zone, one)], old, new)
            found.append(atoms * made[0] / made[1])
    return np.array(found).reshape(rates.value.shape)


def _windows(campaign: Campaign, zone: str, one: Extraction) -> list[tuple[PeakWindow, float, float, float]]:
    """Windows of an extraction with the start of the counting after the exposure, candidates and fitted 71Ge."""
    found: list[tuple[PeakWindow, float, float, float]] = []
    for peak, window in one.countings[0].peaks.items():
        row = next((r for r in campaign.rates if (r.zone, r.run, r.peak) == (zone, one.run, peak)), None)
        if row is None:
            raise DataError(f"{campaign.name}: no published rate of {zone} {one.run} {peak}")
        found.append((window, one.countings[0].start - one.source_out, row.candidates, row.fitted))
    return found


def atoms_refitted(windows: list[tuple[PeakWindow, float, float, float]], old: float, new: float) -> float:
    """71Ge atoms at the end of an exposure fitted with a decay constant ``new`` to what ``old`` leads one to expect, over the true number.

    Where only sums of the live time are known, it is taken as a constant fraction from the start of the counting to the end that gives both sums. The
    likelihood is that of all events' times, with a background of its own in each window; the data are the expectation itself.

    Parameters
    ----------
    windows : list of (PeakWindow, float, float, float)
        Window, start of the counting after the exposure (time), candidates, fitted 71Ge.
    old, new : float, 1/time

    Examples
    --------
    >>> window = PeakWindow(efficiency=1.0, live_time=50 * units.day, decay_sum=0.7)
    >>> print(f"{atoms_refitted([(window, units.day, 100, 80.0)], 0.06 / units.day, 0.06 / units.day):.6f}")
    1.000000
    """
    x, w = np.polynomial.legendre.leggauss(_NODES)
    truth, shapes, measure = [], [], []
    total = sum(fitted for *_, fitted in windows)
    for window, start, candidates, fitted in windows:
        stop = _end(window, start, old)
        t = start + 0.5 * (x + 1) * (stop - start)
        live = 0.5 * w * (stop - start) * window.live_time / (stop - start)
        share = fitted / total  # of the atoms seen: the efficiency of the window, from the data themselves
        truth.append(share * old * np.exp(-old * t) / window.decay_sum * total + max(candidates - fitted, 0.1) / window.live_time)
        shapes.append(share * new * np.exp(-new * t) / window.decay_sum * total)
        measure.append(live)
    amplitude = 1.0
    background = np.array([max(candidates - fitted, 0.1) / window.live_time for window, _, candidates, fitted in windows])
    for _ in range(_ROUNDS):  # Newton's method: the likelihood is concave
        model = [amplitude * s + b for s, b in zip(shapes, background, strict=True)]
        slopes = [(m / r - 1, m / r**2) for m, r in zip(truth, model, strict=True)]
        gradient = [sum(float(np.sum(v * g * s)) for v, (g, _), s in zip(measure, slopes, shapes, strict=True))]
        gradient += [float(np.sum(v * g)) for v, (g, _) in zip(measure, slopes, strict=True)]
        hessian = np.zeros((len(gradient), len(gradient)))
        for i, (v, (_, h), s) in enumerate(zip(measure, slopes, shapes, strict=True), start=1):
            hessian[0, 0] += np.sum(v * h * s * s)
            hessian[0, i] = hessian[i, 0] = np.sum(v * h * s)
            hessian[i, i] = np.sum(v * h)
        scale = 1 / np.sqrt(np.diag(hessian))  # of different dimensions
        step = scale * np.linalg.solve(hessian * np.outer(scale, scale), scale * np.array(gradient))
        amplitude, background = amplitude + float(step[0]), background + step[1:]
    return amplitude


def _end(window: PeakWindow, start: float, decay: float) -> float:
    """The end of a counting that is live for a constant fraction of the time and has the decay sum and the live time of a window."""
    per_time = window.decay_sum / window.live_time

    def excess(x: float) -> float:
        return math.exp(-decay * start) * -math.expm1(-x) / (x / decay) - per_time

    return start + brentq(excess, 1e-9, 1e3, rtol=1e-12) / decay
