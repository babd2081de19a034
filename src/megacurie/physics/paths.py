"""Nodes of a quadrature over the distances at which there is target, and how few of them are enough."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal

from megacurie.foundation import units as u
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError

_LADDER = tuple(step * 2**power for power in range(3, 12) for step in (2, 3))  # 16, 24, 32, 48, ...
_COMPRESSED_LIMIT = 600  # nodes: more cost more to find than they save


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathLengthDistribution:
    """Nodes of a quadrature for the measure f(L) dL of one target zone.

    Attributes
    ----------
    baseline : array (n,), length
        Distances from the point of decay, positive.
    weight : array (n,), length
        f(L) dL, not negative; their sum is the mean path.

    Examples
    --------
    >>> paths = PathLengthDistribution(baseline=np.array([1.0, 3.0]), weight=np.array([0.5, 0.5]))
    >>> print(f"{paths.mean_path:.2f} {paths.flux_weighted_distance:.2f} {paths.mean_distance:.2f}")
    1.00 2.00 2.80
    """

    baseline: Array
    weight: Array

    def __post_init__(self) -> None:
        for name in ("baseline", "weight"):
            values = np.array(getattr(self, name), dtype=np.float64)
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        if self.baseline.ndim != 1 or self.baseline.shape != self.weight.shape or not self.baseline.size:
            shapes = f"baseline {self.baseline.shape} and weight {self.weight.shape}"
            raise RangeError(f"path lengths: {shapes}: expected two equal shapes (n,), n > 0.")
        if not (np.isfinite(self.baseline) & (self.baseline > 0)).all():
            raise RangeError(f"path lengths: baseline from {self.baseline.min() / u.m:.6g} m: expected positive finite lengths.")
        if not (np.isfinite(self.weight) & (self.weight >= 0)).all() or not self.weight.any():
            least = self.weight.min() / u.m
            raise RangeError(f"path lengths: weight from {least:.6g} m: expected finite lengths, none negative, not all zero.")

    @property
    def mean_path(self) -> float:
        """<L> = Int f dL, length: rate = activity x number density x cross section x mean path."""
        return float(self.weight.sum())

    @property
    def mean_distance(self) -> float:
        """Distance averaged over the volume of the target, Int f L^3 dL / Int f L^2 dL, because dV = 4 pi L^2 f dL; length."""
        area = self.weight * self.baseline**2
        return float(area @ self.baseline / area.sum())

    @property
    def flux_weighted_distance(self) -> float:
        """Distance averaged over the interactions, Int f L dL / Int f dL; length. Not to be confused with the mean path."""
        return float(self.weight @ self.baseline / self.weight.sum())

    def average(self, function: Callable[[Array], Array]) -> float:
        """Average of a function of distance over the interactions, Int f P dL / Int f dL.

        Parameters
        ----------
        function : callable
            From array (n,), length, to array (n,).

        Examples
        --------
        >>> paths = PathLengthDistribution(baseline=np.array([1.0, 2.0]), weight=np.array([1.0, 3.0]))
        >>> print(paths.average(np.square))
        3.25
        """
        return float(self.weight @ function(self.baseline) / self.weight.sum())

    def scaled_to(self, mean_path: float) -> PathLengthDistribution:
        """The same distribution with another mean path, such as a published one.

        Parameters
        ----------
        mean_path : float, length
            Positive.
        """
        if not 0 < mean_path < math.inf:
            raise RangeError(f"mean path: {mean_path / u.m:.6g} m: expected a positive finite length.")
        return PathLengthDistribution(baseline=self.baseline, weight=self.weight * (mean_path / self.mean_path))

    def compress(self, n: int) -> PathLengthDistribution:
        """Gauss quadrature with n nodes: the same integral of every polynomial of L up to degree 2n - 1.

        The Lanczos recurrence gives the Jacobi matrix of the measure; its eigenvalues are the nodes, the squares of the first components of
        its eigenvectors the weights.

        Parameters
        ----------
        n : int
            Positive. With n or fewer distinct nodes at hand these are returned, which is exact.

        Returns
        -------
        PathLengthDistribution
            Nodes inside the range of the present ones, weights positive.

        Sources
        -------
        G. H. Golub and J. H. Welsch, Math. Comp. 23 (1969) 221; full reorthogonalisation, so rounding stays at 1e-14.

        Examples
        --------
        >>> fine = PathLengthDistribution(baseline=np.linspace(1, 2, 1001), weight=np.ones(1001))
        >>> coarse = fine.compress(3)
        >>> print(len(coarse.baseline), f"{coarse.average(lambda L: L**5) / fine.average(lambda L: L**5):.12f}")
        3 1.000000000000
        """
        if n < 1:
            raise RangeError(f"number of nodes: {n}: expected at least 1.")
        baseline, place = np.unique(self.baseline[self.weight > 0], return_inverse=True)
        weight: Array = np.bincount(place, self.weight[self.weight > 0]).astype(np.float64)
        if n >= len(baseline):
            return PathLengthDistribution(baseline=baseline, weight=weight)
        middle, half = 0.5 * (baseline[-1] + baseline[0]), 0.5 * (baseline[-1] - baseline[0])
        diagonal, off_diagonal = _jacobi((baseline - middle) / half, weight / weight.sum(), n)
        eigenvalues, eigenvectors = eigh_tridiagonal(diagonal, off_diagonal)
        share = eigenvectors[0] ** 2
        kept = share > 0  # a share below 1e-300 is no share
        # Rounding may push the outermost node past the end of the range.
        nodes = (middle + half * eigenvalues[kept]).clip(baseline[0], baseline[-1])
        return PathLengthDistribution(baseline=nodes, weight=self.mean_path * share[kept])

    def compress_to(self, phase: float, accuracy: float) -> PathLengthDistribution:
        """The fewest nodes, of 16, 24, 32, 48, 64, ..., that keep the averages of exp(2 i k L).

        Parameters
        ----------
        phase : float, 1/length
            Largest k = dm2 / (4 E hbarc) of a survival probability sin^2(k L).
        accuracy : float, dimensionless
            Largest change of <exp(2 i k L)> for any k in [0, phase]; that of <sin^2(k L)> is half as large.

        Returns
        -------
        PathLengthDistribution
            The present one if no smaller number of nodes will do.

        Examples
        --------
        >>> fine = PathLengthDistribution(baseline=np.linspace(1, 2, 1001), weight=np.ones(1001))
        >>> len(fine.compress_to(phase=30.0, accuracy=1e-4).baseline)
        24
        """
        require_domain(phase, accuracy)
        least = 0.5 * phase * float(np.ptp(self.baseline))  # 2n - 1 powers of L cannot follow a wave that turns by more than 2n from the middle
        sizes = [size for size in _LADDER if least < size < min(len(self.baseline), _COMPRESSED_LIMIT)]
        if not sizes:
            return self
        own = wave(self, phase, self.baseline.max())
        for n in sizes:
            coarse = self.compress(n)
            if deviation(wave(coarse, phase, self.baseline.max()), own) <= accuracy:
                return coarse
        return self


def require_domain(phase: float, accuracy: float) -> None:
    """Refuse a phase or an accuracy that means nothing (RangeError)."""
    if not 0 <= phase < math.inf:
        raise RangeError(f"phase: {phase * u.m:.6g} 1/m: expected a finite k = dm2 / (4 E hbarc) of at least 0.")
    if not 0 < accuracy < 1:
        raise RangeError(f"accuracy: {accuracy:.6g}: expected a number between 0 and 1.")


def _jacobi(x: Array, share: Array, n: int) -> tuple[Array, Array]:
    """Diagonal (m,) and off-diagonal (m - 1,) of the Jacobi matrix of a discrete measure; m < n if it has effectively fewer points.

    Products by einsum, not by "@": that may start threads, which wait for each other for seconds on a busy machine.
    """
    basis = np.zeros((n + 1, len(x)))
    basis[0] = np.sqrt(share)
    diagonal, off_diagonal = np.zeros(n), np.zeros(n)
    for i in range(n):
        image = x * basis[i]
        diagonal[i] = np.einsum("i,i", image, basis[i])
        for _ in range(2):  # twice is enough to make it orthogonal to all before
            overlap = np.einsum("ij,j", basis[: i + 1], image)
            image -= np.einsum("i,ij", overlap, basis[: i + 1])
        off_diagonal[i] = math.sqrt(np.einsum("i,i", image, image))
        if off_diagonal[i] <= np.finfo(float).eps:  # nothing is left: the nodes found are exact
            return diagonal[: i + 1], off_diagonal[:i]
        basis[i + 1] = image / off_diagonal[i]
    return diagonal, off_diagonal[:-1]


def wave(paths: PathLengthDistribution, phase: float, reach: float) -> NDArray[np.complex128]:
    """<exp(2 i k L)> for equidistant k from 0 to ``phase``, array (m,).

    The steps are so small that 2 k L, measured from the middle of [0, reach], turns by at most pi/4 from one k to the next.
    """
    steps = max(1, math.ceil(4 * phase * reach / math.pi))
    turn = np.exp(2j * phase / steps * paths.baseline)
    term = paths.weight / paths.mean_path + 0j
    wave = np.empty(steps + 1, dtype=np.complex128)
    for i in range(steps + 1):
        wave[i] = term.sum()
        term *= turn
    return wave


def deviation(one: NDArray[np.complex128], other: NDArray[np.complex128]) -> float:
    """Largest difference of two waves at any k, also between the steps.

    A sum of exp(2 i k x) with |x| <= X exceeds its largest value at steps of h in k by at most the factor 1 / cos(X h), here 1 / cos(pi/8).
    """
    return float(np.abs(one - other).max() / math.cos(math.pi / 8))
