"""Poisson likelihood: the deviance, pulls, the affine parameter."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

import megacurie as mci
from megacurie.foundation.errors import RangeError
from megacurie.foundation.measurement import Pull
from megacurie.statistics.inference import fit
from megacurie.statistics.poisson import PoissonLikelihood, deviance, profile, significance

EXACT = 1e-9
RNG = np.random.default_rng(11)
BASE = np.array([20.0, 35.0, 50.0, 12.0])
SLOPE = np.array([-8.0, -2.0, -20.0, -1.0])


class Line:
    """mu = base + s slope."""

    parameters = (mci.Parameter("s", "", low=0.0, high=1.0),)
    affine = "s"
    null = BASE
    limited = ()
    references = frozenset()

    def __call__(self, theta):
        return BASE + np.asarray(theta["s"])[..., None] * SLOPE

    def split(self, theta):
        lead = np.broadcast_shapes(*(np.shape(x) for x in theta.values())) if theta else ()
        return np.broadcast_to(BASE, (*lead, 4)), np.broadcast_to(SLOPE, (*lead, 4))

    def check(self, theta):
        pass


PULLS = (Pull(name="a", shape=np.array([0.1, 0.1, 0.1, 0.1])), Pull(name="b", shape=np.array([0.3, 0.0, 0.05, 0.2])))


def likelihood(counts=None, pulls=PULLS):
    return PoissonLikelihood(Line(), BASE * 0.9 if counts is None else counts, reference=BASE, pulls=pulls)


def test_deviance_by_hand():
    assert deviance(np.array([3.0, 0.0]), np.array([2.0, 1.5])) == pytest.approx(2 * (2 - 3 + 3 * math.log(1.5)) + 2 * 1.5, rel=EXACT)
    assert deviance(np.array([5.0]), np.array([5.0])) == 0
    assert deviance(np.array([1.0]), np.array([-1.0])) == math.inf


def test_events_for_five_sigma():
    """Closed forms of the Asimov likelihood ratio for a deficit of 20 %, without background and with as much: 582, 540, 1208, 1166 events."""
    for background, find, exclude in ((0, 582, 540), (1, 1208, 1166)):
        for n, seen, tested in ((find, 0.8, 1.0), (exclude, 1.0, 0.8)):
            b = background * n
            assert significance(np.array([seen * n + b]), np.array([tested * n + b])) == pytest.approx(5, abs=5e-3)  # n is rounded to a whole event


@pytest.mark.parametrize("s", [0.0, 0.3, 1.0])
def test_profiled_pulls_are_the_numerical_minimum(s):
    one = likelihood(RNG.poisson(BASE * 0.8).astype(float))

    def whole(x):
        return float(one.at({"s": s}, {"a": x[0], "b": x[1]})) + x[0] ** 2 + x[1] ** 2

    found = minimize(whole, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert one.minus_two_log({"s": s}) == pytest.approx(found.fun, rel=1e-7)  # the simplex stops there
    assert list(one.best_pulls({"s": s}).values()) == pytest.approx(found.x, abs=1e-4)


def test_many_points_at_once_are_the_points_one_by_one():
    one = likelihood()
    s = np.linspace(0, 1, 7)
    toys = one.draw({"s": 0.2}, 5, np.random.default_rng(3)).values
    together = one.minus_two_log({"s": s[:, None]}, toys)
    assert together.shape == (7, 5)
    for i, j in ((0, 0), (3, 4), (6, 2)):
        assert together[i, j] == pytest.approx(float(one.minus_two_log({"s": s[i]}, toys[j])), rel=EXACT)


def test_profile_of_the_affine_parameter_is_the_best_of_a_fine_grid():
    counts = np.array([15.0, 40.0, 41.0, 9.0])
    one = likelihood(counts)
    best, chi2 = one.profile_affine({})
    grid = np.linspace(0, 1, 20001)
    values = one.minus_two_log({"s": grid})
    assert chi2 == pytest.approx(values.min(), abs=1e-7)  # a parabola within half a step of the grid
    assert best == pytest.approx(grid[values.argmin()], abs=1e-4)
    found = fit(one)
    assert found.best["s"] == pytest.approx(float(best), abs=1e-6)


def test_profile_of_the_affine_parameter_with_a_prior():
    """Toys too: each has its own measurement of the parameter."""
    model = Line()
    model.parameters = (mci.Parameter("s", "", low=0.0, high=1.0, prior=(0.6, 0.1)),)
    for pulls in ((), PULLS):
        one = PoissonLikelihood(model, np.array([15.0, 40.0, 41.0, 9.0]), reference=BASE, pulls=pulls)
        grid = np.linspace(0, 1, 2001)[:, None]
        for data in (None, one.draw({"s": 0.6}, 5, np.random.default_rng(4))):
            best, chi2 = one.profile_affine({}, data)
            lowest = one.minus_two_log({"s": grid}, data).min(0)
            assert (chi2 <= lowest + 1e-9).all()
            np.testing.assert_allclose(chi2, lowest, atol=1e-4)  # a parabola within half a step of the grid
            np.testing.assert_allclose(one.minus_two_log({"s": best}, data), chi2, rtol=EXACT)


def test_a_bound_holds():
    best, chi2 = likelihood(BASE * 1.5).profile_affine({})  # more than expected: s would be negative
    assert best == 0
    assert chi2 == pytest.approx(float(likelihood(BASE * 1.5).minus_two_log({"s": 0.0})), rel=EXACT)


def test_a_pull_of_all_bins_bounds_the_significance():
    """deficit / error of the activity, whatever the number of events."""
    for n in (1e3, 1e6, 1e9):
        found = significance(np.array([0.8 * n]), np.array([n]), np.array([[0.04 * n]]))
        assert found < 5
    assert found == pytest.approx(5, rel=1e-4)  # 1e9 events: their own error is 3e-5


def test_free_pulls_take_what_they_explain():
    mu, shifts = np.array([50.0, 50.0]), np.array([[1.0, 0.0], [1.0, 0.3]])
    value, x = profile(mu, shifts, np.array([80.0, 80.0]), free=1)
    assert value == pytest.approx(0, abs=1e-9)
    assert x == pytest.approx([30, 0], abs=1e-6)


def test_toys_have_the_mean_and_variance_of_counts_and_of_their_auxiliary_measurements():
    one, n, true = likelihood(), 20_000, {"a": 1.0, "b": -0.5}
    toys = one.draw({"s": 0.5}, n, np.random.default_rng(9), true)
    mu = BASE + 0.5 * SLOPE + sum(true[pull.name] * pull.shape * BASE for pull in PULLS)
    assert toys.values.mean(0) == pytest.approx(mu, abs=5 * np.sqrt(mu.max() / n))  # five sigma
    assert toys.values.var(0) == pytest.approx(mu, rel=5 * np.sqrt(2.2 / n))  # five sigma, kurtosis of a Poisson number above five
    for name, x in true.items():
        assert toys.auxiliary[name].mean() == pytest.approx(x, abs=5 / np.sqrt(n))
        assert toys.auxiliary[name].var() == pytest.approx(1, abs=5 * np.sqrt(2 / n))


def test_true_pulls_that_leave_less_than_nothing_are_refused():
    with pytest.raises(RangeError, match=r"toys at a = 0, b = -4: .* counts are expected: expected true pulls that leave none below zero"):
        likelihood().draw({"s": 0.5}, 3, np.random.default_rng(9), {"a": 0.0, "b": -4.0})


def test_for_many_events_it_is_the_gaussian():
    big = 1e8
    exact = significance(np.array([big]), np.array([big + 3e4]))
    assert exact == pytest.approx(3, rel=1e-3)  # skewness 1/sqrt(n) = 1e-4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: likelihood(np.ones(3)), "a model of 4 values"),
        (lambda: likelihood(-BASE), "counts of zero or more"),
        (lambda: likelihood(pulls=(Pull(name="p", shape=np.ones(4), of="prediction"),)), "pull 'p': expected one relative to the reference"),
        (lambda: likelihood(pulls=(Pull(name="p", shape=np.ones(4), low=-1.0),)), "without bound"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(RangeError, match=message):
        make()


def test_a_joint_shares_parameter_and_pulls():
    one, two = likelihood(), likelihood(BASE * 0.7)
    both = one + two
    x = {"a": 0.4, "b": -0.3}
    theta = {"s": 0.4}
    assert both.at(theta, x) == pytest.approx(float(one.at(theta, x)) + float(two.at(theta, x)), rel=EXACT)
    assert both.n_data == 8
    assert float(both.minus_two_log(theta)) >= float(one.minus_two_log(theta)) + float(two.minus_two_log(theta)) - 1e-9
