"""Laws of shapes and path lengths on random input."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from megacurie.foundation import units as u
from megacurie.physics.curves import Curve
from megacurie.physics.geometry import PathLengthDistribution, path_lengths
from megacurie.physics.shapes import Ball, Cylinder, Difference, Shape, Shell, Union, ball_of_volume

lengths = st.floats(0.05, 3)  # metres
heights = st.integers(-2000, 2000).map(lambda mm: 1e-3 * mm)  # to the millimetre: a tank does not end 1e-160 m above the source
balls = st.builds(lambda r, z: Ball(radius=r * u.m, z=z * u.m), lengths, heights)
shells = st.builds(lambda r, d, z: Shell(inner=r * u.m, outer=(r + d) * u.m, z=z * u.m), lengths, lengths, heights)
cylinders = st.builds(lambda r, z, h: Cylinder(radius=r * u.m, bottom=z * u.m, top=(z + h) * u.m), lengths, heights, lengths)
primitives = balls | shells | cylinders
shapes = st.recursive(
    primitives,
    lambda inner: st.builds(lambda a, b: Union(parts=(a, b)), inner, inner) | st.builds(lambda a, b: Difference(target=a, without=b), inner, inner),
    max_leaves=5,
)
DISTANCE = np.linspace(1e-3, 9, 300)
ULPS = 1e-14  # a few roundings of numbers of size one


def scaled(shape: Shape, by: float) -> Shape:
    match shape:
        case Ball(radius=r, z=z):
            return Ball(radius=by * r, z=by * z)
        case Shell(inner=a, outer=b, z=z):
            return Shell(inner=by * a, outer=by * b, z=by * z)
        case Cylinder(radius=r, bottom=a, top=b):
            return Cylinder(radius=by * r, bottom=by * a, top=by * b)
        case Union(parts=parts):
            return Union(parts=tuple(scaled(part, by) for part in parts))
        case Difference(target=a, without=b):
            return Difference(target=scaled(a, by), without=scaled(b, by))
    raise AssertionError(shape)


@given(shapes)
def test_fraction_is_a_probability_and_ends_at_the_reach(shape: Shape) -> None:
    fraction = shape.fraction(DISTANCE * u.m)
    assert ((fraction >= 0) & (fraction <= 1)).all()
    assert not fraction[DISTANCE * u.m > shape.reach * (1 + ULPS)].any()


@given(shapes, shapes)
def test_inclusion_and_exclusion(a: Shape, b: Shape) -> None:
    distance = DISTANCE * u.m
    union, without = Union(parts=(a, b)), Difference(target=a, without=b)
    both = Difference(target=a, without=without)
    for measure, size in ((lambda shape: shape.fraction(distance), 1.0), (lambda shape: np.array([shape.volume]), a.volume + b.volume)):
        assert np.allclose(measure(union), measure(without) + measure(b), rtol=0, atol=20 * ULPS * size)
        assert np.allclose(measure(a), measure(without) + measure(both), rtol=0, atol=20 * ULPS * size)


@given(shapes, st.integers(0, 1000))
def test_cuts_agree_with_membership(shape: Shape, seed: int) -> None:
    """Points of random lines: inside one of the intervals if and only if the inequalities of the shape hold."""
    rng = np.random.default_rng(seed)
    rho, z, cosine, azimuth = rng.uniform(0, 2, 50), rng.uniform(-2, 2, 50), rng.uniform(0, 1, 50), rng.uniform(0, math.pi, 50)
    s = rng.uniform(-6, 6, (20, 1, 50))
    cut = shape.cut(Curve.line(rho * u.m, z * u.m, cosine, azimuth, 8 * u.m))
    found = ((cut.lower < s * u.m) & (s * u.m < cut.upper)).any(axis=1)
    sine = np.sqrt(1 - cosine**2)
    x, y = rho + s[:, 0] * sine * np.cos(azimuth), s[:, 0] * sine * np.sin(azimuth)
    # A random point lies within 1e-13 of a surface once in 1e12 or so: no tolerance.
    assert (found == contains(shape, np.hypot(x, y) * u.m, (z + s[:, 0] * cosine) * u.m)).all()


def contains(shape: Shape, rho: np.ndarray, z: np.ndarray) -> np.ndarray:
    match shape:
        case Ball(radius=r, z=at):
            return np.hypot(rho, z - at) < r
        case Shell(inner=a, outer=b, z=at):
            return (a < np.hypot(rho, z - at)) & (np.hypot(rho, z - at) < b)
        case Cylinder(radius=r, bottom=a, top=b):
            return (rho < r) & (a < z) & (z < b)
        case Union(parts=parts):
            return np.any([contains(part, rho, z) for part in parts], axis=0)
        case Difference(target=a, without=b):
            return contains(a, rho, z) & ~contains(b, rho, z)
    raise AssertionError(shape)


@given(primitives, st.floats(1e-3, 1e3))
def test_scale_invariance(shape: Shape, by: float) -> None:
    one, other = path_lengths(shape, phase=5 / u.m), path_lengths(scaled(shape, by), phase=5 / u.m / by)
    assert math.isclose(other.mean_path, by * one.mean_path, rel_tol=1e-9)  # rounding, where f has an edge as steep as a square root
    assert math.isclose(other.flux_weighted_distance, by * one.flux_weighted_distance, rel_tol=1e-9)


@given(primitives, primitives)
@settings(max_examples=50)
def test_mean_paths_add(a: Shape, b: Shape) -> None:
    union = path_lengths(Union(parts=(a, b)), phase=0.0, accuracy=1e-6).mean_path
    rest = Difference(target=a, without=b)
    # Each good to 1e-6. Of a millionth of the volume that is left only a bound is known: no body of a volume has longer paths than the ball about the source.
    seen = rest.volume > 1e-6 * a.volume
    left = path_lengths(rest, phase=0.0, accuracy=1e-6).mean_path if seen else 0.0
    slack = 1e-6 * 3 * union + (0.0 if seen else ball_of_volume(1e-6 * a.volume).radius)
    assert abs(union - left - path_lengths(b, phase=0.0, accuracy=1e-6).mean_path) <= slack


distributions = st.builds(
    lambda n, seed, power: (lambda rng: PathLengthDistribution(baseline=rng.uniform(0.1, 2, n) * u.m, weight=rng.random(n) ** power * u.m))(
        np.random.default_rng(seed)
    ),
    st.integers(1, 300),
    st.integers(0, 10**6),
    st.sampled_from([0, 1, 8]),
)


@given(distributions, st.integers(1, 40))
@settings(max_examples=50)
def test_compression_is_a_gauss_quadrature(fine: PathLengthDistribution, n: int) -> None:
    coarse = fine.compress(n)
    assert len(coarse.baseline) <= min(n, len(fine.baseline))
    assert (coarse.weight > 0).all()
    assert fine.baseline.min() <= coarse.baseline.min()
    assert coarse.baseline.max() <= fine.baseline.max()
    # Chebyshev polynomials of the middle 1.05 m and half width 0.95 m stay in [-1, 1], so that every degree can be compared at one scale.
    for degree in range(2 * n):
        coefficients = np.eye(degree + 1)[degree]
        one, two = (paths.average(lambda x, c=coefficients: np.polynomial.chebyshev.chebval((x / u.m - 1.05) / 0.95, c)) for paths in (fine, coarse))
        assert abs(one - two) < 1e-10  # T_n' <= n^2 = 6e3, times rounding of nodes and weights


@given(distributions, st.floats(0, 60), st.sampled_from([1e-2, 1e-4, 1e-6]))
@settings(max_examples=50)
def test_compress_to_reaches_its_accuracy(fine: PathLengthDistribution, phase: float, accuracy: float) -> None:
    coarse = fine.compress_to(phase / u.m, accuracy)
    assert math.isclose(coarse.mean_path, fine.mean_path, rel_tol=1e-12)  # moment of degree zero: sum of up to 300 weights
    for k in np.linspace(0, phase, 41) / u.m:
        change = [coarse.average(lambda x, f=f, k=k: f(2 * k * x)) - fine.average(lambda x, f=f, k=k: f(2 * k * x)) for f in (np.cos, np.sin)]
        assert math.hypot(*change) <= accuracy + 1e-12  # rounding of the sums
