"""Likelihoods: a measurement against a model; they add.

What to use when: measured values with Gaussian errors, :class:`GaussianLikelihood`; several together, ``a + b``. Two Gaussian likelihoods with one treatment of
asymmetric errors merge into one, the pulls they share being common columns of the covariance; any other pair is a :class:`Joint`. Same name, same nuisance.

``minus_two_log`` is chi2 with the pulls profiled. No ln det V is added when the covariance moves with the prediction. Toys bring measurements of their pulls:
``auxiliary``.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np

from megacurie.foundation.arrays import Array, namespace
from megacurie.foundation.errors import FitError, RangeError
from megacurie.foundation.measurement import Measurement
from megacurie.foundation.parameters import Parameter, Theta
from megacurie.statistics import amplitude
from megacurie.statistics.auxiliary import Data, ToyData, centre, distances, parted, penalty
from megacurie.statistics.covariance import Treatment, columns, covariance, statistical_errors, whitening
from megacurie.statistics.model import Model, Stacked, stacked, union

Pulls = Mapping[str, "float | Array"]
_STEPS = 30  # of Newton's method
_CONVERGED = 1e-6  # sigma: each step squares what the last one was off by


class Likelihood(abc.ABC):
    """What fits and scans need of a likelihood.

    Attributes
    ----------
    parameters : tuple of Parameter
    pulls : tuple of str
        Names of the nuisances that are profiled.
    n_data : int or None
        None where there is no number of data (event likelihoods): no degrees of freedom, no p-value.
    affine : str or None
        Parameter that ``profile_affine`` minimises in closed form.
    references : frozenset of str
    """

    parameters: tuple[Parameter, ...]
    pulls: tuple[str, ...]
    n_data: int | None
    affine: str | None
    limited: tuple[str, ...]
    references: frozenset[str]

    @abc.abstractmethod
    def minus_two_log(self, theta: Theta, data: Data = None) -> Array:
        """chi2 with the pulls profiled; broadcasts over theta (...) and over data (..., n)."""

    @abc.abstractmethod
    def shifted(self, theta: Theta, data: Data = None) -> Callable[[Pulls], Array]:
        """chi2 as a function of the pulls alone, without their own penalty x^2; the prediction is evaluated once."""

    def at(self, theta: Theta, pulls: Pulls, data: Data = None) -> Array:
        """chi2 at given pulls, without their own penalty x^2."""
        return self.shifted(theta, data)(pulls)

    @abc.abstractmethod
    def null_shifted(self) -> Callable[[Pulls], Array]:
        """``shifted`` of the null hypothesis."""

    @abc.abstractmethod
    def null(self) -> float:
        """chi2 of the null hypothesis, pulls profiled."""

    @abc.abstractmethod
    def best_pulls(self, theta: Theta) -> dict[str, float]:
        """The profiled pulls at one theta, in sigma."""

    @abc.abstractmethod
    def check(self, theta: Theta) -> None:
        """Refuse theta for which the prediction is not exact (RangeError)."""

    @abc.abstractmethod
    def throw(self, theta: Theta, pulls: Pulls, n: int, rng: np.random.Generator) -> Any:
        """Values of ``n`` toys at one theta and at true values of the pulls, in sigma: numbers, or arrays (n,)."""

    @final
    def draw(self, theta: Theta, n: int, rng: np.random.Generator, pulls: Pulls | None = None) -> ToyData:
        """``n`` toys at one theta and at true values of the pulls (zero unless given), each with auxiliary measurements of its own."""
        true = dict.fromkeys(self.pulls, 0.0) if pulls is None else {name: pulls[name] for name in self.pulls}
        auxiliary = {name: x + rng.standard_normal(n) for name, x in {**true, **distances(self.parameters, theta)}.items()}
        return ToyData(self.throw(theta, true, n, rng), auxiliary)

    def profile_affine(self, theta: Theta, data: Data = None) -> tuple[Array, Array]:
        """Best value of the affine parameter between its bounds, and chi2 there, for theta without it (...); only where ``affine`` names one."""
        raise FitError(f"{type(self).__name__} has no affine parameter", {})

    def __add__(self, other: Likelihood) -> Likelihood:
        """Both measurements; parameters and pulls of the same name are shared."""
        if isinstance(self, GaussianLikelihood) and isinstance(other, GaussianLikelihood) and self.asymmetric == other.asymmetric:
            return GaussianLikelihood(Stacked(self.model, other.model), stacked(self.measurement, other.measurement), asymmetric=self.asymmetric)
        parts = [part for one in (self, other) for part in (one.parts if isinstance(one, Joint) else (one,))]
        return Joint(*parts)


@final
class GaussianLikelihood(Likelihood):
    """Values with Gaussian errors and pulls.

        chi2(theta) = min_x  sum_i [(d_i - mu_i - sum_k C_ik x_k)/s_i]^2 + sum_k (x_k - a_k)^2,   C_ik = shape_ik x (reference_i or mu_i)

    which is the chi2 of d - mu - C a under the covariance diag(s^2) + C C^T; a = 0 but for toys. A pull with a lower bound is held at it where its best value
    lies below.

    Parameters
    ----------
    model : Model
        Prediction of the values.
    measurement : Measurement
    asymmetric : "lower", "upper", "split-normal" or "variable"
        Statistical errors used: always the lower, always the upper, that on the side of the prediction, or Barlow's variable width
        s(mu) = 2 s+ s-/(s+ + s-) + (s+ - s-)/(s+ + s-) (mu - d).

    Raises
    ------
    RangeError
        If model and measurement differ in length, or two pulls have a lower bound.
    """

    def __init__(self, model: Model, measurement: Measurement, *, asymmetric: Treatment = "lower") -> None:
        if np.shape(model.null) != measurement.values.shape:
            raise RangeError(f"the model predicts {np.shape(model.null)[0]} values, the measurement has {len(measurement.values)}")
        self.model, self.measurement, self.asymmetric = model, measurement, asymmetric
        self.parameters, self.affine, self.limited = model.parameters, model.affine, model.limited
        self.pulls = tuple(pull.name for pull in measurement.pulls)
        self.n_data = len(measurement.values)
        self.references = model.references | measurement.references
        bounded = [k for k, pull in enumerate(measurement.pulls) if np.isfinite(pull.low)]
        if len(bounded) > 1:
            raise RangeError(f"pulls {', '.join(self.pulls[k] for k in bounded)} all have a lower bound: expected at most one")
        self._bounded = bounded[0] if bounded else None
        self.bounded = self.pulls[bounded[0]] if bounded else None
        self.fixed = asymmetric in ("lower", "upper") and not bounded and all(pull.of == "reference" for pull in measurement.pulls)
        self._whiten = whitening(self.errors(measurement.reference), columns(measurement, measurement.reference)) if self.fixed else None

    def errors(self, mu: Array) -> Array:
        """Statistical errors (..., n) at a prediction, under the stated treatment of asymmetric errors."""
        return statistical_errors(self.measurement, mu, self.asymmetric)

    def covariance(self, mu: Array) -> Array:
        """Covariance matrix (..., n, n) at a prediction: statistical errors and pulls."""
        return covariance(self.measurement, mu, self.asymmetric)

    def _profile(self, mu: Array, values: Array, a: Array | None = None) -> tuple[Array, Array]:
        """chi2 (...) and the profiled pulls (..., pulls) at a prediction."""
        xp = namespace(mu, values)
        variance = self.errors(mu) ** 2
        shifts = columns(self.measurement, mu)
        r = values - mu if a is None else values - mu - xp.einsum("...ik,...k->...i", shifts, a)  # what is left are pulls x - a about zero
        scaled = shifts / variance[..., :, None]
        # one inverse per prediction, which toys share
        inverse = xp.linalg.inv(xp.swapaxes(scaled, -1, -2) @ shifts + np.eye(len(self.pulls)))
        gradient = xp.einsum("...i,...ik->...k", r, scaled)
        x = xp.einsum("...k,...kl->...l", gradient, inverse)
        if self._bounded is not None:  # a quadratic function at its bound, the other pulls free
            k = self._bounded
            low = self.measurement.pulls[k].low - (0.0 if a is None else a[..., k])
            below = xp.minimum(x[..., k] - low, 0.0)
            x = x - inverse[..., :, k] * (below / inverse[..., k, k])[..., None]
        # from what is left, not as a difference of large numbers: an error of x enters squared
        left = r - xp.einsum("...ik,...k->...i", shifts, x)
        chi2 = (left * left / variance).sum(-1) + (x * x).sum(-1)
        return chi2, x if a is None else x + a

    def _data(self, data: Data) -> tuple[Array, Array | None]:
        """Values, and auxiliary measurements (..., pulls) where there are any."""
        values, auxiliary = parted(data)
        a = np.stack([auxiliary[name] for name in self.pulls], -1) if auxiliary and self.pulls else None
        return (self.measurement.values if values is None else values), a

    def at_prediction(self, mu: Array, data: Data = None) -> Array:
        """chi2 (...) of a prediction (..., n), pulls profiled."""
        if self._whiten is not None:
            white = self._whiten(self._centred(data) - mu)
            result: Array = (white * white).sum(-1)
            return result
        return self._profile(mu, *self._data(data))[0]

    def _centred(self, data: Data) -> Array:
        """Values less the shifts that the auxiliary measurements tell; pulls relative to the reference."""
        values, a = self._data(data)
        return values if a is None else values - a @ columns(self.measurement, self.measurement.reference).T

    def minus_two_log(self, theta: Theta, data: Data = None) -> Array:
        chi2: Array = self.at_prediction(self.model(theta), data) + penalty(self.parameters, theta, parted(data)[1])
        return chi2

    def shifted(self, theta: Theta, data: Data = None) -> Callable[[Pulls], Array]:
        chi2, prior = self._shifted(self.model(theta), data), penalty(self.parameters, theta, parted(data)[1])
        return lambda pulls: chi2(pulls) + prior

    def null_shifted(self) -> Callable[[Pulls], Array]:
        return self._shifted(self.model.null, None)

    def _shifted(self, mu: Array, data: Data) -> Callable[[Pulls], Array]:
        values, shifts, errors = self._data(data)[0], columns(self.measurement, mu), self.errors(mu)

        def chi2(pulls: Pulls) -> Array:
            r = values - mu
            for k, name in enumerate(self.pulls):
                r = r - shifts[..., k] * np.asarray(pulls[name])[..., None]
            result: Array = ((r / errors) ** 2).sum(-1)
            return result

        return chi2

    def null(self) -> float:
        return float(self.at_prediction(self.model.null))

    def best_pulls(self, theta: Theta) -> dict[str, float]:
        x = self._profile(self.model(theta), self.measurement.values)[1]
        return {name: float(value) for name, value in zip(self.pulls, x, strict=True)}

    def check(self, theta: Theta) -> None:
        self.model.check(theta)

    def throw(self, theta: Theta, pulls: Pulls, n: int, rng: np.random.Generator) -> Array:
        """Toys (n, n_data); asymmetric errors as the treatment has them at the prediction without pulls."""
        mu = self.model(theta)
        shifts = columns(self.measurement, mu)
        moved = sum((shifts[:, k] * np.asarray(pulls[name])[..., None] for k, name in enumerate(self.pulls)), mu)
        return moved + rng.standard_normal((n, len(mu))) * self.errors(mu)

    def whitened(self, residuals: Array) -> Array:
        """Residuals (..., n) made independent and of unit variance; fixed covariance only."""
        assert self._whiten is not None
        return self._whiten(residuals)

    def profile_affine(self, theta: Theta, data: Data = None) -> tuple[Array, Array]:
        """Best value of the affine parameter between its bounds, and chi2 there, for theta without it (...).

        Exact where errors are constant piece by piece and pulls relative to the reference; otherwise by trial.
        """
        assert self.affine is not None
        parameter = next(p for p in self.parameters if p.name == self.affine)
        zero, slope = self.model.split(theta)
        values, a = self._data(data)
        auxiliary, theta = parted(data)[1], dict(theta)
        others = penalty(tuple(p for p in self.parameters if p is not parameter), theta, auxiliary)
        if self._whiten is not None and parameter.prior is None:
            c0, c1, c2 = self.quadratic(zero, slope, self._centred(data))
            best = np.clip(c1 / np.where(c2 > 0, c2, 1.0), parameter.lower, parameter.upper)
            return best, c0 - 2 * best * c1 + best**2 * c2 + others
        # a toy's errors change where those of the data do, at the values that were measured
        split = self.measurement.values if self.asymmetric == "split-normal" else None
        ends = amplitude.pieces(zero, slope, split, parameter.lower, parameter.upper)
        if self.asymmetric != "variable" and all(pull.of == "reference" for pull in self.measurement.pulls):
            shifts = columns(self.measurement, self.measurement.reference)
            bound = None if self._bounded is None else (self._bounded, float(self.measurement.pulls[self._bounded].low))
            best, chi2 = amplitude.exact(
                zero, slope, self._centred(data) - zero, np.zeros(len(self.pulls)) if a is None else a, shifts=shifts, errors=self.errors, ends=ends,
                bound=bound, prior=centre(parameter, auxiliary),
            )  # fmt: skip
            return best, chi2 + others

        def chi2_at(s: Array) -> Array:
            value: Array = self.at_prediction(zero + s[..., None] * slope, data) + penalty(self.parameters, {**theta, parameter.name: s}, auxiliary)
            return value

        return amplitude.search(chi2_at, ends, np.broadcast_shapes(zero.shape[:-1], values.shape[:-1], np.shape(others)))

    def quadratic(self, zero: Array, slope: Array, data: Array | None = None) -> tuple[Array, Array, Array]:
        """c0, c1, c2 of chi2(s) = c0 - 2 s c1 + s^2 c2 for mu = zero + s slope; fixed covariance only."""
        g, h = self.whitened((self.measurement.values if data is None else data) - zero), self.whitened(slope)
        return (g * g).sum(-1), (g * h).sum(-1), (h * h).sum(-1)


@final
class Joint(Likelihood):
    """A sum of likelihoods that do not merge; pulls of the same name are one nuisance, profiled by Newton's method for all theta at once.

    Raises
    ------
    RangeError
        If two parts declare the same parameter differently, or a pull has a lower bound (give the parts one treatment of asymmetric errors: they then merge).
    """

    def __init__(self, *parts: Likelihood) -> None:
        self.parts = parts
        self.parameters = union(*(part.parameters for part in parts))
        self.affine = None
        self.limited = tuple(dict.fromkeys(name for part in parts for name in part.limited))
        self.pulls = tuple(dict.fromkeys(name for part in parts for name in part.pulls))
        sizes = [part.n_data for part in parts]
        self.n_data = None if None in sizes else sum(size for size in sizes if size is not None)
        self.references = frozenset().union(*(part.references for part in parts))
        for part in parts:
            if isinstance(part, GaussianLikelihood) and part.bounded:
                raise RangeError(
                    f"pull {part.bounded!r} has a lower bound: expected free pulls in a sum of unlike likelihoods. Give both the same 'asymmetric'"
                )

    def shifted(self, theta: Theta, data: Data = None) -> Callable[[Pulls], Array]:
        values, auxiliary = parted(data)
        each = (None,) * len(self.parts) if values is None else values
        parts = [part.shifted(theta, one) for part, one in zip(self.parts, each, strict=True)]
        # a shared prior counts once, and the parts do not know of its measurement
        prior = penalty(self.parameters, theta, auxiliary) - sum(penalty(part.parameters, theta, {}) for part in self.parts)
        return lambda pulls: sum(part(pulls) for part in parts) + prior

    def null_shifted(self) -> Callable[[Pulls], Array]:
        parts = [part.null_shifted() for part in self.parts]
        return lambda pulls: sum((part(pulls) for part in parts), np.zeros(()))

    def minus_two_log(self, theta: Theta, data: Data = None) -> Array:
        return _newton(self.shifted(theta, data), self.pulls, parted(data)[1])[0]

    def null(self) -> float:
        return float(_newton(self.null_shifted(), self.pulls, {})[0])

    def best_pulls(self, theta: Theta) -> dict[str, float]:
        x = _newton(self.shifted(theta), self.pulls, {})[1]
        return {name: float(value) for name, value in zip(self.pulls, x, strict=True)}

    def check(self, theta: Theta) -> None:
        for part in self.parts:
            part.check(theta)

    def throw(self, theta: Theta, pulls: Pulls, n: int, rng: np.random.Generator) -> tuple[Any, ...]:
        """The parts' values; a pull that they share is measured once, by the sum."""
        own = [{p.name: theta[p.name] for p in part.parameters} for part in self.parts]
        return tuple(part.throw(at, {name: pulls[name] for name in part.pulls}, n, rng) for part, at in zip(self.parts, own, strict=True))


def _newton(chi2: Callable[[Pulls], Array], names: tuple[str, ...], auxiliary: Pulls) -> tuple[Array, Array]:
    """min over x of chi2(x) + |x - a|^2, and x (..., k); derivatives by central differences, exact for a quadratic chi2."""
    k, step, eye = len(names), 1e-2, np.eye(len(names))
    a = np.stack([np.asarray(auxiliary.get(name, 0.0)) for name in names], -1) if names else np.zeros(0)

    def total(x: Array) -> Array:
        value: Array = chi2({name: x[..., i] for i, name in enumerate(names)}) + ((x - a) ** 2).sum(-1)
        return value

    value = total(np.zeros(k))
    x = np.zeros((*np.shape(value), k))
    for _ in range(_STEPS if k else 0):
        up, down = (np.stack([total(x + sign * step * e) for e in eye], -1) for sign in (1, -1))
        gradient = (up - down) / (2 * step)
        hessian = np.stack(
            [
                np.stack([(total(x + step * (i + j)) - total(x + step * (i - j)) - total(x - step * (i - j)) + total(x - step * (i + j))) for i in eye], -1)
                for j in eye
            ],
            -1,
        )
        change = np.linalg.solve(hessian / (2 * step) ** 2, gradient[..., None])[..., 0]
        length = np.ones(np.shape(value))
        for _ in range(30):  # a toy's pull may lie where counts would be negative: half the step until chi2 does not rise
            moved = x - length[..., None] * change
            found = total(moved)
            worse = ~(found <= value + 1e-12 * (1 + np.abs(value)))
            if not worse.any():
                break
            length = np.where(worse, 0.5 * length, length)
        x, value = moved, found
        if np.abs(change).max() < _CONVERGED:
            return value, x
    if k:
        raise FitError(f"pulls {', '.join(names)}: no convergence in {_STEPS} steps", {"change": float(np.abs(change).max())})
    return value, x
