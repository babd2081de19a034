"""Toy data of Feldman-Cousins regions: how Delta chi2 is distributed at every point of a grid.

What to use when: a Gaussian likelihood of fixed covariance, affine in one axis, is :class:`Affine` (closed form, compiled); of fixed covariance otherwise,
:class:`Grid`; with one pull relative to the prediction ``moving.Moving`` (compiled); anything else is ``general.General``. All answer ``tally``: per point the
toys beyond the observed Delta chi2 and a histogram.

Toys are common to all points: block b of 4096 comes from ``SeedSequence(seed, spawn_key=(b,))``, whatever the number of workers.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from megacurie.foundation.arrays import Array, blocks

BLOCK = 4096
"""Toys of one block of random numbers."""
PER_UNIT = 100
"""Bins of the histogram per unit of Delta chi2."""
LARGEST = 30
"""Delta chi2 at which the histogram ends; the last bin holds what lies beyond."""
BINS = PER_UNIT * LARGEST + 1

Counts = NDArray[np.int64]
Histogram = NDArray[np.uint32]
_SHARD = 0.25  # seconds that a shard should take
_WORK = 4  # least ratio of work to overhead
_GROUPED = 4  # blocks among which similar toys are looked for
_CHUNK = 2**18  # numbers of a step in NumPy: 2 MB


def generator(seed: int, block: int) -> np.random.Generator:
    """Random numbers of one block.

    Examples
    --------
    >>> bool((generator(1, 0).standard_normal(3) == generator(1, 0).standard_normal(3)).all())
    True
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block,)))


def sizes(toys: int) -> Iterator[tuple[int, int]]:
    """Index and size of each block.

    Examples
    --------
    >>> list(sizes(5000))
    [(0, 4096), (1, 904)]
    """
    for start in range(0, toys, BLOCK):
        yield start // BLOCK, min(BLOCK, toys - start)


def several(normals: Callable[[int, int], Array], toys: int) -> Iterator[Array]:
    """Toys of several blocks at a time, from ``normals(block, n)``: the more, the closer together are those of a batch."""
    every = list(sizes(toys))
    for start in range(0, len(every), _GROUPED):
        # a block is drawn whole, so that more toys keep those that were there
        yield np.concatenate([normals(block, BLOCK)[:n] for block, n in every[start : start + _GROUPED]])


def binned(delta: Array) -> Histogram:
    """Histogram (BINS,) of values of Delta chi2."""
    index = np.minimum(np.maximum(delta, 0.0) * PER_UNIT, BINS - 1).astype(np.int64)
    return np.bincount(index, minlength=BINS).astype(np.uint32)


def grouped(normals: Array, effect: Array, size: int) -> NDArray[np.intp]:
    """Order of toys (toys, n) in which each ``size`` that follow each other have similar projections on effects (m, n); the last is repeated to whole groups.

    Along the principal axes of the effects, one after the other, toys are cut into strips, more where projections differ more.

    Examples
    --------
    >>> print(grouped(np.array([[3.0], [1.0], [2.0], [0.0], [4.0]]), np.eye(1), 2))
    [3 1 2 0 4 4]
    """
    _, weight, axes = np.linalg.svd(effect, full_matrices=False)
    at, order = np.einsum("td,kd->tk", normals, axes), np.arange(len(normals))  # too thin to be shared out among threads
    groups = -(-len(order) // size)
    strips = np.ones(len(weight), int)
    while strips.prod() < groups:
        strips[(weight / strips).argmax()] += 1
    group, strip, total = order // size, np.zeros(len(order)), 1
    for i in np.flatnonzero(strips > 1):
        along = at[order, i]
        order = order[np.argsort(strip + (along - along.min()) / (np.ptp(along) * (1 + 1e-9) + 1e-300))]  # strip after strip, each along its axis
        total *= strips[i]
        strip = (group * total // groups).astype(float)
    return np.pad(order, (0, -len(order) % size), mode="edge")


@dataclass(frozen=True, kw_only=True, eq=False)
class Study(abc.ABC):
    """Toys at the points of a grid.

    Attributes
    ----------
    observed : array (points,)
        Delta chi2 of the data at each point, against the minimum of the same candidates.
    toys : int
        Toys per point.
    seed : int
    identity : dict of str to array
        What the study was made from, display units: what a store compares.
    minimised_on : dict of str to array
        Values of each axis among which the minimum is sought, internal units; without an affine parameter that is minimised between its bounds.
    """

    observed: Array
    toys: int
    seed: int
    identity: Mapping[str, Array] = field(default_factory=dict)
    minimised_on: Mapping[str, Array] = field(default_factory=dict)

    @property
    @abc.abstractmethod
    def cost(self) -> float:
        """Seconds of one toy at one point, roughly."""

    @property
    def overhead(self) -> float:
        """Seconds of one toy whatever the points, roughly: thrown, grouped and projected anew for each shard."""
        return 0.0

    @abc.abstractmethod
    def tally(self, points: slice) -> tuple[Counts, Histogram]:
        """Toys (points,) whose Delta chi2 is not below the observed one, and histogram (points, BINS)."""

    def shards(self) -> tuple[slice, ...]:
        """The points in pieces of about a quarter of a second, the same whoever does the work; more where most of it would be overhead."""
        step = max(1, math.ceil(_SHARD / (self.cost * self.toys)), math.ceil(_WORK * self.overhead / self.cost))
        return tuple(slice(start, min(start + step, len(self.observed))) for start in range(0, len(self.observed), step))


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Affine(Study):
    """Closed form: whitened prediction s g_j, s between 0 and 1, one candidate direction j per value of the other axes.

    With h_j = |g_j|, u_j = g_j/h_j, a toy z, m_k = s_k h_{j_k}:

        A_j = u_j . z,   p_j = A_j + m_k u_{j_k} . u_j,   x_j = min(max(p_j, 0), h_j)
        Delta chi2 = max_j x_j (2 p_j - x_j) - m_k^2 - 2 m_k A_{j_k}

    Attributes
    ----------
    direction : array (candidates, n)
        u_j.
    height : array (candidates,)
        h_j.
    place : integer array (points,)
        j_k, not decreasing.
    size : array (points,)
        m_k.
    single : bool
        Toys in float32.

    Sources
    -------
    G. Feldman and R. Cousins, Phys. Rev. D 57, 3873 (1998); the maximum over an amplitude with bounds is elementary.
    """

    direction: Array
    height: Array
    place: NDArray[np.intp]
    size: Array
    single: bool = False

    @property
    def cost(self) -> float:
        return 6e-11 * (len(self.height) + 80)

    @property
    def overhead(self) -> float:
        return 1.2e-6 + 1e-9 * len(self.height)

    def normals(self, block: int, n: int) -> Array:
        """Standard normals (n, directions) of one block."""
        return generator(self.seed, block).standard_normal((n, self.direction.shape[1]))

    def delta_chi2(self, normals: Array, points: slice = slice(None)) -> Array:
        """Delta chi2 (points, toys) of whitened toys (toys, n): the definition.

        Examples
        --------
        >>> one = Affine(
        ...     observed=np.zeros(1), toys=1, seed=0, direction=np.eye(1), height=np.array([4.0]), place=np.zeros(1, dtype=int), size=np.array([1.0])
        ... )
        >>> print(one.delta_chi2(np.array([[0.5], [-2.0]])))  # 0.5^2; below zero the amplitude stays at zero: 2^2 - 1^2
        [[0.25 3.  ]]
        """
        projection = normals @ self.direction.T
        result = []
        for j, m in zip(self.place[points], self.size[points], strict=True):
            p = projection + m * (self.direction @ self.direction[j])
            x = np.minimum(np.maximum(p, 0.0), self.height)
            result.append(np.maximum((x * (2 * p - x)).max(-1) - m * m - 2 * m * projection[:, j], 0.0))
        return np.array(result)

    def tally(self, points: slice) -> tuple[Counts, Histogram]:
        try:
            from megacurie.statistics import _fast
        except ImportError:
            return _tally(self, points)
        real = np.float32 if self.single else np.float64
        place, size = self.place[points], self.size[points].astype(real)
        rows, row = np.unique(place, return_inverse=True)
        overlap = (self.direction[rows] @ self.direction.T).astype(real)
        beyond, histogram = np.zeros(len(place), np.int64), np.zeros((len(place), BINS), np.uint32)
        direction, height, observed = self.direction.astype(real), self.height.astype(real), self.observed[points].astype(real)
        for z in several(self.normals, self.toys):
            n = len(z)
            z = np.ascontiguousarray(z[grouped(z, self.direction, _fast.LANES)].T, dtype=real)
            for part in blocks(len(place), len(height) * n, 2**31):  # a compiled call cannot be interrupted: at most 0.3 s
                _fast.affine(
                    z, direction, height, overlap, row[part], place[part], size[part], observed[part], real(PER_UNIT), n, beyond[part], histogram[part]
                )
        return beyond, histogram


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Grid(Study):
    """Fixed covariance, any hypothesis: whitened predictions w_j at the candidates.

        v_j = 2 z . w_j + 2 w_{j_k} . w_j - |w_j|^2,   Delta chi2 = max_j v_j - max_{j at point k} v_j

    Attributes
    ----------
    prediction : array (candidates, n)
        w_j; the first points x profiled of them are those at the points, in order.
    profiled : int
        Candidates per point: values of the parameters that are no axes.
    truth : integer array (points,)
        j_k: what toys are thrown from; where parameters are profiled, their best values at the point.
    """

    prediction: Array
    profiled: int
    truth: NDArray[np.intp]

    @property
    def cost(self) -> float:
        return 1e-9 * (len(self.prediction) + 50)

    def delta_chi2(self, normals: Array, points: slice = slice(None)) -> Array:
        """Delta chi2 (points, toys) of whitened toys (toys, n).

        Examples
        --------
        >>> two = Grid(
        ...     observed=np.zeros(2), toys=1, seed=0, prediction=np.array([[0.0], [3.0]]), profiled=1, truth=np.array([0, 1])
        ... )
        >>> print(two.delta_chi2(np.array([[0.0], [2.0]])))  # at 0 with z = 2 the other is nearer: 2^2 - 1^2
        [[0. 3.]
         [0. 0.]]
        """
        projection = 2 * self.prediction @ normals.T
        norm = (self.prediction * self.prediction).sum(-1)
        result = []
        for k in range(*points.indices(len(self.truth))):
            gain = projection + (2 * self.prediction @ self.prediction[self.truth[k]] - norm)[:, None]
            result.append(gain.max(0) - gain[self.profiled * k : self.profiled * (k + 1)].max(0))
        return np.array(result)

    def normals(self, block: int, n: int) -> Array:
        """Standard normals (n, data) of one block."""
        return generator(self.seed, block).standard_normal((n, self.prediction.shape[1]))

    def tally(self, points: slice) -> tuple[Counts, Histogram]:
        return _tally(self, points)


def _tally(study: Affine | Grid, points: slice) -> tuple[Counts, Histogram]:
    """Toys counted by the NumPy definition, in steps that fit the cache."""
    first, last, _ = points.indices(len(study.observed))
    beyond, histogram = np.zeros(last - first, np.int64), np.zeros((last - first, BINS), np.uint32)
    candidates = len(study.height) if isinstance(study, Affine) else len(study.prediction)
    for block, n in sizes(study.toys):
        z = study.normals(block, BLOCK)[:n]
        for part in blocks(n, candidates, _CHUNK):
            delta = study.delta_chi2(z[part], points)
            beyond += (delta >= study.observed[points, None]).sum(-1)
            histogram += np.array([binned(one) for one in delta])
    return beyond, histogram
