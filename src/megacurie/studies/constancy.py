"""Whether the rates of a campaign are constant: scatter, its source, and what each extraction does to the result.

All of it was looked at after the data were known, and in several ways: p-values say so in ``looks``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import fdtrc, roots_hermitenorm

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.display import Table
from megacurie.foundation.errors import RangeError
from megacurie.radiochemistry import combination, production
from megacurie.radiochemistry.campaign import Campaign
from megacurie.statistics.results import p_value
from megacurie.studies.rates import Rates

_NODES = 41  # of the integral over a scatter; exact for the polynomials that fit 10 sigma


@dataclass(frozen=True, slots=True, kw_only=True)
class Constancy:
    """How the rates of two zones scatter.

    The chi2 of all rates about one rate per zone is that of the means of exposures, plus that of the differences outer - inner about their mean.

    Attributes
    ----------
    chi2, dof, p : float, int, float
        -2 ln L of one rate per zone against a free rate for each extraction.
    mean_chi2, mean_dof, mean_p : float, int, float
        The part that both zones share, exposure by exposure.
    difference_chi2, difference_dof, difference_p : float, int, float
        The part that they do not share.
    difference, difference_plus, difference_minus : float, rate
        Second zone less first.
    looks : int
        Statistics looked at here: a p-value p becomes 1 - (1 - p)^looks.
    """

    chi2: float
    dof: int
    p: float
    mean_chi2: float
    mean_dof: int
    mean_p: float
    difference_chi2: float
    difference_dof: int
    difference_p: float
    difference: float
    difference_plus: float
    difference_minus: float
    looks: int = 3

    def corrected(self, p: float) -> float:
        """A p-value for having looked at several statistics."""
        return -math.expm1(self.looks * math.log1p(-p))

    def table(self) -> Table:
        """Three lines, and the difference of the zones."""
        rows = [
            (name, f"{chi2:.1f}", str(dof), f"{p:.2g}", f"{self.corrected(p):.2g}")
            for name, chi2, dof, p in (
                ("one rate per zone", self.chi2, self.dof, self.p),
                ("mean of each exposure", self.mean_chi2, self.mean_dof, self.mean_p),
                ("outer - inner", self.difference_chi2, self.difference_dof, self.difference_p),
            )
        ]
        day = units.day
        note = f"outer - inner {day * self.difference:.2f} +{day * self.difference_plus:.2f} -{day * self.difference_minus:.2f} per day"
        return Table(title="Constancy", head=("rates", "chi2", "dof", "p", f"p of {self.looks} looks"), rows=tuple(rows), notes=(note,))

    def to_dict(self) -> dict[str, Any]:
        """Keys of ``count --json``."""
        names = ("chi2", "dof", "p", "mean_chi2", "mean_dof", "mean_p", "difference_chi2", "difference_dof", "difference_p", "looks")
        rates = {f"{name}_per_day": getattr(self, name) * units.day for name in ("difference", "difference_plus", "difference_minus")}
        return {**{name: getattr(self, name) for name in names}, **rates}


def constancy(rates: Rates) -> Constancy:
    """Scatter of the rates of two zones, split into what they share and what they do not.

    Raises
    ------
    RangeError
        If there are not two zones.

    Examples
    --------
    >>> from megacurie.radiochemistry import tables
    >>> from megacurie.studies.rates import published_rates
    >>> found = constancy(published_rates(tables.built_in("best-2022")))
    >>> print(f"{found.chi2:.1f}/{found.dof}, p = {found.p:.4f}")
    37.9/18, p = 0.0039
    """
    _need_two(rates)
    n = len(rates.runs)
    chi2 = float(np.sum(combination.combine(rates.value, rates.plus, rates.minus).chi2))
    difference, plus, minus, rest = _difference(rates)
    return Constancy(
        chi2=chi2,
        dof=2 * n - 2,
        p=p_value(chi2, 2 * n - 2),
        mean_chi2=chi2 - rest,
        mean_dof=n - 1,
        mean_p=p_value(chi2 - rest, n - 1),
        difference_chi2=rest,
        difference_dof=n - 1,
        difference_p=p_value(rest, n - 1),
        difference=difference,
        difference_plus=plus,
        difference_minus=minus,
    )


def _need_two(rates: Rates) -> None:
    if len(rates.zones) != 2:
        raise RangeError(f"rates of {', '.join(rates.zones)}: expected two zones, whose exposures are the same")


def _difference(rates: Rates) -> tuple[float, float, float, float]:
    """Second zone less first with a free mean in each exposure: value, errors and chi2."""
    scale = float(np.mean(rates.plus + rates.minus) / math.sqrt(len(rates.runs)))

    def chi2(by: float) -> float:
        moved = rates.value - np.array([[0.0], [by * scale]])
        return float(np.sum(combination.combine(moved.T, rates.plus.T, rates.minus.T).chi2))

    best = minimize_scalar(chi2, bracket=(-0.5, 0.5), tol=1e-9)
    ends = [_crossing(lambda x: chi2(x) - best.fun - 1, best.x, best.x + side) for side in (1.0, -1.0)]
    value = float(best.x)
    return value * scale, (ends[0] - value) * scale, (value - ends[1]) * scale, float(best.fun)


def _crossing(function: Callable[[float], float], inside: float, step_to: float) -> float:
    """Where a function that is negative inside becomes zero in the direction of a first step."""
    outside = step_to
    while function(outside) < 0:
        outside = inside + 2 * (outside - inside)
    return float(brentq(function, inside, outside, rtol=1e-10))


def leave_one_out(rates: Rates) -> dict[int, dict[str, float]]:
    """The combined rate of each zone without each run, by run and zone.

    Examples
    --------
    >>> from megacurie.radiochemistry import tables
    >>> from megacurie.studies.rates import published_rates
    >>> print(f"{leave_one_out(published_rates(tables.built_in('best-2022')))[1]['outer'] * units.day:.1f}")
    59.8
    """
    found = {}
    for run in rates.runs:
        rest = rates.without(run)
        combined = combination.combine(rest.value, rest.plus, rest.minus).rate
        found[run] = dict(zip(rates.zones, map(float, combined), strict=True))
    return found


def permutation_p(rates: Rates, *, permutations: int = 20_000, seed: int = 1) -> float:
    """Share of permutations of the second zone's runs in which the zones scatter together at least as much as observed.

    The statistic is the sum of products of pulls, run by run: it knows nothing of the size of the errors, nor of their shape. The observed order counts
    as one permutation, so that p is never zero.

    Examples
    --------
    >>> from megacurie.radiochemistry import tables
    >>> from megacurie.studies.rates import published_rates
    >>> 0 < permutation_p(published_rates(tables.built_in("best-2022")), permutations=100) < 1
    True
    """
    _need_two(rates)
    one, two = pulls(rates)
    rng = np.random.default_rng(seed)
    thrown = rng.permuted(np.tile(two, (permutations, 1)), axis=1) @ one
    # sums of the same products in another order differ in the last digits
    return float((1 + np.sum(thrown >= one @ two - 1e-12 * np.abs(one) @ np.abs(two))) / (permutations + 1))


def common_errors(rates: Rates) -> Array:
    """The error that each rate would have at the combined rate of its zone (n_zones, n_runs): from the curvature of its likelihood there.

    Examples
    --------
    >>> from megacurie.radiochemistry import tables
    >>> from megacurie.studies.rates import published_rates
    >>> print(common_errors(published_rates(tables.built_in("best-2022"))).shape)
    (2, 10)
    """
    g, n = combination.shape(rates.plus, rates.minus)
    mean = combination.combine(rates.value, rates.plus, rates.minus).rate
    found: Array = (1 + g * (mean[:, None] - rates.value)) / (np.abs(g) * np.sqrt(n))
    return found


def pulls(rates: Rates) -> Array:
    """Distance of each rate from the combined one of its zone in units of the error there (n_zones, n_runs).

    Examples
    --------
    >>> from megacurie.radiochemistry import tables
    >>> from megacurie.studies.rates import published_rates
    >>> bool(abs(pulls(published_rates(tables.built_in("best-2022")))).max() < 4)
    True
    """
    mean = combination.combine(rates.value, rates.plus, rates.minus).rate
    found: Array = (rates.value - mean[:, None]) / common_errors(rates)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """A hierarchical fit: rates are P (1 + s x) with x standard normal, one x per exposure for both zones or one per extraction.

    Attributes
    ----------
    common : bool
    size : float
        s, relative.
    delta : float
        -2 ln L of no scatter less that of the best; on the edge of s >= 0, so that p is half of that of chi2 with one degree of freedom.
    ratio, plus, minus : float
        P over the expected rates, common to all zones, statistical errors.
    without : float
        The same without scatter.
    sigma : float
        sqrt of the rise of -2 ln L to a ratio of 1: statistics only.
    """

    common: bool
    size: float
    delta: float
    ratio: float
    plus: float
    minus: float
    without: float
    sigma: float

    @property
    def p(self) -> float:
        """Of no scatter."""
        return 0.5 * p_value(max(self.delta, 0.0), 1)

    def to_dict(self) -> dict[str, Any]:
        """Keys of ``count --json``."""
        return {name: getattr(self, name) for name in Scatter.__slots__} | {"p": self.p}


def scatter(rates: Rates, predicted: Array, *, common: bool) -> Scatter:
    """Fit of one ratio to expectation and a scatter.

    Parameters
    ----------
    rates : Rates
    predicted : array (n_zones,), rate
    common : bool
        Whether the zones share the scatter of each exposure.

    Examples
    --------
    >>> from megacurie.radiochemistry import tables
    >>> from megacurie.studies.rates import published_rates
    >>> best = tables.built_in("best-2022")
    >>> found = scatter(published_rates(best), np.array([zone.predicted for zone in best.zones]), common=True)
    >>> print(f"{found.size:.3f} {found.ratio:.2f}")
    0.130 0.82
    """
    nodes, weights = roots_hermitenorm(_NODES)
    log_weights = np.log(weights / weights.sum())
    relative = rates.scaled(np.asarray(predicted)[:, None] * np.ones_like(rates.value))
    g, n = combination.shape(relative.plus, relative.minus)

    def minus_two_log(ratio: float, size: float) -> float:
        z = g * (ratio * np.maximum(1 + size * nodes[:, None, None], 0.0) - relative.value)  # no negative rates
        each = np.where(z > -1, n * combination.bend(np.maximum(z, -1 + 1e-15)), -np.inf)
        each = each.sum(1) if common else each.reshape(len(nodes), -1)
        top = each.max(0)
        return -2 * float(np.sum(top + np.log(np.sum(np.exp(log_weights[:, None] + each - top), axis=0))))

    def profiled(ratio: float) -> tuple[float, float]:
        found = minimize_scalar(lambda s: minus_two_log(ratio, s), bounds=(0.0, 0.5), method="bounded", options={"xatol": 1e-7})
        return (float(found.fun), float(found.x)) if found.fun < minus_two_log(ratio, 0.0) else (minus_two_log(ratio, 0.0), 0.0)

    start = float(np.mean(combination.combine(relative.value, relative.plus, relative.minus).rate))
    none = minimize_scalar(lambda r: minus_two_log(r, 0.0), bracket=(0.99 * start, start), tol=1e-9)
    best = minimize_scalar(lambda r: profiled(r)[0], bracket=(0.99 * start, start), tol=1e-7)
    up, down = (_crossing(lambda r: profiled(r)[0] - best.fun - 1, best.x, best.x * (1 + side)) for side in (0.05, -0.05))
    return Scatter(
        common=common,
        size=profiled(best.x)[1],
        delta=float(none.fun - best.fun),
        ratio=float(best.x),
        plus=float(up - best.x),
        minus=float(best.x - down),
        without=float(none.x),
        sigma=math.sqrt(max(profiled(1.0)[0] - best.fun, 0.0)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """A straight line through the means of exposures against what both zones have in common in them. A diagnostic: never to correct by.

    Attributes
    ----------
    slope : float, rate
        Change of the rate per unit of the quantity.
    chi2_flat, chi2_line : float
    f, p : float
        F-test of the line against a constant, which needs no errors to be right; p as for one look.
    """

    slope: float
    chi2_flat: float
    chi2_line: float
    f: float
    p: float

    def to_dict(self) -> dict[str, Any]:
        """Keys of ``count --json``."""
        return {"slope_per_day": self.slope * units.day, **{name: getattr(self, name) for name in ("chi2_flat", "chi2_line", "f", "p")}}


def against_exposure(campaign: Campaign, rates: Rates) -> Slope:
    """Means of exposures against saturation x share of the atoms counted, the mean of both zones: a quantity that should not matter.

    Chosen after looking at the data: the p-value is that of a single look and too small.

    Examples
    --------
    >>> from megacurie.radiochemistry import tables
    >>> from megacurie.studies.rates import published_rates
    >>> best = tables.built_in("best-2022")
    >>> print(f"{against_exposure(best, published_rates(best)).p:.3f}")
    0.005
    """
    _need_two(rates)
    runs = [[one for one in campaign.of_zone(zone) if one.run in rates.runs] for zone in rates.zones]
    decay = campaign.source_decay, campaign.germanium_decay
    x = np.mean([[production.counted(one) * float(production.saturation(one.source_in, one.source_out, *decay)) for one in of] for of in runs], axis=0)
    weights = common_errors(rates) ** -2
    y, w = np.sum(weights * rates.value, axis=0) / weights.sum(0), weights.sum(0)

    def fit(*columns: Array) -> tuple[Array, float]:
        a = np.stack(columns, axis=1) * np.sqrt(w)[:, None]
        found = np.linalg.lstsq(a, y * np.sqrt(w), rcond=None)[0]
        return found, float(np.sum((a @ found - y * np.sqrt(w)) ** 2))

    flat, line = fit(np.ones_like(x)), fit(np.ones_like(x), x)
    dof = len(x) - 2
    f = (flat[1] - line[1]) / (line[1] / dof)
    return Slope(slope=float(line[0][1]), chi2_flat=flat[1], chi2_line=line[1], f=f, p=float(fdtrc(1, dof, f)))
