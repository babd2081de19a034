"""Path lengths: how much target the neutrinos meet at each distance from the source.

f(L) is the fraction of isotropic rays from the source that are inside the target at distance L. A count with survival probability P is
proportional to Int f(L) P(L) dL, and the mean path <L> = Int f dL = Int dV / (4 pi r^2) is what turns an activity into a rate.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from megacurie.foundation import units as u
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import RangeError
from megacurie.foundation.quadrature import gauss_legendre
from megacurie.physics.curves import Curve
from megacurie.physics.paths import PathLengthDistribution, deviation, require_domain, wave
from megacurie.physics.shapes import Ball, Cylinder, Ring, Shape

__all__ = ["PathLengthDistribution", "fine_path_lengths", "nearest", "path_lengths"]

_NODES_LIMIT = 2**20  # of the fine quadrature
_LINES_FIRST = 2**13
_ORDERS = (4, 6, 8, 11, 15, 20)  # of the quadrature between a source and a ring around it, five dimensions
_LINES_LIMIT = 2**22  # some ten seconds, enough for an accuracy of a few 1e-6


def path_lengths(zone: Shape, *, source: Shape | None = None, phase: float, accuracy: float = 1e-4) -> PathLengthDistribution:
    """Path lengths in a target zone for neutrinos from the origin or from an extended source.

    A point source has f(L) in closed form, integrated between its kinks. For an extended source f is an average over straight lines through
    it; a ring that the source does not touch is met by few of them, and is integrated over pairs of points. The number of nodes, lines or pairs
    grows until the result stands still.

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
        The zone has no end or is empty, or the accuracy would take more than 2^20 nodes or 2^22 lines, or more pairs.

    Examples
    --------
    >>> print(f"{path_lengths(Ball(radius=2.0), phase=3.0).mean_path:.6f}")
    2.000000
    """
    # A change of the wave changes <sin^2> half as much, so this spends a quarter of the accuracy.
    return fine_path_lengths(zone, source=source, phase=phase, accuracy=accuracy).compress_to(phase, 0.5 * accuracy)


def fine_path_lengths(
    zone: Shape, *, source: Shape | None = None, phase: float, accuracy: float = 1e-4, breaks: tuple[float, ...] = ()
) -> PathLengthDistribution:
    """The nodes of ``path_lengths`` before they are compressed: also exact for what is smooth between ``breaks``, such as edges of bins of distance.

    Parameters and errors are those of ``path_lengths``.

    Examples
    --------
    >>> nodes = fine_path_lengths(Ball(radius=2.0), phase=3.0, breaks=(1.0,))
    >>> print(f"{nodes.weight[nodes.baseline < 1].sum():.6f}")
    1.000000
    """
    require_domain(phase, accuracy)
    if not math.isfinite(zone.reach):
        raise RangeError("zone: it has no end: expected a shape of finite extent. State its top and bottom.")
    return _from_point(zone, phase, accuracy, breaks) if source is None else _from_body(zone, source, phase, accuracy)


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
    return change <= accuracy and deviation(wave(one, phase, reach), wave(other, phase, reach)) <= 2 * accuracy


# --- point source: closed form, panel by panel


@functools.lru_cache(maxsize=1024)
def nearest(zone: Shape) -> float:
    """Smallest distance from the origin at which there is target: the first kink of f(L) behind which it is not zero.

    Examples
    --------
    >>> print(f"{nearest(Ball(radius=2.0, z=-5.0)):.6f}")
    3.000000
    """
    kinks = np.unique([0.0, *_kinks(zone), zone.reach])
    inside = zone.fraction(0.5 * (kinks[1:] + kinks[:-1])) > 0
    return float(kinks[:-1][inside].min())


def _kinks(zone: Shape) -> Array:
    """Distances at which f(L) is not smooth, short of the end of the zone."""
    kinks = np.hypot(*zone.surfaces().corners().T)
    inner: Array = kinks[(kinks > 0) & (kinks < zone.reach)]
    return inner


def _from_point(zone: Shape, phase: float, accuracy: float, breaks: tuple[float, ...]) -> PathLengthDistribution:
    # A quarter for the quadrature, which the comparison with twice the nodes measures.
    coarse = _panels(zone, phase, 12, breaks)
    for order in (24, 48, 96, 192):
        fine = _panels(zone, phase, order, breaks)
        if _converged(coarse, fine, phase, zone.reach, 0.25 * accuracy):
            return coarse
        coarse = fine
    raise RangeError(f"accuracy: {accuracy:.6g}: not reached with {len(coarse.baseline)} nodes. Expected a larger accuracy.")


def _panels(zone: Shape, phase: float, order: int, breaks: tuple[float, ...]) -> PathLengthDistribution:
    """Gauss-Legendre quadrature of f between its kinks, ``order`` nodes per panel.

    Beyond the wall of a cylinder f falls like a square root. L = middle - half cos(t) makes such an end analytic in t.
    """
    kinks = np.append(_kinks(zone), breaks)
    edges = np.unique([0.0, *kinks[(kinks > 0) & (kinks < zone.reach)], zone.reach])
    middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
    # Per piece of a panel 2 k L turns by at most 16 rad, for which 12 nodes are good to 1e-9.
    pieces = np.ceil(2 * phase * half * math.pi / 16).clip(1).astype(int)
    if pieces.sum() * order > _NODES_LIMIT:
        raise _too_fast(phase, zone.reach)
    panel = np.repeat(np.arange(len(half)), pieces)
    number = np.arange(len(panel)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    nodes, weights = gauss_legendre(order)
    width = math.pi / pieces[panel][:, None]
    t = width * (number[:, None] + 0.5 * (1 + nodes))
    baseline = (middle[panel][:, None] - half[panel][:, None] * np.cos(t)).ravel()
    step = (0.5 * width * weights * half[panel][:, None] * np.sin(t)).ravel()
    return _distribution(baseline, step * zone.fraction(baseline))


# --- extended source: lines, or pairs of points


def _from_body(zone: Shape, source: Shape, phase: float, accuracy: float) -> PathLengthDistribution:
    """Average over quasi-random lines, in bins of L.

    Each line counts in both directions, which removes the terms that are odd in the displacement of the decay from the centre.
    """
    if not isinstance(source, Ball | Cylinder) or not math.isfinite(source.reach):
        raise RangeError(f"source: {type(source).__name__}: expected a Ball or a Cylinder of finite extent.")
    if isinstance(zone, Ring) and source.radius < zone.inner:
        return _between(zone, source, phase, accuracy)
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


def _between(zone: Ring, source: Ball | Cylinder, phase: float, accuracy: float) -> PathLengthDistribution:
    """Pairs of points, one in the ring and one in the source that it encloses: V / (4 pi r^2) at their distance r.

    Lines would miss a thin ring more often than not; 1/r^2 is analytic as long as the two do not touch, and Gauss-Legendre converges fast.
    """
    coarse = None
    for order in _ORDERS:
        fine = _pairs(zone, source, order)
        if coarse is not None and _converged(coarse, fine, phase, zone.reach + source.reach, 0.5 * accuracy):
            return fine
        coarse = fine
    raise RangeError(f"accuracy: {accuracy:.6g}: not reached with {_ORDERS[-1] ** 5} pairs. Expected a larger accuracy, or a source farther from the ring.")


def _pairs(zone: Ring, source: Ball | Cylinder, order: int) -> PathLengthDistribution:
    x, w = gauss_legendre(order)
    x, w = 0.5 * (1 + x), 0.5 * w
    # source: distance from the axis, height, share of the decays
    if isinstance(source, Cylinder):
        rho, z = np.meshgrid(source.radius * x, source.bottom + x * (source.top - source.bottom), indexing="ij")
        share = np.outer(2 * x * w, w)
    else:
        polar = 2 * x - 1
        rho, z = np.outer(source.radius * x, np.sqrt(1 - polar * polar)), source.z + np.outer(source.radius * x, polar)
        share = np.outer(3 * x * x * w, w)
    # ring: uniform in the square of the radius and in height
    radius = np.sqrt(zone.inner**2 + x * (zone.outer**2 - zone.inner**2))
    height = zone.bottom + x * (zone.top - zone.bottom)
    rise = (z.ravel()[:, None] - height) ** 2
    turn = np.cos(math.pi * (np.arange(order) + 0.5) / order)  # midpoints are the Gauss rule of a periodic function
    rho_, rise_, radius_ = rho.ravel()[:, None, None, None], rise[:, :, None, None], radius[:, None]
    square = rho_ * rho_ + radius_ * radius_ + rise_ - 2 * rho_ * radius_ * turn
    weight = share.ravel()[:, None, None, None] * w[:, None, None] * w[:, None] / order * (zone.volume / (4 * math.pi)) / square
    return _distribution(np.sqrt(square).ravel(), weight.ravel())


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
