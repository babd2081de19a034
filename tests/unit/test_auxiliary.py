"""Toys with auxiliary measurements of their pulls: closed forms and numerical minima written here, and what does not depend on the truth."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

import megacurie as mci
from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError
from megacurie.foundation.measurement import Measurement, Pull
from megacurie.foundation.parameters import Parameter
from megacurie.statistics import general
from megacurie.statistics.auxiliary import ToyData
from megacurie.statistics.likelihood import GaussianLikelihood, Joint
from megacurie.statistics.poisson import PoissonLikelihood

A = Parameter("a", "", low=0.0, high=60.0)
FREE = -math.inf
KINDS = {
    "reference": (("x", "reference", FREE), ("y", "reference", FREE)),
    "prediction": (("x", "prediction", FREE), ("y", "reference", FREE)),
    "bounded": (("x", "reference", -0.3), ("y", "reference", FREE)),
    "bounded prediction": (("x", "prediction", -0.3), ("y", "prediction", FREE)),
}
TREATMENTS = ("lower", "split-normal", "variable")


class Level:
    """mu_i = slope_i a + background."""

    parameters, affine, limited, references = (A,), "a", (), frozenset[str]()

    def __init__(self, slopes=(1.0,), background=0.0):
        self.slopes, self.background = np.array(slopes), background
        self.null = 20 * self.slopes + background

    def __call__(self, theta):
        return np.asarray(theta["a"], float)[..., None] * self.slopes + self.background

    def split(self, theta):
        return np.full(len(self.slopes), self.background), self.slopes

    def check(self, theta):
        pass


def measured(values, *pulls, plus=1.0, minus=1.0):
    n = len(values)
    return Measurement(
        names=tuple(map(str, range(n))), values=np.array(values, float), plus=np.full(n, plus), minus=np.full(n, minus), reference=np.full(n, 20.0),
        pulls=tuple(Pull(name=name, shape=np.linspace(0.02, 0.1, n + 1)[k : k + n], of=of, low=low) for k, (name, of, low) in enumerate(pulls)),
    )  # fmt: skip


def three(kind, asymmetric="lower"):
    model = Level((1.0, 1.1, 0.8))
    return GaussianLikelihood(model, measured((17.0, 21.5, 14.0), *KINDS[kind], plus=1.5, minus=0.8), asymmetric=asymmetric)


@pytest.mark.parametrize("asymmetric", TREATMENTS)
@pytest.mark.parametrize("kind", KINDS)
def test_chi2_of_a_toy_is_the_numerical_minimum_about_its_auxiliary_measurements(kind, asymmetric):
    likelihood = three(kind, asymmetric)
    toys = likelihood.draw({"a": 18.0}, 4, np.random.default_rng(1), {"x": 1.0, "y": -2.0})
    found = likelihood.minus_two_log({"a": 19.0}, toys)
    bounds = [(low if math.isfinite(low) else None, None) for _, _, low in KINDS[kind]]
    for t in range(4):
        one = general.some(toys, slice(t, t + 1))
        a = np.array([one.auxiliary[name][0] for name in "xy"])
        shifted = likelihood.shifted({"a": 19.0}, one)
        least = minimize(lambda x, f=shifted, a=a: float(f({"x": x[0], "y": x[1]})[0]) + ((x - a) ** 2).sum(), [0.1, 0.1], bounds=bounds, tol=1e-13)
        assert found[t] == pytest.approx(least.fun, rel=1e-6)  # where the minimiser stops


@pytest.mark.parametrize("asymmetric", TREATMENTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_free_amplitude_is_the_best_of_a_fine_grid_for_toys_too(kind, asymmetric):
    likelihood = three(kind, asymmetric)
    toys = likelihood.draw({"a": 18.0}, 50, np.random.default_rng(2), {"x": 2.0, "y": 1.0})
    best, chi2 = likelihood.profile_affine({}, toys)
    np.testing.assert_allclose(likelihood.minus_two_log({"a": best}, toys), chi2, rtol=1e-9)
    lowest = likelihood.minus_two_log({"a": np.linspace(0, 60, 6001)[:, None]}, toys).min(0)
    assert (chi2 <= lowest + 1e-9).all()


def test_bare_values_are_measured_with_auxiliary_measurements_of_zero():
    for likelihood in (three("bounded prediction", "variable"), counted(30.0)):
        toys = likelihood.draw({"a": 18.0}, 3, np.random.default_rng(3))
        zero = ToyData(toys.values, {name: np.zeros(3) for name in likelihood.pulls})
        np.testing.assert_allclose(likelihood.minus_two_log({"a": 19.0}, toys.values), likelihood.minus_two_log({"a": 19.0}, zero), rtol=1e-12)


def test_auxiliary_measurements_have_the_true_pulls_as_their_mean():
    n = 20_000
    toys = three("reference").draw({"a": 18.0}, n, np.random.default_rng(4), {"x": 2.0, "y": -1.0})
    for name, true in (("x", 2.0), ("y", -1.0)):
        assert toys.auxiliary[name].mean() == pytest.approx(true, abs=5 / math.sqrt(n))  # five sigma
        assert toys.auxiliary[name].var() == pytest.approx(1, abs=5 * math.sqrt(2 / n))


def test_a_fixed_covariance_is_pivotal():
    """d - C a of a toy does not know where the pull lies: Delta chi2 of the same random numbers is the same to rounding."""
    likelihood = three("reference")
    axes = {"a": np.array([0.0, 18.0])}
    found = []
    for x in (0.0, -2.0, 5.0):
        study, _ = general.study(likelihood, axes, toys=200, seed=1, named={"x": x})
        assert isinstance(study, general.General)
        toys = likelihood.draw({"a": 18.0}, 200, np.random.default_rng(5), {"x": x, "y": 0.3})
        found.append(study.delta_chi2(1, toys, 200))
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-9)


def test_coverage_under_a_fixed_covariance_is_that_of_the_closed_form():
    """The same whatever the true value is named, and within binomial errors what the closed form says without one."""
    likelihood = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    axes = {"sin2_2theta": np.linspace(0, 1, 6), "dm2": mci.geomspace("0.5 eV2", "5 eV2", 4)}
    fc = mci.feldman_cousins(likelihood, axes, toys=10_000, seed=1)
    at = {"sin2_2theta": 0.4, "dm2": float(axes["dm2"][2])}
    points = [at, *({**at, "best.systematic": x, "channel:ga71": y} for x, y in ((0.0, 0.0), (2.0, -1.0), (-2.0, 3.0)))]
    closed, *named = mci.coverage(likelihood, fc, points, toys=4000, seed=2)
    assert (closed.pulls, named[1].pulls) == ({}, {"best.systematic": 2.0, "channel:ga71": -1.0})
    assert len({one.feldman_cousins for one in named}) == 1
    assert abs(closed.feldman_cousins - named[0].feldman_cousins) < 3 * math.sqrt(2 * 0.09 / 4000)  # two sets of toys
    assert abs(closed.wilks - named[0].wilks) < 3 * math.sqrt(2 * 0.09 / 4000)


def test_a_joint_that_shares_a_pull_is_the_merged_gaussian():
    for of in ("reference", "prediction"):
        one = GaussianLikelihood(Level((1.0, 1.1)), measured((17.0, 21.5), ("x", of, FREE), ("y", "reference", FREE)))
        two = GaussianLikelihood(Level((0.8,)), measured((14.0,), ("x", of, FREE)))
        merged, joint = one + two, Joint(one, two)
        assert isinstance(merged, GaussianLikelihood)
        toys = merged.draw({"a": 18.0}, 50, np.random.default_rng(6), {"x": 2.0, "y": 0.0})
        of_parts = ToyData((toys.values[:, :2], toys.values[:, 2:]), toys.auxiliary)
        # derivatives by differences, exact to 1e-6 sigma
        np.testing.assert_allclose(joint.minus_two_log({"a": 19.0}, of_parts), merged.minus_two_log({"a": 19.0}, toys), rtol=1e-8)
        thrown = joint.draw({"a": 18.0}, 20_000, np.random.default_rng(7), {"x": 2.0, "y": 0.0})
        assert thrown.auxiliary.keys() == {"x", "y"}
        expected = merged.draw({"a": 18.0}, 2, np.random.default_rng(7), {"x": 2.0, "y": 0.0})
        assert [part.shape[-1] for part in thrown.values] == [2, 1]
        assert np.concatenate(thrown.values, -1).mean(0) == pytest.approx(
            merged.model({"a": 18.0}) + 2 * np.array([p.shape for p in merged.measurement.pulls if p.name == "x"])[0] * (18 if of == "prediction" else 20)
            * (np.array([1.0, 1.1, 0.8]) if of == "prediction" else 1.0),
            abs=5 / math.sqrt(20_000),
        )  # fmt: skip
        assert expected.values.shape == (2, 3)


def test_a_parameter_with_a_prior_is_measured_like_a_pull():
    """2 h +- .5 h: a toy at 3 h has (3 - 2)/.5 = 2 sigma, measured with an error of one."""
    hours = Parameter("t", "h", low=0.0, high=10.0, prior=(2.0, 0.5))

    class Timed(Level):
        parameters = (A, hours)

    likelihood = GaussianLikelihood(Timed(), measured((17.0,)))
    theta, n = {"a": 18.0, "t": 3 * u.hour}, 20_000
    toys = likelihood.draw(theta, n, np.random.default_rng(8))
    assert toys.auxiliary["t"].mean() == pytest.approx(2, abs=5 / math.sqrt(n))  # five sigma
    np.testing.assert_allclose(
        likelihood.minus_two_log(theta, toys), (toys.values[:, 0] - 18) ** 2 + (2 - toys.auxiliary["t"]) ** 2, rtol=1e-9, atol=1e-9
    )  # fmt: skip
    other = GaussianLikelihood(Timed((0.8,)), measured((14.0,)), asymmetric="upper")
    joint = likelihood + other
    both = joint.draw(theta, 3, np.random.default_rng(9))
    first, second = both.values
    np.testing.assert_allclose(joint.minus_two_log(theta, both), (first[:, 0] - 18) ** 2 + (second[:, 0] - 14.4) ** 2 + (2 - both.auxiliary["t"]) ** 2)


def test_a_bounded_pull_against_its_closed_form():
    """d ~ N(a + c x, 1), m ~ N(x, 1), x >= low: Delta chi2 on the same random numbers, by hand."""
    low, c = -0.5, 1.2  # 0.06 x 20
    pull = Pull(name="x", shape=np.array([c / 20]), low=low)
    likelihood = GaussianLikelihood(Level(), replace(measured((5.0,)), pulls=(pull,)))
    axes = {"a": np.array([0.0, 4.0])}
    study, _ = general.study(likelihood, axes, toys=500, seed=1, named={"x": low})
    toys = likelihood.draw({"a": 4.0}, 500, np.random.default_rng(1), {"x": low})
    d, m = toys.values[:, 0], toys.auxiliary["x"]

    def fixed(a):
        x = np.maximum((c * (d - a) + m) / (1 + c * c), low)
        return (d - a - c * x) ** 2 + (x - m) ** 2

    x = np.maximum(m, low)  # a free amplitude takes what is left, unless it is negative
    free = np.where(d - c * x >= 0, (x - m) ** 2, fixed(0.0))
    assert (m < low).mean() == pytest.approx(0.5, abs=0.1)
    assert (free > 0).any()
    np.testing.assert_allclose(study.delta_chi2(1, toys, 500), fixed(4.0) - free, atol=1e-7)  # the amplitude is searched to 1e-8 of its range


def test_coverage_with_a_pull_relative_to_the_prediction():
    """d = a (1 + c x) + z, m = x + e: Delta chi2 = (z - c a e)^2/(1 + c^2 a^2) far from bounds, a chi2 of one degree whatever x."""
    likelihood = GaussianLikelihood(Level(), replace(measured((20.0,)), pulls=(Pull(name="x", shape=np.array([0.05]), of="prediction"),)))
    fc = mci.feldman_cousins(likelihood, {"a": np.linspace(10, 30, 5)}, toys=20_000, seed=1)
    assert fc.method == "a pull relative to the prediction, profiled in each fit"
    found = mci.coverage(likelihood, fc, [{"a": 18.0, "x": x} for x in (-2.0, -1.0, 0.0, 1.0, 2.0)], toys=4000, seed=2)
    for one in found:
        assert abs(one.feldman_cousins - 0.9) < 3 * one.error
        assert abs(one.wilks - 0.9) < 3 * math.sqrt(0.09 / 4000)


@pytest.mark.slow
def test_the_gallium_data_with_a_bounded_pull_cover_at_its_true_values():
    """Convention giunti-2022, one pull relative to the prediction and not below -1.69: regions at its best values, coverage elsewhere."""
    likelihood = mci.gallium.datasets(conventions="giunti-2022").likelihood(mci.Sterile())
    axes = {"sin2_2theta": mci.linspace(0, 1, 11), "dm2": mci.geomspace("0.1 eV2", "30 eV2", 31)}
    fc = mci.feldman_cousins(likelihood, axes, toys=4000, seed=1)
    at = {"sin2_2theta": 0.3, "dm2": float(axes["dm2"][13])}
    for one in mci.coverage(likelihood, fc, [{**at, "channel:ga71": x} for x in (-1.0, 0.0, 2.0)], toys=1000, seed=2):
        assert abs(one.feldman_cousins - 0.9) < 3 * one.error


def counted(n):
    """Counts over a background of 10 that is known to 30 %."""
    pull = Pull(name="background", shape=np.array([0.3]))
    return PoissonLikelihood(Level(background=10.0), np.array([float(n)]), reference=np.array([10.0]), pulls=(pull,))


def brute(n, m, s):
    """Delta chi2 of n counts and a measured background m (in sigma) at signal s: stationary in x where (x - m) mu + c (mu - n) = 0, mu = s + b + c x."""
    b, c = 10.0, 3.0

    def fixed(s):
        base, half = s + b, s + b - m * c + c * c
        x = (-half + np.sqrt(half * half - 4 * c * (c * base - c * n - m * base))) / (2 * c)
        mu = base + c * x
        return 2 * (mu - n + np.where(n > 0, n * np.log(np.where(n > 0, n, 1) / np.where(n > 0, mu, 1)), 0.0)) + (x - m) ** 2

    free = np.where((n - b - c * m >= 0) & (n > 0), 0.0, fixed(0.0))  # the signal takes what is left, unless it is negative
    return fixed(s) - free


def test_counts_over_a_measured_background_against_brute_force():
    likelihood = counted(18.0)
    study, _ = general.study(likelihood, {"a": np.array([2.0, 9.0])}, toys=500, seed=1)
    assert isinstance(study, general.General)
    for k, s in enumerate((2.0, 9.0)):
        # the profiled background of the data: thrown from there, measured there
        (x,) = likelihood.best_pulls({"a": s}).values()
        assert study.pulls["background"][k] == x
        assert study.identity["true background, in sigma"][k] == x
        toys = likelihood.draw({"a": s}, 500, np.random.default_rng(2), {"background": x})
        np.testing.assert_allclose(study.delta_chi2(k, toys, 500), brute(toys.values[:, 0], toys.auxiliary["background"], s), atol=1e-6)


def test_coverage_of_counts_at_true_backgrounds_against_brute_force():
    """Regions with toys at the profiled background, tested at backgrounds of 4, 10 and 16: independent toys and the closed form by hand."""
    likelihood, s, n = counted(18.0), 6.0, 4000
    fc = mci.feldman_cousins(likelihood, {"a": np.array([4.0, 6.0, 8.0])}, toys=n, seed=1)
    (profiled,) = likelihood.best_pulls({"a": s}).values()
    rng = np.random.default_rng(3)

    def thrown(x):
        return brute(rng.poisson(s + 10 + 3 * x, 100_000), x + rng.standard_normal(100_000), s)

    edge = np.quantile(thrown(profiled), 0.9)
    density = np.histogram(thrown(profiled), [edge - 0.2, edge + 0.2])[0][0] / 100_000 / 0.4
    assert abs(fc.critical(0.9)[1] - edge) < 3 * math.sqrt(0.09 / n) / density + 0.01  # a bin of the histogram
    found = mci.coverage(likelihood, fc, [{"a": s, "background": x} for x in (-2.0, 0.0, 2.0)], toys=n, seed=2)
    for one in found:
        wanted = (thrown(one.pulls["background"]) < edge).mean()
        assert abs(one.feldman_cousins - wanted) < 3 * one.error
        assert abs(wanted - 0.9) < 0.012  # a profile construction is not exact away from its point: by a percent here
    # what the measurements are for: the same toys with their background measured at 10 whatever it is
    for x, share in ((-2.0, 0.668), (0.0, 0.955), (2.0, 0.712)):  # docs/feldman-cousins.md
        held = brute(rng.poisson(s + 10 + 3 * x, 100_000), np.zeros(100_000), s) < 2.706
        assert held.mean() == pytest.approx(share, abs=0.005)  # three binomial errors of 1e5 toys


def test_coverage_says_what_may_be_named():
    likelihood = counted(18.0)
    fc = mci.feldman_cousins(likelihood, {"a": np.array([4.0, 6.0])}, toys=20, seed=1)
    with pytest.raises(
        DataError, match="backgruond: neither an axis nor a nuisance: expected a, and any of the pulls background; a is missing; background = nan"
    ):
        mci.coverage(likelihood, fc, [{"backgruond": 1.0, "background": math.nan}], toys=10, seed=2)
    bounded = three("bounded")
    fc = mci.feldman_cousins(bounded, {"a": np.array([18.0])}, toys=20, seed=1, minimise_on={})
    with pytest.raises(DataError, match=r"x = -1: expected -0.3 or more, its bound in the likelihood; a lies outside the grid"):
        mci.coverage(bounded, fc, [{"a": 1.0, "x": -1.0}], toys=10, seed=2)


def test_a_free_parameter_is_a_nuisance_that_can_be_named():
    """dm2 is profiled: toys come from the value that is named, not from the best."""
    likelihood = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    fc = mci.feldman_cousins(likelihood, {"sin2_2theta": np.array([0.2, 0.4])}, toys=500, seed=1)
    dm2 = float(mci.geomspace("3 eV2", "30 eV2", 2)[0])
    (one,) = mci.coverage(likelihood, fc, [{"sin2_2theta": 0.4, "dm2": dm2}], toys=400, seed=2)
    assert one.theta == {"sin2_2theta": 0.4, "dm2": dm2}
    assert 0.8 < one.feldman_cousins <= 1
