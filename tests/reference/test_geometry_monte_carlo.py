"""Path lengths of the gallium detectors against an independent Monte Carlo and the values of the physics note.

The Monte Carlo knows no rays and no intervals: it throws points of decay into the source cylinder and points of capture into space, tests
the inequalities of the drawing, and weights with the inverse square of their distance.
"""

import math
from functools import cache

import numpy as np
import pytest

from megacurie.foundation import units as u
from megacurie.physics.geometry import PathLengthDistribution, path_lengths
from megacurie.physics.shapes import Ball, Cylinder, Difference, Union, filled_to_height

SOURCE = Cylinder(radius=4.3 * u.cm, bottom=-5.4 * u.cm, top=5.4 * u.cm)
TUBE = Cylinder(radius=6.8 * u.cm, bottom=0.0, top=math.inf)
TANK = Cylinder(radius=109 * u.cm, bottom=-110 * u.cm, top=124.5 * u.cm)
ZONES = {
    "inner": Difference(target=Ball(radius=66.75 * u.cm), without=Union(parts=(Ball(radius=14.4 * u.cm), TUBE))),
    "outer": Difference(target=filled_to_height(TANK, 211.2 * u.cm), without=Union(parts=(Ball(radius=67.25 * u.cm), TUBE))),
}
ACCURACY = 1e-4
SPLITTINGS = np.array([0.1, 0.3, 1.0, 1.25, 3.3, 5.9, 10.0, 20.0, 30.0])  # eV2
BATCHES, POINTS = 80, 2**17


@cache
def best(zone: str) -> PathLengthDistribution:
    """For 30 eV2 and the 0.427 MeV line, as in the analysis."""
    return path_lengths(ZONES[zone], source=SOURCE, phase=30 * u.eV2 / (4 * 0.427 * u.MeV * u.hbarc), accuracy=ACCURACY)


def in_zone(zone: str, rho: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The drawing in centimetres, origin at the centre of the source."""
    r2 = rho**2 + z**2
    target = (r2 < 66.75**2) & (r2 > 14.4**2) if zone == "inner" else (rho < 109) & (z > -110) & (z < 101.2) & (r2 > 67.25**2)
    return target & ~((rho < 6.8) & (z > 0))


def throw(zone: str, rng: np.random.Generator) -> np.ndarray:
    """Mean path in cm and <sin^2> at each splitting from one batch, array (1 + m,).

    Points of capture lie with density 1/r^2 about the centre of the source, one in each of as many equal steps of r; the weight r^2/d^2
    makes up for the place of the decay.
    """
    far = 155.0  # beyond the corner of the tank, hypot(109, 110) = 154.9
    r = far * (np.arange(POINTS) + rng.random(POINTS)) / POINTS
    direction = rng.standard_normal((3, POINTS))
    x, y, z = r * direction / np.linalg.norm(direction, axis=0)
    angle, radius = 2 * math.pi * rng.random(POINTS), 4.3 * np.sqrt(rng.random(POINTS))
    d2 = (x - radius * np.cos(angle)) ** 2 + (y - radius * np.sin(angle)) ** 2 + (z - 10.8 * (rng.random(POINTS) - 0.5)) ** 2
    weight = np.where(in_zone(zone, np.hypot(x, y), z), r**2 / d2, 0.0)
    k = SPLITTINGS * u.eV2 / (4 * 0.747 * u.MeV * u.hbarc)
    survived = [weight @ np.sin(one * np.sqrt(d2) * u.cm) ** 2 / weight.sum() for one in k]
    return np.array([far * weight.mean(), *survived])


@pytest.mark.parametrize("zone", ["inner", "outer"])
def test_best_against_monte_carlo(zone: str) -> None:
    rng = np.random.default_rng(20220610)
    batches = np.array([throw(zone, rng) for _ in range(BATCHES)])
    mean, sigma = batches.mean(axis=0), batches.std(axis=0, ddof=1) / math.sqrt(BATCHES)
    assert (sigma[1:] < 2e-4).all()  # well below the 1e-3 that is tested
    assert sigma[0] / mean[0] < 2e-4
    k = SPLITTINGS * u.eV2 / (4 * 0.747 * u.MeV * u.hbarc)
    ours = np.array([best(zone).mean_path / u.cm, *(best(zone).average(lambda x, one=one: np.sin(one * x) ** 2) for one in k)])
    allowed = 4 * sigma + ACCURACY * np.array([mean[0], *np.ones(len(k))])  # four standard errors, and what path_lengths was asked for
    assert (np.abs(ours - mean) < allowed).all(), f"deviation in sigma: {(ours - mean) / sigma}"
    assert (np.abs(ours - mean)[1:] < 1e-3).all()


def test_pure_shapes_of_best() -> None:
    """Physics note (c): cavity fitted to 52.0 cm, tank filled to 211.2 cm: 54.6 to 54.9 cm; tolerance 0.3 % inner, 1 % outer."""
    assert best("inner").mean_path == pytest.approx(52.03 * u.cm, rel=3e-3)  # published 52.03(18) cm
    assert best("outer").mean_path == pytest.approx(54.41 * u.cm, rel=1e-2)  # published 54.41(18) cm
    assert 54.6 < best("outer").mean_path / u.cm < 54.9


def test_mean_distances_of_best() -> None:
    """Flux-weighted 0.405 and 0.96 m (physics note, rounding of the digits); averaged over the volume about 0.50 and 1.03 to 1.07 m."""
    assert best("inner").flux_weighted_distance == pytest.approx(0.405 * u.m, abs=0.0005 * u.m)
    assert best("outer").flux_weighted_distance == pytest.approx(0.96 * u.m, abs=0.005 * u.m)
    assert best("inner").mean_distance == pytest.approx(0.50 * u.m, abs=0.01 * u.m)
    assert 1.03 < best("outer").mean_distance / u.m < 1.07


@pytest.mark.parametrize(("radius", "height", "source", "mean_path"), [(0.7, 1.47, 0.72, 80.4), (1.9, 5.0, 2.7, 231.7)])
def test_full_cylinders(radius: float, height: float, source: float, mean_path: float) -> None:
    """SAGE and GALLEX without the wells of their sources (physics note, rounding of the printed digits)."""
    zone = Cylinder(radius=radius * u.m, bottom=-source * u.m, top=(height - source) * u.m)
    assert path_lengths(zone, phase=0.0).mean_path == pytest.approx(mean_path * u.cm, abs=0.05 * u.cm)


def test_plain_ball_with_the_extended_source() -> None:
    """R (1 - <d^2> / (3 R^2)), <d^2> = r^2/2 + h^2/12 = 18.97 cm2: 66.655 cm. The 66.1 of the physics note is 0.8 % away from this."""
    radius, d2 = 66.75, 4.3**2 / 2 + 10.8**2 / 12
    mean_path = path_lengths(Ball(radius=radius * u.cm), source=SOURCE, phase=0.0).mean_path
    assert mean_path / u.cm == pytest.approx(radius * (1 - d2 / (3 * radius**2)), rel=ACCURACY)  # asked for; the next order is 2e-6
