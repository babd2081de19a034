"""Inference: the global fit, scans with the other parameters profiled, parameter goodness of fit.

The global minimum is found by construction: chi2 is minimised in closed form over the affine parameter at every point of a grid over the others, every
local minimum of that grid is polished inside its own cell, and all that are near the best are kept.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import DataError, FitError, RangeError, did_you_mean
from megacurie.foundation.parameters import Parameter, Theta
from megacurie.statistics.likelihood import GaussianLikelihood, Likelihood
from megacurie.statistics.results import Fit, Minimum, Scan, p_value, sigma_of
from megacurie.statistics.significance import GlobalSignificance, global_significance

_GRID = {0: (1, 1), 1: (1501, 201), 2: (201, 41), 3: (81, 11), 4: (31, 7)}  # number of gridded parameters -> points on a log and on a linear scale
_CANDIDATES = {0: 1, 1: 24, 2: 12, 3: 8, 4: 6}  # local minima of the grid that are polished, the lowest first: those of a wide grid are mostly one valley
_ELSEWHERE = {1: 501, 2: 31}  # points of each gridded parameter for the global significance
_BOXES = 20  # cells that a minimum is followed through, each twice as large as the last: more than the whole range


def fit(likelihood: Likelihood, *, fixed: Mapping[str, float] | None = None) -> Fit:
    """The global minimum of a likelihood, with every other minimum near it.

    Parameters
    ----------
    likelihood : Likelihood
    fixed : dict of str to float
        Parameters held at a value (internal units).

    Raises
    ------
    RangeError
        If a fixed value is outside its bounds or beyond the reach of the model.
    FitError
        If a minimum does not converge; carries the last state.

    Examples
    --------
    >>> import megacurie as mci
    >>> result = mci.fit(mci.gallium.datasets().likelihood(mci.Sterile()))
    >>> print(result.dof, len(result.minima) > 1)
    4 True
    """
    fixed = _checked(likelihood, fixed or {})
    idle = _without_effect(likelihood, fixed)
    fixed |= idle
    free = [p for p in likelihood.parameters if p.name not in fixed]
    affine = likelihood.affine if likelihood.affine in {p.name for p in free} else None
    gridded = [p for p in free if p.name != affine]
    if len(gridded) >= len(_GRID):
        raise FitError(f"{len(gridded)} parameters to search on a grid: expected at most {len(_GRID) - 1}. Fix some of them", dict(fixed))
    grid = _search_grid(gridded)
    values, _ = _on_grid(likelihood, grid, gridded, fixed, affine)
    candidates = sorted(_local_minima(values), key=lambda cell: values[cell])
    floor = values.min()
    minima = [_polish(likelihood, grid, gridded, cell, fixed, affine) for cell in candidates[: _CANDIDATES[len(gridded)]] if values[cell] < floor + 10]
    minima = _distinct(minima, free)
    best = minima[0]
    near = tuple(m for m in minima if m.chi2 < best.chi2 + 9)
    wide = _look_elsewhere(likelihood, gridded, fixed, likelihood.null() - best.chi2)
    notes = (*(f"{name} has no effect on these data" for name in idle), *_notes(likelihood, free, best, near))
    intervals = _intervals(free, gridded, grid, affine, values, best, likelihood, fixed)
    return Fit(
        parameters=likelihood.parameters, best=best.theta, fixed=tuple(fixed), intervals=intervals, chi2=best.chi2, null_chi2=likelihood.null(),
        n_data=likelihood.n_data, minima=near, pulls=likelihood.best_pulls(best.theta), notes=notes,
        references=likelihood.references, global_significance=None if wide is None else (wide.sigma, wide.error),
    )  # fmt: skip


def scan(likelihood: Likelihood, axes: Mapping[str, Array], *, fixed: Mapping[str, float] | None = None) -> Scan:
    """chi2 on the grid of some axes; parameters that are neither axes nor fixed are profiled.

    Parameters
    ----------
    likelihood : Likelihood
    axes : dict of str to array
        Values of each scanned parameter, internal units (``linspace`` and ``geomspace`` read text with units).
    fixed : dict of str to float
        Parameters held at a value.

    Returns
    -------
    Scan
        chi2 of shape (len of each axis, in order). The affine parameter is profiled in closed form, any other on the search grid of ``fit``.

    Raises
    ------
    RangeError
        If an axis leaves its bounds or the reach of the model, before anything is computed.
    """
    known, fixed = checked_axes(likelihood, axes, fixed or {})
    free = [p for p in likelihood.parameters if p.name not in fixed and p.name not in axes]
    affine = likelihood.affine if likelihood.affine in {p.name for p in free} else None
    gridded = [p for p in free if p.name != affine]
    if len(gridded) >= len(_GRID):
        raise FitError(f"{len(gridded)} parameters to profile on a grid: expected at most {len(_GRID) - 1}. Fix some of them", dict(fixed))
    grid = {**{name: np.asarray(axis, dtype=float) for name, axis in axes.items()}, **_search_grid(gridded)}
    values, _ = _on_grid(likelihood, grid, [known[name] for name in grid], fixed, affine)
    chi2 = values.min(axis=tuple(range(len(axes), values.ndim))) if gridded else values
    return Scan(parameters=tuple(known[name] for name in axes), axes=dict(axes), chi2=chi2, references=likelihood.references)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterGoodness:
    """Parameter goodness of fit: how well data sets agree on the parameters they share.

    Sources
    -------
    M. Maltoni and T. Schwetz, Phys. Rev. D 68, 033020 (2003): chi2_PG = min of the sum - sum of the minima, dof = sum of parameters - parameters of the whole.
    """

    chi2: float
    dof: int

    @property
    def p_value(self) -> float:
        """Probability of a disagreement at least as large."""
        return p_value(max(self.chi2, 0.0), self.dof)

    @property
    def sigma(self) -> float:
        """The same as two-sided Gaussian significance."""
        return sigma_of(self.p_value)


def parameter_goodness(*likelihoods: Likelihood) -> ParameterGoodness:
    """Parameter goodness of fit of two or more likelihoods.

    Raises
    ------
    RangeError
        If they share no parameter.
    """
    whole = likelihoods[0]
    for one in likelihoods[1:]:
        whole = whole + one
    dof = sum(len(one.parameters) for one in likelihoods) - len(whole.parameters)
    if dof < 1:
        raise RangeError("parameter goodness of fit: the likelihoods share no parameter")
    return ParameterGoodness(chi2=fit(whole).chi2 - sum(fit(one).chi2 for one in likelihoods), dof=dof)


def checked_axes(likelihood: Likelihood, axes: Mapping[str, Array], fixed: Mapping[str, float]) -> tuple[dict[str, Parameter], dict[str, float]]:
    """The parameters by name and those that are fixed, after a refusal of axes or values that cannot be."""
    fixed = _checked(likelihood, fixed)
    known = {p.name: p for p in likelihood.parameters}
    for name, axis in axes.items():
        if name not in known:
            raise DataError(f"axis {name!r} is not a parameter. {did_you_mean(name, known)}" if known else f"axis {name!r}: the hypothesis has no parameters")
        if name in fixed:
            raise RangeError(f"{name} is both an axis and fixed: expected one of the two")
        if not np.issubdtype(np.asarray(axis).dtype, np.number):
            raise RangeError(f"axis {name!r}: {axis}: expected numbers in internal units, such as megacurie.geomspace gives")
        if np.ndim(axis) != 1 or not len(axis):
            raise RangeError(f"axis {name!r} has shape {np.shape(axis)}: expected one dimension")
        _check_parameter(likelihood, known[name], axis, fixed)
    return known, dict(fixed)


def _checked(likelihood: Likelihood, fixed: Mapping[str, float]) -> dict[str, float]:
    known = {p.name: p for p in likelihood.parameters}
    for name, value in fixed.items():
        if name not in known:
            raise DataError(f"{name!r} is not a parameter. {did_you_mean(name, known)}" if known else f"{name!r}: the hypothesis has no parameters")
        _check_parameter(likelihood, known[name], value, {})
    return dict(fixed)


def _check_parameter(likelihood: Likelihood, parameter: Parameter, value: float | Array, fixed: Mapping[str, float]) -> None:
    """Refuse values beyond the reach first (the message names both numbers), then values outside the bounds."""
    others = {p.name: p.at(0.0) for p in likelihood.parameters if p.name != parameter.name}
    if not np.isnan(value).any():
        likelihood.check({**others, **fixed, parameter.name: value})
    parameter.check(value)


def _without_effect(likelihood: Likelihood, fixed: Mapping[str, float]) -> dict[str, float]:
    """Parameters that do not change chi2 anywhere, at the middle of their range: they are no degrees of freedom (antineutrinos' in a chromium run)."""
    free = [p for p in likelihood.parameters if p.name not in fixed]
    found = {}
    for p in free:
        spread = 0.0
        for at in (0.23, 0.57, 0.81):  # of the others: anywhere, but not where they may switch this one off
            theta = {q.name: np.full(4, float(q.at(at))) for q in free if q is not p} | {p.name: np.asarray(p.at(np.array([0.07, 0.31, 0.68, 0.93])))}
            spread = max(spread, float(np.ptp(likelihood.minus_two_log({**theta, **fixed}))))
        if spread == 0:
            found[p.name] = float(p.at(0.5))
    return found


def _search_grid(parameters: list[Parameter]) -> dict[str, Array]:
    log, linear = _GRID[len(parameters)]
    return {p.name: np.asarray(p.at(np.linspace(0, 1, log if p.scale == "log" else linear))) for p in parameters}


def _look_elsewhere(likelihood: Likelihood, gridded: list[Parameter], fixed: Mapping[str, float], preference: float) -> GlobalSignificance | None:
    """Global significance over the ranges of the parameters, where the closed form holds."""
    if not gridded or len(gridded) > 2:  # a single amplitude is local; a grid of three parameters costs too much for every fit
        return None
    candidates = {p.name: np.asarray(p.at(np.linspace(0, 1, _ELSEWHERE[len(gridded)]))) for p in gridded}
    return global_significance(likelihood, {name: one.ravel() for name, one in _mesh(candidates).items()}, preference, fixed=fixed)


def _on_grid(
    likelihood: Likelihood, grid: Mapping[str, Array], parameters: list[Parameter], fixed: Mapping[str, float], affine: str | None
) -> tuple[Array, Array | None]:
    """chi2 on the mesh of a grid, the affine parameter profiled (second result: where) if it is free, or in closed form if it is an axis."""
    names = [p.name for p in parameters]
    if isinstance(likelihood, GaussianLikelihood) and likelihood.affine in names and all(p.prior is None for p in likelihood.parameters):
        k = names.index(likelihood.affine)
        rest = {name: axis for name, axis in grid.items() if name != likelihood.affine}
        lead = tuple(len(axis) for axis in rest.values())
        zero, slope = (np.broadcast_to(part, (*lead, part.shape[-1])) for part in likelihood.model.split({**_mesh(rest), **fixed}))
        s = grid[likelihood.affine]
        if not likelihood.fixed:
            return np.stack([likelihood.at_prediction(zero + x * slope) for x in s], k), None
        c0, c1, c2 = (c[..., None] for c in likelihood.quadratic(zero, slope))
        return np.moveaxis(c0 - 2 * s * c1 + s * s * c2, -1, k), None
    shape = tuple(len(axis) for axis in grid.values())
    theta: Theta = {**_mesh(grid), **fixed}
    if affine is not None:
        where, values = likelihood.profile_affine(theta)
        return np.broadcast_to(values, shape), np.broadcast_to(where, shape)
    return np.broadcast_to(likelihood.minus_two_log(theta), shape), None


def _mesh(grid: Mapping[str, Array]) -> dict[str, Array]:
    return dict(zip(grid, np.meshgrid(*grid.values(), indexing="ij"), strict=True))


def _local_minima(values: Array) -> list[tuple[int, ...]]:
    """Cells that are not above any neighbour; of a plateau, its first cell."""
    if values.ndim == 0:
        return [()]
    padded = np.pad(values, 1, constant_values=np.inf)
    is_minimum = np.ones(values.shape, dtype=bool)
    for shift in itertools.product((-1, 0, 1), repeat=values.ndim):
        if not any(shift):
            continue
        neighbour = padded[tuple(slice(1 + d, 1 + d + n) for d, n in zip(shift, values.shape, strict=True))]
        is_minimum &= (values < neighbour) if shift < (0,) * values.ndim else (values <= neighbour)
    cells = [tuple(int(i) for i in cell) for cell in np.argwhere(is_minimum)]
    return cells or [tuple(int(i) for i in np.unravel_index(int(values.argmin()), values.shape))]


def _polish(
    likelihood: Likelihood, grid: Mapping[str, Array], gridded: list[Parameter], cell: tuple[int, ...], fixed: Mapping[str, float], affine: str | None
) -> Minimum:
    """The minimum near a grid point: inside the cell around it, then downhill from cell to cell.

    In positions u in [0, 1], so that the minimiser sees no dimensional number.
    """

    def full(u: Array) -> tuple[dict[str, float], float]:
        theta = {**fixed, **{p.name: float(p.at(float(x))) for p, x in zip(gridded, u, strict=True)}}
        if affine is None:
            return theta, float(likelihood.minus_two_log(theta))
        s, chi2 = likelihood.profile_affine(theta)
        return {**theta, affine: float(s)}, float(chi2)

    u = np.array([float(p.position(grid[p.name][i])) for p, i in zip(gridded, cell, strict=True)])
    best, chi2 = full(u)
    steps = np.array([1 / (len(grid[p.name]) - 1) for p in gridded])
    for _ in range(_BOXES if gridded else 0):
        from iminuit import Minuit

        low, high = np.maximum(u - steps, 0.0), np.minimum(u + steps, 1.0)
        minuit = Minuit(lambda u: full(u)[1], u)
        minuit.errordef = Minuit.LEAST_SQUARES
        minuit.limits = list(zip(low, high, strict=True))
        minuit.errors = 0.3 * steps
        minuit.tol = 1e-3
        minuit.migrad(ncall=5000)
        u = np.array(minuit.values)
        polished, lower = full(u)
        gain = chi2 - lower
        if gain > 0:
            best, chi2 = polished, lower
        # along a narrow valley the cell may end before the minimum: go on in a larger one about its end
        at_end = bool((((u - low < 0.01 * steps) & (low > 0)) | ((high - u < 0.01 * steps) & (high < 1))).any())
        # a flat valley has no curvature to report: it counts as found when nothing is left to gain
        if gain < 1e-4 or (not at_end and (minuit.valid or gain < 1e-2)):
            break
        steps = 2 * steps
    else:
        if gridded:
            raise FitError(f"no convergence near {', '.join(p.show(float(best[p.name])) for p in gridded)}: {minuit.fmin}", best)
    return Minimum(theta={p.name: best[p.name] for p in likelihood.parameters}, chi2=chi2)


def _distinct(minima: list[Minimum], free: list[Parameter]) -> list[Minimum]:
    """The minima in order, without those that lie on an earlier one."""
    kept: list[Minimum] = []
    for m in sorted(minima, key=lambda m: m.chi2):
        apart = [max((abs(float(p.position(m.theta[p.name])) - float(p.position(k.theta[p.name]))) for p in free), default=0.0) for k in kept]
        if all(d > 1e-3 for d in apart):
            kept.append(m)
    return kept


def _intervals(
    free: list[Parameter], gridded: list[Parameter], grid: Mapping[str, Array], affine: str | None, values: Array, best: Minimum, likelihood: Likelihood,
    fixed: Mapping[str, float],
) -> dict[str, tuple[float | None, float | None]]:  # fmt: skip
    """Delta chi2 = 1 on the profile of each free parameter."""
    result = {}
    for p in free:
        others, inner = [q for q in gridded if q is not p], None if p.name == affine else affine
        if p.name == affine:
            axis = np.asarray(p.at(np.linspace(0, 1, 401)))
            mesh, _ = _on_grid(likelihood, {p.name: axis, **{q.name: grid[q.name] for q in others}}, [p, *others], fixed, None)
        else:
            axis, mesh = grid[p.name], np.moveaxis(values, gridded.index(p), 0)
        profile = functools.partial(_profiled, likelihood, grid, others, fixed, inner, p)
        low, high = _crossings(np.asarray(p.position(axis)), mesh, float(p.position(best.theta[p.name])), best.chi2 + 1.0, profile)
        result[p.name] = (None if low is None else float(p.at(low)), None if high is None else float(p.at(high)))
    return result


def _profiled(
    likelihood: Likelihood, grid: Mapping[str, Array], others: list[Parameter], fixed: Mapping[str, float], affine: str | None, p: Parameter, u: float,
    cells: set[tuple[int, ...]],
) -> float:  # fmt: skip
    """chi2 at a position of one parameter, the others profiled from the given cells of their grid."""
    held = {**fixed, p.name: float(p.at(u))}
    return min(_polish(likelihood, grid, others, cell, held, affine).chi2 for cell in cells)


def _crossings(
    u: Array, mesh: Array, centre: float, level: float, profile: Callable[[float, set[tuple[int, ...]]], float]
) -> tuple[float | None, float | None]:
    """Where a profile first rises above a level on either side of a centre; None where it does not. ``mesh`` is chi2 on a grid, u its first axis."""
    from scipy.optimize import brentq

    def lowest(i: int) -> tuple[int, ...]:
        return tuple(int(k) for k in np.unravel_index(int(mesh[i].argmin()), mesh.shape[1:]))

    def first(indices: NDArray[np.intp], side: int) -> float | None:
        inside = 0.0
        for i in indices:
            distance = side * (float(u[i]) - centre)
            cells = {lowest(int(i)), lowest(int(np.clip(i - side, 0, len(u) - 1)))}
            # the mesh is never below the profile: only where it is above the level the profile is asked
            if mesh[i].min() > level and profile(centre + side * distance, cells) > level:

                def above(d: float, start: float = inside, cells: set[tuple[int, ...]] = cells) -> float:
                    return profile(centre + side * d, cells) - level if d > start else -1.0

                root = brentq(above, inside, distance, xtol=1e-12, rtol=1e-4)
                return float(centre + side * root)
            inside = distance
        return None

    return first(np.flatnonzero(u < centre)[::-1], -1), first(np.flatnonzero(u > centre), 1)


def _notes(likelihood: Likelihood, free: list[Parameter], best: Minimum, near: tuple[Minimum, ...]) -> tuple[str, ...]:
    searched = [(p.name, units.format(p.lower, p.unit), units.format(p.upper, p.unit)) for p in free if p.name in likelihood.limited]
    notes = [f"{name} searched from {low} to {high} only: the reach of the kernel" for name, low, high in searched]
    for p in free:
        position = float(p.position(best.theta[p.name]))
        if min(position, 1 - position) < 1e-6:
            notes.append(f"{p.name} lies on the bound of its range")
    if len(near) > 1 and near[1].chi2 - near[0].chi2 < 1 and math.isfinite(near[1].chi2):
        notes.append(f"degenerate: {sum(m.chi2 < near[0].chi2 + 1 for m in near)} minima within Delta chi2 = 1")
    if likelihood.n_data is None:
        notes.append("an event likelihood has no degrees of freedom: dof and p_value are null")
    elif likelihood.n_data - len(free) < 1:
        notes.append("as many parameters as data: p_value is null")
    return tuple(notes)
