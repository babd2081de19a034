"""Counts in bins: the Poisson likelihood with pulls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import final

import numpy as np

from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import FitError, RangeError
from megacurie.foundation.measurement import Pull
from megacurie.foundation.parameters import Theta
from megacurie.statistics.auxiliary import Data, centre, parted, penalty
from megacurie.statistics.likelihood import Likelihood, Pulls
from megacurie.statistics.model import Model

_STEPS = 60  # of Newton's method
_ROUNDING = 1e-15  # of a sum of expectations
_KEPT = 0.1  # a step leaves every expectation at least this part of itself
_ALMOST_LOST = -1 + 1e-16  # mu/d - 1 of an expectation that is nothing beside the count
_ALMOST_NONE = 1e-9
_LEAST = 1e-300  # what is expected of a bin is not zero: an event there is impossible, not undefined


@final
class PoissonLikelihood(Likelihood):
    """Counts d_i with expectation mu_i.

        -2 ln L(theta) = min_x  2 sum_i [mu_i - d_i + d_i ln(d_i/mu_i)] + sum_k (x_k - a_k)^2,   mu_i = mu_i(theta) + sum_k shape_ik reference_i x_k

    with a = 0 but for toys, which is convex in the pulls and in an affine parameter: Newton's method finds the one minimum. Counts need not be whole numbers:
    an expectation taken for the data gives the median significance (Asimov data; G. Cowan et al., arXiv:1007.1727).

    Parameters
    ----------
    model : Model
    counts : array (n,)
        Data, zero or more.
    reference : array (n,)
        Prediction that the pulls are relative to.
    pulls : tuple of Pull
        ``of = "reference"``, without bound.
    references : frozenset of str

    Raises
    ------
    RangeError
        If lengths differ, a count is negative, or a pull is of another kind.

    Examples
    --------
    >>> print(f"{significance(np.array([80.0]), np.array([100.0])):.3f}")  # 2.000 if the error were the root of the expectation
    2.073
    """

    def __init__(self, model: Model, counts: Array, *, reference: Array, pulls: tuple[Pull, ...] = (), references: frozenset[str] = frozenset()) -> None:
        n = np.shape(model.null)
        if counts.shape != n or reference.shape != n or not (counts >= 0).all():
            raise RangeError(
                f"counts of shape {counts.shape}, reference {reference.shape}, a model of {n[0]} values: expected equal shapes and counts of zero or more"
            )
        for pull in pulls:
            if pull.of != "reference" or np.isfinite(pull.low) or pull.shape.shape != n:
                raise RangeError(f"pull {pull.name!r}: expected one relative to the reference, without bound, with {n[0]} shifts")
        self.model, self.counts, self.reference = model, counts, reference
        self.parameters, self.affine, self.limited = model.parameters, model.affine, model.limited
        self.pulls = tuple(pull.name for pull in pulls)
        self.n_data = len(counts)
        self.references = model.references | references
        self._shifts = np.stack([pull.shape * reference for pull in pulls], -1) if pulls else np.zeros((*n, 0))

    def minus_two_log(self, theta: Theta, data: Data = None) -> Array:
        counts, a, auxiliary = self._data(data)
        value: Array = profile(self.model(theta), self._shifts, counts, about=a)[0] + penalty(self.parameters, theta, auxiliary)
        return value

    def _data(self, data: Data) -> tuple[Array, Array, Mapping[str, Array]]:
        """Counts, auxiliary measurements (..., pulls), and all of these by name."""
        counts, auxiliary = parted(data)
        a = np.stack([auxiliary[name] for name in self.pulls], -1) if auxiliary and self.pulls else np.zeros(len(self.pulls))
        return (self.counts if counts is None else counts), a, auxiliary

    def shifted(self, theta: Theta, data: Data = None) -> Callable[[Pulls], Array]:
        counts, _, auxiliary = self._data(data)
        chi2, extra = self._shifted(self.model(theta), counts), penalty(self.parameters, theta, auxiliary)
        return lambda pulls: chi2(pulls) + extra

    def null_shifted(self) -> Callable[[Pulls], Array]:
        return self._shifted(self.model.null, self.counts)

    def _shifted(self, mu: Array, data: Array) -> Callable[[Pulls], Array]:
        def chi2(pulls: Pulls) -> Array:
            moved = mu
            for k, name in enumerate(self.pulls):
                moved = moved + self._shifts[:, k] * np.asarray(pulls[name])[..., None]
            return deviance(data, moved)

        return chi2

    def null(self) -> float:
        return float(profile(self.model.null, self._shifts, self.counts)[0])

    def best_pulls(self, theta: Theta) -> dict[str, float]:
        x = profile(self.model(theta), self._shifts, self.counts)[1]
        return {name: float(value) for name, value in zip(self.pulls, x, strict=True)}

    def check(self, theta: Theta) -> None:
        self.model.check(theta)

    def throw(self, theta: Theta, pulls: Pulls, n: int, rng: np.random.Generator) -> Array:
        """Toys (n, n_data).

        Raises
        ------
        RangeError
            If the pulls leave less than nothing to be expected.
        """
        mu = self.model(theta)
        for k, name in enumerate(self.pulls):
            mu = mu + self._shifts[:, k] * np.asarray(pulls[name])[..., None]
        if (mu < -_ALMOST_NONE * self.reference).any():
            said = ", ".join(f"{name} = {np.ravel(pulls[name])[0]:.3g}" for name in self.pulls)
            raise RangeError(f"toys at {said}: {mu.min():.3g} counts are expected: expected true pulls that leave none below zero")
        return rng.poisson(np.maximum(mu, 0.0), (n, mu.shape[-1])).astype(float)

    def profile_affine(self, theta: Theta, data: Data = None) -> tuple[Array, Array]:
        """Best value of the affine parameter between its bounds, and chi2 there, for theta without it (...): one more direction of the same convex minimum."""
        assert self.affine is not None
        parameter = next(p for p in self.parameters if p.name == self.affine)
        zero, slope = self.model.split(theta)
        middle = 0.5 * (parameter.lower + parameter.upper)
        counts, a, auxiliary = self._data(data)
        # the distance from the middle is one more pull: free, or in sigma of its prior
        mean, weight = centre(parameter, auxiliary)
        unit = weight**-0.5 if weight else 1.0
        first = np.asarray((mean - middle) / unit if weight else 0.0)
        lead = np.broadcast_shapes(first.shape, a.shape[:-1])
        about = np.concatenate([np.broadcast_to(first, lead)[..., None], np.broadcast_to(a, (*lead, a.shape[-1]))], -1)
        shifts = np.concatenate([unit * slope[..., None], np.broadcast_to(self._shifts, (*slope.shape, self._shifts.shape[-1]))], -1)
        # without a count the deviance is a straight line that Newton's method cannot stop on
        found = unit * profile(zero + middle * slope, shifts, np.maximum(counts, _ALMOST_NONE), free=0 if weight else 1, about=about)[1][..., 0]
        best = np.clip(middle + found, parameter.lower, parameter.upper)
        chi2 = profile(zero + best[..., None] * slope, self._shifts, counts, about=a)[0]
        return best, chi2 + penalty(self.parameters, {**theta, parameter.name: best}, auxiliary)


def deviance(counts: Array, mu: Array) -> Array:
    """2 sum [mu - d + d ln(d/mu)] over the last axis; infinite where something is counted that is not expected, or less than nothing is expected."""
    mu = np.asarray(mu)
    # with x = mu/d - 1 it is 2 d [x - ln(1 + x)]: no digits are lost where a million events differ by a few
    seen = np.where(counts > 0, counts, 1.0)
    x = np.maximum(mu, _LEAST) / seen - 1
    inside: Array = 2 * np.where(counts > 0, counts * (x - np.log1p(np.maximum(x, _ALMOST_LOST))), mu).sum(-1)
    return np.where((mu < 0).any(-1), np.inf, inside)


def profile(mu: Array, shifts: Array, counts: Array, *, free: int = 0, about: Array | None = None) -> tuple[Array, Array]:
    """The deviance with the pulls profiled, and the pulls; Newton's method, all points at once.

    Parameters
    ----------
    mu : array (..., n)
        Expectation without pulls, positive where something is counted.
    shifts : array (..., n, k)
        Counts per unit of each pull.
    counts : array (..., n)
    free : int
        The first ``free`` pulls carry no penalty.
    about : array (..., k), optional
        Auxiliary measurements a: the penalty is (x - a)^2, x^2 where they are not given.

    Returns
    -------
    array (...), array (..., k)

    Raises
    ------
    FitError
        If it does not converge.
    """
    k = shifts.shape[-1]
    a = np.zeros(k) if about is None else about
    lead = np.broadcast_shapes(mu.shape[:-1], counts.shape[:-1], shifts.shape[:-2], a.shape[:-1])
    x = np.zeros((*lead, k))
    if not k:
        return deviance(counts, np.broadcast_to(mu, (*lead, mu.shape[-1]))), x
    weight = np.array([0.0] * free + [1.0] * (k - free))
    mu = np.broadcast_to(mu, (*lead, mu.shape[-1]))

    shared = shifts.ndim == 2  # one matrix for all points: products of two matrices
    squares = (shifts[:, :, None] * shifts[:, None, :]).reshape(-1, k * k) if shared else shifts

    def along(at: Array) -> Array:
        return at @ shifts.T if shared else (shifts @ at[..., None])[..., 0]

    def total(at: Array) -> tuple[Array, Array]:
        moved = mu + along(at)
        return moved, deviance(counts, moved) + (weight * (at - a) ** 2).sum(-1)

    moved, value = total(x)
    for _ in range(_STEPS):
        safe = np.maximum(moved, _LEAST)
        ratio = counts / safe
        if shared:
            gradient, hessian = (1 - ratio) @ shifts, ((ratio / safe) @ squares).reshape(*lead, k, k)
        else:
            gradient = (shifts * (1 - ratio)[..., None]).sum(-2)
            hessian = np.swapaxes(shifts * (ratio / safe)[..., None], -1, -2) @ shifts
        gradient, hessian = gradient + weight * (x - a), hessian + np.eye(k) * weight
        step = -_solved(hessian, gradient)
        gain = -(gradient * step).sum(-1)
        # no expectation falls below a part of itself; then half the step until the deviance does not rise
        change = along(step)
        length = np.minimum(1.0, (1 - _KEPT) / np.maximum((-change / safe).max(-1), 1 - _KEPT))
        for _ in range(30):
            new, found = total(x + length[..., None] * step)
            worse = ~(found <= value + 1e-12 * (1 + np.abs(value)) + _ROUNDING * moved.sum(-1))
            if not worse.any():
                break
            length = np.where(worse, 0.5 * length, length)
        x, moved, value = x + length[..., None] * step, new, found
        if (gain < 1e-10 + _ROUNDING * moved.sum(-1)).all():
            return value, x
    raise FitError(f"pulls: no convergence in {_STEPS} steps", {"gain": float(gain.max())})


def _solved(hessian: Array, gradient: Array) -> Array:
    """Newton's step; the shortest where directions cannot be told apart, as two free backgrounds of one shape."""
    found: Array
    try:
        found = np.asarray(np.linalg.solve(hessian, gradient[..., None]))[..., 0]
    except np.linalg.LinAlgError:
        found = (np.linalg.pinv(hessian, hermitian=True) @ gradient[..., None])[..., 0]
    return found


def significance(counts: Array, mu: Array, shifts: Array | None = None) -> float:
    """One-sided significance at which an expectation is excluded by data: root of the deviance with the pulls profiled, in sigma.

    Parameters
    ----------
    counts, mu : array (n,)
    shifts : array (n, k), optional
        Counts per sigma of each pull.

    Examples
    --------
    625 events tell a deficit of 20 % at five sigma if the error is the root of their number; the likelihood asks for 582, or 540 to exclude one that is
    not there.

    >>> print(f"{significance(np.array([0.8 * 582]), np.array([582.0])):.3f} {significance(np.array([540.0]), np.array([0.8 * 540])):.3f}")
    5.001 5.000
    """
    value, _ = profile(mu, np.zeros((len(mu), 0)) if shifts is None else shifts, counts)
    return float(np.sqrt(max(float(value), 0.0)))
