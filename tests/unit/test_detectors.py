"""Detectors: folding of spectra with resolutions, bins of distance and angle, thresholds."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfc, i0e
from scipy.stats import norm

from megacurie import units as u
from megacurie.foundation.errors import RangeError
from megacurie.physics.detectors import Detector, PositionResolution, Resolution, cherenkov_threshold

KEV = u.keV
FIVE = Resolution(stochastic=0.05 * u.MeV**0.5)
EDGES = tuple(float(x) * KEV for x in np.linspace(200, 700, 11))
END = 560 * KEV


def falling(t):
    """A spectrum without units that falls to the end point."""
    return (2 - t / END) / KEV


def test_sum_of_bins_is_the_whole():
    """A wide window and a resolution lose only what is recorded below zero: Int (2 - t/T_max) Phi(-t/sigma) dt = 2 sigma/sqrt(2 pi) - sigma^2/(4 T_max)."""
    detector = Detector(recoil=tuple(float(x) * KEV for x in np.linspace(0, 1500, 31)), resolution=Resolution(noise=10 * KEV))
    lost = 2 * 10 / math.sqrt(2 * math.pi) - 10**2 / (4 * 560)
    assert detector.fold(falling, END).sum() == pytest.approx(1.5 * 560 - lost, rel=1e-9)


@pytest.mark.parametrize(
    "resolution", [FIVE, Resolution(constant=0.03), Resolution(noise=8 * KEV), Resolution(stochastic=0.03 * u.MeV**0.5, constant=0.01, noise=KEV)]
)
def test_folding_is_the_integral(resolution):
    detector = Detector(recoil=EDGES, resolution=resolution)
    found = detector.fold(falling, END)

    def density(x, low, high):
        sigma = float(resolution.sigma(np.array([x * KEV]))[0]) / KEV
        return (2 - x * KEV / END) * 0.5 * (erfc((low - x) / sigma / math.sqrt(2)) - erfc((high - x) / sigma / math.sqrt(2)))

    for k in (0, 4, 7, 9):
        low, high = (EDGES[i] / KEV for i in (k, k + 1))
        exact = quad(density, 1, END / KEV, args=(low, high), epsabs=0, epsrel=1e-10, limit=500, points=(low, min(high, 559)))[0]
        assert found[k] == pytest.approx(exact, rel=1e-8, abs=1e-9 * found.max())


def test_without_resolution_it_is_the_integral_of_each_bin_and_of_a_curve_of_efficiency():
    curve = ((250 * KEV, 0.0), (350 * KEV, 1.0))
    detector = Detector(recoil=EDGES, efficiency_curve=curve)
    for k, found in enumerate(detector.fold(falling, END)):
        low, high = (EDGES[i] / KEV for i in (k, k + 1))
        exact = quad(
            lambda x: max(2 - x * KEV / END, 0) * (x < END / KEV) * np.clip((x - 250) / 100, 0, 1),
            low,
            high,
            points=[p for p in (250, 350, 560) if low < p < high] or None,
        )[0]
        assert found == pytest.approx(exact, rel=1e-9, abs=1e-12)


def test_a_logarithm_at_the_end_point_is_integrated():
    """Radiative corrections diverge like ln(T_max - T)."""
    found = Detector(recoil=(200 * KEV, 700 * KEV)).fold(lambda t: -np.log(np.maximum(1 - t / END, 1e-300)) / KEV, END)[0]
    x = 1 - 200 * KEV / END
    assert found == pytest.approx(END / KEV * (x - x * math.log(x)), rel=1e-8)


def test_least_energy_leaves_no_trace_below():
    seen = Detector(recoil=(100 * KEV, 700 * KEV), least=262 * KEV).fold(falling, END)[0]
    assert seen == pytest.approx(Detector(recoil=(262 * KEV, 700 * KEV)).fold(falling, END)[0], rel=1e-9)


def test_nothing_above_the_end_point():
    assert Detector(recoil=(600 * KEV, 700 * KEV)).fold(falling, END)[0] == 0


def test_directions_are_the_rice_density():
    """Two independent Gaussian axes, by quadrature and by throwing them."""
    sigma, true = 0.25, 0.6
    edges = tuple(np.linspace(0, math.pi, 13))
    found = Detector(angle=edges, angular=sigma).directions(np.array([true]))[:, 0]
    exact = [
        quad(lambda a: a / sigma**2 * math.exp(-((a - true) ** 2) / (2 * sigma**2)) * i0e(a * true / sigma**2), x, y)[0] for x, y in itertools.pairwise(edges)
    ]
    assert found == pytest.approx(exact, abs=1e-9)
    rng = np.random.default_rng(2)
    thrown = np.hypot(true + sigma * rng.standard_normal(200_000), sigma * rng.standard_normal(200_000))
    share = np.histogram(thrown, edges)[0] / 200_000
    assert found == pytest.approx(share, abs=5 * math.sqrt(0.25 / 200_000))  # five sigma of a share


def test_sharp_directions_fall_into_one_bin():
    found = Detector(angle=(0.0, 0.5, 1.0, math.pi)).directions(np.array([0.2, 0.7, 2.0]))
    assert found.tolist() == np.eye(3).tolist()


def test_angles_share_the_recoils_between_them():
    detector = Detector(recoil=EDGES, resolution=FIVE, angle=tuple(np.linspace(0, math.pi, 19)), angular=0.1)
    one = Detector(recoil=EDGES, resolution=FIVE).fold(falling, END)
    both = detector.fold(falling, END, lambda t: np.sqrt(t / END)).reshape(10, 18)
    assert both.sum(1) == pytest.approx(one, rel=1e-9)  # angles below pi by more than nine sigma: all are kept


def test_angles_need_a_direction():
    with pytest.raises(RangeError, match="gives no direction"):
        Detector(angle=(0.0, 1.0, 2.0)).fold(falling, END)


def test_places_share_every_event_when_the_outer_bins_are_open():
    detector = Detector(recoil=EDGES, distance=7, position=PositionResolution(stochastic=10 * u.cm * u.MeV**0.5))
    edges = detector.distance_edges(1 * u.m, 11 * u.m)
    far = np.linspace(1, 11, 50) * u.m
    chance = detector.places(far, edges)
    assert chance.shape == (7, 10, 50)
    assert chance.sum(0) == pytest.approx(np.ones((10, 50)), rel=1e-12)
    sigma = 10 * u.cm / math.sqrt(0.225)  # at the middle of the first bin of recoil
    assert chance[2, 0, 20] == pytest.approx(norm.cdf((edges[3] - far[20]) / sigma) - norm.cdf((edges[2] - far[20]) / sigma), rel=1e-9, abs=1e-15)


def test_stated_edges_keep_nothing_beyond_them():
    detector = Detector(distance=(2 * u.m, 3 * u.m))
    assert detector.places(np.array([1.5, 2.5, 3.5]) * u.m, detector.distance_edges(1 * u.m, 4 * u.m))[0, 0].tolist() == [0, 1, 0]


@dataclass
class Box:
    """A background that is flat between 150 and 250 keV."""

    edges = np.linspace(150, 250, 1001) * KEV
    fraction = np.full(1000, 1e-3)

    def below(self, energy):
        return np.clip((energy / KEV - 150) / 100, 0, 1)


def test_a_background_is_folded_like_a_spectrum():
    recoil = (200 * KEV, 230 * KEV, 400 * KEV)
    sharp = Detector(recoil=recoil).spectrum(Box())
    assert sharp == pytest.approx([0.3, 0.2], rel=1e-9)
    seen = Detector(recoil=recoil, resolution=Resolution(noise=12 * KEV)).spectrum(Box())
    exact = Detector(recoil=recoil, resolution=Resolution(noise=12 * KEV)).fold(lambda t: ((t > 150 * KEV) & (t < 250 * KEV)) / (100 * KEV), 250 * KEV)
    assert seen == pytest.approx(exact, rel=2e-3)  # the fold steps over the edge at 150 keV, four sigma below the window


def test_backgrounds_come_from_everywhere():
    detector = Detector(recoil=(200 * KEV, 400 * KEV), angle=(0.0, math.pi / 3, math.pi / 2, math.pi))
    assert detector.spectrum(Box()) == pytest.approx(0.5 * np.array([0.25, 0.25, 0.5]), rel=1e-9)


def test_cherenkov_threshold_by_the_velocity():
    for index in (1.333, 1.49):
        energy = cherenkov_threshold(index) / u.MeV
        gamma = 1 + energy / 0.51099895
        assert math.sqrt(1 - gamma**-2) * index == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Detector(recoil=(2.0, 1.0)), "edges of the recoil bins"),
        (lambda: Detector(recoil=(1.0,)), "at least two"),
        (lambda: Detector(distance=0), "0 bins of distance"),
        (lambda: Detector(efficiency=1.2), r"fractions in \[0, 1\]"),
        (lambda: Detector(efficiency_curve=((2.0, 0.5), (1.0, 0.6))), "increasing energies"),
        (lambda: Detector(position=PositionResolution(stochastic=1.0)), "expected a positive threshold"),
        (lambda: Resolution(noise=-1.0), "widths of zero or more"),
        (lambda: PositionResolution(constant=-1.0), "widths of zero or more"),
        (lambda: cherenkov_threshold(1.0), "expected more than 1"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(RangeError, match=message):
        make()
