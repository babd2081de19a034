"""Errors of a measurement at a prediction, by hand."""

import numpy as np
import pytest

from megacurie.foundation import units as u
from megacurie.foundation.measurement import Measurement, Pull
from megacurie.statistics.covariance import columns, covariance, statistical_errors

ULPS = 1e-13  # a few products and sums
RATE = 1 / u.day
DATA = Measurement(
    names=("a", "b", "c"),
    values=np.array([50.0, 60.0, 70.0]) * RATE,
    plus=np.array([3.0, 2.0, 4.0]) * RATE,
    minus=np.array([2.0, 3.0, 4.0]) * RATE,
    reference=np.array([70.0, 72.0, 74.0]) * RATE,
    pulls=(Pull(name="fixed", shape=np.array([0.02, 0.0, -0.01])), Pull(name="moving", shape=np.array([0.03, 0.04, 0.0]), of="prediction")),
)
MU = np.array([[55.0, 55.0, 70.0], [40.0, 65.0, 60.0]]) * RATE


def test_lower_and_upper_are_the_printed_errors() -> None:
    np.testing.assert_array_equal(statistical_errors(DATA, MU, "lower"), DATA.minus)
    np.testing.assert_array_equal(statistical_errors(DATA, MU, "upper"), DATA.plus)


def test_split_normal_takes_the_side_of_the_prediction() -> None:
    errors = statistical_errors(DATA, MU, "split-normal") / RATE
    np.testing.assert_allclose(errors, [[3, 3, 4], [2, 2, 4]], rtol=ULPS)


def test_variable_width_is_linear_between_the_two_errors() -> None:
    """R. Barlow, physics/0406120, linear sigma: 2 s+ s-/(s+ + s-) at the data, slope (s+ - s-)/(s+ + s-); s+ and s- at one such error from it."""
    at_data = statistical_errors(DATA, DATA.values, "variable") / RATE
    np.testing.assert_allclose(at_data, [2.4, 2.4, 4.0], rtol=ULPS)
    # at mu = d + s+ the width is s+ (2 s- + s+ - s-)/(s+ + s-) = s+; at d - s- it is s-
    np.testing.assert_allclose(statistical_errors(DATA, DATA.values + DATA.plus, "variable"), DATA.plus, rtol=ULPS)
    np.testing.assert_allclose(statistical_errors(DATA, DATA.values - DATA.minus, "variable"), DATA.minus, rtol=ULPS)
    np.testing.assert_allclose(
        statistical_errors(DATA, MU, "variable") / RATE, [[2.4 + 0.2 * 5, 2.4 + 0.2 * 5, 4], [2.4 - 0.2 * 10, 2.4 - 0.2 * 5, 4]], rtol=ULPS
    )


def test_variable_width_stays_positive() -> None:
    far = DATA.values + np.array([-100, 100, 0]) * RATE  # 2.4 - 20 and 2.4 - 20
    np.testing.assert_allclose(statistical_errors(DATA, far, "variable") / RATE, [0.2, 0.2, 4], rtol=ULPS)


def test_columns_are_relative_to_what_the_pull_says() -> None:
    shifts = columns(DATA, MU) / RATE
    assert shifts.shape == (2, 3, 2)
    np.testing.assert_allclose(shifts[..., 0], np.broadcast_to([0.02 * 70, 0, -0.01 * 74], (2, 3)), rtol=ULPS)
    np.testing.assert_allclose(shifts[..., 1], [[0.03 * 55, 0.04 * 55, 0], [0.03 * 40, 0.04 * 65, 0]], rtol=ULPS)


def test_no_pulls() -> None:
    bare = Measurement(names=DATA.names, values=DATA.values, plus=DATA.plus, minus=DATA.minus, reference=DATA.reference)
    assert columns(bare, MU).shape == (2, 3, 0)
    np.testing.assert_allclose(covariance(bare, MU, "upper") / RATE**2, np.broadcast_to(np.diag([9.0, 4.0, 16.0]), (2, 3, 3)), rtol=ULPS)


@pytest.mark.parametrize(("asymmetric", "statistical"), [("lower", [2, 3, 4]), ("upper", [3, 2, 4]), ("split-normal", [2, 2, 4]), ("variable", [0.4, 1.4, 4])])
def test_covariance_by_hand(asymmetric: str, statistical: list[float]) -> None:
    a, b = np.array([1.4, 0, -0.74]), np.array([1.2, 2.6, 0])
    expected = np.diag(np.array(statistical, dtype=float) ** 2) + np.outer(a, a) + np.outer(b, b)
    np.testing.assert_allclose(covariance(DATA, MU[1], asymmetric) / RATE**2, expected, rtol=ULPS, atol=1e-13)  # type: ignore[arg-type]
    both = covariance(DATA, MU, asymmetric)  # type: ignore[arg-type]
    assert both.shape == (2, 3, 3)
    np.testing.assert_allclose(both[1] / RATE**2, expected, rtol=ULPS, atol=1e-13)  # zeros of a matrix of size 1 to 20
