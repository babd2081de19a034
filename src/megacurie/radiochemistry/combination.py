"""Combination of published rates with asymmetric errors: a product of Poisson-like likelihoods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError

_STEPS = 60  # halvings of an interval: beyond double precision
_FLAT = 1e-8  # asymmetry below which a likelihood is Gaussian


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """Combined rates; floats, or arrays (...) where several combinations were asked for.

    Attributes
    ----------
    rate, plus, minus : float or array
        The largest likelihood, and how far it falls by 1/2.
    chi2 : float or array
        -2 ln of the likelihood over the product of the largest ones of each rate.
    """

    rate: Any
    plus: Any
    minus: Any
    chi2: Any


def shape(plus: Array, minus: Array) -> tuple[Array, Array]:
    """Constants g and n of ln L = n [ln(1 + g (P - x)) - g (P - x)], which falls by 1/2 at x + plus and x - minus.

    It is the logarithm of a Poisson distribution in n (1 + g (P - x)) for n counts. g is negative where ``minus`` is larger.

    Examples
    --------
    >>> g, n = shape(np.array([2.0]), np.array([1.5]))
    >>> print(np.round(n * (np.log1p(g * 2.0) - g * 2.0), 9), np.round(n * (np.log1p(-g * 1.5) + g * 1.5), 9))
    [-0.5] [-0.5]
    """
    plus, minus = np.asarray(plus, float), np.asarray(minus, float)
    if not (np.all(plus > 0) and np.all(minus > 0)):
        raise RangeError("errors of a rate: expected positive numbers on both sides")
    large, small = np.maximum(plus, minus), np.minimum(plus, minus)
    ratio = large / small

    def difference(y: Array) -> Array:
        return bend(y * ratio) - bend(-y)

    y = np.maximum(_root(difference, np.zeros_like(ratio), np.ones_like(ratio), rising=True), _FLAT)
    g = np.where(plus >= minus, 1.0, -1.0) * y / small
    # the mean of the two conditions, which is either of them but for the Gaussian limit
    n = -1.0 / (bend(y * ratio) + bend(-y))
    return g, n


def bend(z: Array) -> Array:
    """ln(1 + z) - z without the loss of digits near 0.

    Examples
    --------
    >>> print(bend(np.array([-1e-9, 1.0])).round(20) + 0.0)
    [-5.00000000e-19 -3.06852819e-01]
    """
    small = np.where(np.abs(z) < 1e-3, z, 0.0)
    series = -(small**2) * (0.5 - small * (1 / 3.0 - small * (0.25 - small * (0.2 - small / 6))))
    found: Array = np.where(np.abs(z) < 1e-3, series, np.log1p(z) - z)
    return found


def log_likelihood(rate: Array | float, value: Array, plus: Array, minus: Array) -> Array:
    """ln L of each rate, 0 at the value; -inf where the likelihood vanishes. Shapes broadcast.

    Examples
    --------
    >>> print(log_likelihood(np.array([3.0, 5.0, 7.5]), 5.0, 2.5, 2.0).round(6) + 0.0)
    [-0.5  0.  -0.5]
    """
    g, n = shape(np.asarray(plus), np.asarray(minus))
    z = g * (np.asarray(rate) - value)
    found: Array = np.where(z > -1, n * bend(np.maximum(z, -1 + 1e-16)), -np.inf)
    return found


def combine(value: Array, plus: Array, minus: Array) -> Combined:
    """Rates with asymmetric errors combined along the last axis.

    Parameters
    ----------
    value, plus, minus : array (..., n)
        All of one unit.

    Raises
    ------
    RangeError
        If an error is not positive, or likelihoods exclude each other.

    Examples
    --------
    >>> found = combine(np.array([10.0, 12.0]), np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    >>> print(f"{found.rate:.4f} {found.plus:.4f} {found.chi2:.4f}")
    11.0000 0.7071 2.0000
    """
    value, plus, minus = np.broadcast_arrays(*(np.asarray(x, float) for x in (value, plus, minus)))
    g, n = shape(plus, minus)
    edge = value - 1 / g  # where a likelihood vanishes
    low = np.maximum(value.min(-1), np.where(g > 0, edge, -np.inf).max(-1))
    high = np.minimum(value.max(-1), np.where(g < 0, edge, np.inf).min(-1))
    if np.any(low > high):
        i = np.unravel_index(np.argmax(low - high), low.shape)
        raise RangeError(f"rates to combine: no rate that all of them allow: their likelihoods end at {high[i]:.6g} and begin at {low[i]:.6g}")

    def z(rate: Array) -> Array:
        found: Array = np.maximum(g * (rate[..., None] - value), -1 + 1e-16)
        return found

    def slope(rate: Array) -> Array:
        at = z(rate)
        found: Array = np.sum(-n * g * at / (1 + at), axis=-1)
        return found

    def fallen(rate: Array) -> Array:
        at = z(rate)
        found: Array = np.sum(n * bend(at), axis=-1)
        return found

    rate = _root(slope, low, high, rising=False)
    top = fallen(rate)
    sigma = np.sum((n * g**2) / (1 + z(rate)) ** 2, axis=-1) ** -0.5
    ends = [_root(lambda r: fallen(r) - top + 0.5, *pair, rising=rising)
            for pair, rising in (((rate, rate + 10 * sigma), False), ((rate - 10 * sigma, rate), True))]  # fmt: skip
    best, up, down, chi2 = (float(x) if np.ndim(x) == 0 else x for x in (rate, ends[0] - rate, rate - ends[1], -2 * top))
    return Combined(rate=best, plus=up, minus=down, chi2=chi2)


def _root(function: Callable[[Array], Array], low: Array, high: Array, *, rising: bool) -> Array:
    """Where a monotonic function changes sign, by halving."""
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        with np.errstate(divide="ignore", invalid="ignore"):
            above = (function(middle) > 0) == rising
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return 0.5 * (low + high)
