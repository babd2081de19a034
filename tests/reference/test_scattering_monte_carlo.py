"""A second implementation of a scintillator experiment: events thrown one by one, with literal constants, against the kernel.

Recipe: points uniform in the ball, each with weight 1/(4 pi L^2); lines by intensity; recoil energies from the tree-level formula by inversion of its
integral on a grid; Gaussian resolutions; the same bins. Nothing of the package is used but the card and the kernel that is tested.
"""

import math

import numpy as np
import pytest
from scipy.special import chdtrc

import megacurie as mci
from megacurie import units as u
from megacurie.experiments.experiment import Experiment

ME, S2W, GF2 = 0.51099895, 0.2312, 1.1663788e-5**2 * 0.38937937e-27  # MeV; G_F^2 (hbar c)^2 in cm2/GeV2
LINES = ((0.747, 0.8163), (0.752, 0.0849), (0.427, 0.0895), (0.432, 0.0093))
SIZE = 2_000_000
SETTINGS = {"target.corrections": "tree", "detector.bins": '{ recoil = ["200 keV", "650 keV", 9], distance = ["1.5 m", "10.5 m", 6] }', "background": "[]"}


def spectrum(energy: float, t: np.ndarray) -> np.ndarray:
    """d sigma / dT of nu_e, cm2/MeV, for energies in MeV."""
    gl, gr = 0.5 + S2W, S2W
    inside = t <= 2 * energy**2 / (2 * energy + ME)
    shape = gl**2 + gr**2 * (1 - t / energy) ** 2 - gl * gr * ME * t / energy**2
    return np.where(inside, 2 * GF2 * 1e-6 * ME / math.pi * shape, 0.0)


def thrown(radius: float, distance: float, electrons: float, decays: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Expected counts (distance, recoil) and their statistical errors, from weighted events."""
    rng = np.random.default_rng(seed)
    r, cosine = radius * np.cbrt(rng.random(SIZE)), rng.uniform(-1, 1, SIZE)
    far = np.sqrt(r**2 + distance**2 + 2 * r * distance * cosine)  # m
    grid = np.linspace(0, 0.57, 20001)
    volume = 4 / 3 * math.pi * radius**3
    counts, square = np.zeros((6, 9)), np.zeros((6, 9))
    for energy, intensity in LINES:
        density = spectrum(energy, grid)
        cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))]) * (grid[1] - grid[0])
        t = np.interp(rng.random(SIZE) * cumulative[-1], cumulative, grid)
        seen = t + 0.05 * np.sqrt(t) * rng.standard_normal(SIZE)
        middle = 0.225 + 0.05 * np.floor((seen - 0.2) / 0.05)  # the width of the position is that at the middle of the recorded bin
        place = far + 0.10 / np.sqrt(np.maximum(middle, 0.01)) * rng.standard_normal(SIZE)
        weight = decays * electrons * intensity * cumulative[-1] * 1e-4 * volume / (4 * math.pi * far**2) / SIZE
        bins = [np.linspace(1.5, 10.5, 7), np.linspace(0.2, 0.65, 10)]
        counts += np.histogram2d(place, seen, bins, weights=weight)[0]
        square += np.histogram2d(place, seen, bins, weights=weight**2)[0]
    return counts, np.sqrt(square)


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return mci.load("jne-500t-cr51-outside", SETTINGS)


def test_counts_in_distance_and_recoil(experiment: Experiment) -> None:
    radius = (0.75 * 500e3 / 859 / math.pi) ** (1 / 3)
    electrons = 859e3 / 246.43 * 138 * 6.02214076e23  # per m3
    half_life = 27.704 * 86400
    decays = 3e6 * 3.7e10 * half_life / math.log(2) * -math.expm1(-math.log(2) * 30 * 86400 / half_life)
    expected, error = thrown(radius, 6.0, electrons, decays, seed=4)
    computed = experiment.kernel(dm2_max="0.01 eV2").without_new_physics().reshape(6, 9)
    used = error > 0
    used &= expected > 30 * error  # enough events for a Gaussian error
    assert used.sum() > 40
    chi2 = float((((computed - expected) / np.where(error > 0, error, 1.0))[used] ** 2).sum())
    assert 1e-4 < chdtrc(int(used.sum()), chi2) < 1 - 1e-4  # p-value of the comparison
    assert computed.sum() == pytest.approx(expected.sum(), rel=2e-3)  # 2e6 events: .07 %, and the spread of 1/L^2


def test_an_oscillation_moves_them(experiment: Experiment) -> None:
    """The same events, each weighted with its survival probability, for dm2 = 1.3 eV2 and s = .35: the ratio to no oscillation by distance."""
    rng = np.random.default_rng(5)
    radius, energy = (0.75 * 500e3 / 859 / math.pi) ** (1 / 3), 0.747
    r, cosine = radius * np.cbrt(rng.random(SIZE)), rng.uniform(-1, 1, SIZE)
    far = np.sqrt(r**2 + 36 + 12 * r * cosine)
    survival = 1 - 0.35 * np.sin(1.26693 * 1.3 * far / energy) ** 2
    place = far + 0.10 / math.sqrt(0.425) * rng.standard_normal(SIZE)
    edges = np.linspace(1.5, 10.5, 7)
    ratio = np.histogram(place, edges, weights=survival / far**2)[0] / np.histogram(place, edges, weights=1 / far**2)[0]
    mu = mci.Expectation(experiment.kernel(), mci.Sterile())
    theta = {"sin2_2theta": 0.35, "dm2": 1.3 * u.eV2}
    of_bin = (mu(theta) / mu.null).reshape(6, 9)[:, 4]  # 400 to 450 keV: only the two upper lines, half a per cent apart
    assert of_bin == pytest.approx(ratio, rel=5e-3)  # the line at 752 keV is not thrown: .7 % in phase, one event in ten
