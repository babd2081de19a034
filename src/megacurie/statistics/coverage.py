"""Coverage of Feldman-Cousins regions, tested with other toys at chosen true values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import DataError
from megacurie.foundation.parameters import Parameter
from megacurie.statistics import general
from megacurie.statistics.confidence import FeldmanCousins, check_numbers
from megacurie.statistics.likelihood import GaussianLikelihood, Likelihood
from megacurie.statistics.moving import Moving
from megacurie.statistics.results import level, threshold
from megacurie.statistics.toys import LARGEST, PER_UNIT, Study

_FARTHEST = 10_000  # sigma: squares of 1e8 leave 1e-8 of chi2


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Share of toys whose region holds the point that they come from.

    Attributes
    ----------
    theta : dict of str to float
        The point, internal units: axes, and other parameters that were named.
    pulls : dict of str to float
        True values of the pulls, in sigma; empty where no pull was named and a closed form holds them.
    confidence : float
        What a region promises.
    feldman_cousins, wilks : float
        What it holds.
    error : float
        Binomial error at the promised level, from the toys of the test and of the critical values.
    """

    theta: Mapping[str, float]
    pulls: Mapping[str, float]
    confidence: float
    feldman_cousins: float
    wilks: float
    error: float

    def to_dict(self, parameters: Sequence[Parameter]) -> dict[str, Any]:
        """Display units, pulls in sigma."""
        at = {p.json_key: units.to_display(self.theta[p.name], p.unit) for p in parameters if p.name in self.theta}
        shares = {"feldman_cousins": self.feldman_cousins, "wilks": self.wilks, "error": self.error}
        return {**at, "pulls": dict(self.pulls), "confidence": self.confidence, **shares}


def coverage(
    likelihood: Likelihood, result: FeldmanCousins, points: Sequence[Mapping[str, float]], *, confidence: float = 0.9, fixed: Mapping[str, float] | None = None,
    toys: int, seed: int,
) -> tuple[Coverage, ...]:  # fmt: skip
    """How often the regions of ``result`` hold the truth, with other toys, at points that need not lie on its grid.

    The critical value at a point is interpolated between those of the grid. Nuisances that a point does not name have their best value for the data there, as
    they have in the toys of the regions. Where it names one, toys are thrown and fitted one by one, with auxiliary measurements of every pull: exact, and slow
    (docs: what it costs).

    Parameters
    ----------
    likelihood : Likelihood
    result : FeldmanCousins
        Regions of the same likelihood.
    points : sequence of dict of str to float
        True values: of every axis, internal units; of any pull, in sigma; of any other parameter that is not fixed, internal units.
    confidence : float
        Level of the regions.
    fixed : dict of str to float
        Parameters that were held at a value in ``result``.
    toys : int
        Per point.
    seed : int
        Not that of ``result``, whose toys are not independent.

    Raises
    ------
    DataError
        If a point lacks an axis, lies outside the grid or names something else; if a pull is not a number, too large or below its bound; if toys or seed are
        out of range, or the seed is that of ``result``.
    RangeError
        If a parameter is outside its bounds.

    Sources
    -------
    Profile construction: NOvA collaboration, JINST 20, T02001 (2025), arXiv:2207.14353.

    Examples
    --------
    With a fixed covariance the share does not depend on the true value of a pull.

    >>> import megacurie as mci
    >>> best = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    >>> axes = {"sin2_2theta": mci.linspace(0, 1, 3), "dm2": mci.geomspace("0.5 eV2", "5 eV2", 3)}
    >>> fc = mci.feldman_cousins(best, axes, toys=500, seed=1)
    >>> at = {"sin2_2theta": 0.5, "dm2": float(axes["dm2"][1])}
    >>> two = mci.coverage(best, fc, [{**at, "best.systematic": x} for x in (0.0, 2.0)], toys=200, seed=2)
    >>> print(two[0].feldman_cousins == two[1].feldman_cousins)
    True
    """
    check_numbers(toys, seed)
    if seed == result.seed:
        raise DataError(f"seed = {seed}: the toys of the regions themselves; expected another")
    fixed = fixed or {}
    check_points(likelihood, result.axes, points, fixed)
    p = level(None, confidence)[0]
    usual = min(threshold(p, len(result.axes)), LARGEST) * PER_UNIT
    error = float(np.sqrt(p * (1 - p) * (1 / toys + 1 / result.toys)))
    critical = result.critical(confidence)
    found = []
    for point in points:
        alone = {name: np.array([float(point[name])]) for name in result.axes}
        named = {name: float(value) for name, value in point.items() if name not in alone}
        study, _ = general.study(likelihood, alone, fixed=fixed, toys=toys, seed=seed, minimise_on=result.minimised_on, named=named)
        edge = _interpolated(_positions(likelihood, result.axes), critical, _positions(likelihood, point, result.axes))
        beyond, histogram = replace(study, observed=np.array([edge])).tally(slice(0, 1))
        below = np.concatenate([[0], np.cumsum(histogram[0], dtype=np.int64)])  # at the edges of the bins, in between a straight line
        found.append(
            Coverage(
                theta={p.name: float(point[p.name]) for p in likelihood.parameters if p.name in point},
                pulls=_true_pulls(likelihood, study), confidence=confidence,
                feldman_cousins=1 - float(beyond[0]) / toys, wilks=float(np.interp(usual, np.arange(len(below)), below)) / toys, error=error,
            )
        )  # fmt: skip
    return tuple(found)


def _true_pulls(likelihood: Likelihood, study: Study) -> dict[str, float]:
    """What the toys of the first point of a study are thrown from; nothing of pulls that a covariance holds."""
    if isinstance(study, general.General):
        return {name: float(x[0]) for name, x in study.pulls.items()}
    if isinstance(study, Moving) and isinstance(likelihood, GaussianLikelihood):
        return {pull.name: float(study.pull[0]) for pull in likelihood.measurement.pulls if pull.of == "prediction"}
    return {}


def check_points(likelihood: Likelihood, axes: Mapping[str, Array], points: Iterable[Mapping[str, float]], fixed: Mapping[str, float]) -> None:
    """Refuse points at which coverage cannot be tested, all problems at once (DataError)."""
    bounds = {pull.name: pull.low for pull in likelihood.measurement.pulls} if isinstance(likelihood, GaussianLikelihood) else {}
    problems = []
    for point in points:
        problems += check_names(likelihood, axes, point, fixed)
        for name in likelihood.pulls:
            x, low = float(point.get(name, 0.0)), bounds.get(name, -math.inf)
            if not abs(x) <= _FARTHEST:
                problems.append(f"{name} = {x}: expected a number from -{_FARTHEST} to {_FARTHEST}, in sigma")
            elif x < low:
                problems.append(f"{name} = {x:g}: expected {low:.4g} or more, its bound in the likelihood")
        if all(name in point for name in axes):
            at, grid = _positions(likelihood, point, axes), _positions(likelihood, axes)
            problems += [
                f"{name} lies outside the grid of the regions: expected a value inside"
                for name, x, axis in zip(axes, at, grid, strict=True)
                if not axis.min() - 1e-9 <= x[0] <= axis.max() + 1e-9
            ]
    if problems:
        raise DataError("coverage: " + "; ".join(dict.fromkeys(problems)))


def check_names(likelihood: Likelihood, axes: Iterable[str], names: Iterable[str], fixed: Iterable[str]) -> list[str]:
    """What is wrong with the names of a point: every axis is needed, nuisances may be named.

    Examples
    --------
    >>> import megacurie as mci
    >>> best = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    >>> print(*check_names(best, ["sin2_2theta", "dm2"], ["dm2", "best"], []), sep="; ")
    best: neither an axis nor a nuisance: expected sin2_2theta, dm2, and any of the pulls best.systematic, channel:ga71; sin2_2theta is missing
    """
    axes, names, fixed = list(axes), list(names), list(fixed)
    free = [p.name for p in likelihood.parameters if p.name not in [*axes, *fixed]]
    nuisances = [f", and any of the {what} {', '.join(known)}" for what, known in (("pulls", likelihood.pulls), ("free parameters", free)) if known]
    expected = f"expected {', '.join(axes)}{''.join(nuisances)}"
    unknown = [name for name in names if name not in [*axes, *likelihood.pulls, *free]]
    problems = [f"{', '.join(unknown)}: neither an axis nor a nuisance: {expected}"] if unknown else []
    return problems + [f"{name} is missing" + ("" if unknown else f": {expected}") for name in axes if name not in names]


def _positions(likelihood: Likelihood, values: Mapping[str, Any], names: Iterable[str] | None = None) -> list[Array]:
    """Positions between the bounds of some parameters, by name."""
    known = {p.name: p for p in likelihood.parameters}
    return [np.atleast_1d(np.asarray(known[name].position(values[name]))) for name in (values if names is None else names)]


def _interpolated(grid: Sequence[Array], values: Array, at: Sequence[Array]) -> float:
    """Linear between the points of a grid, in any order."""
    for axis, (x,) in zip(grid, at, strict=True):
        order = np.argsort(axis, kind="stable")
        axis, values = axis[order], values[order]
        i = int(np.clip(np.searchsorted(axis, x, side="right") - 1, 0, max(len(axis) - 2, 0)))
        part = 0.0 if len(axis) == 1 else (x - axis[i]) / (axis[i + 1] - axis[i])
        values = values[i] if part == 0 else (1 - part) * values[i] + part * values[i + 1]
    return float(values)
