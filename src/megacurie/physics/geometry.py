"""Path lengths: how much target the neutrinos meet at each distance from the source.

f(L) is the fraction of isotropic rays from the source that are inside the target at distance L. A count with survival probability P is
proportional to Int f(L) P(L) dL, and the mean path <L> = Int f dL = Int dV / (4 pi r^2) is what turns an activity into a rate.
"""

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
from megacurie.physics.curves import Curve
from megacurie.physics.shapes import Ball, Cylinder, Shape

__all__ = ["PathLengthDistribution", "path_lengths"]

_LADDER = tuple(step * 2**power for power in range(3, 12) for step in (2, 3))  # 16, 24, 32, 48, ...
_NODES_LIMIT = 2**20  # of the fine quadrature
_LINES_FIRST = 2**13
_LINES_LIMIT = 2**22  # some ten seconds, enough for an accuracy of a few 1e-6


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
        _require_domain(phase, accuracy)
        wave = _wave(self, phase, self.baseline.max())
        for n in (size for size in _LADDER if size < len(self.baseline)):
            coarse = self.compress(n)
            if _deviation(_wave(coarse, phase, self.baseline.max()), wave) <= accuracy:
                return coarse
        return self


def _require_domain(phase: float, accuracy: float) -> None:
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


def _wave(paths: PathLengthDistribution, phase: float, reach: float) -> NDArray[np.complex128]:
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


def _deviation(one: NDArray[np.complex128], other: NDArray[np.complex128]) -> float:
    """Largest difference of two waves at any k, also between the steps.

    A sum of exp(2 i k x) with |x| <= X exceeds its largest value at steps of h in k by at most the factor 1 / cos(X h), here 1 / cos(pi/8).
    """
    return float(np.abs(one - other).max() / math.cos(math.pi / 8))


def path_lengths(zone: Shape, *, source: Shape | None = None, phase: float, accuracy: float = 1e-4) -> PathLengthDistribution:
    """Path lengths in a target zone for neutrinos from the origin or from an extended source.

    A point source has f(L) in closed form, integrated between its kinks. For an extended source f is an average over straight lines through
    it. Either way the number of nodes or lines doubles until the result stands still.

    Parameters
    ----------
    zone : Shape
        The target, of finite extent.
    source : Ball or Cylinder, optional
        Decays are uniform in it. None: all decays at the origin.
    phase : float, 1/length
        Largest k = dm2 / (4 E hbarc) that will be asked for.
    accuracy : float, dimensionless
        Wanted absolute error of <sin^2(k L)> for all k in [0, phase], and relative error of the mean path.

    Returns
    -------
    PathLengthDistribution
        As few nodes as the accuracy allows.

    Raises
    ------
    RangeError
        The zone has no end or is empty, or the accuracy would take more than 2^20 nodes or 2^22 lines.

    Examples
    --------
    >>> print(f"{path_lengths(Ball(radius=2.0), phase=3.0).mean_path:.6f}")
    2.000000
    """
    _require_domain(phase, accuracy)
    if not math.isfinite(zone.reach):
        raise RangeError("zone: it has no end: expected a shape of finite extent. State its top and bottom.")
    fine = _from_point(zone, phase, accuracy) if source is None else _from_body(zone, source, phase, accuracy)
    # A change of the wave changes <sin^2> half as much, so this spends a quarter of the accuracy.
    return fine.compress_to(phase, 0.5 * accuracy)


def _too_fast(phase: float, reach: float) -> RangeError:
    far = f"{reach / u.m:.6g} m"
    return RangeError(f"phase: {phase * u.m:.6g} 1/m: needs more than {_NODES_LIMIT} nodes out to {far}. Expected a smaller phase.")


def _distribution(baseline: Array, weight: Array) -> PathLengthDistribution:
    if not weight.any():
        raise RangeError("zone: nothing of it is seen from the source: expected a target. Do the cavities swallow it?")
    return PathLengthDistribution(baseline=baseline[weight > 0], weight=weight[weight > 0])


def _converged(one: PathLengthDistribution, other: PathLengthDistribution, phase: float, reach: float, accuracy: float) -> bool:
    """Whether mean path and <sin^2(k L)> agree."""
    change = abs(one.mean_path / other.mean_path - 1)
    return change <= accuracy and _deviation(_wave(one, phase, reach), _wave(other, phase, reach)) <= 2 * accuracy


# --- point source: closed form, panel by panel


def _from_point(zone: Shape, phase: float, accuracy: float) -> PathLengthDistribution:
    # A quarter for the quadrature, which the comparison with twice the nodes measures.
    coarse = _panels(zone, phase, 12)
    for order in (24, 48, 96, 192):
        fine = _panels(zone, phase, order)
        if _converged(coarse, fine, phase, zone.reach, 0.25 * accuracy):
            return coarse
        coarse = fine
    raise RangeError(f"accuracy: {accuracy:.6g}: not reached with {len(coarse.baseline)} nodes. Expected a larger accuracy.")


def _panels(zone: Shape, phase: float, order: int) -> PathLengthDistribution:
    """Gauss-Legendre quadrature of f between its kinks, ``order`` nodes per panel.

    Beyond the wall of a cylinder f falls like a square root. L = middle - half cos(t) makes such an end analytic in t.
    """
    kinks = np.hypot(*zone.surfaces().corners().T)
    edges = np.unique([0.0, *kinks[kinks < zone.reach], zone.reach])
    middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
    # Per piece of a panel 2 k L turns by at most 16 rad, for which 12 nodes are good to 1e-9.
    pieces = np.ceil(2 * phase * half * math.pi / 16).clip(1).astype(int)
    if pieces.sum() * order > _NODES_LIMIT:
        raise _too_fast(phase, zone.reach)
    panel = np.repeat(np.arange(len(half)), pieces)
    number = np.arange(len(panel)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    nodes, weights = np.polynomial.legendre.leggauss(order)
    width = math.pi / pieces[panel][:, None]
    t = width * (number[:, None] + 0.5 * (1 + nodes))
    baseline = (middle[panel][:, None] - half[panel][:, None] * np.cos(t)).ravel()
    step = (0.5 * width * weights * half[panel][:, None] * np.sin(t)).ravel()
    return _distribution(baseline, step * zone.fraction(baseline))


# --- extended source: lines


def _from_body(zone: Shape, source: Shape, phase: float, accuracy: float) -> PathLengthDistribution:
    """Average over quasi-random lines, in bins of L.

    Each line counts in both directions, which removes the terms that are odd in the displacement of the decay from the centre.
    """
    if not isinstance(source, Ball | Cylinder) or not math.isfinite(source.reach):
        raise RangeError(f"source: {type(source).__name__}: expected a Ball or a Cylinder of finite extent.")
    reach = zone.reach + source.reach
    # Bins of width h with their weight in the middle change the wave by (2 k h)^2 / 24 at most: that of <sin^2> by half of it,
    # an eighth of the accuracy.
    bins = 2 ** max(8, math.ceil(math.log2(max(2 * phase * reach / math.sqrt(6 * accuracy), 1.0))))
    if bins > _NODES_LIMIT:
        raise _too_fast(phase, reach)
    baseline = (np.arange(bins) + 0.5) * (reach / bins)
    weight, coarse, lines = np.zeros(bins), None, 0
    while lines < _LINES_LIMIT:
        more = max(lines, _LINES_FIRST)
        for start in range(lines, lines + more, _LINES_FIRST):
            weight += _bins_of_lines(zone, source, slice(start, start + _LINES_FIRST), reach, bins)
        lines += more
        if weight.any():
            fine = _distribution(baseline, weight * (_LINES_FIRST / lines))
            # Half of the accuracy: the error of the double number is about the change that the doubling made.
            if coarse is not None and _converged(coarse, fine, phase, reach, 0.5 * accuracy):
                return fine
            coarse = fine
    raise RangeError(f"accuracy: {accuracy:.6g}: not reached with {lines} lines. Expected a larger accuracy, or a target easier to hit.")


def _bins_of_lines(zone: Shape, source: Ball | Cylinder, numbers: slice, reach: float, bins: int) -> Array:
    """Length inside the zone in each bin of distance, array (bins,), averaged over both directions of some lines."""
    # The sum over intervals of the length up to x is (intervals begun) x - (sum of their beginnings) - the same for their ends.
    cut = zone.cut(_lines(source, numbers, reach))
    begin = np.hstack([cut.lower.ravel(), -cut.upper.ravel()]).clip(0.0)
    end = np.hstack([cut.upper.ravel(), -cut.lower.ravel()]).clip(0.0)
    place, sign = np.hstack([begin, end]), np.repeat([1.0, -1.0], len(begin))
    cell = (place * (bins / reach)).astype(int)
    inside = np.bincount(cell, sign, bins + 1)[:bins].cumsum()
    offset = np.bincount(cell, sign * place, bins + 1)[:bins].cumsum()
    length = np.diff(np.arange(1, bins + 1) * (reach / bins) * inside - offset, prepend=0.0)
    average: Array = length.clip(0.0) / (2 * (numbers.stop - numbers.start))  # rounding leaves -1e-16 in empty bins
    return average


def _lines(source: Ball | Cylinder, numbers: slice, reach: float) -> Curve:
    """Quasi-random lines through uniform points of the source in isotropic directions.

    Everything is symmetric about the axis and under a mirror, and a line has two directions: place on the meridian, cosine in [0, 1] and
    azimuth in [0, pi] are enough, four dimensions.
    """
    first, second, cosine, azimuth = _golden_recurrence(numbers, 4)
    if isinstance(source, Cylinder):
        rho, z = source.radius * np.sqrt(first), source.bottom + second * (source.top - source.bottom)
    else:
        distance, polar = source.radius * np.cbrt(first), 2 * second - 1
        rho, z = distance * np.sqrt(1 - polar * polar), source.z + distance * polar
    return Curve.line(rho, z, cosine, math.pi * azimuth, reach)


def _golden_recurrence(numbers: slice, dimensions: int) -> Array:
    """Points of the additive recurrence in the unit cube, array (dimensions, n); its steps are powers of the root of x^(d + 1) = x + 1."""
    root = 1.0
    for _ in range(64):  # each turn gains a factor of more than two
        root = (1 + root) ** (1 / (dimensions + 1))
    steps = root ** -np.arange(1.0, dimensions + 1)
    points: Array = (0.5 + np.outer(steps, np.arange(numbers.start, numbers.stop))) % 1
    return points
