"""The gallium experiments a second time: other integrals, other units, by hand.

Recipe: everything here is in practical units (m, cm, MeV, eV2, days), with numbers typed from the publications, and integrates over the volume of
the target or over f(L) as written in the note on path lengths; nothing of the package but the result is used.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import dblquad, quad

import megacurie as mci
from megacurie.experiments.experiment import Experiment
from megacurie.foundation import units as u
from megacurie.physics.shapes import Ball, Cylinder, Difference, Union

S, DM2 = 0.33, 1.25  # eV2: the best fit of the six data
# MeV, intensity, cross section per line in 1e-46 cm2: Acero et al., arXiv:0711.4222 (after Bahcall)
CHROMIUM = [(0.747, 0.8163, 60.8), (0.752, 0.0849, 61.5), (0.427, 0.0895, 26.7), (0.432, 0.0093, 27.1)]
ARGON = [(0.811, 0.902, 70.1), (0.813, 0.098, 70.3)]
# metres, source at the origin: radius, bottom, top
SAGE = (0.7, -0.72, 1.47 - 0.72)
GALLEX_1 = (1.9, -2.7, 5.0 - 2.7)
GALLEX_2 = (1.9, -2.38, 5.0 - 2.38)


def survival(length: float, lines: list[tuple[float, float, float]], dm2: float = DM2) -> float:
    """1 - s sin^2(1.26693 dm2 L/E), lines weighted by intensity x cross section; eV2, m, MeV."""
    weights = [intensity * sigma for _, intensity, sigma in lines]
    lost = sum(w * math.sin(1.26693268 * dm2 * length / energy) ** 2 for w, (energy, _, _) in zip(weights, lines, strict=True))
    return 1 - S * lost / sum(weights)


def cylinder(length: float, radius: float, bottom: float, top: float) -> float:
    """Fraction of the directions from a point on the axis in which a cylinder exists at a distance: formula of the note on path lengths."""
    low, high = (min(max(z / length, -1), 1) for z in (bottom, top))
    if length <= radius:
        return 0.5 * (high - low)
    c = math.sqrt(1 - (radius / length) ** 2)
    return 0.5 * (max(high - max(c, low), 0) + max(min(-c, high) - low, 0))


def tube(length: float, radius: float) -> float:
    """The same for a tube upwards from the source."""
    return 0.5 * (1 - math.sqrt(1 - (radius / length) ** 2)) if length > radius else 0.5


def averages(fraction: Callable[[float], float], kinks: list[float], lines: list[tuple[float, float, float]]) -> tuple[float, float]:
    """<L> = Int f dL and <P> = Int f P dL/<L>, between the kinks of f."""
    integrals = []
    for function in (fraction, lambda x: fraction(x) * survival(x, lines)):
        integrals.append(sum(quad(function, a, b, epsabs=0, epsrel=1e-9, limit=200)[0] for a, b in pairwise(sorted(kinks)) if fraction(0.5 * (a + b)) > 0))
    return integrals[0], integrals[1] / integrals[0]


def kinks_of(radius: float, bottom: float, top: float) -> list[float]:
    return [0.0, radius, abs(bottom), top, math.hypot(radius, bottom), math.hypot(radius, top)]


def by_kernel(experiment: Experiment) -> tuple[list[float], list[float]]:
    """Mean paths in m and ratios of the kernel path, per zone."""
    kernel = experiment.kernel(accuracy=1e-6)
    mu = mci.Expectation(kernel, mci.Sterile())({"sin2_2theta": S, "dm2": DM2 * u.eV2})
    paths = [experiment.paths(zone, accuracy=1e-6).mean_path / u.m for zone in experiment.zones]
    return paths, (mu / kernel.without_new_physics()).tolist()


def as_point(experiment: Experiment, *shapes: Ball | Cylinder | Difference) -> Experiment:
    """The same experiment with a point source and these shapes, in metres of the test."""
    zones = [replace(zone, shape=shape, source_shape=None) for zone, shape in zip(experiment.zones, shapes, strict=True)]
    return replace(experiment, zones=tuple(zones))


def metres(radius: float, bottom: float, top: float) -> Cylinder:
    return Cylinder(radius=radius * u.m, bottom=bottom * u.m, top=top * u.m)


@pytest.mark.parametrize(
    ("name", "size", "lines"),
    [("sage-cr", SAGE, CHROMIUM), ("sage-ar", SAGE, ARGON), ("gallex-cr1", GALLEX_1, CHROMIUM), ("gallex-cr2", GALLEX_2, CHROMIUM)],
)
def test_full_cylinders(name: str, size: tuple[float, float, float], lines: list[tuple[float, float, float]]) -> None:
    """Without the well of the source, so that the closed form of the note applies."""
    path, P = averages(lambda x: cylinder(x, *size), kinks_of(*size), lines)
    paths, ratios = by_kernel(as_point(mci.load(name), metres(*size)))
    assert paths[0] == pytest.approx(path, rel=1e-6)  # accuracy asked of the kernel
    assert ratios[0] == pytest.approx(P, rel=1e-6)


@pytest.mark.parametrize(("size", "printed"), [(SAGE, 80.4), (GALLEX_1, 231.7)])
def test_mean_paths_of_the_full_cylinders(size: tuple[float, float, float], printed: float) -> None:
    """As computed for the note on the gallium measurements, cm; mean path as an integral over the volume, Int dV/(4 pi r^2)."""
    radius, bottom, top = size
    # over z by quad, over rho in closed form: Int rho drho/(2 (rho^2 + z^2)) = ln(1 + R^2/z^2)/4
    volume = sum(quad(lambda z: 0.25 * math.log(1 + (radius / z) ** 2), a, b, epsabs=0, epsrel=1e-10)[0] for a, b in ((bottom, 0), (0, top)))
    assert 100 * volume == pytest.approx(printed, abs=0.05)  # half a unit of the last digit
    assert averages(lambda x: cylinder(x, *size), kinks_of(*size), CHROMIUM)[0] == pytest.approx(volume, rel=1e-8)


@pytest.mark.parametrize(
    ("name", "size", "well", "lines"),
    [("sage-cr", SAGE, 0.04, CHROMIUM), ("sage-ar", SAGE, 0.04, ARGON), ("gallex-cr2", GALLEX_2, 0.25, CHROMIUM)],
)
def test_cards_with_wells(name: str, size: tuple[float, float, float], well: float, lines: list[tuple[float, float, float]]) -> None:
    """The cards with a well set into them: cylinder less a well through it, integrated over the volume in (z, rho)."""
    radius, bottom, top = size

    def integral(weight: Callable[[float], float]) -> float:
        def density(rho: float, z: float) -> float:  # 2 pi rho/(4 pi r^2)
            return 0.5 * rho / (rho**2 + z**2) * weight(math.hypot(rho, z))

        pieces = [bottom, -well, 0.0, well, top]  # the integrand is steep near the source
        return sum(dblquad(density, a, b, well, radius, epsabs=0, epsrel=1e-7)[0] for a, b in pairwise(pieces))

    path = integral(lambda r: 1.0)
    P = integral(lambda r: survival(r, lines)) / path
    cavity = f'[{{ kind = "cylinder", radius = "{well} m", from = "bottom", to = "top" }}]'
    paths, ratios = by_kernel(mci.load(name, {"zone.without": cavity}))
    assert paths[0] == pytest.approx(path, rel=2e-6)  # accuracy asked of the kernel, and dblquad
    assert ratios[0] == pytest.approx(P, rel=2e-6)


def best_zones() -> tuple[tuple[Callable[[float], float], list[float]], tuple[Callable[[float], float], list[float]]]:
    """f(L) of inner and outer zone of BEST for a point source, with its kinks, m."""
    tank = (1.09, -1.10, -1.10 + 2.112)

    def inner(x: float) -> float:
        return 1 - tube(x, 0.068) if 0.144 < x < 0.6675 else 0.0

    def outer(x: float) -> float:
        if x <= 0.6725:
            return 0.0
        # the tube reaches the surface: directions in it are full of target only below the top
        c = math.sqrt(1 - (0.068 / x) ** 2)
        return cylinder(x, *tank) - 0.5 * max(min(tank[2] / x, 1) - c, 0)

    return (inner, [0.144, 0.6675]), (outer, [0.6725, 1.09, 1.10, 1.012, math.hypot(1.012, 0.068), math.hypot(1.09, 1.10), math.hypot(1.09, 1.012)])


def test_best_with_a_point_source() -> None:
    drill = Cylinder(radius=0.068 * u.m, bottom=0.0, top=math.inf)
    experiment = as_point(
        mci.load("best"),
        Difference(target=Ball(radius=0.6675 * u.m), without=Union(parts=(Ball(radius=0.144 * u.m), drill))),
        Difference(target=metres(1.09, -1.10, 1.012), without=Union(parts=(Ball(radius=0.6725 * u.m), drill))),
    )
    paths, ratios = by_kernel(experiment)
    for zone, (fraction, kinks) in enumerate(best_zones()):
        path, P = averages(fraction, kinks, CHROMIUM)
        assert paths[zone] == pytest.approx(path, rel=1e-6)  # accuracy asked of the kernel
        assert ratios[zone] == pytest.approx(P, rel=1e-6)


def test_best_as_it_stands() -> None:
    """The card with its source of 4.3 x 10.8 cm: Int dV <P(d)/(4 pi d^2)> with random points of source and target, d their distance."""
    rng = np.random.default_rng(5)
    n = 500_000

    def in_cylinder(radius: float, bottom: float, top: float) -> np.ndarray:
        rho, phi = radius * np.sqrt(rng.random(n)), 2 * math.pi * rng.random(n)
        return np.array([rho * np.cos(phi), rho * np.sin(phi), rng.uniform(bottom, top, n)])

    experiment = mci.load("best")
    ratios = experiment.zone_ratios(mci.Sterile(), {"sin2_2theta": S, "dm2": DM2 * u.eV2})
    weights = [intensity * sigma for _, intensity, sigma in CHROMIUM]
    for zone, (radius, bottom, top) in enumerate([(0.6675, -0.6675, 0.6675), (1.09, -1.10, 1.012)]):
        target = in_cylinder(radius, bottom, top)
        x, y, z = target
        r, in_tube = np.sqrt((target**2).sum(axis=0)), (np.hypot(x, y) < 0.068) & (z > 0)
        inside = ~in_tube & ((r > 0.144) & (r < 0.6675) if zone == 0 else r > 0.6725)
        d = np.sqrt(((target - in_cylinder(0.043, -0.054, 0.054)) ** 2).sum(axis=0))
        flux = inside * radius**2 * (top - bottom) / (4 * d**2)  # volume/(4 pi d^2)
        P = 1 - S * sum(w * np.sin(1.26693268 * DM2 * d / energy) ** 2 for w, (energy, _, _) in zip(weights, CHROMIUM, strict=True)) / sum(weights)
        path, survived = flux.mean(), (flux * P).mean() / flux.mean()
        found = experiment.paths(experiment.zones[zone]).mean_path / u.m
        # four standard errors of the random points (0.4 % and 0.06 %), and the accuracy 1e-4 of the kernel
        assert found == pytest.approx(path, abs=4 * flux.std() / math.sqrt(n) + 1e-4 * path)
        assert ratios[zone] == pytest.approx(survived, abs=4 * (flux * (P - survived)).std() / path / math.sqrt(n) + 1e-4)
        # published mean paths: 0.3 % in the inner zone, 1 % in the outer, whose place in the tank is assumed (physics/gallium.md, c)
        assert found == pytest.approx((0.5203, 0.5441)[zone], rel=(0.003, 0.01)[zone])


def test_the_phase_in_practical_units() -> None:
    """dm2 L/(4 hbar c E) = 1.26693 dm2/eV2 L/m MeV/E."""
    dm2, length, energy = 1.25 * u.eV2, 0.6 * u.m, 0.747 * u.MeV
    coherent = mci.Sterile().phase({"dm2": dm2}) * length / energy
    assert coherent == pytest.approx(1.26693 * 1.25 * 0.6 / 0.747, rel=5e-6 / 1.27)  # half a unit of the last digit
    from_si = 1.602176634e-19 * 1e-12 / (4 * 1.054571817e-34 * 299792458) / (1e6) * 1e12  # eV2 m/(MeV hbar c) in SI: e/(4 hbar c) x 1e-6
    assert coherent == pytest.approx(from_si * 1.25 * 0.6 / 0.747, rel=1e-9)  # ten digits of hbar


def per_day(activity_mci: float, sigma: float, path_cm: float) -> float:
    """A n sigma <L> in captures per day: MCi, 1e-45 cm2, cm; n = 2.1001e22 atoms of 71Ga per cm3."""
    return activity_mci * 1e6 * 3.7e10 * 86400 * 2.1001e22 * sigma * 1e-45 * path_cm


@pytest.mark.parametrize(
    ("name", "zone", "activity", "sigma", "path", "stated"),
    [
        ("best", 0, 3.414, 5.81, 52.03, 69.29),
        ("best", 1, 3.414, 5.81, 54.41, 72.46),
        ("sage-ar", 0, 0.409, 7.00, 72.6, 13.95),
        ("sage-cr", 0, 0.5166, 5.81, 72.6, 14.63),  # as the others, typed into a calculator
    ],
)
def test_predicted_rates(name: str, zone: int, activity: float, sigma: float, path: float, stated: float) -> None:
    by_hand = per_day(activity, sigma, path)
    assert by_hand == pytest.approx(stated, abs=0.005)  # half a unit of the last digit
    found = mci.load(name).kernel().without_new_physics()[zone] * u.day
    assert found == pytest.approx(by_hand, rel=3e-5)  # five digits of n = 2.1001e22: half a unit is 2.4e-5


def test_rates_of_best_per_path() -> None:
    found = mci.load("best").rate_per_path()
    assert found is not None
    assert found * u.cm * u.day == pytest.approx(1.3317, abs=0.5e-4)  # physics/gallium.md, (c), rounding


def test_many_wavelengths_average_to_a_half() -> None:
    """At 30 eV2 the zones of GALLEX hold some hundred wavelengths: the survival is 1 - s/2."""
    experiment = mci.load("gallex-cr1")
    ratio = experiment.ratio(mci.Sterile(), {"sin2_2theta": S, "dm2": 30 * u.eV2})
    edge = 1 / (2 * 1.26693 * 30 * 1.5 / 0.75)  # what is left of an oscillation over a width of 1.5 m
    assert ratio == pytest.approx(1 - S / 2, abs=S * edge)


def test_atoms_at_the_end_of_the_first_exposure_of_best() -> None:
    """Int A(t) exp(-lambda (T - t)) dt, step by step, is A/lambda times the saturation factor .3924 of arXiv:2201.07364, Table XIII."""
    experiment = mci.load("best")
    assert experiment.source.history is not None
    mean_life = 11.43 * u.day / math.log(2)
    steps = np.linspace(0, 9.791, 20001)
    middle, width = 0.5 * (steps[1:] + steps[:-1]) * u.day, (steps[1] - steps[0]) * u.day
    surviving = (2 ** (-(9.791 * u.day - middle) / (11.43 * u.day)) * experiment.source.history.at(middle)).sum() * width
    assert surviving / (experiment.source.history.activity * mean_life) == pytest.approx(0.3924, abs=1e-4)  # printed digits, times to 0.001 d
