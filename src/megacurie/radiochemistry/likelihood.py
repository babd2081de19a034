"""Event times as a likelihood among others: a hypothesis fitted to the decays themselves, alone or with other measurements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

import numpy as np
from scipy.interpolate import CubicHermiteSpline

from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError
from megacurie.foundation.measurement import Pull
from megacurie.foundation.parameters import Theta
from megacurie.radiochemistry import batch
from megacurie.radiochemistry.batch import Batch
from megacurie.radiochemistry.streams import Stream
from megacurie.statistics.auxiliary import Data, ToyData, parted, penalty
from megacurie.statistics.likelihood import Joint, Likelihood, Pulls
from megacurie.statistics.model import Model

_NODES = 3001  # of a curve of ln L; its error is below 1e-6
_WIDE = 25.0  # sigma about the best rate that the curve reaches


@final
class CountingLikelihood(Likelihood):
    """Times of decays in some zones, each with one production rate.

        -2 ln L(theta) = min_x  2 sum_z [ln L_z(P_z best) - ln L_z(P_z(theta) exp(sum_k shape_zk x_k))] + sum_k (x_k - a_k)^2

    with ln L_z of ``counting``, backgrounds at their best, and a = 0 but for toys: zero where every zone has its own best rate. ln L_z is a function of one
    number: it is laid out once as a curve, and read from it.

    Parameters
    ----------
    model : Model
        Ratio of each zone's production to the expected one (..., n_zones).
    zones : sequence of sequences of Stream
    expected : array (n_zones,), rate
        Production without new physics at the reference time.
    decay : float, rate
        Decay constant of 71Ge.
    pulls : tuple of Pull
        Relative shifts of the rates, ``of = "prediction"``.
    references : frozenset of str

    Raises
    ------
    RangeError
        If lengths differ, or a pull is of another kind.
    """

    n_data = None
    affine = None

    def __init__(
        self, model: Model, zones: Sequence[Sequence[Stream]], *, expected: Array, decay: float, pulls: tuple[Pull, ...] = (),
        references: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        n = (len(zones),)
        if np.shape(model.null) != n or np.shape(expected) != n:
            raise RangeError(f"{n[0]} zones with streams, {np.size(model.null)} ratios, {np.size(expected)} expected rates: expected one of each for a zone")
        for pull in pulls:
            if pull.of != "prediction" or np.isfinite(pull.low) or pull.shape.shape != n:
                raise RangeError(f"pull {pull.name!r}: expected one relative to the prediction, without bound, with {n[0]} shifts")
        self.model, self.expected, self.decay = model, np.asarray(expected, float), decay
        self.zones = tuple(tuple(zone) for zone in zones)
        self.parameters, self.limited = model.parameters, model.limited
        self.pulls = tuple(pull.name for pull in pulls)
        self.references = model.references | references
        self._shifts = np.stack([pull.shape for pull in pulls], -1) if pulls else np.zeros((*n, 0))
        self._packed = batch.pack(self.zones)
        self.best = batch.fit(self._packed, decay)
        self._curves = self._laid_out()

    def _laid_out(self) -> tuple[CubicHermiteSpline, ...]:
        """2 ln L of each zone below its maximum, against the rate."""
        fit = self.best
        low, high = np.maximum(fit.rate - _WIDE * fit.minus, 0.0), fit.rate + _WIDE * fit.plus
        rates = np.linspace(low, high, _NODES)
        height, slope = batch.log_likelihood(self._packed, rates, self.decay)
        return tuple(CubicHermiteSpline(rates[:, z], 2 * (fit.log_likelihood[z] - height[:, z]), -2 * slope[:, z], extrapolate=False) for z in range(len(low)))

    def _deviance(self, rates: Array, data: Data) -> Array:
        """2 [ln L best - ln L] (...) of rates (..., n_zones); of each toy of some data, ln L alone."""
        if data is not None:
            return self._of_toys(rates, data)
        total = np.zeros(rates.shape[:-1])
        for z, curve in enumerate(self._curves):
            found = curve(rates[..., z])
            far = np.isnan(found)
            if far.any():
                beyond = np.broadcast_to(rates[..., z][far][:, None], (int(far.sum()), len(self._curves)))
                found[far] = 2 * (self.best.log_likelihood[z] - batch.log_likelihood(self._packed, beyond, self.decay)[0][:, z])
            total += found
        return total

    def _of_toys(self, rates: Array, data: Sequence[Batch]) -> Array:
        n = len(data[0].sets) - 1
        shape = np.broadcast_shapes(rates.shape[:-1], (n,))
        total = np.zeros(shape)
        for z, made in enumerate(data):
            at = np.broadcast_to(rates[..., z], shape).reshape(-1, n)
            total -= 2 * batch.log_likelihood(made, at, self.decay)[0].reshape(shape)
        return total

    def minus_two_log(self, theta: Theta, data: Data = None) -> Array:
        values, auxiliary = parted(data)
        return Joint(self).minus_two_log(theta, None if values is None else ToyData((values,), auxiliary))

    def shifted(self, theta: Theta, data: Data = None) -> Callable[[Pulls], Array]:
        """Of toys: without the constant that makes the best rate zero."""
        events, auxiliary = parted(data)
        chi2, extra = self._shifted(self.model(theta), events), penalty(self.parameters, theta, auxiliary)
        return lambda pulls: chi2(pulls) + extra

    def null_shifted(self) -> Callable[[Pulls], Array]:
        return self._shifted(self.model.null, None)

    def _shifted(self, ratios: Array, data: Data) -> Callable[[Pulls], Array]:
        rates = ratios * self.expected

        def chi2(pulls: Pulls) -> Array:
            shift = sum((self._shifts[:, k] * np.asarray(pulls[name])[..., None] for k, name in enumerate(self.pulls)), np.zeros(len(self.expected)))
            return self._deviance(rates * np.exp(shift), data)

        return chi2

    def null(self) -> float:
        return Joint(self).null()

    def best_pulls(self, theta: Theta) -> dict[str, float]:
        return Joint(self).best_pulls(theta)

    def check(self, theta: Theta) -> None:
        self.model.check(theta)

    def throw(self, theta: Theta, pulls: Pulls, n: int, rng: np.random.Generator) -> tuple[Batch, ...]:
        """For each zone ``n`` sets of events; backgrounds as fitted to the data (at zero where these are below)."""
        shift = sum((self._shifts[:, k] * np.asarray(pulls[name])[..., None] for k, name in enumerate(self.pulls)), np.zeros((n, len(self.expected))))
        rates = self.model(theta) * self.expected * np.exp(shift)
        found = []
        for z, streams in enumerate(self.zones):
            flat = np.maximum(self.best.backgrounds[self._packed.sets[z] : self._packed.sets[z + 1]], 0.0)
            amplitudes = np.array([one.weight * rates[:, z] + one.offset for one in streams])
            found.append(batch.throw(streams, amplitudes, flat, self.decay, n, rng))
        return tuple(found)
