"""Studies of toys from a likelihood: which form it allows, and the form that every likelihood allows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from megacurie.foundation import units
from megacurie.foundation.arrays import Array, blocks
from megacurie.foundation.errors import RangeError
from megacurie.foundation.parameters import Parameter, Theta
from megacurie.statistics.auxiliary import Data, ToyData, distances
from megacurie.statistics.covariance import columns, whitening
from megacurie.statistics.inference import checked_axes
from megacurie.statistics.likelihood import GaussianLikelihood, Likelihood
from megacurie.statistics.moving import Moving
from megacurie.statistics.significance import directions
from megacurie.statistics.toys import BINS, Affine, Counts, Grid, Histogram, Study, binned, generator, sizes

Places = NDArray[np.intp]

_REFINED = {0: 1, 1: 4, 2: 2}  # number of axes to minimise on -> steps per step of the scan; more axes stay as they are
_PROFILED = {"log": 61, "lin": 31}  # values of a parameter that is neither axis nor fixed
_MOST = 500_000  # candidates
_WIDE = 0.2  # of the prediction: two steps of Newton's method miss 1e-3 in one toy of 1000; with a wider pull more, and some whole units
_TIE = 1e-9  # rounding: toys that are counts may be the data once more
_TOYS = 256  # of one step
_NUMBERS = 2**20  # of one step: 8 MB


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class General(Study):
    """Any likelihood: toys thrown by it, with auxiliary measurements of the pulls, its chi2 at the point and at every candidate.

    Costs points x toys x candidates evaluations; pulls are profiled, an affine parameter that is free is minimised by the likelihood.

    Attributes
    ----------
    likelihood : Likelihood
    truth : dict of str to array (points,)
        What toys are thrown from: axes, and the best values of the other free parameters at each point.
    pulls : dict of str to array (points,)
        True values of the pulls, in sigma.
    axes : tuple of str
    fixed : dict of str to float
    candidates : dict of str to array (candidates,)
        Where chi2 is tried for the minimum; without the affine parameter.
    profiled : dict of str to array (n,)
        Values tried at each point of the parameters that are no axes; without the affine parameter.
    affine : str or None
        Parameter that the likelihood minimises itself.
    """

    likelihood: Likelihood
    truth: Mapping[str, Array]
    pulls: Mapping[str, Array]
    axes: tuple[str, ...]
    fixed: Mapping[str, float]
    candidates: Mapping[str, Array]
    profiled: Mapping[str, Array]
    affine: str | None

    @property
    def cost(self) -> float:
        return math.inf  # a shard per point, so that shards do not depend on how fast a machine is

    def delta_chi2(self, k: int, data: Data, n: int) -> Array:
        """Delta chi2 (n,) of toys at point k."""
        at = {name: float(self.truth[name][k]) for name in self.axes}
        here = lowest(self.likelihood, {**self.fixed, **at}, self.profiled, None if self.affine in self.axes else self.affine, data, n)
        best = lowest(self.likelihood, self.fixed, self.candidates, self.affine, data, n)
        return np.maximum(here - np.minimum(here, best), 0.0)

    def tally(self, points: slice) -> tuple[Counts, Histogram]:
        first, last, _ = points.indices(len(self.observed))
        beyond, histogram = np.zeros(last - first, np.int64), np.zeros((last - first, BINS), np.uint32)
        for k in range(first, last):
            theta = {**self.fixed, **{name: float(values[k]) for name, values in self.truth.items()}}
            pulls = {name: float(values[k]) for name, values in self.pulls.items()}
            for block, n in sizes(self.toys):
                data = self.likelihood.draw(theta, n, generator(self.seed, block), pulls)
                for start in range(0, n, _TOYS):
                    part = slice(start, min(start + _TOYS, n))
                    delta = self.delta_chi2(k, some(data, part), part.stop - part.start)
                    beyond[k - first] += int((delta >= self.observed[k] - _TIE).sum())
                    histogram[k - first] += binned(delta)
        return beyond, histogram


def some(data: Data, which: slice) -> Data:
    """A part of toy data: of their auxiliary measurements and of an array, or of each array of a tuple of tuples."""
    if isinstance(data, ToyData):
        return ToyData(some(data.values, which), {name: a[which] for name, a in data.auxiliary.items()})
    return tuple(some(one, which) for one in data) if isinstance(data, tuple) else data[which]


def lowest(likelihood: Likelihood, fixed: Theta, grid: Mapping[str, Array], affine: str | None, data: Data, n: int) -> Array:
    """Least chi2 (n,) of toys on a list of candidates, a free affine parameter minimised; for the measured data ``data`` is None and ``n`` 1."""
    found = np.full(n, np.inf)
    size = max((len(values) for values in grid.values()), default=1)
    row = n * (likelihood.n_data or 1) * (100 if affine else 1)  # a moving covariance tries as many values of the affine parameter
    for part in blocks(size, row, _NUMBERS):
        theta: dict[str, Any] = {**fixed, **{name: values[part, None] for name, values in grid.items()}}
        values = likelihood.profile_affine(theta, data)[1] if affine else likelihood.minus_two_log(theta, data)
        found = np.minimum(found, np.broadcast_to(values, np.broadcast_shapes(np.shape(values), (1, n))).min(0))
    return found


def study(
    likelihood: Likelihood, axes: Mapping[str, Array], *, fixed: Mapping[str, float] | None = None, toys: int, seed: int,
    minimise_on: Mapping[str, Array] | None = None, single: bool = False, named: Mapping[str, float] | None = None,
) -> tuple[Study, Places]:  # fmt: skip
    """The study of a likelihood on the grid of some axes, and the place in that grid of each of its points.

    Where true values of nuisances are named (pulls in sigma, free parameters that are no axes), toys are thrown and fitted one by one, whatever the likelihood,
    with the candidates of the form that it allows.

    Raises
    ------
    RangeError
        If an axis leaves its bounds or the reach of the model, or the candidates are too many.
    """
    known, held = checked_axes(likelihood, axes, fixed or {})
    checked_axes(likelihood, {name: np.array([x]) for name, x in (named or {}).items() if name in known}, held)
    others = [p for p in likelihood.parameters if p.name not in held and p.name not in axes]
    gaussian = likelihood if isinstance(likelihood, GaussianLikelihood) and likelihood.fixed and not any(p.prior for p in likelihood.parameters) else None
    affine = likelihood.affine if likelihood.affine in {*axes, *(p.name for p in others)} else None
    told = {f"axis {known[name].json_key}": np.asarray(axis) / units.from_display(1.0, known[name].unit) for name, axis in axes.items()}
    told |= {f"fixed {known[name].json_key}": np.asarray(value / units.from_display(1.0, known[name].unit)) for name, value in held.items()}
    told |= {"toys": np.asarray(float(toys)), "seed": np.asarray(float(seed)), "single precision": np.asarray(float(single))}
    common: dict[str, Any] = {"toys": toys, "seed": seed}
    if isinstance(likelihood, GaussianLikelihood) and affine is not None and affine in axes and not others:
        fine = {name: _finer(known[name], axis, len(axes) - 1, (minimise_on or {}).get(name)) for name, axis in axes.items() if name != affine}
        still = None if gaussian is None else _affine(gaussian, known[affine], axes, fine, held, told, single, common)
        closed = still or _moving(likelihood, known[affine], axes, fine, held, told, common)
        if closed is not None:
            return closed if not named else _general(likelihood, axes, fine, {}, affine, held, told, common, named)
    of_grid = [name for name in axes if gaussian is not None or name != affine]
    fine = {name: _finer(known[name], axes[name], len(of_grid), (minimise_on or {}).get(name)) for name in of_grid}
    rest = {p.name: np.asarray(p.at(np.linspace(0, 1, _PROFILED[p.scale]))) for p in others if gaussian is not None or p.name != affine}
    count = math.prod(map(len, [*fine.values(), *rest.values()]))
    if count > _MOST:
        raise RangeError(f"{count} candidates for the minimum of every toy: expected at most {_MOST}. Take fewer points, or fix a parameter")
    if gaussian is not None and not named:
        return _grid(gaussian, axes, fine, rest, held, told, common)
    return _general(likelihood, axes, fine, rest, affine if gaussian is None else None, held, told, common, named or {})


def _finer(parameter: Parameter, axis: Array, axes: int, given: Array | None) -> Array:
    """Values to minimise on: those given, or steps between those of the scan, and always those of the scan."""
    if given is None:
        position = np.sort(np.asarray(parameter.position(np.asarray(axis, float))))
        steps = _REFINED.get(axes, 1)
        between = [np.asarray(parameter.at(position[:-1] + np.diff(position) * i / steps)) for i in range(1, steps)]
        given = np.concatenate([np.zeros(0), *between])
    else:
        parameter.check(given)
    return np.union1d(np.asarray(axis, float), given)


def _mesh(grid: Mapping[str, Array]) -> dict[str, Array]:
    """All combinations, as columns; the last name runs fastest."""
    return {name: one.ravel() for name, one in zip(grid, np.meshgrid(*grid.values(), indexing="ij"), strict=True)} if grid else {}


def _affine(
    likelihood: GaussianLikelihood, parameter: Parameter, axes: Mapping[str, Array], fine: Mapping[str, Array], held: Mapping[str, float],
    told: Mapping[str, Array], single: bool, common: Mapping[str, Any],
) -> tuple[Affine, Places] | None:  # fmt: skip
    """The closed form, where the prediction at the lower bound of the affine parameter does not depend on the others."""
    split = likelihood.model.split({**_mesh(fine), **held})
    zero, slope = (np.atleast_2d(part) for part in split)
    low, high = parameter.lower, parameter.upper
    start, effect = zero + low * slope, (high - low) * slope
    if not np.allclose(start, start[0], rtol=1e-9, atol=1e-9 * float(np.abs(start[0]).max())):
        return None
    residual, g = likelihood.whitened(likelihood.measurement.values - start[0]), likelihood.whitened(effect)
    direction, height, projected = directions(g, residual)
    place, position, order = _placed(parameter, axes, fine)
    size = position * height[place]
    x = np.clip(projected, 0.0, height)
    gain = float((x * (2 * projected - x)).max())
    observed = np.maximum(gain + size * size - 2 * size * projected[place], 0.0)
    identity = {
        **told, **_finely(likelihood.parameters, fine), "prediction at the lower bound": start[0], "effect": effect, "data": likelihood.measurement.values,
        "covariance": likelihood.covariance(likelihood.measurement.reference),
    }  # fmt: skip
    found = Affine(
        observed=observed, identity=identity, minimised_on=fine, direction=direction, height=height, place=place, size=size, single=single, **common
    )  # fmt: skip
    return found, order


def _moving(
    likelihood: GaussianLikelihood, parameter: Parameter, axes: Mapping[str, Array], fine: Mapping[str, Array], held: Mapping[str, float],
    told: Mapping[str, Array], common: Mapping[str, Any],
) -> tuple[Moving, Places] | None:  # fmt: skip
    """One pull relative to the prediction, not too wide, beside fixed errors, where the prediction at the lower bound does not depend on the other axes."""
    measurement, found = likelihood.measurement, [pull for pull in likelihood.measurement.pulls if pull.of == "prediction"]
    if len(found) != 1 or likelihood.asymmetric not in ("lower", "upper") or any(p.prior for p in likelihood.parameters):
        return None
    others = [pull for pull in measurement.pulls if pull is not found[0]]
    if np.abs(found[0].shape).max() > _WIDE or any(np.isfinite(pull.low) for pull in others):
        return None
    still = replace(measurement, pulls=tuple(others))
    white = whitening(likelihood.errors(measurement.reference), columns(still, measurement.reference))
    zero, slope = (np.atleast_2d(part) for part in likelihood.model.split({**_mesh(fine), **held}))
    low, high = parameter.lower, parameter.upper
    start, effect = zero + low * slope, (high - low) * slope
    if not np.allclose(start, start[0], rtol=1e-9, atol=1e-9 * float(np.abs(start[0]).max())):
        return None
    place, position, order = _placed(parameter, axes, fine)
    moves, none = found[0].shape, np.zeros((len(effect), 1))  # what the auxiliary measurement, the last datum, has of an effect
    of_data = Moving(
        observed=np.zeros(len(place)), effect=np.hstack([white(effect), none]), shift=np.hstack([white(moves * effect), none]),
        start=np.append(white(moves * start[0]), 1.0), place=place, size=position, pull=np.zeros(len(place)), low=float(found[0].low), minimised_on=fine,
        **common,
    )  # fmt: skip
    y = np.append(white(measurement.values - start[0]), 0.0)
    projections = ((y @ of_data.effect.T)[None], (y @ of_data.shift.T)[None], (y @ of_data.start)[None])
    here = np.array([float(of_data.best(*projections, np.full(len(of_data.effect), s))[0, j]) for j, s in zip(place, position, strict=True)])
    observed = here - min(float(of_data.best(*projections)[0]), float(here.min()))
    identity = {
        **told, **_finely(likelihood.parameters, fine), "prediction at the lower bound": start[0], "effect": effect, "data": measurement.values,
        "covariance": likelihood.covariance(measurement.reference), "chi2 at the points": here,
    }  # fmt: skip
    return replace(of_data, observed=observed, pull=of_data.pulls(y), identity=identity), order


def _placed(parameter: Parameter, axes: Mapping[str, Array], fine: Mapping[str, Array]) -> tuple[Places, Array, Places]:
    """Candidate and position of the affine parameter between its bounds for each point, and the points' places in the grid; sorted by candidate."""
    shape = tuple(len(values) for values in fine.values())
    mesh = {name: one.astype(np.intp) for name, one in _mesh({name: np.arange(len(axis), dtype=float) for name, axis in axes.items()}).items()}
    index = [np.searchsorted(values, axes[name])[mesh[name]] for name, values in fine.items()]
    place = np.ravel_multi_index(index, shape) if index else np.zeros(len(mesh[parameter.name]), np.intp)
    position = ((np.asarray(axes[parameter.name], float) - parameter.lower) / (parameter.upper - parameter.lower))[mesh[parameter.name]]
    order = np.argsort(place, kind="stable")
    return place[order], position[order], order


def _finely(parameters: tuple[Parameter, ...], fine: Mapping[str, Array]) -> dict[str, Array]:
    return {f"minimised on {p.json_key}": fine[p.name] / units.from_display(1.0, p.unit) for p in parameters if p.name in fine}


def _grid(
    likelihood: GaussianLikelihood, axes: Mapping[str, Array], fine: Mapping[str, Array], rest: Mapping[str, Array], held: Mapping[str, float],
    told: Mapping[str, Array], common: Mapping[str, Any],
) -> tuple[Grid, Places]:  # fmt: skip
    """Every parameter on a grid: first the points with their profiled parameters, then what lies between."""
    points = _mesh({**axes, **rest})
    between = _mesh({**fine, **rest})
    theta = {name: np.concatenate([values, between[name]]) for name, values in points.items()}
    prediction = likelihood.whitened(likelihood.model({**theta, **held}) - likelihood.measurement.reference)
    residual = likelihood.whitened(likelihood.measurement.values - likelihood.measurement.reference)
    chi2 = ((residual - prediction) ** 2).sum(-1)
    profiled = math.prod(map(len, rest.values()))
    count = len(next(iter(points.values()))) // profiled
    of_points = chi2[: count * profiled].reshape(count, profiled)
    identity = {
        **told, **_finely(likelihood.parameters, fine), "chi2 at the points": of_points.min(1), "data": likelihood.measurement.values,
        "covariance": likelihood.covariance(likelihood.measurement.reference),
    }  # fmt: skip
    found = Grid(
        observed=of_points.min(1) - chi2.min(), identity=identity, minimised_on=fine, prediction=prediction, profiled=profiled,
        truth=np.arange(count) * profiled + of_points.argmin(1), **common,
    )  # fmt: skip
    return found, np.arange(count)


def _general(
    likelihood: Likelihood, axes: Mapping[str, Array], fine: Mapping[str, Array], rest: Mapping[str, Array], affine: str | None, held: Mapping[str, float],
    told: Mapping[str, Array], common: Mapping[str, Any], named: Mapping[str, float],
) -> tuple[General, Places]:  # fmt: skip
    points, profiled = _mesh(axes), _mesh(rest)
    count = len(next(iter(points.values())))
    inner = None if affine in axes else affine
    values, truth = np.empty(count), {name: np.empty(count) for name in [*axes, *rest, *([inner] if inner else [])]}
    known: list[dict[str, float]] = []  # true values of what is measured by auxiliary measurements
    for k in range(count):
        theta: dict[str, Any] = {**held, **profiled, **{name: float(one[k]) for name, one in points.items()}}
        where, chi2 = likelihood.profile_affine(theta) if inner else (np.zeros(()), likelihood.minus_two_log(theta))
        best = int(np.argmin(chi2))
        values[k] = np.ravel(chi2)[best]
        for name in axes:
            truth[name][k] = points[name][k]
        for name in rest:
            truth[name][k] = profiled[name][best]
        if inner:
            truth[inner][k] = np.ravel(where)[best]
        for name in truth.keys() & named.keys():
            truth[name][k] = named[name]
        at = {**held, **{name: float(one[k]) for name, one in truth.items()}}
        known.append({**likelihood.best_pulls(at), **{name: named[name] for name in likelihood.pulls if name in named}, **distances(likelihood.parameters, at)})
    true = {name: np.array([one[name] for one in known]) for name in known[0]}
    candidates = _mesh({**fine, **rest})
    least = min(float(values.min()), float(lowest(likelihood, held, candidates, affine, None, 1)[0]))
    identity = {
        **told, **_finely(likelihood.parameters, fine), "chi2 at the points": values, "chi2 at the minimum": np.asarray(least),
        **{f"true {name}, in sigma": one for name, one in true.items()},
    }  # fmt: skip
    found = General(
        observed=values - least, identity=identity, minimised_on=fine, likelihood=likelihood, truth=truth,
        pulls={name: true[name] for name in likelihood.pulls}, axes=tuple(axes), fixed=held, candidates=candidates, profiled=profiled, affine=affine, **common,
    )  # fmt: skip
    return found, np.arange(count)
