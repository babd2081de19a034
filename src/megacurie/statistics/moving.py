"""Toys where one pull is relative to the prediction: the covariance moves with it, and chi2 is a ratio of polynomials in the affine parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from megacurie.foundation.arrays import Array, blocks
from megacurie.statistics.toys import BINS, PER_UNIT, Counts, Histogram, Study, binned, generator, grouped, several

_NO_BOUND = 1e30


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Moving(Study):
    """Whitened prediction s g_j, and a pull x that shifts it by x (c_0 + s c_j), not below ``low``; its auxiliary measurement is one more datum, the last.

    So g_j ends in 0, c_j in 0, c_0 in 1, and with a toy y the fit of candidate j is, up to |y|^2,

        F_j(s) = s^2 |g_j|^2 - 2 s y.g_j - 2 x N + x^2 D,   N = (c_0 + s c_j).(y - s g_j),   D = |c_0 + s c_j|^2,   x = max(N/D, low)

    and two steps of Newton's method from the minimum of the linear model (``linear``), the second to where a parabola is least, find that of s. Toys are
    thrown about a true pull at each point, that which fits the data best there.

    Attributes
    ----------
    effect, shift : array (candidates, n)
        g_j and c_j.
    start : array (n,)
        c_0.
    place : integer array (points,)
    size : array (points,)
        s of each point.
    pull : array (points,)
        The true one.
    low : float
        Of the pull; -inf where it has no bound.
    """

    effect: Array
    shift: Array
    start: Array
    place: NDArray[np.intp]
    size: Array
    pull: Array
    low: float

    @property
    def cost(self) -> float:
        return 5e-9 * (len(self.effect) + 10)

    @property
    def lean(self) -> Array:
        """g_j.c_0 (candidates,)."""
        product: Array = self.effect @ self.start
        return product

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
        linear = across - self.lean
        d0, d1, d2 = self.start @ self.start, c @ self.start, (c * c).sum(-1)

        def profiled(s: Array) -> tuple[Array, Array, Array]:
            n = begin[:, None] + s * (linear - s * cross)
            d = d0 + s * (2 * d1 + s * d2)
            x = np.maximum(n / d, self.low)
            bend = linear - 2 * s * cross - 2 * x * (d1 + s * d2)
            value = s * (s * square - 2 * projected) - x * (2 * n - x * d)
            slope = s * square - projected - x * linear + 2 * x * s * cross + x * x * (d1 + s * d2)
            curve = square + 2 * x * cross + x * x * d2
            free = curve - bend * bend / d
            return value, slope, np.where((x == self.low) | (free <= 0), curve, free)

        if s is not None:
            return profiled(s)[0]
        _, _, height, turn, _, floor = self.linear()
        used = height > 0
        free = np.maximum(projected - (begin / d0)[:, None] * self.lean, 0.0) / np.where(used, height * height, 1.0)
        x = (begin[:, None] - free * self.lean) / d0
        t = np.where(x >= floor, free, np.maximum(projected - floor * self.lean, 0.0) / np.where(used, square, 1.0)) / (1 + turn * np.maximum(x, floor))
        t = np.clip(t, 0.0, 1.0)
        _, slope, curve = profiled(t)
        t = np.clip(t - slope / np.where(used, curve, 1.0), 0.0, 1.0)
        value, slope, curve = profiled(t)
        step = np.clip(t - slope / np.where(used, curve, 1.0), 0.0, 1.0) - t
        lowest: Array = np.where(used, value + step * (2 * slope + step * curve), np.inf).min(-1)
        return lowest

    def pulls(self, y: Array) -> Array:
        """Pull (points,) that fits some data (n,) best at each point."""
        shift = self.start + self.size[:, None] * self.shift[self.place]
        at_best = ((y - self.size[:, None] * self.effect[self.place]) * shift).sum(-1) / (shift * shift).sum(-1)
        best: Array = np.maximum(at_best, self.low)
        return best

    def truth(self, points: slice = slice(None)) -> Array:
        """What toys are thrown about (points, n): t_k = s g_j + x (c_0 + s c_j)."""
        j, s, x = self.place[points], self.size[points, None], self.pull[points, None]
        mean: Array = s * self.effect[j] + x * (self.start + s * self.shift[j])
        return mean

    def linear(self) -> tuple[Array, Array, Array, Array, Array, Array]:
        """Directions and lengths of a linear model that is hardly worse: which candidates cannot be the best.

        With c_j = d_j g_j + b_j c_0 + e_j, e_j at right angles to both, a prediction is sigma g_j + x' c_0 + s x e_j, where 0 <= sigma <= 1 + |d_j x| and x' is
        not below the bound of x by more than |b_j| of it. With h_j u_j the part of g_j at right angles to c_0 and y_+ that of a toy, its chi2 is at least

            |y_+|^2 - a (2 u_j.y - a) - 2 |s x e_j.y|,   a = min(max(u_j.y, 0), (1 + |d_j x|) h_j)

        unless x' is on its bound: then y - x' c_0 is fitted by g_j alone.

        Returns
        -------
        two arrays (candidates, n), and four (candidates,)
            u_j, e_j, h_j, d_j, b_j and the bound of x'.
        """
        along = self.start / np.sqrt(self.start @ self.start)
        g, c = (one - (one @ along)[:, None] * along for one in (self.effect, self.shift))
        height = np.sqrt((g * g).sum(-1))
        unit = g / np.where(height > 0, height, 1.0)[:, None]
        turn = (c * unit).sum(-1) / np.where(height > 0, height, 1.0)
        share = (self.shift - turn[:, None] * self.effect) @ self.start / (self.start @ self.start)
        odd = self.shift - turn[:, None] * self.effect - share[:, None] * self.start
        low = max(self.low, -_NO_BOUND)
        return unit, odd, height, turn, share, np.where(np.abs(share) < 1, low - abs(low * share), -_NO_BOUND)

    def delta_chi2(self, normals: Array, points: slice = slice(None)) -> Array:
        """Delta chi2 (points, toys) of toys (toys, n): the definition."""
        result = []
        for j, s, truth in zip(self.place[points], self.size[points], self.truth(points), strict=True):
            y = normals + truth
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
            for z in several(self.normals, self.toys):
                delta = self.delta_chi2(z, points)
                beyond += (delta >= self.observed[points, None]).sum(-1)
                histogram += np.array([binned(one) for one in delta])
            return beyond, histogram
        g, c, truth = self.effect, self.shift, self.truth(points)
        unit, odd, *bounds = self.linear()
        onto = np.stack([unit, odd], 1)
        candidates = np.stack([(g * g).sum(-1), (g * c).sum(-1), c @ self.start, (c * c).sum(-1), self.lean, *bounds], -1)
        for z in several(self.normals, self.toys):
            n = len(z)
            z = np.ascontiguousarray(z[grouped(z, unit, _fast.LANES)].T)
            for part in blocks(len(place), len(g) * n, 2**26):  # a compiled call cannot be interrupted: at most 0.3 s
                own = np.einsum("pn,jcn->pjc", truth[part], onto)
                _fast.moving(
                    z, onto, self.start, candidates, place[part], s[part], truth[part], own, self.observed[points][part], self.low, float(PER_UNIT), n,
                    beyond[part], histogram[part],
                )  # fmt: skip
        return beyond, histogram

    def normals(self, block: int, n: int) -> Array:
        """Standard normals (n, data) of one block."""
        return generator(self.seed, block).standard_normal((n, self.effect.shape[1]))
