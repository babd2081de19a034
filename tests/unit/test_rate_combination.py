"""Products of Poisson-like likelihoods: closed forms, symmetries, a general minimiser."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar

from megacurie.foundation.errors import RangeError
from megacurie.radiochemistry import combination

RATES = st.lists(st.tuples(st.floats(20, 90), st.floats(3, 20), st.floats(0.7, 1.0)), min_size=1, max_size=6)


def columns(rates: list[tuple[float, float, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    value, plus, ratio = np.array(rates).T
    return value, plus, plus * ratio


@given(st.floats(3, 1e4))
def test_a_poisson_count_is_its_own_likelihood(n: float) -> None:
    """ln L = n ln mu - mu: errors where it falls by 1/2; then n and g = 1/n are found again."""

    def fallen(mu: float) -> float:
        return float(n * np.log(mu / n) - mu + n + 0.5)

    up, down = brentq(fallen, n, 3 * n + 10) - n, n - brentq(fallen, 1e-9 * n, n)
    g, found = combination.shape(np.array([up]), np.array([down]))
    assert found[0] == pytest.approx(n, rel=1e-6)  # a small asymmetry is a difference of large numbers
    assert g[0] == pytest.approx(1 / n, rel=1e-6)


@settings(max_examples=10)  # a grid and a minimisation each
@given(RATES)
def test_the_combination_is_where_a_minimiser_finds_it(rates: list[tuple[float, float, float]]) -> None:
    value, plus, minus = columns(rates)
    found = combination.combine(value, plus, minus)

    def minus_two_log(rate: float) -> float:
        return float(-2 * np.maximum(combination.log_likelihood(rate, value, plus, minus), -1e6).sum())

    grid = np.linspace(value.min() - 1, value.max() + 1, 200)  # a likelihood vanishes outside its domain: a minimiser needs to begin inside
    near, step = grid[np.argmin([minus_two_log(x) for x in grid])], grid[1] - grid[0]
    best = minimize_scalar(minus_two_log, bounds=(near - step, near + step), method="bounded", options={"xatol": 1e-9})
    assert found.rate == pytest.approx(best.x, rel=1e-4)  # a parabola is flat
    assert found.chi2 == pytest.approx(best.fun, rel=1e-6, abs=1e-6)
    for end in (found.rate + found.plus, found.rate - found.minus):
        assert minus_two_log(end) == pytest.approx(found.chi2 + 1, rel=1e-6)


@given(RATES, st.floats(0.1, 10))
def test_scale_and_mirror(rates: list[tuple[float, float, float]], factor: float) -> None:
    value, plus, minus = columns(rates)
    found = combination.combine(value, plus, minus)
    scaled = combination.combine(factor * value, factor * plus, factor * minus)
    mirrored = combination.combine(-value, minus, plus)
    for one, by in ((scaled, factor), (mirrored, -1.0)):
        assert one.rate == pytest.approx(by * found.rate, rel=1e-5)  # the asymmetry that stands for none, 1e-8, times squares of pulls
        assert one.chi2 == pytest.approx(found.chi2, rel=1e-5, abs=1e-5)
    assert (scaled.plus, mirrored.minus) == pytest.approx((factor * found.plus, found.plus), rel=1e-5)


def test_many_combinations_at_once() -> None:
    rng = np.random.default_rng(3)
    value, plus, minus = rng.uniform(40, 70, (4, 3, 5)), rng.uniform(4, 9, (4, 3, 5)), rng.uniform(4, 9, (4, 3, 5))
    found = combination.combine(value, plus, minus)
    assert found.rate.shape == (4, 3)
    one = combination.combine(value[2, 1], plus[2, 1], minus[2, 1])
    assert (found.rate[2, 1], found.plus[2, 1], found.chi2[2, 1]) == pytest.approx((one.rate, one.plus, one.chi2), rel=1e-12)


def test_errors_must_be_positive() -> None:
    with pytest.raises(RangeError, match="errors of a rate: expected positive numbers on both sides"):
        combination.combine(np.array([1.0]), np.array([0.0]), np.array([1.0]))


def test_rates_that_exclude_each_other_are_refused() -> None:
    """Errors larger on the side that does not matter: one likelihood ends where the other begins."""
    with pytest.raises(RangeError, match="no rate that all of them allow: their likelihoods end at 30.* and begin at 30.95"):
        combination.combine(np.array([20.0, 37.0]), np.array([3.0, 3.0]), np.array([3.75, 2.25]))
