"""Toys where one pull is relative to the prediction: the covariance moves with it, and chi2 is a ratio of polynomials in the affine parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from megacurie.foundation.arrays import Array, blocks
from megacurie.statistics.toys import BINS, BLOCK, PER_UNIT, Counts, Histogram, Study, binned, generator, sizes

_STEPS = 3  # of Newton's method from the minimum without the pull


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Moving(Study):
    """Whitened prediction s g_j, and a pull x that shifts it by x (c_0 + s c_j), not below ``low``.

    With a toy y the fit of candidate j is, up to |y|^2,

        F_j(s) = s^2 |g_j|^2 - 2 s y.g_j - 2 x N + x^2 D,   N = (c_0 + s c_j).(y - s g_j),   D = 1 + |c_0 + s c_j|^2,   x = max(N/D, low)

    and three steps of Newton's method from the minimum without the pull find its minimum in s: chi2 is nearly a parabola. Toys are thrown with the pull.

    Attributes
    ----------
    effect, shift : array (candidates, n)
        g_j and c_j.
    start : array (n,)
        c_0.
    place : integer array (points,)
    size : array (points,)
        s of each point.
    low : float
        Of the pull; -inf where it has no bound.
    """

    effect: Array
    shift: Array
    start: Array
    place: NDArray[np.intp]
    size: Array
    low: float

    @property
    def cost(self) -> float:
        return 5e-9 * (len(self.effect) + 10)

    def best(self, projected: Array, across: Array, begin: Array, s: Array | None = None) -> Array:
        """F (toys,) of the best candidate and s; or, where s is given, F (toys, candidates) there.

        Parameters
        ----------
        projected, across : array (toys, candidates)
            y.g_j and y.c_j.
        begin : array (toys,)
            y.c_0.
        """
        g, c = self.effect, self.shift
        square, cross = (g * g).sum(-1), (g * c).sum(-1)
        linear = across - g @ self.start
        d0, d1, d2 = 1 + self.start @ self.start, c @ self.start, (c * c).sum(-1)

        def profiled(s: Array) -> tuple[Array, Array]:
            n = begin[:, None] + s * (linear - s * cross)
            d = d0 + s * (2 * d1 + s * d2)
            x = np.maximum(n / d, self.low)
            bend = linear - 2 * s * cross - 2 * x * (d1 + s * d2)
            value = s * (s * square - 2 * projected) - x * (2 * n - x * d)
            slope = s * square - projected - x * linear + 2 * x * s * cross + x * x * (d1 + s * d2)
            curve = square + 2 * x * cross + x * x * d2
            free = curve - bend * bend / d
            return value, slope / np.where((x == self.low) | (free <= 0), curve, free)

        if s is not None:
            return profiled(s)[0]
        t = np.clip(projected / np.where(square > 0, square, 1.0), 0.0, 1.0)
        for _ in range(_STEPS):
            t = np.clip(t - profiled(t)[1], 0.0, 1.0)
        lowest: Array = np.where(square > 0, profiled(t)[0], np.inf).min(-1)
        return lowest

    def delta_chi2(self, normals: Array, points: slice = slice(None)) -> Array:
        """Delta chi2 (points, toys) of toys (toys, n + 1), the last number of each being the pull's: the definition."""
        result = []
        for j, s in zip(self.place[points], self.size[points], strict=True):
            y = normals[:, :-1] + s * self.effect[j] + normals[:, -1:] * (self.start + s * self.shift[j])
            projected, across, begin = y @ self.effect.T, y @ self.shift.T, y @ self.start
            here = self.best(projected, across, begin, np.full(len(self.effect), s))[:, j]
            result.append(here - np.minimum(here, self.best(projected, across, begin)))
        return np.array(result)

    def tally(self, points: slice) -> tuple[Counts, Histogram]:
        place, s = self.place[points], self.size[points]
        beyond, histogram = np.zeros(len(place), np.int64), np.zeros((len(place), BINS), np.uint32)
        try:
            from megacurie.statistics import _fast
        except ImportError:
            for block, n in sizes(self.toys):
                delta = self.delta_chi2(self._normals(block)[:n], points)
                beyond += (delta >= self.observed[points, None]).sum(-1)
                histogram += np.array([binned(one) for one in delta])
            return beyond, histogram
        g, c = self.effect, self.shift
        onto = np.stack([np.concatenate([one, self.start[None]]) for one in (g, c)])  # (2, candidates + 1, n)
        own, thrown = (np.einsum("pn,cjn->pcj", one, onto) for one in (s[:, None] * g[place], self.start + s[:, None] * c[place]))
        fixed = ((g * g).sum(-1), (g * c).sum(-1), 1 + self.start @ self.start, c @ self.start, (c * c).sum(-1))
        for block, n in sizes(self.toys):
            z = np.ascontiguousarray(self._normals(block).T)
            for part in blocks(len(place), len(g), 2**13):  # a compiled call cannot be interrupted: at most 0.3 s
                _fast.moving(
                    z, g, c, self.start, *fixed, place[part], s[part], g @ self.start, thrown[part], own[part], self.observed[points][part], self.low,
                    float(PER_UNIT), n, beyond[part], histogram[part],
                )  # fmt: skip
        return beyond, histogram

    def _normals(self, block: int) -> Array:
        return generator(self.seed, block).standard_normal((BLOCK, self.effect.shape[1] + 1))
