"""Path lengths: closed forms, additivity, compression, messages."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from megacurie.foundation import units as u
from megacurie.foundation.errors import RangeError
from megacurie.physics.geometry import PathLengthDistribution, path_lengths
from megacurie.physics.shapes import Ball, Cylinder, Difference, Ring, Shape, Shell, Union

ACCURACY = 1e-4
EXACT = 1e-10  # where f is constant in each panel the quadrature is exact, up to the cosine of its substitution
PHASE = 30 * u.eV2 / (4 * 0.427 * u.MeV * u.hbarc)  # the fastest oscillation of the gallium analysis
TUBE = Cylinder(radius=6.8 * u.cm, bottom=0.0, top=math.inf)
SOURCE = Cylinder(radius=4.3 * u.cm, bottom=-5.4 * u.cm, top=5.4 * u.cm)


def mean_path_of_ball(radius: float, d: float) -> float:
    """Source at a distance d from the centre of a ball, inside or outside (physics note)."""
    return radius / 2 * (1 + (radius**2 - d**2) / (2 * radius * d) * math.log(abs((radius + d) / (radius - d))))


def survival_phase(k: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda distance: np.sin(k * distance) ** 2


def fraction_of_cylinder(distance: float, radius: float, bottom: float, top: float) -> float:
    """The formula of the physics note."""
    low, high = max(bottom / distance, -1.0), min(top / distance, 1.0)
    if distance <= radius:
        return max(high - low, 0.0) / 2
    c = math.sqrt(1 - (radius / distance) ** 2)
    return (max(high - max(c, low), 0.0) + max(min(-c, high) - low, 0.0)) / 2


# --- closed forms


def test_ball_about_the_source() -> None:
    radius = 66.75 * u.cm
    paths = path_lengths(Ball(radius=radius), phase=PHASE)
    assert paths.mean_path == pytest.approx(radius, rel=EXACT)
    assert paths.mean_distance == pytest.approx(0.75 * radius, rel=EXACT)
    assert paths.flux_weighted_distance == pytest.approx(0.5 * radius, rel=EXACT)
    for k in np.linspace(0.01, 1, 37) * PHASE:
        expected = 0.5 * (1 - math.sin(2 * k * radius) / (2 * k * radius))
        assert paths.average(survival_phase(k)) == pytest.approx(expected, abs=ACCURACY)  # what was asked for


@pytest.mark.parametrize("d", [1e-3, 0.3, 0.999, 1.001, 1.7, 30.0])
def test_mean_path_of_ball_off_centre(d: float) -> None:
    """Inside and outside; near the surface f ~ 1/L is steep, so the asked accuracy is what counts."""
    mean_path = path_lengths(Ball(radius=u.m, z=d * u.m), phase=0.0, accuracy=1e-9).mean_path
    assert mean_path == pytest.approx(mean_path_of_ball(1.0, d) * u.m, rel=1e-9)


def test_wave_of_ball_off_centre() -> None:
    """f = 1 up to R - d, then the cap that lies inside, up to R + d."""
    radius, d = 1.0, 0.4
    paths = path_lengths(Ball(radius=radius * u.m, z=-d * u.m), phase=20 / u.m)
    for k in (0.5, 5.0, 20.0):
        near = (radius - d) / 2 - math.sin(2 * k * (radius - d)) / (4 * k)
        far, _ = quad(lambda x, k=k: math.sin(k * x) ** 2 * (1 - (x**2 + d**2 - radius**2) / (2 * x * d)) / 2, radius - d, radius + d, limit=200)
        assert paths.average(survival_phase(k / u.m)) == pytest.approx((near + far) / mean_path_of_ball(radius, d), abs=ACCURACY)


def test_shell() -> None:
    paths = path_lengths(Shell(inner=0.5 * u.m, outer=1.5 * u.m), phase=PHASE)
    assert paths.mean_path == pytest.approx(u.m, rel=EXACT)
    off = path_lengths(Shell(inner=0.5 * u.m, outer=1.5 * u.m, z=0.9 * u.m), phase=0.0, accuracy=1e-9)
    assert off.mean_path == pytest.approx((mean_path_of_ball(1.5, 0.9) - mean_path_of_ball(0.5, 0.9)) * u.m, rel=1e-9)  # what was asked for


@pytest.mark.parametrize(("radius", "bottom", "top"), [(1.9, -2.7, 2.3), (0.7, -0.72, 0.75), (1.0, 0.5, 2.0), (0.1, -3.0, -0.2)])
def test_cylinder(radius: float, bottom: float, top: float) -> None:
    """Fraction as the note has it; mean path against adaptive quadrature between its kinks."""
    cylinder = Cylinder(radius=radius * u.m, bottom=bottom * u.m, top=top * u.m)
    distance = np.linspace(0.01, 4, 400) + 1e-5  # not at the wall itself, where the square root turns rounding into 1e-8
    expected = [fraction_of_cylinder(x, radius, bottom, top) for x in distance]
    assert cylinder.fraction(distance * u.m) == pytest.approx(expected, abs=1e-12)  # rounding through that square root, 1e-5 away
    kinks = sorted({0.0, radius, abs(bottom), abs(top), math.hypot(radius, bottom), math.hypot(radius, top)})
    pieces = [quad(fraction_of_cylinder, a, b, args=(radius, bottom, top), epsabs=1e-12, epsrel=1e-12, limit=500)[0] for a, b in pairwise(kinks)]
    mean_path = path_lengths(cylinder, phase=0.0, accuracy=1e-9).mean_path
    assert mean_path == pytest.approx(sum(pieces) * u.m, rel=1e-9)  # asked for; quad reaches 1e-11


def test_mean_path_is_the_integral_over_the_volume() -> None:
    """Int dV / (4 pi r^2) of a ball of radius a far away, by its expansion 1/(4 pi d^2) (1 + a^2/(5 d^2) + 3 a^4/(35 d^4))."""
    ball = Ball(radius=u.m, z=40 * u.m)
    series = ball.volume / (4 * math.pi * ball.z**2) * (1 + 1 / (5 * 40**2) + 3 / (35 * 40**4))
    assert path_lengths(ball, phase=0.0).mean_path == pytest.approx(series, rel=1e-9)  # the next term is 1e-11


# --- additivity


@pytest.mark.parametrize("source", [None, Ball(radius=5 * u.cm)])
def test_zone_sum_is_whole(source: Shape | None) -> None:
    inner, outer = Ball(radius=0.6 * u.m), Cylinder(radius=1.1 * u.m, bottom=-u.m, top=1.2 * u.m)
    whole, rest = Union(parts=(outer, inner)), Difference(target=outer, without=inner)
    a, b, c = (path_lengths(zone, source=source, phase=PHASE / 3) for zone in (whole, rest, inner))
    assert a.mean_path == pytest.approx(b.mean_path + c.mean_path, rel=2 * ACCURACY)  # each good to ACCURACY
    for k in np.linspace(0, 1, 13) * PHASE / 3:
        parts = (b.mean_path * b.average(survival_phase(k)) + c.mean_path * c.average(survival_phase(k))) / (b.mean_path + c.mean_path)
        assert a.average(survival_phase(k)) == pytest.approx(parts, abs=2 * ACCURACY)  # each good to ACCURACY


def test_difference_is_target_minus_intersection() -> None:
    distance = np.linspace(0.01, 3, 500) * u.m
    a, b = Cylinder(radius=u.m, bottom=-u.m, top=2 * u.m), Ball(radius=u.m, z=0.7 * u.m)
    union, difference = Union(parts=(a, b)).fraction(distance), Difference(target=a, without=b).fraction(distance)
    intersection = a.fraction(distance) + b.fraction(distance) - union
    assert difference == pytest.approx(a.fraction(distance) - intersection, abs=1e-14)  # a few roundings of numbers of size one


# --- extended sources


def test_ball_source_in_a_ball() -> None:
    """Average of the closed form over the places of decay."""
    radius, size = 66.75 * u.cm, 20 * u.cm
    expected, _ = quad(lambda x: 3 * x**2 * mean_path_of_ball(radius / size, x), 0, 1, epsabs=0)
    paths = path_lengths(Ball(radius=radius), source=Ball(radius=size), phase=PHASE)
    assert paths.mean_path == pytest.approx(expected * size, rel=ACCURACY)  # what was asked for


@pytest.mark.parametrize("shape", [Ball(radius=0.5 * u.m, z=0.4 * u.m), Shell(inner=0.4 * u.m, outer=0.9 * u.m), Difference(target=SOURCE, without=TUBE)])
def test_lines_from_a_tiny_source_agree_with_the_closed_form(shape: Shape) -> None:
    source = Cylinder(radius=u.nm, bottom=-u.nm, top=u.nm)
    point, lines = (path_lengths(shape, source=body, phase=PHASE) for body in (None, source))
    assert lines.mean_path == pytest.approx(point.mean_path, rel=2 * ACCURACY)  # each good to ACCURACY
    for k in np.linspace(0, 1, 23) * PHASE:
        assert lines.average(survival_phase(k)) == pytest.approx(point.average(survival_phase(k)), abs=2 * ACCURACY)  # as above


def test_shrinking_source_becomes_a_point_quadratically() -> None:
    """Inside a ball about the source the mean path falls by <d^2> / (3 R^2), and <d^2> = 3/5 a^2 for a ball of radius a."""
    ball = Ball(radius=u.m)
    for size in (0.4, 0.2, 0.1):
        loss = 1 - path_lengths(ball, source=Ball(radius=size * u.m), phase=0.0, accuracy=1e-5).mean_path / u.m
        assert loss == pytest.approx(size**2 / 5, abs=1e-5 + size**4 / 30)  # accuracy asked for, and the next order 3/7 a^4 / 15


def test_source_outside_the_target() -> None:
    """Source ball of radius a, target at d: the average of 1/r^2 over the source is 1/d^2 + <x^2>/6 Laplacian(1/r^2).

    <x^2> = 3/5 a^2 and the Laplacian of 1/r^2 is 2/r^4, so the factor is 1 + a^2 / (5 d^2).
    """
    d, size = 5.0, 1.0
    point = path_lengths(Ball(radius=u.m, z=d * u.m), phase=0.0).mean_path
    body = path_lengths(Ball(radius=u.m, z=d * u.m), source=Ball(radius=size * u.m), phase=0.0, accuracy=1e-3).mean_path
    assert body / point == pytest.approx(1 + size**2 / (5 * d**2), abs=1e-3 + 4 / d**4)  # accuracy asked for, next order


@pytest.mark.parametrize(
    ("source", "relative"), [(None, 0.883), (Cylinder(radius=2.85 * u.cm, bottom=-2.85 * u.cm, top=2.85 * u.cm), 0.892), (Ball(radius=8.2 * u.cm), 0.974)]
)
def test_ring_about_a_source_as_in_the_note(source: Ball | Cylinder | None, relative: float) -> None:
    """Mean 1/d^2 over that at 12 cm for 1 kg of LiF, with three digits."""
    outer = math.sqrt(144 + 1000 / 2.635 / (math.pi * 13.856)) * u.cm
    ring = Ring(inner=12 * u.cm, outer=outer, bottom=-6.928 * u.cm, top=6.928 * u.cm)
    found = path_lengths(ring, source=source, phase=0.0, accuracy=1e-6).mean_path
    assert found * 4 * math.pi * (12 * u.cm) ** 2 / ring.volume == pytest.approx(relative, abs=1e-3)  # digits, and the density of the note


@pytest.mark.parametrize("source", [SOURCE, Ball(radius=6 * u.cm)])
def test_pairs_of_points_are_lines_through_the_ring(source: Ball | Cylinder) -> None:
    """The same ring as a difference is averaged over lines."""
    ring = Ring(inner=12 * u.cm, outer=20 * u.cm, bottom=-7 * u.cm, top=9 * u.cm)
    hole = Cylinder(radius=12 * u.cm, bottom=-math.inf, top=math.inf)
    same = Difference(target=Cylinder(radius=20 * u.cm, bottom=-7 * u.cm, top=9 * u.cm), without=hole)
    pairs, lines = (path_lengths(zone, source=source, phase=PHASE, accuracy=3e-4) for zone in (ring, same))
    assert pairs.mean_path == pytest.approx(lines.mean_path, rel=6e-4)  # each good to 3e-4
    for k in np.linspace(0, 1, 23) * PHASE:
        assert pairs.average(survival_phase(k)) == pytest.approx(lines.average(survival_phase(k)), abs=6e-4)


BALL = Ball(radius=66.75 * u.cm)


@pytest.mark.parametrize("zone", [BALL, Difference(target=BALL, without=Union(parts=(Ball(radius=14.4 * u.cm), TUBE)))])
def test_accuracy_is_what_was_asked_for(zone: Shape) -> None:
    coarse = path_lengths(zone, source=SOURCE, phase=PHASE, accuracy=1e-3)
    fine = path_lengths(zone, source=SOURCE, phase=PHASE, accuracy=3e-5)
    assert coarse.mean_path == pytest.approx(fine.mean_path, rel=1e-3)
    for k in np.linspace(0, 1, 101) * PHASE:
        assert coarse.average(survival_phase(k)) == pytest.approx(fine.average(survival_phase(k)), abs=1e-3)  # that of the coarser one


def test_same_call_same_numbers() -> None:
    one, two = (path_lengths(Ball(radius=u.m), source=SOURCE, phase=1 / u.m) for _ in range(2))
    assert one.baseline.tolist() == two.baseline.tolist()
    assert one.weight.tolist() == two.weight.tolist()


# --- the distribution itself


def test_compress_keeps_moments() -> None:
    rng = np.random.default_rng(1)
    fine = PathLengthDistribution(baseline=rng.uniform(0.2, 3, 400) * u.m, weight=rng.uniform(0, 1, 400) * u.cm)
    for n in (1, 2, 5, 12):
        coarse = fine.compress(n)
        assert len(coarse.baseline) == n
        for degree in range(2 * n):
            assert coarse.average(lambda x, d=degree: (x / u.m) ** d) == pytest.approx(
                fine.average(lambda x, d=degree: (x / u.m) ** d),
                rel=1e-12,  # power 23 multiplies the rounding of a node by 23
            )


def test_compress_of_few_distinct_nodes_is_exact() -> None:
    paths = PathLengthDistribution(baseline=np.array([2.0, 1.0, 2.0, 3.0]) * u.m, weight=np.array([1.0, 1.0, 3.0, 0.0]) * u.m)
    assert (paths.compress(5).baseline / u.m).tolist() == pytest.approx([1, 2])
    assert (paths.compress(5).weight / u.m).tolist() == pytest.approx([1, 4])


def test_compress_stops_where_the_measure_is_exhausted() -> None:
    """Two clusters closer than rounding count as two nodes; no node is lost and no weight negative."""
    baseline = np.array([1.0, 1 + 1e-15, 2.0, 2 + 1e-15]) * u.m
    coarse = PathLengthDistribution(baseline=baseline, weight=np.ones(4) * u.m).compress(3)
    assert coarse.mean_path == pytest.approx(4 * u.m)
    assert (coarse.weight > 0).all()


def test_compress_to_keeps_what_it_cannot_compress() -> None:
    paths = PathLengthDistribution(baseline=np.linspace(1, 2, 20) * u.m, weight=np.ones(20) * u.m)
    assert paths.compress_to(1e4 / u.m, 1e-6) is paths


def test_scaled_to() -> None:
    paths = path_lengths(Ball(radius=u.m), phase=PHASE).scaled_to(52.03 * u.cm)
    assert paths.mean_path == pytest.approx(52.03 * u.cm)
    assert paths.mean_distance == pytest.approx(0.75 * u.m)


def test_distribution_keeps_its_own_read_only_copy() -> None:
    mine = np.array([1.0, 2.0]) * u.m
    paths = PathLengthDistribution(baseline=mine, weight=mine)
    mine[0] = -1
    assert paths.baseline.min() > 0
    with pytest.raises(ValueError, match="read-only"):
        paths.weight[0] = 0


def test_nodes_for_the_gallium_analysis() -> None:
    """ARCHITECTURE, section 1: 192 and 64 nodes for GALLEX and SAGE-Cr at 30 eV2 and 1e-4 (here for the slowest line, 0.427 MeV)."""
    gallex = path_lengths(Cylinder(radius=1.9 * u.m, bottom=-2.7 * u.m, top=2.3 * u.m), phase=PHASE)
    sage = path_lengths(Cylinder(radius=0.7 * u.m, bottom=-0.72 * u.m, top=0.75 * u.m), phase=PHASE)
    assert len(gallex.baseline) <= 192
    assert len(sage.baseline) <= 64


def nodes(*values: float) -> np.ndarray:
    return np.array(values) * u.m


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: PathLengthDistribution(baseline=nodes(1, 2), weight=nodes(1)),
            "baseline (2,) and weight (1,): expected two equal shapes (n,)",
        ),
        (lambda: PathLengthDistribution(baseline=nodes(), weight=nodes()), "expected two equal shapes (n,), n > 0"),
        (lambda: PathLengthDistribution(baseline=nodes(-1, 2), weight=nodes(1, 1)), "baseline from -1 m: expected positive finite lengths"),
        (lambda: PathLengthDistribution(baseline=nodes(1, math.nan), weight=nodes(1, 1)), "expected positive finite lengths"),
        (
            lambda: PathLengthDistribution(baseline=nodes(1, 2), weight=nodes(1, -3)),
            "weight from -3 m: expected finite lengths, none negative",
        ),
        (lambda: PathLengthDistribution(baseline=nodes(1, 2), weight=nodes(0, 0)), "not all zero"),
        (lambda: PathLengthDistribution(baseline=nodes(1), weight=nodes(1)).compress(0), "number of nodes: 0: expected at least 1"),
        (
            lambda: PathLengthDistribution(baseline=nodes(1), weight=nodes(1)).scaled_to(0.0),
            "mean path: 0 m: expected a positive finite length",
        ),
        (lambda: path_lengths(TUBE, phase=0.0), "zone: it has no end"),
        (lambda: path_lengths(Ball(radius=u.m), phase=-1 / u.m), "phase: -1 1/m: expected a finite k"),
        (lambda: path_lengths(Ball(radius=u.m), phase=0.0, accuracy=0.0), "accuracy: 0: expected a number between 0 and 1"),
        (lambda: path_lengths(Ball(radius=u.m), phase=1e7 / u.m), "phase: 1e+07 1/m: needs more than 1048576 nodes out to 1 m"),
        (
            lambda: path_lengths(Ball(radius=u.m), source=Ball(radius=u.m), phase=1e7 / u.m),
            "phase: 1e+07 1/m: needs more than 1048576 nodes",
        ),
        (
            lambda: path_lengths(Difference(target=Ball(radius=u.m), without=Ball(radius=u.km)), phase=0.0),
            "zone: nothing of it is seen from the source",
        ),
        (
            lambda: path_lengths(Ball(radius=u.m), source=Shell(inner=u.cm, outer=u.m), phase=0.0),
            "source: Shell: expected a Ball or a Cylinder",
        ),
        (
            lambda: path_lengths(Ball(radius=u.m), source=TUBE, phase=0.0),
            "source: Cylinder: expected a Ball or a Cylinder of finite extent",
        ),
    ],
)
def test_messages(make, message: str) -> None:
    with pytest.raises(RangeError) as error:
        make()
    assert message in str(error.value)
